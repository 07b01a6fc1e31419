"""What the tasks of one Dask worker share: helper processes.

A Dask worker is one process whose threads have one task each at a time.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from zoo.batches.workers import BatchWorker
from zoo.core.errors import ClusterError

IDLE_SECONDS = 60.0  # without a task of their run until helpers end: its client may have disappeared
_REMEMBERED = 256  # runs that have ended


class HelperPool:
    """Helper processes by run, one for each of its tasks at a time, that stay for the next task."""

    def __init__(self):
        self._lock = threading.Lock()
        self._idle: defaultdict[str, list[BatchWorker]] = defaultdict(list)
        self._busy: defaultdict[str, list[BatchWorker]] = defaultdict(list)
        self._timers: dict[str, threading.Timer] = {}
        self._ended: deque[str] = deque(maxlen=_REMEMBERED)

    @contextmanager
    def helper(self, run: str, start: Callable[[], BatchWorker]) -> Iterator[BatchWorker]:
        """Take an idle helper of a run, or start one.

        Raises
        ------
        ClusterError
            If the run has ended.
        """
        with self._lock:
            if run in self._ended:
                raise ClusterError("The run has ended.")
            if timer := self._timers.pop(run, None):
                timer.cancel()
            helper = self._idle[run].pop() if self._idle[run] else start()
            self._busy[run].append(helper)
        try:
            yield helper
        finally:
            self._return(run, helper)

    def end(self, run: str) -> None:
        """End the helpers of a run, also those that are at work; it gets no more."""
        with self._lock:
            self._ended.append(run)
            for helper in self._busy[run]:
                helper.stop()
        self._close_idle(run)

    def _return(self, run: str, helper: BatchWorker) -> None:
        with self._lock:
            self._busy[run].remove(helper)
            self._idle[run].append(helper)
            ended = run in self._ended
            if not ended and not self._busy[run]:
                timer = self._timers[run] = threading.Timer(IDLE_SECONDS, self._close_idle, [run])
                timer.daemon = True
                timer.start()
        if ended:
            self._close_idle(run)

    def _close_idle(self, run: str) -> None:
        with self._lock:
            for helper in self._idle.pop(run, []):
                helper.close()
            if not self._busy[run]:
                del self._busy[run]
            if timer := self._timers.pop(run, None):
                timer.cancel()
