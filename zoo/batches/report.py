"""What a batch has done, or would do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zoo.core.errors import InputError
from zoo.core.validation import count


@dataclass(frozen=True)
class BatchProgress:
    """How far a batch is.

    Attributes
    ----------
    done, total : int
        Files of this run.
    failed : int
        Files of these that could not be used.
    files_per_second : float
    seconds_left : float or None
        None before the first file is done.
    """

    done: int
    total: int
    failed: int
    files_per_second: float
    seconds_left: float | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


ProgressCallback = Callable[[BatchProgress], object]


class Tally:
    """Counts the files of a run, and reports its progress; threads take turns.

    Parameters
    ----------
    total : int
        Files of the run.
    progress : callable, optional
    """

    def __init__(self, total: int, progress: ProgressCallback | None):
        self._total, self._progress = total, progress
        self._done, self._failed = 0, 0
        self._begin: float | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Measure the time from now on, when the first networks are loaded."""
        with self._lock:
            self._begin = self._begin or time.monotonic()

    def add(self, files: int, failed: int) -> None:
        """Count files that are done, and those of them that failed."""
        with self._lock:
            self._done += files
            self._failed += failed
            seconds = time.monotonic() - (self._begin or time.monotonic())
            rate = self._done / seconds if seconds > 0 else 0.0
            left = (self._total - self._done) / rate if rate else None
            if self._progress:
                self._progress(BatchProgress(self._done, self._total, self._failed, rate, left))


@dataclass(frozen=True)
class BatchReport:
    """What a batch folder holds after a run, or what a run would do.

    Attributes
    ----------
    folder : Path
    files : int
        In the manifest.
    new, changed, gone : int
        Of these since the listing before; rows of changed and gone files no longer count.
    done : int
        Files whose shards are complete.
    left : int
        Files that are still to be done.
    failed : int
        Files that are done and could not be used.
    seconds : float or None
        Time that the run took; of a dry run, roughly what it would take, None if nothing is left.
    dry_run : bool
    """

    folder: Path
    files: int
    new: int
    changed: int
    gone: int
    done: int
    left: int
    failed: int
    seconds: float | None
    dry_run: bool = False

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"folder": str(self.folder)}


@dataclass(frozen=True)
class ShardChoice:
    """Which shards a run works on: those whose number leaves `index` - 1 when divided by `of`."""

    index: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str | None) -> ShardChoice:
        """Read ``"3/64"``; None: all shards.

        Raises
        ------
        InputError
            If the text is not such a fraction.
        """
        if text is None:
            return cls()
        try:
            index, of = map(int, text.split("/"))
        except (AttributeError, ValueError):
            index, of = 0, 0
        if not 1 <= index <= of:
            raise InputError(f"shard={text!r} is not a part such as 3/64: from 1/64 to 64/64.")
        return cls(count("shard", index), of)
