"""Import of a stranger's network file: a process reads it, and the network becomes one of the project."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from zoo.app.services.attempt_results import NETWORK
from zoo.app.services.import_results import REPORT, read_report
from zoo.app.services.job_queue import JobQueue
from zoo.app.services.jobs import IMPORT, Job, Stopped
from zoo.app.services.project import Project
from zoo.app.services.project_folder import ATTEMPTS
from zoo.app.services.project_record import MAX_ATTEMPTS, MAX_NAME, Attempt, new_number
from zoo.core.errors import InputError, WorkerError, WorkerMemoryError, WorkerTimeoutError, ZooError
from zoo.core.isolated import Worker
from zoo.exchange.inspection import Inspection
from zoo.hub import saved

MAX_SECONDS = 180.0  # for one file
MAX_MEMORY = 4_000_000_000  # bytes; the libraries take 0.5 GB of it
_POLL = 0.1  # s between two looks at the process, and at whether the job was stopped
_READING = ("Reading the file", "Converting the network once, to find its classes")
_IMPORTING = (
    "Reading the file",
    "Converting the network",
    "Comparing it with the original",
    "Adding it to your networks",
)
_ADVICE = {  # of the command line and of Python, in the words of the page
    "pass trust=True (--trust) if you trust its author, and it runs in a sandbox; or ": "",
    "pass another preprocess=": "choose another preprocessing",
    "pass preprocess= with the name of a network that is preprocessed alike": (
        "choose a network that is prepared for alike"
    ),
}


@dataclass(frozen=True)
class ImportChoice:
    """What the visitor says of a file.

    Attributes
    ----------
    name : str
        Of the network.
    labels : path, tuple of str or None
        A file of labels, or the labels.
    preprocess : mapping or None
    activation : str or None
        As of `zoo.import_network`.
    """

    name: str
    labels: Path | tuple[str, ...] | None
    preprocess: Mapping[str, Any] | None
    activation: str | None


def begin_inspection(path: Path, queue: JobQueue) -> Job:
    """Put a first reading of a file into the queue; its result is an `Inspection`.

    Raises
    ------
    InputError
        If too many jobs wait.
    """

    def work(job: Job) -> Inspection:
        return msgspec.convert(_answer(job, path, {}, _READING), Inspection)

    return queue.begin(work, IMPORT)


def begin_import(project: Project, queue: JobQueue, path: Path, choice: ImportChoice) -> Job:
    """Put an import into the queue; its result is an attempt of the project.

    Parameters
    ----------
    project : Project
    queue : JobQueue
    path : Path
        Is moved, and deleted in the end.
    choice : ImportChoice

    Raises
    ------
    InputError
        If the project imports already, has such a network, or has no space for another one.
    """
    if project.importing is not None and not project.importing.finished:
        raise InputError("This project is importing a network already; wait for the end, or stop it.")
    _require_room(project, choice.name, path.stat().st_size)
    generation = project.generation
    temporary = tempfile.TemporaryDirectory(dir=project.temporary, ignore_cleanup_errors=True)
    folder = Path(temporary.name)
    labels = choice.labels
    if isinstance(labels, Path):
        labels = Path(shutil.copy(labels, folder / f"labels{labels.suffix}"))
    file = Path(shutil.copy(path, folder / path.name))

    def work(job: Job) -> Attempt:
        with temporary:
            request = {
                "folder": str(folder / "out"),
                "name": choice.name,
                "labels": str(labels) if isinstance(labels, Path) else labels,
                "preprocess": choice.preprocess and dict(choice.preprocess),
                "activation": choice.activation,
            }
            _answer(job, file, request, _IMPORTING)
            job.reach(_IMPORTING[-1], len(_IMPORTING) - 1, len(_IMPORTING))
            return _added(project, folder / "out", choice.name, generation)

    try:
        project.importing = queue.begin(work, IMPORT)
    except ZooError:
        temporary.cleanup()
        raise
    return project.importing


def _require_room(project: Project, name: str, size: int) -> None:
    if not name or len(name) > MAX_NAME:
        raise InputError(f"Give the network a name of at most {MAX_NAME} characters.")
    attempts = project.record.attempts
    if len(attempts) >= MAX_ATTEMPTS:
        raise InputError(f"A project keeps at most {MAX_ATTEMPTS} networks; remove one.")
    if any(attempt.imported and attempt.title == name for attempt in attempts):
        raise InputError(f"You have a network {name!r} already; choose another name.")
    project.require_space(size)


def _answer(job: Job, path: Path, request: dict[str, Any], stages: tuple[str, ...]) -> dict[str, Any]:
    """Have a process of its own do a request about a file, and end it when the job is stopped.

    The process writes the number of stages that are done into a file, from which the job reports them.

    Raises
    ------
    InputError
        If the file cannot be imported within the limits.
    Stopped
        If the job was stopped.
    """
    module, file = "zoo.app.services.import_process", path.with_suffix(".stage")
    request = {"path": str(path), "stage": str(file), **request}
    job.enter(stages[0])
    with ThreadPoolExecutor(1) as thread, Worker(module, max_bytes=MAX_MEMORY, max_answer=1 << 20) as worker:
        call = thread.submit(worker.call, request, seconds=MAX_SECONDS)
        while not wait([call], _POLL).done:
            if job.stopping:
                worker.kill()
                wait([call])
                raise Stopped
            done = min(_number(file), len(stages) - 1)
            if done > stages.index(job.stage):
                job.reach(stages[done], done, len(stages))
        try:
            return call.result()[0]
        except ZooError as error:
            raise InputError(_sentence(error, path)) from error
        finally:
            file.unlink(missing_ok=True)


def _number(file: Path) -> int:
    """Return the number in a file; 0 while there is none."""
    try:
        with file.open(encoding="ascii") as stream:
            return int(stream.read(1))
    except (OSError, ValueError):
        return 0


def _sentence(error: ZooError, path: Path) -> str:
    """Say in the words of the page, and without paths of the server, why a file is not imported."""
    match error:
        case WorkerTimeoutError():
            return f"{path.name} takes more than the {MAX_SECONDS:g} s of an import here."
        case WorkerMemoryError():
            return f"{path.name} takes more than the {MAX_MEMORY / 1e9:g} GB of memory of an import here."
        case WorkerError():
            return f"{path.name} cannot be imported: the process that read it ended ({error})"
    sentence = str(error).replace(f"{path.parent}/", "")
    for python, page in _ADVICE.items():
        sentence = sentence.replace(python, page)
    return sentence


def _added(project: Project, folder: Path, name: str, generation: int) -> Attempt:
    """Move what the process wrote into the project, after the same checks as of a stranger's file."""
    record = saved.read(folder / NETWORK)
    read_report(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    with project.changing(generation) as changed:
        _require_room(project, name, size)
        attempt = Attempt(
            number=new_number(),
            title=record.title,
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            classes=tuple(one.label for one in record.classes),
            imported=True,
        )
        target = project.folder / ATTEMPTS / attempt.number
        (target / NETWORK).mkdir(mode=0o700, parents=True)
        for part in (f"{NETWORK}/{saved.RECORD}", f"{NETWORK}/{saved.WEIGHTS}", REPORT):
            shutil.move(folder / part, target / part)
        changed.attempts.append(attempt)
    return attempt
