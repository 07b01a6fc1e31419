"""One run of a batch: threads that take shards, each with a worker process."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zoo.batches.parts import PartWriter, ShardLocks, part_path
from zoo.batches.plan import Plan
from zoo.batches.provenance import describe_part, require_comparable
from zoo.batches.report import BatchProgress, ProgressCallback
from zoo.batches.workers import BatchWorker, Limits
from zoo.results.provenance import Provenance

_PAUSE = 0.2  # s until a shard that another process has is looked at again


@dataclass(frozen=True)
class Crew:
    """The worker processes of a run.

    Attributes
    ----------
    devices : tuple of str
        One a worker.
    threads : int
        Of PyTorch, in each.
    limits : Limits
    trust : bool
    """

    devices: tuple[str, ...]
    threads: int
    limits: Limits
    trust: bool

    def worker(self, plan: Plan, position: int) -> BatchWorker:
        """Start one of the workers."""
        return BatchWorker(
            plan.settings,
            self.limits,
            device=self.devices[position],
            threads=self.threads,
            trust=self.trust,
        )


class BatchRun:
    """Work on the shards of a plan that lack parts.

    Parameters
    ----------
    plan : Plan
    crew : Crew
    progress : callable, optional
    """

    def __init__(self, plan: Plan, crew: Crew, progress: ProgressCallback | None):
        self._plan, self._crew, self._progress = plan, crew, progress
        missing = plan.missing()
        self._shards = deque(missing.tolist())
        self._total, self._done, self._failed = plan.count(missing), 0, 0
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._workers: list[BatchWorker] = []
        self._begin: float | None = None
        self._records: list[Provenance] = []  # of the first worker, for all parts of the run

    def run(self) -> None:
        """Work until every shard has its parts.

        Raises
        ------
        ZooError
            If the networks cannot be loaded, or what they compute has changed since the parts were written.
        KeyboardInterrupt
            At Ctrl-C; the parts that are finished stay.
        """
        locks = ShardLocks(self._plan.folder)
        try:
            for position in self._plan.networks:
                locks.clean(self._plan.network_folder(position))
            count = min(len(self._crew.devices), len(self._shards))
            with ThreadPoolExecutor(max(count, 1)) as pool:
                threads = [pool.submit(self._work, i, locks) for i in range(count)]
                try:
                    for thread in as_completed(threads):
                        thread.result()
                finally:
                    self._end()
        finally:
            locks.close()

    def _end(self) -> None:
        """Stop all workers; nothing, if they are through."""
        self._stop.set()
        with self._lock:
            for worker in self._workers:
                worker.stop()

    def _work(self, position: int, locks: ShardLocks) -> None:
        """Take shards, in a thread, until there are none."""
        with self._crew.worker(self._plan, position) as worker:
            with self._lock:
                self._workers.append(worker)
            if self._stop.is_set():
                return
            worker.load()
            with self._lock:
                self._begin = self._begin or time.monotonic()
                self._records = self._records or self._agree(worker.records)
            while not self._stop.is_set() and (shard := self._next()) is not None:
                if not locks.acquire(shard):  # another process has it
                    self._shards.append(shard)
                    self._stop.wait(_PAUSE)
                    continue
                try:
                    self._write_shard(worker, shard)
                finally:
                    locks.release(shard)

    def _next(self) -> int | None:
        try:
            return self._shards.popleft()
        except IndexError:
            return None

    def _write_shard(self, worker: BatchWorker, shard: int) -> None:
        """Write the parts of a shard that are missing; another process may have been faster."""
        plan = self._plan
        files = plan.manifest.files(shard, plan.settings.shard_files)
        paths = {i: part_path(plan.network_folder(i), shard) for i in plan.networks}
        networks = [i for i, path in paths.items() if not path.exists()]
        if not networks:
            return self._advance(len(files), 0)
        with ExitStack() as stack:
            writers = [
                stack.enter_context(PartWriter(paths[i], worker.schemas[i], describe_part(self._records[i])))
                for i in networks
            ]
            for batches in worker.rows(files, networks):
                for writer, rows in zip(writers, batches, strict=True):
                    writer.add(rows)
                self._count(batches)

    def _agree(self, records: list[Provenance]) -> list[Provenance]:
        """Return the records of a worker, once they fit the parts that are there."""
        for position in self._plan.networks:
            require_comparable(self._plan.network_folder(position), records[position])
        return records

    def _count(self, batches: Sequence[pa.RecordBatch]) -> None:
        """Count the files of rows, one batch a network."""
        failed = [batch.filter(pc.is_valid(batch["error"]))["number"].to_numpy() for batch in batches]
        self._advance(len(pc.unique(batches[0]["number"])), len(np.unique(np.concatenate(failed))))

    def _advance(self, files: int, failed: int) -> None:
        """Report that files are done."""
        with self._lock:
            self._done += files
            self._failed += failed
            seconds = time.monotonic() - (self._begin or time.monotonic())
            rate = self._done / seconds if seconds > 0 else 0.0
            left = (self._total - self._done) / rate if rate else None
            if self._progress:
                self._progress(BatchProgress(self._done, self._total, self._failed, rate, left))
