"""Write files that are complete or absent, even if the process or the machine ends meanwhile."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path


def temporary(path: Path) -> Path:
    """Return a fresh name beside a file, hidden, for what will replace it."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}")


def publish(written: Path, path: Path) -> None:
    """Bring a written file to the disk, and only then give it its name."""
    _sync(written, os.O_RDWR)
    written.replace(path)
    _sync(path.parent, os.O_RDONLY)


def write_durably(path: Path, save: Callable[[Path], object]) -> None:
    """Write a file under a temporary name, bring it to the disk, and rename it."""
    written = temporary(path)
    try:
        save(written)
        publish(written, path)
    finally:
        written.unlink(missing_ok=True)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
