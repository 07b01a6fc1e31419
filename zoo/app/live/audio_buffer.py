"""Bounded buffer between the thread that receives audio and the one that analyzes it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Clock = Callable[[], float]


@dataclass(frozen=True, eq=False)
class Block:
    """Sound that follows on itself without a gap.

    Attributes
    ----------
    samples : ndarray of float32, shape (n,)
        Mono, full scale 1.
    sample_rate : float
        In Hz.
    end : float
        How much sound had arrived, in s, at its last sample.
    arrived : float
        When its last sample arrived, on the backlog's clock.
    follows : bool
        Whether it follows on the block before; False after a gap, and at another rate.
    """

    samples: np.ndarray
    sample_rate: float
    end: float
    arrived: float
    follows: bool

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate


class DropOldestBuffer:
    """A queue of sound that one thread fills as it arrives and another empties as fast as it can.

    When more than `max_waiting` waits, all of it but the newest chunk is left out. One long gap spoils one
    window; chunks left out here and there would spoil every one.

    Parameters
    ----------
    max_waiting : float
        In s.
    clock : callable
        Gives the time in s.

    Attributes
    ----------
    seconds : float
        How much has arrived.
    waiting : float
        How much of it waits, in s.
    left_out : float
        How much of it was left out, in s.
    last_arrival, last_gap : float or None
        When sound arrived, and when it was left out, for the last time.
    """

    def __init__(self, max_waiting: float, clock: Clock = time.monotonic):
        self.max_waiting, self.clock = max_waiting, clock
        self.seconds, self.waiting, self.left_out = 0.0, 0.0, 0.0
        self.last_arrival: float | None = None
        self.last_gap: float | None = None
        self._waiting: deque[Block] = deque()
        self._rate: float | None = None
        self._gap = True  # before the first block there is nothing to follow on
        self._closed = False
        self._change = threading.Condition()

    def put(self, samples: np.ndarray, sample_rate: float) -> None:
        """Add a chunk, (n,) of float32; never waits for anything but other calls."""
        with self._change:
            if self._closed:
                return
            self.last_arrival = self.clock()
            self.seconds += len(samples) / sample_rate
            follows = not self._gap and sample_rate == self._rate
            block = Block(samples, sample_rate, self.seconds, self.last_arrival, follows)
            self._gap, self._rate = False, sample_rate
            if self.waiting + block.seconds > self.max_waiting and self._waiting:
                self.left_out += self.waiting
                self.last_gap = self.last_arrival
                self._waiting.clear()
                block = Block(samples, sample_rate, block.end, block.arrived, follows=False)
            self._waiting.append(block)
            self._count()
            self._change.notify()

    def skip(self) -> None:
        """Let go of what waits, without counting it as left out."""
        with self._change:
            self._waiting.clear()
            self._count()
            self._gap = True

    def take(self, min_seconds: float, max_seconds: float, patience: float) -> Block | None:
        """Take the oldest sound that waits, as one block.

        Parameters
        ----------
        min_seconds, max_seconds : float
            How long it should be, in s: what arrives is gathered until there is so much.
        patience : float
            How long to wait for that, in s.

        Returns
        -------
        Block or None
            None if there was not enough in time, or the buffer is closed.
        """
        with self._change:
            self._change.wait_for(lambda: self._closed or self.waiting >= min_seconds, patience)
            if self._closed or self.waiting < min_seconds:
                return None
            chunks = [self._waiting.popleft()]
            seconds = chunks[0].seconds
            while self._waiting and self._waiting[0].follows and seconds < max_seconds:
                chunks.append(self._waiting.popleft())
                seconds += chunks[-1].seconds
            self._count()
        first, last = chunks[0], chunks[-1]
        samples = np.concatenate([chunk.samples for chunk in chunks])
        return Block(samples, first.sample_rate, last.end, last.arrived, first.follows)

    def _count(self) -> None:
        self.waiting = sum(block.seconds for block in self._waiting)  # anew: differences would drift

    def close(self) -> None:
        """Drop all blocks and wake up the threads that wait."""
        with self._change:
            self._closed = True
            self._waiting.clear()
            self._change.notify_all()
