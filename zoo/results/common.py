"""What the results share."""

from __future__ import annotations

import csv
import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# What spreadsheets take for the beginning of a formula (OWASP: CSV injection), the wide forms included.
_FORMULA = re.compile("'*[=+@\t\r\n＝＋－＠-]")


def to_csv(table: pd.DataFrame) -> str:
    r"""Return a table as CSV: numbers to a millionth, and no text that a spreadsheet takes for a formula.

    Numbers stay numbers. A text that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line break, after any
    apostrophes, gets an apostrophe in front. To have the text back, remove one apostrophe where such a
    character follows: ``re.sub(r"^'('*[=+@\t\r\n＝＋－＠-])", r"\1", text)``; so does `from_csv`.
    """
    table = table.round(6).rename(columns=_no_formula)
    texts = list(table.select_dtypes(exclude=["number", "bool"]))
    table[texts] = table[texts].map(_no_formula)
    # Before Python 3.13 a carriage return alone is not quoted, and begins a row of its own.
    breaks = table[texts].map(lambda value: "\r" in str(value)).any(axis=None)
    quoting = csv.QUOTE_NONNUMERIC if breaks else csv.QUOTE_MINIMAL
    return table.to_csv(index=False, lineterminator="\n", quoting=quoting)


def from_csv(text: str) -> str:
    """Return a text of a CSV by `to_csv` as it was."""
    return re.sub(rf"^'({_FORMULA.pattern})", r"\1", text)


def _no_formula(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def none_for_nan(value: float) -> float | None:
    """Return a number for JSON, which has no NaN."""
    return None if math.isnan(value) else float(value)
