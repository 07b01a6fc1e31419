"""Parts: the rows of one shard by one network, ``NETWORK/part-00000012.parquet``, whole or not there."""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from zoo.batches.durable import publish, temporary

LOCKS = ".locks"
_NAME = re.compile(r"part-(\d{8,})\.parquet")
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
    if not folder.is_dir():
        return set()
    with os.scandir(folder) as entries:
        return {int(match[1]) for entry in entries if (match := _NAME.fullmatch(entry.name))}


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
    """Lets one process at a time work on a shard: a lock on a byte of one file, which ends with the process.

    Without it, as on file systems that know no such locks, two processes do the same work twice, and the
    later part replaces an equal one.
    """

    def __init__(self, folder: Path):
        self._descriptor = os.open(folder / LOCKS, os.O_RDWR | os.O_CREAT, 0o666)

    def acquire(self, shard: int) -> bool:
        """Lock a shard, if no other process has it."""
        return self._locked(shard) is not False

    def release(self, shard: int) -> None:
        """Unlock a shard."""
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, shard)
        except OSError:  # no locks here
            return

    def close(self) -> None:
        """Unlock all."""
        os.close(self._descriptor)

    def clean(self, folder: Path) -> None:
        """Delete what processes that have ended left unfinished in the folder of a network."""
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
        for match in filter(None, map(_UNFINISHED.fullmatch, names)):
            if self._locked(shard := int(match[1])):
                (folder / match[0]).unlink(missing_ok=True)
                self.release(shard)

    def _locked(self, shard: int) -> bool | None:
        """Try to lock a shard; None where the file system has no locks."""
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, shard)
        except (BlockingIOError, PermissionError):
            return False
        except OSError:
            return None
        return True
