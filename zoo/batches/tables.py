"""Tables of files (manifests) that a user brings: CSV and Parquet, read with Arrow."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from zoo.core.errors import InputError, reason

SUFFIXES = (".csv", ".parquet")
NAMES = ("file", "path")  # of the column of files; the first one that is there
MAX_COLUMNS = 1000
RESERVED = {"number", "size", "modified", "shard", "sha256", "error"}  # columns of a batch folder


def read_table(path: Path) -> pa.Table:
    """Read a table of files.

    Returns
    -------
    pyarrow.Table
        The files are in the column ``path``, as text; the other columns as they are, those of a CSV as text.

    Raises
    ------
    InputError
        If it cannot be read, has no column of files, a row has no file, or the name of a column is one that a
        batch folder uses.
    """
    try:
        table = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a table: {reason(error)}.") from error
    names = table.column_names
    if len(names) > MAX_COLUMNS or len(set(names)) < len(names):
        raise InputError(f"{path} has too many columns, or two of the same name.")
    column = next((name for name in NAMES if name in names), None)
    if column is None:
        raise InputError(f"{path} has no column 'file' or 'path'; it has {', '.join(map(repr, names))}.")
    if taken := (RESERVED | ({"path"} - {column})).intersection(names):
        raise InputError(
            f"{path} has a column {min(taken)!r}, a name that a batch folder uses itself; rename it."
        )
    files = table[column]
    if not (pa.types.is_string(files.type) or pa.types.is_large_string(files.type)):
        raise InputError(f"The column {column!r} of {path} is of {files.type}, not of text.")
    if files.null_count or pc.any(pc.equal(files, "")).as_py():
        raise InputError(f"{path} has a row without a file in the column {column!r}.")
    return table.drop_columns([column]).append_column("path", files.cast(pa.string()))


def _read_parquet(path: Path) -> pa.Table:
    return pq.read_table(path).replace_schema_metadata(None)


def _read_csv(path: Path) -> pa.Table:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        header = stream.readline(1_000_000).encode()
    if not header.strip():
        raise InputError(f"{path} is empty.")
    names = pa.csv.read_csv(pa.BufferReader(header)).column_names
    text = pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    parse = pa.csv.ParseOptions(newlines_in_values=True)
    return pa.csv.read_csv(path, parse_options=parse, convert_options=text)
