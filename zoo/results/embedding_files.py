"""Files of vectors, read back: Parquet, npz, and CSV with its provenance beside it.

They may come from strangers: nothing in them runs, and what they unpack to is counted before it is read.
"""

from __future__ import annotations

import csv
import math
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from zoo.core.errors import InputError, reason
from zoo.core.extras import require
from zoo.core.paths import resolve
from zoo.results.common import from_csv
from zoo.results.embedding import Embedding
from zoo.results.provenance import KEY, MAX_BYTES, Provenance, from_json

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

SUFFIXES = (".parquet", ".npz", ".csv")
_SMALL = 256 << 20  # bytes that any file may unpack to
_RATIO = 100  # times its size: to what a larger one may
_MAX_HEADER = 1 << 20  # characters of the first line of a CSV: 100,000 columns
_TIMES = ["start", "end"]
_PART = ["number", "path", "sha256", "error"]  # the first columns of a part of `zoo batch`
_ERRORS = (
    *(OSError, ValueError, OverflowError, KeyError, EOFError, MemoryError, csv.Error),
    *(zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError),  # with a password, for one
)


def provenance_path(path: Path) -> Path:
    """Return where the provenance of a CSV is kept: ``v.provenance.json`` for ``v.csv``."""
    return path.with_suffix(".provenance.json")


def read_embedding(path: str | os.PathLike[str]) -> Embedding:
    """Read vectors that `zoo embed`, `Embedding.to_parquet`, `Embedding.to_npz` or `zoo batch` wrote.

    Parameters
    ----------
    path : path
        A file that ends with ``.parquet``, ``.npz``, or ``.csv``. A part of a batch gives the vectors of the
        files that could be used; `zoo.open_batch` reads the whole folder.

    Returns
    -------
    Embedding
        With its `provenance`. Numbers of a CSV are rounded to a millionth.

    Raises
    ------
    InputError
        If the file cannot be read, is not a file of vectors, or does not say what made it.
    MissingLibraryError
        If pyarrow is not installed, which reads Parquet.

    Examples
    --------
    >>> import zoo
    >>> _ = open("photo.npz", "wb").write(zoo.embed("photo.jpg", network="squeezenet").to_npz())
    >>> zoo.read_embedding("photo.npz").provenance.network
    'squeezenet.caffe'
    """
    file, provenance = _located(path), read_provenance(path)
    with _reading(file):
        if file.suffix == ".npz":
            values, times, inputs = _npz_rows(file)
        else:
            values, times, inputs = (_parquet_rows if file.suffix == ".parquet" else _csv_rows)(file)
    if values.shape[1] != provenance.canary.width:
        raise InputError(
            f"{file} has vectors of {values.shape[1]} numbers, and its provenance says "
            f"{provenance.canary.width}."
        )
    return Embedding(
        provenance.network, str(provenance.options.get("layer")), values, times, inputs, provenance=provenance
    )


def read_provenance(path: str | os.PathLike[str]) -> Provenance:
    """Read what made the vectors of a file, and not the vectors; raises as `read_embedding` does."""
    file = _located(path)
    with _reading(file):
        if file.suffix == ".parquet":
            with _opened_parquet(file) as opened:
                content = (opened.metadata.metadata or {}).get(KEY.encode())
        elif file.suffix == ".npz":
            content = _npz_provenance(file)
        else:
            beside = provenance_path(file)
            content = _start(beside) if beside.is_file() else None
    if content is None:
        where = f": {provenance_path(file)} is missing" if file.suffix == ".csv" else ""
        raise InputError(
            f"{file} does not say which network made its vectors{where}; embed the inputs again with this "
            "version of the zoo."
        )
    return from_json(content, str(provenance_path(file) if file.suffix == ".csv" else file))


def part_width(schema: pa.Schema) -> int:
    """Return the length of the vectors of a part of `zoo batch`, which has them in one column.

    Raises
    ------
    ValueError
        If it has none.
    """
    import pyarrow as pa

    kind: Any = schema.field("vector").type if "vector" in schema.names else pa.null()
    if not pa.types.is_fixed_size_list(kind) or kind.value_type != pa.float32():
        raise ValueError("it is a part of a batch that has no vectors")
    return kind.list_size


def _located(path: str | os.PathLike[str]) -> Path:
    file = resolve(path)
    if file.suffix not in SUFFIXES:
        raise InputError(f"{file} is not a file of vectors; choose one that ends with {', '.join(SUFFIXES)}.")
    if not file.is_file():
        raise InputError(f"{file} does not exist.")
    return file


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    """Turn what readers raise into an `InputError`."""
    try:
        yield
    except InputError:
        raise
    except _ERRORS as error:
        raise InputError(f"{file} cannot be read as a file of vectors: {reason(error)}.") from error


