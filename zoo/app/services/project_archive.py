"""A project as one file: a zip that is saved here and opened here or on another server.

A file that is opened may come from a stranger. Everything in it is checked before anything of it is kept.
"""

from __future__ import annotations

import io
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import zoo
from zoo.app.services import offered_networks, project_record, uploads
from zoo.app.services.attempt_results import EVALUATION, NETWORK, read_evaluation
from zoo.app.services.import_results import REPORT, read_report
from zoo.app.services.project import Project
from zoo.app.services.project_folder import ATTEMPTS, EXAMPLES, INPUTS
from zoo.app.services.project_record import Attempt, ProjectRecord, new_number
from zoo.app.services.project_training import is_imported
from zoo.app.services.projects import bytes_of
from zoo.app.services.semaphore import FairSemaphore
from zoo.app.settings import project_bytes
from zoo.core.errors import InputError, ZooError
from zoo.core.hashing import digest
from zoo.core.progress import Progress
from zoo.hub import saved
from zoo.hub.imported import FAMILY
from zoo.hub.sources import parts_of
from zoo.training.data.archives import unpacked
from zoo.training.data.build import examined
from zoo.training.data.file_list import Listing
from zoo.training.evaluation.evaluate import class_names

SUFFIX = ".zoo-project.zip"
_NETWORK_FILES = (saved.RECORD, saved.WEIGHTS)
MAX_ENTRIES = (
    1
    + uploads.MAX_EXAMPLES
    + project_record.MAX_UPLOADERS * project_record.MAX_INPUTS
    + project_record.MAX_ATTEMPTS * (2 + len(_NETWORK_FILES))
)
MAX_DEPTH = 4  # attempts/0123456789abcdef/network/network.json
_turns = FairSemaphore(1)


def packed_project(project: Project) -> bytes:
    """Pack the files that a project lists as a zip."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as zipped:  # pictures and weights hardly shrink
        for name in _files_of(project.record):
            if (path := project.folder / name).is_file():
                zipped.write(path, name)
    return stream.getvalue()


def packed_bytes(project: Project) -> int:
    """Return the size of the zip of a project, without its headers."""
    paths = [project.folder / name for name in _files_of(project.record)]
    return sum(path.stat().st_size for path in paths if path.is_file())


def file_name(record: ProjectRecord) -> str:
    """Return how to call the file of a project."""
    return (re.sub(r"[^\w-]+", "-", record.name).strip("-") or "project") + SUFFIX


def _files_of(record: ProjectRecord) -> Iterator[str]:
    """Yield the paths of a project's files; an attempt may have no evaluation or report."""
    yield project_record.RECORD
    for example in record.examples:
        yield f"{EXAMPLES}/{example.content}/{example.name}"
    for file in dict.fromkeys(file for files in record.inputs.values() for file in files):
        yield f"{INPUTS}/{file.content}/{file.name}"
    for attempt in record.attempts:
        folder = f"{ATTEMPTS}/{attempt.number}"
        yield f"{folder}/{EVALUATION}"
        yield f"{folder}/{REPORT}"
        yield from (f"{folder}/{NETWORK}/{name}" for name in _NETWORK_FILES)


def open_file(project: Project, name: str, data: bytes) -> None:
    """Open a saved project, which replaces this one, or add the network of a ``network.zip``.

    One file is opened at a time: that decodes its examples, and loads its networks.

    Raises
    ------
    InputError
        If it is neither, is damaged or too large, takes too long, or the project is training.
    """
    if project.busy:
        raise InputError("This project is training; stop that, or wait for the end.")
    with (
        _turns.take(),
        tempfile.TemporaryDirectory(dir=project.temporary, ignore_cleanup_errors=True) as temporary,
    ):
        folder = _unpacked(uploads.base_name(name), data, Path(temporary))
        try:
            _open_folder(project, folder, uploads.base_name(name), uploads.in_time(None, "The file"))
        except ZooError as error:
            raise InputError(
                str(error).replace(f"{folder}/", "")
            ) from error  # which is of no use to visitors


def _open_folder(project: Project, folder: Path, name: str, progress: Progress) -> None:
    if (folder / project_record.RECORD).is_file():
        _replace(project, folder, progress)
    elif network := _network_in(folder):
        _add_network(project, network)
    else:
        raise InputError(
            f"{name} holds neither a project nor a network; choose a file that "
            '"Save project" or "Network" gave.'
        )


def _unpacked(name: str, data: bytes, folder: Path) -> Path:
    archive = folder / "upload.zip"
    archive.write_bytes(data)
    listed = uploads.entries(archive, name)
    if len(listed) > MAX_ENTRIES:
        raise InputError(f"{name} holds {len(listed)} files, and a project has at most {MAX_ENTRIES}.")
    if deep := next(
        (entry.filename for entry in listed if len(parts_of(entry.filename) or ()) > MAX_DEPTH), None
    ):
        raise InputError(f"{name} holds {deep[:60]!r}, in more folders than any file of a project.")
    size = sum(entry.file_size for entry in listed)
    if size > project_bytes():
        raise InputError(
            f"{name} holds {size / 1e6:.0f} MB, and a project has at most {project_bytes() / 1e6:g} here."
        )
    try:
        return unpacked(archive, folder)
    except InputError as error:
        raise InputError(str(error).replace(str(archive), name)) from error


