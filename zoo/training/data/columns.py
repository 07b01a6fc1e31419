"""Read rows of Parquet files within limits.

A few kilobytes can hold a billion rows, or the same long value in each row.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from zoo.core.errors import InputError, reason
from zoo.training.data.archives import MAX_ENTRIES, MAX_RATIO, SMALL_BYTES

_BATCH_ROWS = 64  # that are in memory at once
_BATCH_BYTES = 256 << 20  # that they may take, if every one of them has the longest value


@contextlib.contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what pyarrow raises into an `InputError`."""
    try:
        yield
    except InputError:
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError, KeyError) as error:  # not all its own
        raise InputError(f"{name} cannot be read as Parquet: {reason(error)}.") from error


def rows(file: Path, columns: Sequence[str], name: str) -> Iterator[tuple[Any, ...]]:
    """Yield the values of some columns, row by row.

    Raises
    ------
    InputError
        If the file cannot be read, has too many rows, or is packed so tightly that it is a bomb; `name` is
        what the error calls the source.
    """
    with reading(name), pq.ParquetFile(file) as opened:
        largest = _checked(opened.metadata, file, name)
        size = max(1, min(_BATCH_ROWS, _BATCH_BYTES // max(largest, 1)))
        for batch in opened.iter_batches(size, columns=list(dict.fromkeys(columns))):
            yield from zip(*(batch.column(column).to_pylist() for column in columns), strict=True)


def _checked(metadata: pq.FileMetaData, file: Path, name: str) -> int:
    """Return the bytes of the largest group of rows: one value cannot have more."""
    if metadata.num_rows > MAX_ENTRIES:
        raise InputError(f"{name} has {metadata.num_rows} rows, and {MAX_ENTRIES} are allowed.")
    # Of row groups, not of their columns: pyarrow ends the process where the record of a column is damaged.
    sizes = [metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)]
    total = sum(sizes)
    if total > SMALL_BYTES and total > MAX_RATIO * file.stat().st_size:
        raise InputError(f"{name} would unpack to more than {MAX_RATIO} times its size, as no examples do.")
    return max(sizes, default=0)
