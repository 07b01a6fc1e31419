"""What the results share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

COLOUR = "#2f6f4f"


def to_csv(table: pd.DataFrame) -> str:
    """A table as CSV, with numbers to a millionth."""
    return table.round(6).to_csv(index=False, lineterminator="\n")


def shortened(label: str, most: int = 32) -> str:
    """A label that fits beside a figure."""
    return label if len(label) <= most else label[: most - 1] + "…"
