"""Tables that name files and their labels: CSV and Parquet."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import InputError
from zoo.inputs import name_of
from zoo.training.dataset import Problem
from zoo.training.listing import Listing

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".parquet")
MOST_TEXT = 10_000  # characters of a cell


def listed(
    path: Path, *, split: str | None = None, label: str | None = None, group: str | None = None
) -> Listing:
    """The files that a manifest names.

    Parameters
    ----------
    path : Path
        A table with the columns ``file``, relative to the manifest's folder, and ``label``; where there are
        columns ``group`` and ``split``, they count too. Labels are text, as they are written.
    split : str, optional
        What the column ``split`` says of the rows that count; by default all do.
    label, group : str, optional
        Other names of these columns.

    Raises
    ------
    InputError
        If the table cannot be read, a column is missing, or a file is.
    """
    columns = {"file": "file", "label": label or "label", "group": group or "group", "split": "split"}
    there, table = _read(path, set(columns.values()))
    if split is None:
        del columns["split"]
    if group is None and "group" not in there:
        del columns["group"]
    missing = [name for name in columns.values() if name not in there]
    if missing:
        raise InputError(f"{path} has no column {missing[0]!r}; it has {', '.join(map(repr, there))}.")
    table = table[list(columns.values())].set_axis(list(columns), axis="columns").map(_text)
    if split is not None:
        table = _selected(table, path, split)
    return _listing(table, path)


def _read(path: Path, wanted: set[str]) -> tuple[list[str], pd.DataFrame]:
    """The names of all columns, and a table that has at least those that are wanted and there."""
    import pandas as pd

    if not path.is_file():
        raise InputError(f"There is no file {path}.")
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path, wanted)
    try:
        # "NA" and "null" may be the names of classes
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text in UTF-8.") from None
    except (ValueError, OSError) as error:  # pandas' own errors are ValueErrors
        raise InputError(f"{path} is no table that can be read: {_line(error)}.") from error
    return list(map(str, table)), table


def _read_parquet(path: Path, wanted: set[str]) -> tuple[list[str], pd.DataFrame]:
    import pandas as pd
    import pyarrow.parquet as pq

    from zoo.training.columns import reading, rows

    with reading(str(path)):
        there = pq.read_schema(path).names
    columns = [name for name in dict.fromkeys(there) if name in wanted]
    values = [tuple(map(_text, row)) for row in rows(path, columns, str(path))]
    return there, pd.DataFrame(values, columns=columns, dtype=object)


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _text(value: object) -> str:
    """A cell as text; "" where there is nothing."""
    import pandas as pd

    nothing = value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))
    text = "" if nothing else str(value)
    if len(text) > MOST_TEXT:
        raise InputError(f"A table of examples has cells of {MOST_TEXT} characters at most, not {len(text)}.")
    return text


def _selected(table: pd.DataFrame, path: Path, split: str) -> pd.DataFrame:
    found = table[table["split"] == split]
    if not len(found):
        there = ", ".join(sorted(set(table["split"])))
        raise InputError(f"{path} has no rows of the split {split!r}; it has {there or '(none)'}.")
    return found


def _listing(table: pd.DataFrame, path: Path) -> Listing:
    if not len(table):
        raise InputError(f"{path} has no rows.")
    files = [path.parent / file for file in table["file"]]
    absent = [name for name, file in zip(table["file"], files, strict=True) if not _is_file(file)]
    if absent:
        count = f"{len(absent)} files that are" if len(absent) > 1 else "a file that is"
        name = absent[0] if len(absent[0]) < 200 else f"{absent[0][:200]}…"
        raise InputError(f"{path} names {count} not there, such as {name!r}; names are relative to it.")
    listing = Listing(
        name=name_of(path),
        files=files,
        labels=list(table["label"]),
        classes=tuple(sorted(set(table["label"]) - {""})),
        groups=list(table["group"]) if "group" in table else None,
    )
    unlabelled = [
        Problem(name_of(f), f"{name_of(f)} has no label.")
        for f, label in zip(files, table["label"], strict=True)
        if not label
    ]
    return listing.where([bool(label) for label in listing.labels], unlabelled)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # the name is too long
        return False
