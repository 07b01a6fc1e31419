"""Keep one project folder for each browser, within limits, and remove those that are no longer used."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from weakref import WeakValueDictionary

from filelock import FileLock

from zoo.app.services.project import Project
from zoo.app.services.project_folder import AFTER, BEFORE, beside, forget_examples, recover
from zoo.app.settings import PROJECT_SECONDS, project_bytes, total_project_bytes
from zoo.core.errors import InputError

SWEEP_SECONDS = 3600.0  # between two searches for expired projects


class Projects:
    """The projects of a server.

    A browser's token leads to a folder that is named by the token's SHA-256, so the names of folders tell no
    tokens.

    Parameters
    ----------
    folder : Path
        Made if it is absent; an `OSError` is raised if it cannot be made, or cannot be written.
    temporary : Path
        A folder for files that are on their way.
    """

    def __init__(self, folder: Path, temporary: Path):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # raises where no file can be made
            pass
        self.folder, self.temporary = folder.resolve(), temporary
        self._open: WeakValueDictionary[str, Project] = WeakValueDictionary()
        self._lock = threading.Lock()
        self._swept = 0.0
        self._recover()

    def _recover(self) -> None:
        """Bring back projects that were being replaced when a process ended."""
        for left in list(self.folder.iterdir()):
            if left.suffix in (BEFORE, AFTER):
                folder = left.with_suffix("")
                with FileLock(beside(folder, ".lock")):
                    recover(folder)

    def open(self, token: str) -> Project:
        """Return the project of a browser, which is empty at first; sessions of one browser share it."""
        name = hashlib.sha256(token.encode()).hexdigest()
        with self._lock:
            project = self._open.get(name)
            if project is None:
                project = self._open[name] = Project(self.folder / name, self.temporary, self.require_space)
            if time.time() - self._swept > SWEEP_SECONDS:
                self._swept = time.time()
                self._sweep()
        return project

    def require_space(self, folder: Path, size: int) -> None:
        """Raise an `InputError` if a project, or all together, would grow beyond their limits."""
        require_project_space(folder, size)
        others = [project for project in list(self._open.values()) if project.folder != folder]
        waiting = sum(project.waiting_bytes for project in others)
        if bytes_of(self.folder) + waiting + size > total_project_bytes():
            raise InputError("The server holds as many projects as it can; try again later.")

    def _sweep(self) -> None:
        """Remove projects that were not opened for `PROJECT_SECONDS`, and locks of deleted ones."""
        for name in {path.stem for path in self.folder.iterdir() if path.suffix in ("", ".lock")}:
            folder = self.folder / name
            if name in self._open or not _has_expired(folder):
                continue
            lock = beside(folder, ".lock")
            with FileLock(lock):
                if _has_expired(folder):  # still, as another process may have opened it
                    forget_examples(folder)
                    shutil.rmtree(folder, ignore_errors=True)
                    lock.unlink(missing_ok=True)


def _has_expired(folder: Path) -> bool:
    """Whether a project was not opened for its time; one that was deleted has left only its lock."""
    try:
        return time.time() - folder.stat().st_mtime > PROJECT_SECONDS
    except FileNotFoundError:
        return True


def require_project_space(folder: Path, size: int) -> None:
    """Raise an `InputError` if a project would grow beyond its limit."""
    if bytes_of(folder) + size > project_bytes():
        raise InputError(
            f"A project holds at most {project_bytes() / 1e6:g} MB; remove examples or attempts, or save the "
            "project and delete it here."
        )


def bytes_of(folder: Path) -> int:
    """Return the size of all files below a folder."""
    total = 0
    for root, _, names in os.walk(folder):  # which passes over folders that are removed meanwhile
        for name in names:
            with suppress(FileNotFoundError):
                total += os.lstat(os.path.join(root, name)).st_size
    return total
