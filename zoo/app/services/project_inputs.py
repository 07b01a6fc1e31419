"""Files that the user gave to other pages than Teach: a project keeps them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from zoo.app.services import uploads
from zoo.app.services.project import Project
from zoo.app.services.project_folder import INPUTS
from zoo.app.services.project_record import MAX_INPUTS, StoredFile
from zoo.core.errors import InputError, ZooError
from zoo.hub.weights import write


def stored_file(name: str, data: bytes) -> StoredFile:
    """Return what a project notes of a file."""
    return StoredFile(hashlib.sha256(data).hexdigest(), uploads.base_name(name))


def path_of(project: Project, file: StoredFile) -> Path:
    """Return where a file is kept."""
    return project.folder / INPUTS / file.content / file.name


def keep_inputs(
    project: Project, uploader: str, added: Mapping[StoredFile, bytes], removed: Collection[StoredFile]
) -> None:
    """Change the files that a project keeps for an uploader of another page.

    Raises
    ------
    InputError
        If they are too many or too large; nothing changes then.
    """
    with project.changing() as record:
        files = [file for file in record.inputs.get(uploader, []) if file not in removed]
        files += [file for file in added if file not in files]
        new = {file: data for file, data in added.items() if not path_of(project, file).is_file()}
        if len(files) > MAX_INPUTS:
            raise InputError(f"A page keeps at most {MAX_INPUTS} files; remove some.")
        uploads.require_limits("With these, the page holds", len(files), _bytes_of(project, files, new))
        if new:
            project.require_space(sum(map(len, new.values())))
        for file, data in new.items():
            path = path_of(project, file)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write(path, lambda temporary, data=data: temporary.write_bytes(data))
        if files:
            record.inputs[uploader] = files
        else:
            record.inputs.pop(uploader, None)


def _bytes_of(project: Project, files: Collection[StoredFile], new: Mapping[StoredFile, bytes]) -> int:
    return sum(len(new[file]) if file in new else path_of(project, file).stat().st_size for file in files)


def inputs_of(project: Project, uploader: str) -> list[StoredFile]:
    """Return the files that a project keeps for an uploader."""
    with suppress(ZooError):  # of a damaged project; the page Teach shows why
        return list(project.record.inputs.get(uploader, []))
    return []
