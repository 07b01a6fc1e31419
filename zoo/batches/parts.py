"""Parts: the rows of one shard by one network, ``NETWORK/part-00000012.parquet``, whole or not there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from zoo.batches.durable import publish, temporary

LOCKS = ".shard-locks"
_NAME = re.compile(r"part-(\d{8,})\.parquet")
_LOCK = re.compile(r"(\d{8,})\.lock")
_UNFINISHED = re.compile(r"\.part-(\d{8,})\.parquet\.[0-9a-f]+")
_GROUP_BYTES = 16 << 20  # of rows that wait for a group of their own


def part_path(folder: Path, shard: int) -> Path:
    """Where the part of a shard is, in the folder of a network."""
    return folder / f"part-{shard:08d}.parquet"


def part_files(folder: Path) -> list[Path]:
    """List the parts in the folder of a network, by shard."""
    return [part_path(folder, shard) for shard in sorted(written_shards(folder))]


def written_shards(folder: Path) -> set[int]:
    """Return the shards whose parts are in the folder of a network."""
    return {int(match[1]) for match in _matches(_NAME, folder)}


class PartWriter:
    """Writes a part row by row under another name; `close` gives it its own.

    Parameters
    ----------
    path : Path
    schema : pyarrow.Schema
        Of the rows.
    metadata : dict
        Of the file.
    """

    def __init__(self, path: Path, schema: pa.Schema, metadata: dict[bytes, bytes]):
        self._path, self._written = path, temporary(path)
        self._writer = pq.ParquetWriter(self._written, schema, compression="zstd")
        self._writer.add_key_value_metadata(metadata)
        self._waiting: list[pa.RecordBatch] = []
        self._bytes = 0

    def add(self, rows: pa.RecordBatch) -> None:
        """Add rows."""
        self._waiting.append(rows)
        self._bytes += rows.nbytes
        if self._bytes > _GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        """Finish the part."""
        self._flush()
        self._writer.close()
        publish(self._written, self._path)

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._waiting).combine_chunks())
            self._waiting, self._bytes = [], 0

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.close()
            else:
                self._writer.close()
        finally:
            self._written.unlink(missing_ok=True)


class ShardLocks:
    """Lets one process or thread at a time work on a shard, by a locked file, which ends with its process.

    Where the file system has no locks, two processes may do the same work twice, and the later part replaces
    an equal one.

    Parameters
    ----------
    folder : Path
        Of the batch.
    """

    def __init__(self, folder: Path):
        self._folder = folder / LOCKS

    @contextmanager
    def shard(self, shard: int) -> Iterator[bool]:
        """Lock a shard; False if another process or thread has it."""
        self._folder.mkdir(exist_ok=True)
        path = self._folder / f"{shard:08d}.lock"
        lock = FileLock(path, fallback_to_soft=False)
        try:
            yield _acquired(lock)
        finally:
            if lock.is_locked:
                with suppress(OSError):  # Windows deletes it when it is unlocked
                    path.unlink()
                lock.release()

    def clean(self, folders: Iterable[Path]) -> None:
        """Delete what processes that have ended left: unfinished parts in the folders of networks, locks."""
        for folder in folders:
            for match in _matches(_UNFINISHED, folder):
                with self.shard(int(match[1])) as acquired:
                    if acquired:
                        (folder / match[0]).unlink(missing_ok=True)
        for match in _matches(_LOCK, self._folder):
            with self.shard(int(match[1])):
                pass  # deletes the file, if it is free


def _acquired(lock: FileLock) -> bool:
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    except OSError:  # no locks here
        return True
    return True


def _matches(name: re.Pattern[str], folder: Path) -> list[re.Match[str]]:
    """Return the names in a folder that match."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return [match for entry in entries if (match := name.fullmatch(entry.name))]
