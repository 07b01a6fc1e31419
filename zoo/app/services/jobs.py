"""A job: long work of one visitor, how far it is, and what became of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.core.errors import ZooError

if TYPE_CHECKING:
    from zoo.training.fit.loop import Step

WAITING, RUNNING, DONE, STOPPED, FAILED = "waiting", "running", "done", "stopped", "failed"


class Stopped(Exception):
    """A job was stopped before it had a result."""


@dataclass(frozen=True)
class Kind:
    """A kind of work.

    Attributes
    ----------
    noun, plural : str
        Name of one such job, and of several.
    lane : str
        Jobs of one lane start in the order in which they came; jobs of different lanes do not wait for each
        other.
    at_once : int
        How many jobs of the lane run at once.
    seconds : float
        Typical duration, used until the process has finished some jobs of this kind.
    quiet : bool
        Whether it waits until nothing else computes.
    """

    noun: str
    plural: str
    lane: str
    at_once: int
    seconds: float
    quiet: bool = False


# Seconds of 2 cores: 40 photos with a small network, and fine-tuning that network for 10 epochs.
INSTANT = Kind("training", "trainings", "instant", at_once=8, seconds=2)  # a head on stored features
SHORT = Kind("short training", "short trainings", "short", at_once=2, seconds=6)  # a head on a frozen body
LONG = Kind("fine-tuning", "fine-tunings", "long", at_once=1, seconds=180)
MEASUREMENT = Kind("comparison", "comparisons", "long", at_once=1, seconds=60, quiet=True)
IMPORT = Kind("import", "imports", "import", at_once=1, seconds=15)  # of a network file
SURVEY = Kind(  # of all networks, for the chart of the page Networks
    "measurement of networks", "measurements of networks", "long", at_once=1, seconds=300, quiet=True
)


@dataclass(frozen=True)
class Place:
    """The place of a waiting job in its queue.

    Attributes
    ----------
    ahead : int
        Jobs that start before it.
    seconds : float
        Estimate of the wait.
    running : tuple of Kind
        Of a job that needs a quiet machine: the jobs that run.
    pages : int
        Of such a job: the pages that compute.
    """

    ahead: int
    seconds: float
    running: tuple[Kind, ...] = ()
    pages: int = 0


class Job:
    """Work in a thread of its own. Made by `JobQueue.begin`.

    Attributes
    ----------
    kind : Kind
    state : str
        ``"waiting"``, ``"running"``, ``"done"``, ``"stopped"`` or ``"failed"``.
    stage : str
        What is being done, in words.
    fraction : float
        How much of this stage is done, from 0 to 1.
    step : Step or None
        Progress of the training itself, of a job that trains.
    result : object
        What the work returned, once it is done.
    error : str
        Why it failed, in one sentence.
    stopping : bool
        Whether it was asked to stop.
    abandoned : bool
        Whether its result is not wanted any more.
    computing : bool
        Whether its thread works; that of an abandoned job does until its next report of progress.
    disturbed : bool
        Whether other work ran beside a job that needs a quiet machine.
    """

    def __init__(
        self,
        work: Callable[[Job], Any],
        kind: Kind,
        *,
        place: Callable[[Job], Place],
        notify: Callable[[Job], None],
    ):
        self.kind = kind
        self._work, self._place, self._notify = work, place, notify
        self.state, self.stage, self.fraction, self.error = WAITING, "", 0.0, ""
        self.step: Step | None = None
        self.result: Any = None
        self.stopping = self.abandoned = self.computing = self.disturbed = False
        self._began = self._stage_began = time.monotonic()
        self._ended = threading.Event()

    @property
    def finished(self) -> bool:
        return self.state in (DONE, STOPPED, FAILED)

    @property
    def place(self) -> Place:
        """Its place in the queue, while it waits."""
        return self._place(self)

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self._began

    @property
    def eta(self) -> float | None:
        """Seconds until this stage ends, at the pace so far; None before there is a pace."""
        if self.fraction <= 0:
            return None
        if self.step is not None:
            return self.step.eta
        return (time.monotonic() - self._stage_began) * (1 / self.fraction - 1)

    def stop(self) -> None:
        """Ask it to stop: it ends with the result so far, or without one."""
        self.stopping = True
        self._notify(self)

    def abandon(self) -> None:
        """Stop it and drop its result.

        It counts as stopped at once. If it runs, it keeps its place in the queue until its thread ends, at
        the next report of progress: most stages make several a second, but one fit of a support vector
        machine may take a minute.
        """
        self.abandoned = True
        self.stop()

    def wait(self, seconds: float) -> bool:
        """Wait until its thread has ended; whether it has."""
        return self._ended.wait(seconds)

    def enter(self, stage: str) -> None:
        """Begin another stage.

        Raises
        ------
        Stopped
            If the job was abandoned.
        """
        self.stage, self.fraction, self.step, self._stage_began = stage, 0.0, None, time.monotonic()
        self._end_if_abandoned()

    def reach(self, stage: str, done: int, total: int) -> None:
        """Begin another stage of work whose bar and estimate of time go on.

        Raises
        ------
        Stopped
            If the job was abandoned.
        """
        self.stage = stage
        self.count(done, total)

    def count(self, done: int, total: int) -> None:
        """Report the progress of a stage.

        Raises
        ------
        Stopped
            If the job was abandoned.
        """
        self.fraction = done / max(total, 1)
        self._end_if_abandoned()

    def count_or_stop(self, done: int, total: int) -> None:
        """Report as `count`, in a stage that has no result when it is stopped.

        Raises
        ------
        Stopped
            If the job was asked to stop.
        """
        self.count(done, total)
        if self.stopping:
            raise Stopped

    def on_step(self, step: Step) -> bool:
        """Report the progress of training; True where it should end with the result so far.

        Raises
        ------
        Stopped
            If the job was abandoned.
        """
        self.step, self.fraction = step, step.fraction
        self._end_if_abandoned()
        return self.stopping

    def start(self) -> None:
        """Note that its turn has come."""
        self.state, self.computing, self._began = RUNNING, True, time.monotonic()

    def drop(self) -> None:
        """Count it as stopped, even if its thread still runs."""
        self.state, self.result, self.error = STOPPED, None, ""

    def run(self) -> None:
        """Do the work, and keep its result or its error."""
        try:
            if self.stopping:
                raise Stopped
            self.result = self._work(self)
            state = DONE
        except Stopped:
            state = STOPPED
        except ZooError as error:
            self.error, state = str(error), FAILED
        except Exception:
            logging.getLogger(__name__).exception("A job failed")
            self.error = "This failed unexpectedly; the server's log has the reason."
            state = FAILED
        self.state = state
        if self.abandoned:
            self.drop()

    def end(self) -> None:
        """Note that its thread ends."""
        self.computing = False
        self._ended.set()

    def _end_if_abandoned(self) -> None:
        if self.abandoned:
            raise Stopped
