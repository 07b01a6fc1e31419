"""Which job runs when: short jobs do not wait for long ones, and measurements wait for a quiet machine.

- Within their lane jobs start in the order in which they came: a short job waits only for other short ones, a
  long one and a measurement for other long ones and measurements.
- The next measurement waits until nothing else computes: no job of another lane, and no page. Where short
  work comes and goes without end, it waits no longer than `PATIENCE`, and starts beside it.
- Only the jobs of its own lane wait for a measurement that runs. Whether other work ran beside it is in
  `Job.disturbed`, and belongs in its result.
- An abandoned job that waits leaves its lane at once; one that runs leaves it when its thread ends, so that
  threads do not pile up.
"""

from __future__ import annotations

import heapq
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from zoo.app.services import memory
from zoo.app.services.jobs import DONE, RUNNING, WAITING, Job, Kind, Place
from zoo.core.errors import InputError

MAX_WAITING = 50  # jobs; a class of 25 may train twice
PATIENCE = 30.0  # s that a measurement waits for a quiet machine
_POLL = 0.5  # s between two checks of the clock
_REMEMBERED = 20  # durations of each kind


class JobQueue:
    """The jobs of a process.

    Parameters
    ----------
    max_waiting : int
        How many may wait.
    patience : float
        Seconds that a measurement waits for a quiet machine, once it is next.
    """

    def __init__(self, max_waiting: int = MAX_WAITING, patience: float = PATIENCE):
        self.max_waiting, self.patience = max_waiting, patience
        self._jobs: list[Job] = []  # waiting or running, in the order in which they came
        self._pages = 0  # that compute
        self._next_since: dict[Job, float] = {}  # when a measurement became the next of its lane
        self._durations: dict[Kind, deque[float]] = {}
        self._changed = threading.Condition()

    def begin(self, work: Callable[[Job], Any], kind: Kind) -> Job:
        """Add a job to the queue, and run it in a thread of its own when its turn comes.

        Parameters
        ----------
        work : callable
            Called with the job, to which it reports its progress; what it returns is the job's `result`.
        kind : Kind

        Raises
        ------
        InputError
            If too many are waiting, or the system has no thread left.
        """
        job = Job(work, kind, place=self.place_of, notify=self._notify)
        with self._changed:
            waiting = [one for one in self._jobs if one.kind.lane == kind.lane and one.state == WAITING]
            if len(waiting) >= self.max_waiting:
                raise InputError(f"{len(waiting)} jobs are waiting already; try again in a while.")
            self._jobs.append(job)
        try:
            threading.Thread(target=self._run, args=(job,), daemon=True).start()
        except RuntimeError as error:  # the system's limit of threads is reached
            with self._changed:
                self._forget(job)
            raise InputError("The server has no thread left for this job; try again in a while.") from error
        return job

    def place_of(self, job: Job) -> Place:
        """Return how many jobs come before this one, how long that takes, and what disturbs it."""
        with self._changed:
            before = self._before(job)
            ends = [0.0] * job.kind.at_once
            for other in before:
                heapq.heapreplace(ends, ends[0] + self._remaining(other))
            if not job.kind.quiet:
                return Place(len(before), ends[0])
            running = self._running_beside(job)
            quiet = max((self._remaining(other) for other in running if other not in before), default=0.0)
            seconds = max(ends[0], min(quiet, self.patience))
            return Place(len(before), seconds, tuple(other.kind for other in running), self._pages)

    @contextmanager
    def page_at_work(self) -> Iterator[None]:
        """Count a page that computes: measurements wait for it, or note that it disturbed them."""
        with self._changed:
            self._pages += 1
            self._disturb()
        try:
            yield
        finally:
            with self._changed:
                self._pages -= 1
                self._changed.notify_all()

    def _run(self, job: Job) -> None:
        with self._changed:
            while not self._may_start(job):
                self._changed.wait(_POLL)
            job.disturbed = job.kind.quiet and self._is_busy(job)
            if not job.stopping:
                self._disturb()
                job.start()
        begin = time.monotonic()
        try:
            job.run()
        finally:
            memory.collect(since=begin)  # a training leaves cycles of tensors
            memory.trim()
            with self._changed:
                if job.state == DONE:
                    self._durations.setdefault(job.kind, deque(maxlen=_REMEMBERED)).append(job.seconds)
                self._forget(job)
            job.end()

    def _notify(self, job: Job) -> None:
        """Let waiting jobs check whether they may start; an abandoned job that waits leaves its place."""
        with self._changed:
            if job.abandoned:
                job.drop()
                if not job.computing:
                    self._forget(job)
            self._changed.notify_all()

    def _forget(self, job: Job) -> None:
        if job in self._jobs:
            self._jobs.remove(job)
        self._next_since.pop(job, None)
        self._changed.notify_all()

    def _may_start(self, job: Job) -> bool:
        if job.stopping:
            return True
        if len(self._before(job)) >= job.kind.at_once:
            return False
        if not job.kind.quiet or not self._is_busy(job):
            return True
        since = self._next_since.setdefault(job, time.monotonic())
        return time.monotonic() - since >= self.patience

    def _before(self, job: Job) -> list[Job]:
        """Return the jobs of its lane that came before a job."""
        lane = [other for other in self._jobs if other.kind.lane == job.kind.lane]
        return lane[: lane.index(job)] if job in lane else []

    def _running_beside(self, job: Job) -> list[Job]:
        return [other for other in self._jobs if other is not job and other.computing]

    def _is_busy(self, job: Job) -> bool:
        return bool(self._pages or self._running_beside(job))

    def _disturb(self) -> None:
        """Note that other work begins beside the measurements that run."""
        for job in self._jobs:
            if job.kind.quiet and job.state == RUNNING:
                job.disturbed = True

    def _remaining(self, job: Job) -> float:
        """Estimate how long a job still takes, by its own pace and by the jobs of its kind so far."""
        past = self._durations.get(job.kind)
        typical = statistics.median(past) if past else job.kind.seconds
        if not job.computing:
            return typical
        return max(typical - job.seconds, job.eta or 0.0, 1.0)
