"""Nearest neighbors of a network's vectors, out of core: an index beside the parts.

The index has segments, ``index-HASH.usearch``, each a graph of the vectors of some parts that is mapped to
memory when it is searched. Parts that are new or have changed are indexed in the segment that has room, and a
segment of which a part has changed is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from zoo.batches.durable import write_durably
from zoo.batches.parts import part_path, written_shards
from zoo.batches.rows import vectors_of
from zoo.batches.segments import NAMES, FileState, Segment, read_segments, refusal, write_segments
from zoo.core.errors import InputError, ZooError, reason
from zoo.core.extras import require
from zoo.core.machine import available_processors
from zoo.core.progress import Progress
from zoo.results.embedding_files import part_width

if TYPE_CHECKING:
    from usearch.index import Index

SEGMENT_VECTORS = 1 << 17  # after which a new segment begins: what is in memory while one is built
_LOCK = ".index.lock"
_WINDOW_BITS = 24  # of a key, below the number of the file: windows of 90 days
_ROWS = 4096  # of a part that are read at a time


class _Opened(NamedTuple):
    segment: Segment
    graph: Index


class VectorIndex:
    """The index of the vectors of one network, brought up to date when it is opened.

    Parameters
    ----------
    folder : Path
        Of the network's parts.
    progress : callable, optional
        Called with the parts that are indexed, and all that are to be.
    rebuild : bool
        Index all parts, and open no segment that is there.

    Raises
    ------
    InputError
        If the index cannot be written, or what is there is not one.
    MissingLibraryError
        If usearch is not installed.
    """

    def __init__(self, folder: Path, progress: Progress | None = None, *, rebuild: bool = False):
        require("usearch")
        self.folder = folder
        try:
            with FileLock(folder / _LOCK):
                stored = [] if rebuild else read_segments(folder)
                self._graphs = [one.graph for one in _updated(folder, stored, progress)]
        except ZooError:
            raise
        except (OSError, RuntimeError, ValueError, pa.ArrowException) as error:  # the middle two of usearch
            raise InputError(
                f"The index of {folder} cannot be written: {reason(error)}. Search exactly (exact=True, or "
                "--exact), which needs none."
            ) from error

    def __len__(self) -> int:
        """Vectors."""
        return sum(map(len, self._graphs))

    def nearest(self, vector: np.ndarray, count: int) -> np.ndarray:
        """Return the numbers of the files of about the `count` nearest vectors, the nearest first.

        Parameters
        ----------
        vector : ndarray, shape (d,)
        count : int
            In each segment.

        Returns
        -------
        ndarray of int, shape (n,)
            One number a vector.
        """
        unit = _units(vector[None].astype(np.float32))[0]
        found = [graph.search(unit, min(count, len(graph))) for graph in self._graphs if len(graph)]
        if not found:
            return np.zeros(0, np.int64)
        distances = np.concatenate([matches.distances for matches in found])
        keys = np.concatenate([matches.keys for matches in found])[np.argsort(distances, kind="stable")]
        return (keys >> _WINDOW_BITS).astype(np.int64)


def _updated(folder: Path, stored: list[Segment], progress: Progress | None) -> list[_Opened]:
    """Index the parts that no segment has, and open all segments; the index is locked."""
    known = {shard: state for segment in stored for shard, state in segment.parts.items()}
    paths = {shard: part_path(folder, shard) for shard in sorted(written_shards(folder))}
    parts = {shard: FileState.of(path, known.get(shard)) for shard, path in paths.items()}
    current = [now for segment in stored if (now := segment.current(folder, parts))]
    opened = [_open(folder, segment) for segment in current]
    indexed = {shard for segment, _ in opened for shard in segment.parts}
    missing = {shard: state for shard, state in parts.items() if shard not in indexed}
    total = len(missing)
    while missing:
        base = next((segment for segment, _ in opened if segment.vectors < SEGMENT_VECTORS), None)
        segment = _extended(folder, base, missing)
        opened = [one for one in opened if one.segment is not base] + [_open(folder, segment)]
        missing = {shard: state for shard, state in missing.items() if shard not in segment.parts}
        write_segments(folder, [one.segment for one in opened])
        if progress:
            progress(total - len(missing), total)
    if (segments := [one.segment for one in opened]) != stored:
        write_segments(folder, segments)
    return opened


def _extended(folder: Path, base: Segment | None, missing: dict[int, FileState]) -> Segment:
    """Index parts, together with those of a segment that has room, until the new segment is full."""
    graph = _empty(_width(folder, missing))
    if base:
        graph.load(folder / base.file)
    parts = dict(base.parts) if base else {}
    for shard, state in missing.items():
        for keys, vectors in _keyed(part_path(folder, shard)):
            graph.add(keys, _units(vectors), threads=available_processors())
        parts[shard] = state
        if len(graph) >= SEGMENT_VECTORS:
            break
    name = hashlib.sha256("".join(state.sha256 for state in parts.values()).encode()).hexdigest()[:16]
    path = folder / NAMES.replace("*", name)
    write_durably(path, graph.save)
    return Segment(path.name, len(graph), FileState.of(path), parts)


def _open(folder: Path, segment: Segment) -> _Opened:
    """Map a segment to memory.

    Raises
    ------
    InputError
        If its header does not say what the list and the parts say, or usearch cannot read it.
    """
    from usearch.index import Index

    path, graph = folder / segment.file, _empty(_width(folder, segment.parts))
    expected = {"dimensions": graph.ndim, "count_present": segment.vectors, "count_deleted": 0}
    expected |= {"kind_metric": graph.metric_kind, "kind_scalar": graph.dtype}
    try:
        header: dict[str, Any] = Index.metadata(path) or {}
        if any(header.get(key) != value for key, value in expected.items()):
            raise ValueError(f"{path.name} does not hold the vectors of its parts")
        graph.view(path)
    except (RuntimeError, ValueError) as error:
        raise refusal(folder, reason(error)) from error
    return _Opened(segment, graph)


def _empty(width: int) -> Index:
    from usearch.index import Index

    return Index(ndim=width, metric="cos", dtype="f16")


def _width(folder: Path, parts: Iterable[int]) -> int:
    """Return the length of the vectors of some parts, by the first."""
    return part_width(pq.read_schema(part_path(folder, next(iter(parts)))))


def _keyed(path: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the vectors of a part that have a direction, some at a time, and their keys."""
    with pq.ParquetFile(path) as part:
        numbers = part.read(["number"])["number"].to_numpy()
        keys, begin = _keys(numbers), 0
        for rows in part.iter_batches(_ROWS, columns=["vector"]):
            is_valid = rows["vector"].is_valid().to_numpy(zero_copy_only=False)
            own, begin = keys[begin : begin + len(rows)][is_valid], begin + len(rows)
            vectors = vectors_of(rows["vector"].drop_null())
            lengths = np.linalg.norm(vectors, axis=1)
            usable = (lengths > 0) & np.isfinite(lengths)
            yield own[usable], vectors[usable]


def _keys(numbers: np.ndarray) -> np.ndarray:
    """Return a key for each row: the number of its file, and which row of the file it is."""
    order = np.argsort(numbers, kind="stable")
    window = np.empty_like(numbers)
    window[order] = np.arange(len(numbers)) - np.searchsorted(numbers[order], numbers[order])
    return ((numbers << _WINDOW_BITS) + window).astype(np.uint64)


def _units(vectors: np.ndarray) -> np.ndarray:
    """Bring vectors to the length 1: float16 holds no large numbers."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
