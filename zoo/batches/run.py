"""One run of a batch: the shards that lack parts, and what works on them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Protocol

from zoo.batches.parts import ShardLocks
from zoo.batches.plan import Plan, exclusive
from zoo.batches.provenance import require_comparable
from zoo.batches.report import ProgressCallback, Tally
from zoo.batches.shards import seconds_per_file, write_shard
from zoo.batches.workers import BatchWorker, Limits
from zoo.results.provenance import Provenance

_PAUSE = 0.2  # s until a shard that another process has is looked at again


class Executor(Protocol):
    """Works on shards: the processes of this machine, or a cluster."""

    def run(self, plan: Plan, shards: Sequence[int], tally: Tally) -> None:
        """Work until the shards have their parts."""
        ...

    def estimate(self, plan: Plan) -> float | None:
        """Time some of the files that are left, and work out the seconds for all; None if none are left."""
        ...


def run_plan(plan: Plan, executor: Executor, progress: ProgressCallback | None) -> None:
    """Work on the shards of a plan that lack parts.

    Raises
    ------
    ZooError
        If the networks cannot be loaded, or what they compute has changed since the parts were written.
    KeyboardInterrupt
        At Ctrl-C; the parts that are finished stay.
    """
    clean(plan)
    plan = plan.needed()
    missing = plan.missing()
    if len(missing):
        executor.run(plan, missing.tolist(), Tally(plan.count(missing), progress))


def clean(plan: Plan) -> None:
    """Delete what processes that have ended left unfinished."""
    ShardLocks(plan.folder).clean(map(plan.network_folder, plan.networks))


def agreed(plan: Plan, records: list[Provenance]) -> list[Provenance]:
    """Return the records of a worker, once they fit the parts that are there, or those that other runs write.

    Raises
    ------
    InputError
        If they do not.
    """
    with exclusive(plan.folder):
        for position in plan.networks:
            require_comparable(plan.network_folder(position), records[position])
    return records


@dataclass(frozen=True)
class Crew:
    """The worker processes of a run on this machine.

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


class EmbeddedExecutor:
    """Works on shards on this machine: threads that take them, each with a worker process.

    Parameters
    ----------
    crew : Crew
    """

    def __init__(self, crew: Crew):
        self._crew = crew
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._workers: list[BatchWorker] = []
        self._records: list[Provenance] = []  # of the first worker, for all parts of the run

    def run(self, plan: Plan, shards: Sequence[int], tally: Tally) -> None:
        """Work until the shards have their parts."""
        waiting = deque(shards)
        count = min(len(self._crew.devices), len(waiting))
        with ThreadPoolExecutor(count) as pool:
            threads = [pool.submit(self._work, i, plan, waiting, tally) for i in range(count)]
            try:
                for thread in as_completed(threads):
                    thread.result()
            finally:
                self._end()

    def estimate(self, plan: Plan) -> float | None:
        """Time some of the files that are left with one worker, and work out how long all of them take."""
        missing = plan.missing()
        if not len(missing):
            return None
        with self._crew.worker(plan, 0) as worker:
            worker.load()
            each = seconds_per_file(worker, plan.files(int(missing[0])), plan.networks)
        return each * plan.count(missing) / min(len(self._crew.devices), len(missing))

    def _end(self) -> None:
        """Stop all workers; nothing, if they are through."""
        self._stop.set()
        with self._lock:
            for worker in self._workers:
                worker.stop()

    def _work(self, position: int, plan: Plan, waiting: deque[int], tally: Tally) -> None:
        """Take shards, in a thread, until there are none."""
        locks = ShardLocks(plan.folder)
        with self._crew.worker(plan, position) as worker:
            with self._lock:
                self._workers.append(worker)
            if self._stop.is_set():
                return
            worker.load()
            with self._lock:
                tally.start()
                self._records = self._records or agreed(plan, worker.records)
            while not self._stop.is_set() and (shard := _next(waiting)) is not None:
                with locks.shard(shard) as acquired:
                    if acquired:
                        write_shard(worker, plan.files(shard), plan.parts(shard), self._records, tally.add)
                if not acquired:  # another process has it
                    waiting.append(shard)
                    self._stop.wait(_PAUSE)


def _next(waiting: deque[int]) -> int | None:
    try:
        return waiting.popleft()
    except IndexError:
        return None
