"""The queue between the microphone and the networks."""

import threading

import numpy as np
import pytest

from zoo.app.live.audio_buffer import DropOldestBuffer

RATE = 1000


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def chunk(value: float, seconds: float = 0.1) -> np.ndarray:
    return np.full(round(seconds * RATE), value, np.float32)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def backlog(clock):
    return DropOldestBuffer(1.0, clock)


def test_chunks_are_gathered_in_order(backlog, clock):
    for i in range(4):
        clock.now = 10 + i
        backlog.put(chunk(i), RATE)
    block = backlog.take(0.25, 0.3, 0)
    np.testing.assert_array_equal(block.samples, np.concatenate([chunk(0), chunk(1), chunk(2)]))
    assert (block.end, block.arrived, block.follows) == (pytest.approx(0.3), 12, False)
    rest = backlog.take(0.1, 9, 0)
    np.testing.assert_array_equal(rest.samples, chunk(3))
    assert (rest.end, rest.follows) == (pytest.approx(0.4), True)


def test_too_little_is_waited_for(backlog):
    backlog.put(chunk(1), RATE)
    assert backlog.take(0.2, 1, 0.01) is None
    threading.Timer(0.05, backlog.put, (chunk(2), RATE)).start()
    assert backlog.take(0.2, 1, 10).seconds == pytest.approx(0.2)


def test_what_is_too_much_is_left_out_at_once_and_counted(backlog, clock):
    for i in range(11):
        clock.now = float(i)
        backlog.put(chunk(i), RATE)
    assert backlog.left_out == pytest.approx(1.0)
    assert backlog.last_gap == 10
    block = backlog.take(0.1, 9, 0)
    np.testing.assert_array_equal(block.samples, chunk(10))
    assert not block.follows
    assert block.end == pytest.approx(1.1)  # on the time of all sound, what was left out included
    backlog.put(chunk(11), RATE)
    assert backlog.take(0.1, 9, 0).follows


def test_never_holds_more_than_it_may(backlog):
    for i in range(1000):
        backlog.put(chunk(i), RATE)
        assert backlog.waiting <= 1.0 + 1e-6
        assert sum(block.seconds for block in backlog._waiting) == pytest.approx(backlog.waiting)
    assert backlog.seconds == pytest.approx(100)


def test_another_rate_begins_another_block(backlog):
    backlog.put(chunk(1), RATE)
    backlog.put(chunk(2), 2 * RATE)
    assert [backlog.take(0.01, 9, 0).sample_rate for _ in range(2)] == [RATE, 2 * RATE]


def test_what_is_skipped_is_not_counted_as_left_out(backlog):
    backlog.put(chunk(1), RATE)
    backlog.skip()
    assert backlog.left_out == 0
    backlog.put(chunk(2), RATE)
    block = backlog.take(0.1, 9, 0)
    np.testing.assert_array_equal(block.samples, chunk(2))
    assert not block.follows


def test_a_closed_one_lets_go_of_who_waits(backlog):
    threading.Timer(0.05, backlog.close).start()
    assert backlog.take(0.1, 1, 60) is None
    backlog.put(chunk(1), RATE)
    assert backlog.take(0.1, 1, 0) is None
