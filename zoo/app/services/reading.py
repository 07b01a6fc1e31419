"""Uploads that are read in a thread of their own, so that they are stored even if the page is left."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from zoo.app.services.project_record import Example, ExampleClass
from zoo.core.errors import ZooError
from zoo.results.problem import Problem


class Reading:
    """How far the reading of an upload is, and what came of it.

    Parameters
    ----------
    store : callable
        Called at once: it writes the upload to files, so that no upload waits in memory.
    work : callable
        Called with this object, in the thread; not if `store` failed.
    after : Reading, optional
        One that must be over before.

    Attributes
    ----------
    fraction : float
        How much is done.
    problems : list of Problem
        Files that were left out.
    error : str
        Why nothing was stored, in one sentence; empty if something was.
    """

    def __init__(
        self,
        store: Callable[[], object],
        work: Callable[[Reading], None],
        after: Reading | None = None,
    ):
        self.fraction, self.error = 0.0, ""
        self.problems: list[Problem] = []
        self._work, self._after = work, after
        self._over = threading.Event()
        with self._errors_noted():
            store()
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def over(self) -> bool:
        """Whether nothing more will change."""
        return self._over.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait at most so long for the end; return whether it came."""
        return self._over.wait(seconds)

    def count(self, done: int, total: int) -> None:
        """Note how many files are done."""
        self.fraction = done / max(total, 1)

    def _run(self) -> None:
        if self._after is not None:
            self._after._over.wait()
            self._after = None  # and not a chain of all before
        if not self.error:
            with self._errors_noted():
                self._work(self)
        self._over.set()

    @contextmanager
    def _errors_noted(self) -> Iterator[None]:
        try:
            yield
        except ZooError as error:
            self.error = str(error)
        except Exception:
            logging.getLogger(__name__).exception("An upload could not be read")
            self.error = "This failed unexpectedly; the server's log has the reason."


def repeated(name: str, target: ExampleClass, twin: Example, owner: ExampleClass) -> Problem:
    """Say of a file that its content is an example already, and of which class."""
    where = "" if owner is target else f", which is of the class {owner.label!r}"
    return Problem(name, f"{name} has the same content as {twin.name}{where}.")
