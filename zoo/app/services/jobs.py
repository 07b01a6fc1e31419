"""Jobs that need the machine for themselves: one runs at a time, in the order in which they came."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zoo.core.errors import InputError, ZooError

if TYPE_CHECKING:
    from zoo.training.fit.loop import Step

MOST_WAITING = 10
WAITING, RUNNING, DONE, STOPPED, FAILED = "waiting", "running", "done", "stopped", "failed"


class Stopped(Exception):
    """A job was stopped before it had anything to show."""


class JobQueue:
    """The jobs of a process: the first of them runs, the others wait.

    Parameters
    ----------
    most : int
        How many may wait.
    """

    def __init__(self, most: int = MOST_WAITING):
        self.most = most
        self._jobs: list[Job] = []
        self._turn = threading.Condition()

    def begin(self, work: Callable[[Job], Any], *, always: bool = False) -> Job:
        """Put a job at the end of the line, and do it in a thread of its own when its turn comes.

        Parameters
        ----------
        work : callable
            Called with the job, which it tells how far it is; what it returns is the job's `result`.
        always : bool
            However many are waiting.

        Raises
        ------
        InputError
            If too many are waiting.
        """
        job = Job(work, self)
        with self._turn:
            if len(self._jobs) > self.most and not always:
                raise InputError(f"{self.most} others wait here; try again in a while.")
            self._jobs.append(job)
        threading.Thread(target=self._do, args=(job,), daemon=True).start()
        return job

    def ahead_of(self, job: Job) -> int:
        """How many jobs come before this one: 0 if it runs, or is over."""
        with self._turn:
            return self._jobs.index(job) if job in self._jobs else 0

    def tell(self) -> None:
        """Let those that wait look whether they are to go on."""
        with self._turn:
            self._turn.notify_all()

    def _do(self, job: Job) -> None:
        with self._turn:
            self._turn.wait_for(lambda: job.stopping or self._jobs[0] is job)
        try:
            job.run()
        finally:
            with self._turn:
                self._jobs.remove(job)
                self._turn.notify_all()


class Job:
    """Something that takes long: how far it is, and what became of it. Made by `JobQueue.begin`.

    Attributes
    ----------
    state : str
        ``"waiting"``, ``"running"``, ``"done"``, ``"stopped"`` or ``"failed"``.
    stage : str
        What is being done, in words.
    share : float
        How much of this stage is done, from 0 to 1.
    step : Step or None
        How far training itself is, of a job that trains.
    result : object
        What the work returned, once it is done.
    error : str
        Why it failed, in one sentence.
    stopping : bool
        Whether somebody asked it to stop.
    abandoned : bool
        Whether nobody waits for its result any more.
    """

    def __init__(self, work: Callable[[Job], Any], line: JobQueue):
        self._work, self._line = work, line
        self.state, self.stage, self.share, self.error = WAITING, "", 0.0, ""
        self.step: Step | None = None
        self.result: Any = None
        self.stopping = self.abandoned = False
        self._begin = 0.0  # of the stage

    @property
    def over(self) -> bool:
        return self.state in (DONE, STOPPED, FAILED)

    @property
    def ahead(self) -> int:
        """How many jobs come first."""
        return self._line.ahead_of(self)

    @property
    def left(self) -> float | None:
        """Seconds until this stage ends, at the pace so far; None where nothing is known yet."""
        if self.step is not None:
            return self.step.left
        return (time.monotonic() - self._begin) * (1 / self.share - 1) if self.share > 0 else None

    def stop(self) -> None:
        """Ask it to stop: it ends with what it has, or with nothing."""
        self.stopping = True
        self._line.tell()

    def abandon(self) -> None:
        """Ask it to stop as soon as it can, and to leave nothing."""
        self.abandoned = True
        self.stop()

    def enter(self, stage: str) -> None:
        """Begin another stage."""
        self.stage, self.share, self.step, self._begin = stage, 0.0, None, time.monotonic()

    def count(self, done: int, total: int) -> None:
        """How far a stage is.

        Raises
        ------
        Stopped
            If nobody waits for it any more.
        """
        self.share = done / max(total, 1)
        if self.abandoned:
            raise Stopped

    def count_or_stop(self, done: int, total: int) -> None:
        """As `count`, in a stage that leaves nothing when it is stopped.

        Raises
        ------
        Stopped
            If somebody asked for it.
        """
        self.count(done, total)
        if self.stopping:
            raise Stopped

    def watch(self, step: Step) -> bool:
        """How far training is; True where it should stop with what it has."""
        self.step, self.share = step, step.share
        return self.stopping

    def run(self) -> None:
        """Do the work, whatever comes of it."""
        if self.stopping:
            self.state = STOPPED
            return
        self.state = RUNNING
        try:
            self.result = self._work(self)
            self.state = DONE
        except Stopped:
            self.state = STOPPED
        except ZooError as error:
            self.error, self.state = str(error), FAILED
        except Exception:
            logging.getLogger(__name__).exception("A job failed")
            self.error = "This failed unexpectedly; the server's log has the reason."
            self.state = FAILED