def _start(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(MAX_BYTES + 1)


def _require_size(file: Path, size: float) -> None:
    if size > _SMALL and size > _RATIO * file.stat().st_size:
        raise InputError(f"{file} would unpack to more than {_RATIO} times its size, as no vectors do.")


def _split(names: list[str]) -> tuple[list[str], bool]:
    """Return the columns of the vectors, and whether there are times; see `Embedding.table`."""
    timed = names[1:3] == _TIMES
    numbers = names[3 if timed else 1 :]
    if names[:1] != ["input"] or not numbers or numbers != [str(i) for i in range(len(numbers))]:
        raise ValueError("it has other columns than input, start and end, and numbers from 0 on")
    return numbers, timed


@contextmanager
def _opened_parquet(file: Path, **options: Any) -> Iterator[pq.ParquetFile]:
    require("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file, **options) as opened:
            yield opened
    except pa.ArrowException as error:
        raise InputError(f"{file} cannot be read as a file of vectors: {reason(error)}.") from error


def _parquet_rows(file: Path) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    with _opened_parquet(file) as opened:
        schema = opened.schema_arrow
    is_part = schema.names[: len(_PART)] == _PART
    inputs = "path" if is_part else "input"
    width = part_width(schema) if is_part else len(_split(schema.names)[0])
    with _opened_parquet(file, read_dictionary=[inputs]) as opened:
        metadata = opened.metadata
        packed = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
        _require_size(file, max(packed, metadata.num_rows * (width + 2) * 8.0))
        table = opened.read()
        if is_part:
            table = table.filter(table.column("error").is_null())
        values = _part_values(table, width) if is_part else _column_values(table)
        timed = set(_TIMES) <= set(schema.names)
        times = np.stack([table.column(name).to_numpy() for name in _TIMES], axis=1) if timed else None
        texts = tuple(_texts(table.column(inputs)))
    return values, None if times is None else times.astype(np.float64), texts


def _column_values(table: pa.Table) -> np.ndarray:
    """Return the vectors of a table that has a column for each of their numbers."""
    numbers, _ = _split(table.column_names)
    values = np.empty((table.num_rows, len(numbers)), np.float32)
    for i, name in enumerate(numbers):
        values[:, i] = table.column(name).to_numpy()
    return values


def _part_values(table: pa.Table, width: int) -> np.ndarray:
    column = table.column("vector").combine_chunks()
    if column.null_count:
        raise ValueError("a row has neither a vector nor an error")
    return column.flatten().to_numpy(zero_copy_only=False).reshape(len(table), width)


def _texts(column: pa.ChunkedArray) -> Iterator[str]:
    """Yield the texts of a column that was read as a dictionary, each in memory once."""
    import pyarrow as pa

    if len(column) and (column.null_count or not pa.types.is_dictionary(column.type)):
        raise ValueError("the column of inputs is not text, or not in every row")
    for chunk in column.chunks if len(column) else ():
        texts = chunk.dictionary.to_pylist()
        yield from (str(texts[i]) for i in chunk.indices.to_pylist())


def _csv_rows(file: Path) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    import pandas as pd

    with file.open(encoding="utf-8", newline="") as stream:
        header = stream.readline(_MAX_HEADER)
    numbers, timed = _split(next(csv.reader([header]), []))
    types: dict[Any, Any] = dict.fromkeys(numbers, np.float32) | dict.fromkeys(_TIMES, np.float64)
    table: pd.DataFrame = pd.read_csv(
        file, dtype=types | {"input": str}, keep_default_na=False, na_values={name: [""] for name in types}
    )
    inputs = tuple(map(from_csv, table["input"]))
    times = table[_TIMES].to_numpy(np.float64) if timed else None
    return table[numbers].to_numpy(np.float32), times, inputs


def _npz_rows(file: Path) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    with zipfile.ZipFile(file) as packed:
        names = packed.namelist()
        values = _member(packed, "values", file)
        inputs = _member(packed, "inputs", file)
        times = _member(packed, "times", file) if "times.npy" in names else None
    shapes = [values.dtype == np.float32, values.ndim == 2, inputs.dtype.kind == "U", inputs.ndim == 1]
    if not all(shapes) or len(inputs) != len(values):
        raise ValueError("values and inputs are not as Embedding.to_npz writes them")
    if times is not None and (times.dtype != np.float64 or times.shape != (len(values), 2)):
        raise ValueError("times are not as Embedding.to_npz writes them")
    return values, times, tuple(map(str, inputs))


def _npz_provenance(file: Path) -> bytes | None:
    with zipfile.ZipFile(file) as packed:
        if f"{KEY}.npy" not in packed.namelist():
            return None
        text = _member(packed, KEY, file, 4 * MAX_BYTES)
    if text.dtype.kind != "U" or text.ndim:
        raise ValueError(f"the entry {KEY} is not text")
    return str(text).encode()


def _member(packed: zipfile.ZipFile, name: str, file: Path, max_bytes: float = math.inf) -> np.ndarray:
    """Read an array, whose header must promise what is there: NumPy allocates what it promises."""
    info = packed.getinfo(f"{name}.npy")
    _require_size(file, info.file_size)
    with packed.open(info) as stream:
        promised = _promised(stream) + stream.tell()
    if promised != info.file_size or promised > max_bytes:
        raise ValueError(f"the entry {name} does not have the size that it promises")
    with packed.open(info) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def _promised(stream: IO[bytes]) -> int:
    """Read the header of an array, and return the bytes of the array."""
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError("an entry is of an unknown version")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError("an entry holds objects")
    return math.prod(shape) * dtype.itemsize
