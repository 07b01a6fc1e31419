"""How much of the processors other programs take while something is measured."""

from __future__ import annotations

import os
import time
from typing import Any

import psutil

BUSY = 0.1  # from which fraction on a machine counts as busy: times are then some percent too long
_TICK = 0.01  # s, in which the system counts the time of its processors: proc_stat(5)


class BackgroundLoad:
    """The fraction of the processors' time that other programs take, from now on.

    It is the time that the system's counters (`psutil.cpu_times`, those of the processors that this process
    may use) have for anything but idling, less the time of this process (`psutil.Process.cpu_times`).
    """

    def __init__(self) -> None:
        self._process, self._processors = psutil.Process(), _processors()
        self._begin = self._counters()

    def fraction(self) -> float:
        """Return the fraction so far, from 0 to 1, less the largest error of counting."""
        elapsed, busy, own = (end - begin for end, begin in zip(self._counters(), self._begin, strict=True))
        error = 2 * _TICK * len(self._processors)  # at the beginning and at the end
        return min(1.0, max(0.0, busy - own - error) / max(elapsed * len(self._processors), _TICK))

    def _counters(self) -> tuple[float, float, float]:
        """Return the time, and the seconds that the processors and this process have worked."""
        times, own = psutil.cpu_times(percpu=True), self._process.cpu_times()
        busy = sum(_busy(times[index]) for index in self._processors)
        return time.perf_counter(), busy, own.user + own.system


def _processors() -> list[int]:
    """Return the numbers of the processors that this process may use."""
    count = len(psutil.cpu_times(percpu=True))
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return [index for index in os.sched_getaffinity(0) if index < count]
    return list(range(count))


def _busy(times: Any) -> float:
    """Add up all but idling; Linux counts the time of guests twice."""
    idle = ("idle", "iowait", "guest", "guest_nice")
    return sum(times) - sum(getattr(times, name, 0.0) for name in idle)
