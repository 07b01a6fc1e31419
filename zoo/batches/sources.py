"""What a batch works on: folders, patterns, tables, lists, archives and URLs, as one Arrow table of files.

The table has the columns ``path``, ``size`` (bytes), ``modified`` (ns since 1970), and those that tables of
the user bring. A file that is not there has the size -1: it is named as a failure when its turn comes.
"""

from __future__ import annotations

import glob
import os
import stat
import sys
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zoo.batches.remote import archive_url, is_archive, is_remote, list_remote, state_of_remote
from zoo.batches.tables import SUFFIXES as TABLES
from zoo.batches.tables import read_table
from zoo.core.errors import InputError
from zoo.core.paths import STDIN, files_below, is_group, is_url, resolve

FILES = pa.schema([("path", pa.string()), ("size", pa.int64()), ("modified", pa.int64())])
_ROWS = 10_000  # that are Python objects at a time
ABSENT = (-1, 0)
State = tuple[int, int]
"""Size in bytes and time of the last change in ns, of one version of a file."""

Source = str | os.PathLike[str]


def list_files(sources: Source | Sequence[Source], suffixes: Container[str]) -> pa.Table:
    """List the files that sources stand for, each once, in their order.

    Parameters
    ----------
    sources : str, path, or a list of these
        Files; folders, with all below them; patterns; tables (.csv, .parquet) with a column ``file`` or
        ``path``; archives (.zip, .tar); URLs of fsspec (``s3://bucket/folder``) and of files on the web;
        ``"-"``: a list of files on standard input, one a line.
    suffixes : container of str
        How names end that count in folders, patterns and archives, in lower case, with a dot.

    Returns
    -------
    pyarrow.Table
        Of the schema `FILES`, and of the other columns of tables.

    Raises
    ------
    InputError
        If a source cannot be read, or the sources hold no files.
    MissingLibraryError
        If a library for a kind of URL is not installed.
    """
    listed = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    tables = [_listed(source, suffixes) for source in listed]
    table = pa.concat_tables(tables, promote_options="permissive") if tables else FILES.empty_table()
    if not len(table):
        names = ", ".join(map(str, listed)) or "an empty list"
        raise InputError(f"Found no files of the right kind in {names}.")
    return _distinct(table)


def state_of(path: str) -> State:
    """Return the state of a file, `ABSENT` if there is none."""
    if is_remote(path):
        return ABSENT if is_url(path) else state_of_remote(path)
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return ABSENT
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else ABSENT


def _listed(source: Source, suffixes: Container[str]) -> pa.Table:
    name = os.fspath(source)
    if name == STDIN:
        return _with_states(_lines(sys.stdin))
    if isinstance(source, str) and is_remote(source):
        if is_url(source):
            return _with_states([source])
        return _table(list_remote(archive_url(source) if is_archive(source) else source, suffixes))
    path = resolve(source)
    suffix = path.suffix.lower()
    if path.is_file() and suffix in TABLES:
        table, base = read_table(path), path.parent
        paths = (_below(base, text) for text in _texts(table["path"]))
        return _joined(_with_states(paths), table.drop_columns(["path"]))
    if path.is_file() and is_archive(path.name):
        return _table(list_remote(archive_url(os.path.abspath(path)), suffixes))
    if is_group(source):
        if path.is_dir():
            files: Iterable[str] = map(str, files_below(path))
        else:
            files = sorted(glob.iglob(str(path), recursive=True))
        return _with_states(file for file in files if os.path.splitext(file)[1].lower() in suffixes)
    if not path.exists():
        raise InputError(f"{path} does not exist.")
    return _with_states([str(path)])


def _with_states(paths: Iterable[str]) -> pa.Table:
    return _table((path, *state_of(path)) for path in paths)


def _table(rows: Iterable[tuple[str, int, int]]) -> pa.Table:
    """Make a table of rows as they come."""
    rows, batches = iter(rows), []
    while chunk := list(islice(rows, _ROWS)):
        columns = [
            pa.array(column, field.type)
            for column, field in zip(zip(*chunk, strict=True), FILES, strict=True)
        ]
        batches.append(pa.record_batch(columns, FILES))
    return pa.Table.from_batches(batches, FILES)


def _joined(files: pa.Table, others: pa.Table) -> pa.Table:
    for name in others.column_names:
        files = files.append_column(name, others[name])
    return files


def _texts(column: pa.ChunkedArray) -> Iterator[str]:
    for chunk in column.chunks:
        for start in range(0, len(chunk), _ROWS):
            yield from chunk.slice(start, _ROWS).to_pylist()


def _below(base: Path, name: str) -> str:
    """Return a name of a table, which is relative to its folder, as a path."""
    return name if is_remote(name) else str(base / name)


def _lines(stream: Any) -> Iterator[str]:
    if stream is None:
        raise InputError("There is no standard input here; pass paths.")
    for line in stream:
        if name := line.rstrip("\r\n"):
            yield name if is_remote(name) else str(resolve(name))


def _distinct(table: pa.Table) -> pa.Table:
    """Return the first row of each path."""
    if pc.count_distinct(table["path"]).as_py() == len(table):
        return table
    rows = pa.table({"path": table["path"], "row": np.arange(len(table))})
    first = rows.group_by("path").aggregate([("row", "min")])["row_min"]
    return table.take(first.take(pc.sort_indices(first)))