def _replace(project: Project, folder: Path, progress: Progress) -> None:
    """Check a project that was unpacked, and put it into the place of this one."""
    record = project_record.read(folder)
    assert record is not None  # its file is there
    _require_examples(record, folder, progress)
    _require_inputs(record, folder)
    for done, attempt in enumerate(record.attempts):
        progress(done, len(record.attempts))
        _require_attempt(attempt, folder / ATTEMPTS / attempt.number)
    files = [name for name in _files_of(record) if (folder / name).is_file()]
    size = sum((folder / name).stat().st_size for name in files)
    project.require_space(size - bytes_of(project.folder))
    with project.replacing() as target:
        for name in files:
            (target / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.move(folder / name, target / name)


def _require_examples(record: ProjectRecord, folder: Path, progress: Progress) -> None:
    """Raise an `InputError` unless every example is there, is what the record states, and can be decoded."""
    if not record.examples:
        return
    paths = [folder / EXAMPLES / example.content / example.name for example in record.examples]
    if missing := next((path for path in paths if not path.is_file()), None):
        raise InputError(f"The file lacks the example {missing.name}; save the project again.")
    uploads.require_limits("The project holds", len(paths), sum(path.stat().st_size for path in paths))
    listing = Listing("The project", paths, ["examples"] * len(paths), ("examples",))
    data = examined(listing, modality=record.modality, classes=("examples",), progress=progress)
    contents = [example.content for example in record.examples]
    if data.problems or list(data.hashes) != contents:
        why = data.problems[0].reason if data.problems else "an example has another content than it states."
        raise InputError(f"The file of the project is damaged: {why}")


def _require_inputs(record: ProjectRecord, folder: Path) -> None:
    """Raise an `InputError` unless every file of other pages is there, and is what the record states."""
    for files in record.inputs.values():
        paths = [folder / INPUTS / file.content / file.name for file in files]
        if missing := next((path for path in paths if not path.is_file()), None):
            raise InputError(f"The file lacks {missing.name}; save the project again.")
        uploads.require_limits("A page holds", len(paths), sum(path.stat().st_size for path in paths))
        for file, path in zip(files, paths, strict=True):
            if digest(path) != file.content:
                raise InputError(f"The file of the project is damaged: {file.name} has another content.")


def _require_attempt(attempt: Attempt, folder: Path) -> None:
    """Raise an `InputError` unless the network of an attempt is there, with an evaluation of its classes."""
    network = _require_network(folder / NETWORK)
    if attempt.classes != tuple(one.label for one in network.classes):
        raise InputError("The file of the project is damaged: a network has other classes than it states.")
    read_report(folder)
    evaluation = read_evaluation(folder)
    if evaluation and evaluation.classes != class_names(saved.labels(str(folder / NETWORK))):
        raise InputError("The file of the project is damaged: an evaluation is of other classes.")


def _network_in(folder: Path) -> Path | None:
    """Return the folder of a saved network, which may be packed with or without its folder."""
    places = [folder, *(path for path in folder.iterdir() if path.is_dir())]
    return next((place for place in places if saved.is_saved(place)), None)


def _require_network(folder: Path) -> saved.Saved:
    """Return the record of a saved network.

    Raises
    ------
    InputError
        If it was not made from a network that is offered here, or cannot be loaded.
    """
    if not saved.is_saved(folder) or not (folder / saved.WEIGHTS).is_file():
        raise InputError("The file lacks a network that it lists; save it again.")
    record = saved.read(folder)
    if record.parent.name not in (FAMILY, *offered_networks.networks()):
        raise InputError(
            f"The network was made from {record.parent.name[:60]!r}, which is not offered here; "
            "its owner can offer it with ZOO_APP_NETWORKS."
        )
    if not (record.classes or is_imported(record)):
        raise InputError("The network has no classes of its own; open one that Zoo trained or imported.")
    zoo.load(folder, device="cpu")
    return record


def _add_network(project: Project, network: Path) -> None:
    """Add a network that was unpacked to the attempts of the project."""
    record = _require_network(network)
    size = sum((network / name).stat().st_size for name in _NETWORK_FILES)
    project.require_space(size)
    number = new_number()
    with project.changing() as changed:
        if len(changed.attempts) >= project_record.MAX_ATTEMPTS:
            raise InputError(f"A project keeps at most {project_record.MAX_ATTEMPTS} attempts; remove one.")
        target = project.folder / ATTEMPTS / number / NETWORK
        target.mkdir(mode=0o700, parents=True)
        for name in _NETWORK_FILES:
            shutil.move(network / name, target / name)
        changed.attempts.append(
            Attempt(
                number=number,
                title=record.title,
                date=datetime.now(UTC).isoformat(timespec="seconds"),
                classes=tuple(one.label for one in record.classes),
                imported=is_imported(record),
            )
        )
