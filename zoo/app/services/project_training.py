"""Training within a project: each training becomes an attempt, which stays until it is removed."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import zoo
from zoo.app.services.attempt_results import NETWORK, save_evaluation
from zoo.app.services.job_queue import JobQueue
from zoo.app.services.jobs import Job, Stopped
from zoo.app.services.project import Project
from zoo.app.services.project_folder import ATTEMPTS
from zoo.app.services.project_record import (
    MAX_ATTEMPTS,
    Attempt,
    TrainingConfig,
    UnfinishedTraining,
    new_number,
)
from zoo.app.services.training_job import TrainedModel, accuracy_interval, kind_of, train_network
from zoo.app.services.uploads import require_enough
from zoo.core.errors import InputError, ZooError
from zoo.core.spec import Spec
from zoo.hub import saved
from zoo.hub.imported import FAMILY
from zoo.inference.network import Network
from zoo.training.fit.features import forget

_beginning = threading.Lock()


def folder_of(project: Project, attempt: Attempt) -> Path:
    """Return the folder of an attempt."""
    return project.folder / ATTEMPTS / attempt.number


def network_of(project: Project, attempt: Attempt) -> Path:
    """Return the folder of an attempt's network, which `zoo.load` takes."""
    return folder_of(project, attempt) / NETWORK


@lru_cache(maxsize=1000)
def spec_of(folder: str) -> Spec:
    """Return the record of a network of a project, whose folder never changes."""
    return zoo.describe(folder)


@lru_cache(maxsize=1000)
def classes_of(folder: str) -> tuple[str, ...]:
    """Return the classes of a network of a project, whose folder never changes."""
    return tuple(label.label for label in saved.labels(folder))


def is_imported(network: Spec | saved.Saved) -> bool:
    """Whether a network came from a file of another program, and was not trained since."""
    return network.parent is not None and network.parent.name == FAMILY and not network.training


def begin_training(project: Project, queue: JobQueue, net: Network, name: str, config: TrainingConfig) -> Job:
    """Put a training into the queue; its result is an attempt of the project.

    Parameters
    ----------
    project : Project
    queue : JobQueue
    net : Network
        What to train; it stays as it is.
    name : str
        By which the app offers it, as `zoo.app.services.project_settings.portable` returns it.
    config : TrainingConfig

    Raises
    ------
    InputError
        If the project is training already, has too few examples, or has no space for another network.
    """
    with _beginning:
        if project.busy:
            raise InputError("This project is training already; wait for the end, or stop it.")
        if len(project.record.attempts) >= MAX_ATTEMPTS:
            raise InputError(f"A project keeps at most {MAX_ATTEMPTS} attempts; remove one.")
        data = project.dataset()
        require_enough(data)
        project.require_space(sum(tensor.nbytes for tensor in net.module.state_dict().values()))
        number = new_number()

        def work(job: Job) -> Attempt:
            folder = project.folder / ATTEMPTS / number
            project.trainings[number] = job
            try:
                trained = train_network(net, data, config, folder / NETWORK, job)
                if job.abandoned:  # the project may be deleted
                    raise Stopped
                save_evaluation(folder, trained.evaluation, trained.held)
                attempt = _attempt(number, trained, name, config, stopped=job.stopping)
                _finish(project, job, attempt)
            except Exception:
                _finish(project, job)
                raise
            finally:
                del project.trainings[number]
                project.remove_leftovers()
                if not project.folder.exists():  # deleted meanwhile
                    forget(data.hashes)
            return attempt

        with project.changing() as record:
            record.unfinished = UnfinishedTraining(name, config)
        try:
            project.job = queue.begin(work, kind_of(net, data, config))
        except ZooError:
            forget_unfinished(project)
            raise
        return project.job


def _finish(project: Project, job: Job, attempt: Attempt | None = None) -> None:
    """Note that a training is over, with an attempt or without; one that was abandoned stays unfinished.

    Raises
    ------
    Stopped
        If the job was abandoned: the project may be deleted.
    """
    if job.abandoned:
        raise Stopped
    with project.changing() as record:
        if job.abandoned:  # meanwhile
            raise Stopped
        record.unfinished = None
        if attempt is not None:
            record.attempts.append(attempt)


def interrupted_training(project: Project) -> UnfinishedTraining | None:
    """Return the training that ended without a result, with its server or because its owner had left."""
    is_own = project.job is not None and not project.job.abandoned  # whose outcome is known
    return None if is_own else project.record.unfinished


def forget_unfinished(project: Project) -> None:
    """Forget a training that was interrupted."""
    with project.changing() as record:
        record.unfinished = None


def _attempt(
    number: str, trained: TrainedModel, name: str, config: TrainingConfig, *, stopped: bool
) -> Attempt:
    training, evaluation = trained.network.spec.training, trained.evaluation
    low, high = accuracy_interval(evaluation)
    return Attempt(
        number=number,
        title=trained.network.spec.title,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        classes=tuple(label.label for label in trained.network.labels),
        network=name,
        config=config,
        epochs=len(training["history"]) if "history" in training else None,
        stopped=stopped,
        accuracy=evaluation.accuracy,
        low=low,
        high=high,
        tested=len(evaluation),
        seconds=training["seconds"],
    )


def remove_attempt(project: Project, number: str) -> None:
    """Remove an attempt and its network."""
    with project.changing() as record:
        record.attempts = [attempt for attempt in record.attempts if attempt.number != number]
