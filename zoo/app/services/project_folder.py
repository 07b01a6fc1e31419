"""The folder of a project: its parts, its state while it is replaced, and what was computed of it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable
from pathlib import Path

from zoo.training.fit.features import forget

EXAMPLES, ATTEMPTS, THUMBNAILS, INPUTS = "examples", "attempts", "thumbnails", "inputs"
BEFORE, AFTER = ".before", ".after"  # ends of the names of folders while a project is replaced


def beside(folder: Path, suffix: str) -> Path:
    """Return the path of a project's folder with a suffix."""
    return folder.with_name(f"{folder.name}{suffix}")


def recover(folder: Path) -> None:
    """Bring back a project whose process ended while the project was replaced. The caller holds its lock."""
    before, after = beside(folder, BEFORE), beside(folder, AFTER)
    if before.exists() and not folder.exists():
        before.rename(folder)
    for left in (before, after):
        shutil.rmtree(left, ignore_errors=True)


def entries(folder: Path) -> list[Path]:
    """List a folder that may be absent."""
    return list(folder.iterdir()) if folder.is_dir() else []


def forget_examples(folder: Path) -> None:
    """Remove the features of a project's examples from the cache."""
    forget_features(entry.name for entry in entries(folder / EXAMPLES))


def forget_features(contents: Iterable[str]) -> None:
    """Remove features of these examples from the cache, in a thread: it waits for those being computed."""
    if contents := list(contents):
        threading.Thread(target=forget, args=(contents,), daemon=True).start()
