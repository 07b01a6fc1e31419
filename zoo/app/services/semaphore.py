"""Turns on a machine that many share: only some work at once, in the order in which they came."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class FairSemaphore:
    """A counter with a queue before it. Who has a turn may take it again within it, and has it at once.

    Parameters
    ----------
    at_once : int
        How many are served at a time.
    """

    def __init__(self, at_once: int):
        self.at_once = at_once
        self._queue: list[object] = []  # those being served come first
        self._changed = threading.Condition()
        self._local = threading.local()  # whether this thread has a turn

    @contextmanager
    def take(self, on_wait: Callable[[int], object] | None = None, every: float = 0.5) -> Iterator[None]:
        """Wait for one's turn, and have it as long as the block lasts.

        Parameters
        ----------
        on_wait : callable, optional
            Called while waiting with how many are before; what it raises ends the waiting.
        every : float
            Seconds after which it is called again.
        """
        if getattr(self._local, "turn", False):
            yield
            return
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
        try:
            while before := self._wait(ticket, every):
                if on_wait:
                    on_wait(before)
            self._local.turn = True
            yield
        finally:
            self._local.turn = False
            with self._changed:
                self._queue.remove(ticket)
                self._changed.notify_all()

    def _wait(self, ticket: object, seconds: float) -> int:
        """How many are still before a ticket, some time later; 0 when its turn has come."""
        with self._changed:
            self._changed.wait_for(lambda: not self._before(ticket), seconds)
            return self._before(ticket)

    def _before(self, ticket: object) -> int:
        return max(0, self._queue.index(ticket) - self.at_once + 1)
