"""What the results share."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

COLOUR = "#3f9b6e"  # seen on white and on black


def to_csv(table: pd.DataFrame) -> str:
    """A table as CSV, with numbers to a millionth."""
    return table.round(6).to_csv(index=False, lineterminator="\n")


def shortened(label: str, most: int = 32) -> str:
    """A label that fits beside a figure."""
    return label if len(label) <= most else label[: most - 1] + "…"


def plain(text: str) -> str:
    """A text that Plotly shows as it is: it takes tags of HTML in texts for markup, links too."""
    return html.escape(text, quote=False)


def none_for_nan(value: float) -> float | None:
    """A number for JSON, which knows no NaN."""
    return None if math.isnan(value) else float(value)
