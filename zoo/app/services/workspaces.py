"""Folders of visitors: each sees its own only, and what they leave behind is removed.

A process of the app has one folder among the system's temporary ones, with a folder for each session in it.
It is removed when the process ends; where a process was killed, the next one removes what it left, which it
knows by the lock that nobody holds any more.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX = "zoo-sessions-"
_LOCK = "lock"


class WorkspaceRoot:
    """The folder of a process, which holds its lock as long as it lives.

    Parameters
    ----------
    parent : Path, optional
        Where; by default among the system's temporary folders.
    """

    def __init__(self, parent: Path | None = None):
        self.parent = Path(tempfile.gettempdir()) if parent is None else parent
        self._sweep()
        self._folder = tempfile.TemporaryDirectory(prefix=PREFIX, dir=self.parent, ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)  # for this user's eyes only: mode 700
        self._lock = FileLock(self.folder / _LOCK)
        self._lock.acquire(timeout=0)

    def _sweep(self) -> None:
        """Remove the folders of processes that are gone."""
        for left in self.parent.glob(f"{PREFIX}*"):
            if not (left / _LOCK).is_file():  # not ours, or this moment's
                continue
            try:
                with FileLock(left / _LOCK, timeout=0):
                    shutil.rmtree(left, ignore_errors=True)
            except (Timeout, OSError):  # in use, or another user's
                continue

    def create(self) -> Workspace:
        """Make a new folder for one session."""
        return Workspace(Path(tempfile.mkdtemp(dir=self.folder)))

    def close(self) -> None:
        """Remove everything."""
        self._lock.release()
        self._folder.cleanup()


class Workspace:
    """What one session brought.

    Attributes
    ----------
    folder : Path
    closed : bool
        Whether the session is over.
    lost : bool
        Whether it is over because its connection was lost, and not because its browser left the page.
    """

    def __init__(self, folder: Path):
        self.folder, self.closed, self.lost = folder, False, False
        self._endings: list[Callable[[], object]] = []

    def at_end(self, ending: Callable[[], object]) -> None:
        """Call something when the session is over, before its folder is removed; now if it is over."""
        if self.closed:
            ending()
        else:
            self._endings.append(ending)

    def close(self, *, lost: bool = False) -> None:
        """End the session."""
        self.closed, self.lost = True, lost
        for ending in self._endings:
            ending()
        shutil.rmtree(self.folder, ignore_errors=True)
