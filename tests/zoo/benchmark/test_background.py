"""The load of other programs: all work of the processors but our own."""

from types import SimpleNamespace
from typing import NamedTuple

import pytest

from zoo.benchmark import background
from zoo.benchmark.background import BackgroundLoad


class Times(NamedTuple):
    """Some of what a processor did, in seconds."""

    user: float
    idle: float
    iowait: float
    steal: float
    guest: float


class Machine:
    """Two processors, of which the process may use one or both, and a clock."""

    def __init__(self, monkeypatch, processors: set[int]):
        self.now, self.own, self.busy = 0.0, 0.0, [0.0, 0.0]
        monkeypatch.setattr(background.time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(background.os, "sched_getaffinity", lambda _: processors, raising=False)
        monkeypatch.setattr(background.psutil, "cpu_times", lambda percpu: list(map(self.times, self.busy)))
        process = SimpleNamespace(cpu_times=lambda: SimpleNamespace(user=self.own, system=0.0))
        monkeypatch.setattr(background.psutil, "Process", lambda: process)

    def times(self, busy: float):
        """As Linux has them: what guests use is part of the user's time."""
        return Times(user=busy, idle=9, iowait=9, steal=0, guest=busy / 2)

    def work(self, seconds: float, own: float, busy: tuple[float, float]) -> None:
        self.now += seconds
        self.own += own
        self.busy = [before + more for before, more in zip(self.busy, busy, strict=True)]


@pytest.mark.parametrize(
    ("processors", "own", "fraction"),
    [
        ({0, 1}, 9.0, (15 - 9 - 0.04) / 20),
        ({0, 1}, 15.0, 0),
        ({0, 1}, 14.97, 0),  # within the error of counting
        ({1}, 2.0, (5 - 2 - 0.02) / 10),
    ],
)
def test_it_is_what_the_processors_did_less_what_this_process_did(processors, own, fraction, monkeypatch):
    machine = Machine(monkeypatch, processors)
    load = BackgroundLoad()
    machine.work(10, own, (10, 5))
    assert load.fraction() == pytest.approx(fraction)


def test_on_this_machine_it_is_a_fraction():
    load = BackgroundLoad()
    sum(range(10**6))
    assert 0 <= load.fraction() <= 1
