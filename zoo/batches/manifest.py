"""The manifest: which files a batch folder is about, each version with a number of its own.

``manifest.parquet`` has the columns ``number``, ``path``, ``size``, ``modified``, and what the user's tables
bring. A file that is new or has changed gets the next number, and no number is given twice. Shard *k* has the
numbers from ``k * shard_files`` on, and every listing begins a new shard, so a part that is written stays
right; if a file changes or disappears, the manifest drops its number, and its rows no longer count.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from zoo.batches.durable import write_durably
from zoo.batches.sources import FILES
from zoo.core.errors import InputError, reason

FILE = "manifest.parquet"
_META = b"zoo"


@dataclass(frozen=True)
class File:
    """One version of a file."""

    number: int
    path: str


@dataclass(frozen=True)
class Changes:
    """How a new listing differs from the manifest before, in files."""

    new: int = 0
    changed: int = 0
    gone: int = 0


@dataclass(frozen=True, eq=False)
class Manifest:
    """The files of a batch folder.

    Attributes
    ----------
    table : pyarrow.Table
        Sorted by ``number``.
    next_number : int
        The first number that no file has had.
    """

    table: pa.Table
    next_number: int

    def __len__(self) -> int:
        """Files."""
        return len(self.table)

    @cached_property
    def numbers(self) -> np.ndarray:
        """Numbers of the files, shape (files,), ascending."""
        return self.table["number"].to_numpy()

    def rows(self, numbers: np.ndarray) -> np.ndarray:
        """Return the rows of files by their numbers, which the manifest has."""
        return np.searchsorted(self.numbers, numbers)

    def shards(self, shard_files: int) -> np.ndarray:
        """Return the shards that have files, ascending."""
        return np.unique(self.numbers // shard_files)

    def files(self, shard: int, shard_files: int) -> list[File]:
        """List the files of a shard, by number."""
        start, end = np.searchsorted(self.numbers, [shard * shard_files, (shard + 1) * shard_files])
        rows = self.table.slice(start, end - start)
        return [File(*row) for row in zip(rows["number"].to_pylist(), rows["path"].to_pylist(), strict=True)]

    def count(self, shards: Sequence[int] | np.ndarray, shard_files: int) -> int:
        """Count the files of some shards."""
        return int(np.isin(self.numbers // shard_files, shards).sum())


def updated(
    stored: Manifest | None, listing: pa.Table, shard_files: int, again: np.ndarray | None = None
) -> tuple[Manifest, Changes]:
    """Give the files of a listing their numbers: those that they have, or new ones.

    Parameters
    ----------
    stored : Manifest, optional
        Made of the listing before.
    listing : pyarrow.Table
        As of `zoo.batches.sources.list_files`.
    shard_files : int
    again : ndarray of int, optional
        Numbers of files that are to be worked on again, and get new numbers for it.
    """
    old = stored or Manifest(FILES.empty_table().add_column(0, "number", pa.array([], pa.int64())), 0)
    place = pc.index_in(listing["path"], old.table["path"].combine_chunks())
    earlier = old.table.take(place)  # null where a path is new
    same = pc.and_(
        pc.equal(listing["size"], earlier["size"]), pc.equal(listing["modified"], earlier["modified"])
    )
    same = pc.fill_null(same, False)
    if again is not None:
        same = pc.and_not(same, pc.is_in(earlier["number"], pa.array(again, pa.int64())))
    is_same, is_known = same.to_numpy(), pc.is_valid(place).to_numpy()
    numbers = pc.fill_null(earlier["number"], 0).to_numpy().copy()
    begin = -(-old.next_number // shard_files) * shard_files
    fresh = int((~is_same).sum())
    numbers[~is_same] = begin + np.arange(fresh)
    table = listing.add_column(0, "number", pa.array(numbers)).take(pa.array(np.argsort(numbers)))
    changes = Changes(
        new=int((~is_known).sum()),
        changed=int((is_known & ~is_same).sum()),
        gone=len(old) - int(is_known.sum()),
    )
    return Manifest(table, begin + fresh if fresh else old.next_number), changes


def read_manifest(folder: Path) -> Manifest | None:
    """Read the manifest of a batch folder; None if it has none.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        table = pq.read_table(path)
        next_number = int(json.loads(table.schema.metadata[_META])["next_number"])
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read: {reason(error)}; take another folder.") from error
    return Manifest(table.replace_schema_metadata(None), next_number)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a batch folder."""
    metadata = {_META: json.dumps({"schema": 1, "next_number": manifest.next_number})}
    table = manifest.table.replace_schema_metadata(metadata)
    write_durably(folder / FILE, lambda path: pq.write_table(table, path, compression="zstd"))
