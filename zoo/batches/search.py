"""The files of a batch that are nearest to a vector, by cosine similarity."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from zoo.batches.index import VectorIndex
from zoo.batches.rows import times_of, vectors_of
from zoo.results.matches import Matches

_ROWS = 4096  # that are compared at a time
_MIN_CANDIDATES = 64  # of the index, whose order is about right
_MORE = 4  # times as many candidates if they are of too few files


def nearest_files(rows: ds.Dataset, vector: np.ndarray, top: int) -> pa.Table:
    """Compare a vector with all rows, some at a time.

    Parameters
    ----------
    rows : pyarrow.dataset.Dataset
        Of the task embed.
    vector : ndarray, shape (d,)
    top : int
        Files, or all where there are fewer.

    Returns
    -------
    pyarrow.Table
        The row of each file that is nearest: without ``vector`` and ``error``, and with ``similarity``; the
        nearest file first.
    """
    names = [name for name in rows.schema.names if name not in ("vector", "error")]
    best = pa.schema([*map(rows.schema.field, names), ("similarity", pa.float64())]).empty_table()
    read = {"batch_size": _ROWS, "batch_readahead": 2, "fragment_readahead": 2}  # what waits in memory
    for batch in rows.to_batches([*names, "vector"], filter=pc.field("error").is_null(), **read):
        similarities = pa.array(_cosines(vectors_of(batch["vector"]), vector))
        found = pa.Table.from_batches([batch.select(names).append_column("similarity", similarities)])
        best = _best(pa.concat_tables([best, found.replace_schema_metadata(None)]), top)
    return best


def candidates(index: VectorIndex, vector: np.ndarray, top: int, numbers: np.ndarray) -> np.ndarray:
    """Ask an index for the files that are about nearest to a vector.

    Parameters
    ----------
    index : VectorIndex
    vector : ndarray, shape (d,)
    top : int
        Files that are wanted, of which there should be more candidates.
    numbers : ndarray of int
        Of the files that count.

    Returns
    -------
    ndarray of int, shape (n,)
        Numbers of files, each once.
    """
    count, wanted = max(_MIN_CANDIDATES, 4 * top), 2 * top
    while True:
        found = index.nearest(vector, count)
        found = found[np.isin(found, numbers)]
        found = found[np.sort(np.unique(found, return_index=True)[1])][:wanted]
        if len(found) == wanted or count >= len(index):
            return found
        count *= _MORE


def matches_of(rows: pa.Table, network: str, name: str) -> Matches:
    """Return rows of `nearest_files` as a result; `name` is that of the example."""
    return Matches(
        network=network,
        input=name,
        numbers=rows["number"].to_numpy(),
        paths=tuple(rows["path"].to_pylist()),
        hashes=tuple(rows["sha256"].to_pylist()),
        similarities=rows["similarity"].to_numpy(),
        times=times_of(rows),
    )


def _cosines(vectors: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Return the cosines of the angles, shape (rows,); 0 for vectors without a direction."""
    vectors, vector = vectors.astype(np.float64), vector.astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(vector)
    usable = (lengths > 0) & np.isfinite(lengths)
    cosines = np.divide(vectors @ vector, lengths, out=np.zeros(len(vectors)), where=usable)
    return cosines.clip(-1, 1)


def _best(rows: pa.Table, top: int) -> pa.Table:
    """Return the best row of each file, the best files first."""
    numbers = rows["number"].to_numpy()
    order = np.lexsort([numbers, -rows["similarity"].to_numpy()])
    first = np.unique(numbers[order], return_index=True)[1]
    return rows.take(order[np.sort(first)][:top])
