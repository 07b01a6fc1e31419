"""The work on one shard by a worker process, the same in every run: on this machine or on a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zoo.batches.manifest import File
from zoo.batches.parts import PartWriter
from zoo.batches.provenance import describe_part
from zoo.batches.workers import BatchWorker
from zoo.results.provenance import Provenance

TIMED_FILES = 64  # of a dry run
_TIMED_SECONDS = 10.0


def write_shard(
    worker: BatchWorker,
    files: Sequence[File],
    parts: Mapping[int, Path],
    records: Sequence[Provenance],
    count: Callable[[int, int], object],
) -> None:
    """Write the parts of a shard that are missing; another process may have been faster.

    Parameters
    ----------
    worker : BatchWorker
        With the networks loaded.
    files : sequence of File
        All files of the shard.
    parts : mapping
        The part of each network of the run, by the network's position.
    records : sequence of Provenance
        Of all networks: what the parts say that made them, the same in all parts of a run.
    count : callable
        Called with the numbers of files that are done, and of those that failed, since the last call.
    """
    networks = [position for position, path in parts.items() if not path.exists()]
    if not networks:
        count(len(files), 0)
        return
    with ExitStack() as stack:
        writers = [
            stack.enter_context(PartWriter(parts[i], worker.schemas[i], describe_part(records[i])))
            for i in networks
        ]
        for batches in worker.rows(files, networks):
            for writer, rows in zip(writers, batches, strict=True):
                writer.add(rows)
            count(*_counted(batches))


def seconds_per_file(worker: BatchWorker, files: Sequence[File], networks: Sequence[int]) -> float:
    """Time some files, and write nothing."""
    begin, done = time.monotonic(), 0
    for batches in worker.rows(files[:TIMED_FILES], networks):
        done += _counted(batches)[0]
        if time.monotonic() - begin > _TIMED_SECONDS:
            break
    return (time.monotonic() - begin) / done


def _counted(batches: Sequence[pa.RecordBatch]) -> tuple[int, int]:
    """Count the files of rows, one batch a network, and those that failed."""
    failed = [batch.filter(pc.is_valid(batch["error"]))["number"].to_numpy() for batch in batches]
    return len(pc.unique(batches[0]["number"])), len(np.unique(np.concatenate(failed)))
