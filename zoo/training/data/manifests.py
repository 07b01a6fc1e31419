"""Tables that name files and their labels: CSV and Parquet."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from zoo.core.errors import InputError
from zoo.core.inputs import name_of
from zoo.results.problem import Problem
from zoo.training.data.file_list import Listing

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".parquet")
MAX_TEXT = 10_000  # characters of a cell
MAX_LINE = 1_000_000  # characters
MAX_COLUMNS = 1000


def listed(
    path: Path,
    *,
    split: str | None = None,
    label: str | None = None,
    group: str | None = None,
    file: str = "file",
    base: Path | None = None,
) -> Listing:
    """List the files that a manifest names.

    Parameters
    ----------
    path : Path
        A table with the columns ``file``, relative to the manifest's folder, and ``label``; where there are
        columns ``group`` and ``split``, they count too. Labels are text, as they are written.
    split : str, optional
        What the column ``split`` says of the rows that count; by default all do.
    label, group : str, optional
        Other names of these columns.
    file : str
        Name of the column of files.
    base : Path, optional
        What they are relative to, if not to the manifest's folder.

    Raises
    ------
    InputError
        If the table cannot be read, a column is missing, or a file is.
    """
    columns = {"file": file, "label": label or "label", "group": group or "group", "split": "split"}
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
    return _listing(table, path, path.parent if base is None else base)


def _read(path: Path, selected: set[str]) -> tuple[list[str], pd.DataFrame]:
    """Read the names of all columns, and a table of at least those that are wanted and there."""
    if not path.is_file():
        raise InputError(f"{path} does not exist.")
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path, selected)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return _read_csv(stream, path, selected)
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text in UTF-8.") from None
    except (csv.Error, OSError) as error:
        raise InputError(f"{path} cannot be read as a table: {str(error).rstrip('.')}.") from error


def _read_csv(stream: TextIO, path: Path, selected: set[str]) -> tuple[list[str], pd.DataFrame]:
    """Read with Python's csv: pandas takes a minute for a header of 300,000 columns."""
    import pandas as pd

    reader = csv.reader(_lines(stream, path), strict=True)
    rows = (row for row in reader if "".join(row).strip())
    there = next(rows, [])
    if not there:
        raise InputError(f"{path} is empty.")
    if len(there) > MAX_COLUMNS:
        raise InputError(f"{path} has {len(there)} columns, and {MAX_COLUMNS} are allowed.")
    columns = [name for name in dict.fromkeys(there) if name in selected]
    places, values = [there.index(name) for name in columns], []
    for row in rows:
        if any(row[len(there) :]):
            raise InputError(
                f"{path} has more cells than columns in line {reader.line_num}; quote text with commas."
            )
        values.append([row[place] if place < len(row) else "" for place in places])
    return there, pd.DataFrame(values, columns=columns, dtype=object)


def _lines(stream: TextIO, path: Path) -> Iterator[str]:
    while line := stream.readline(MAX_LINE):
        if len(line) == MAX_LINE:
            raise InputError(f"{path} has a line of {MAX_LINE} characters or more.")
        yield line


def _read_parquet(path: Path, selected: set[str]) -> tuple[list[str], pd.DataFrame]:
    import pandas as pd
    import pyarrow.parquet as pq

    from zoo.training.data.columns import reading, rows

    with reading(str(path)):
        there = pq.read_schema(path).names
    columns = [name for name in dict.fromkeys(there) if name in selected]
    values = [tuple(map(_text, row)) for row in rows(path, columns, str(path))]
    return there, pd.DataFrame(values, columns=columns, dtype=object)


def _text(value: object) -> str:
    """Return a cell as text; "" if it is empty."""
    import pandas as pd

    nothing = value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))
    text = "" if nothing else str(value)
    if len(text) > MAX_TEXT:
        raise InputError(f"A table of examples has cells of {MAX_TEXT} characters at most, not {len(text)}.")
    return text


def _selected(table: pd.DataFrame, path: Path, split: str) -> pd.DataFrame:
    selected = table[table["split"] == split]
    if not len(selected):
        there = ", ".join(sorted(set(table["split"])))
        raise InputError(f"{path} has no rows of the split {split!r}; it has {there or '(none)'}.")
    return selected


def _listing(table: pd.DataFrame, path: Path, base: Path) -> Listing:
    if not len(table):
        raise InputError(f"{path} has no rows.")
    files = [base / file for file in table["file"]]
    absent = [name for name, file in zip(table["file"], files, strict=True) if not _is_file(file)]
    if absent:
        count = f"{len(absent)} files that are" if len(absent) > 1 else "a file that is"
        name = absent[0] if len(absent[0]) < 200 else f"{absent[0][:200]}…"
        place = "it" if base == path.parent else "the current folder"
        raise InputError(f"{path} names {count} not there, such as {name!r}; names are relative to {place}.")
    listing = Listing(
        name=name_of(path),
        files=files,
        labels=list(table["label"]),
        classes=tuple(sorted(set(table["label"]) - {""})),
        groups=list(table["group"]) if "group" in table else None,
    )
    unlabeled = [
        Problem(name_of(f), f"{name_of(f)} has no label.")
        for f, label in zip(files, table["label"], strict=True)
        if not label
    ]
    return listing.where([bool(label) for label in listing.labels], unlabeled)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # the name is too long
        return False
