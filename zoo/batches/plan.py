"""What is to be done in a batch folder: its settings, its manifest, and the shards without parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock

from zoo.batches import manifest as manifests
from zoo.batches.folder import failed_numbers
from zoo.batches.manifest import Changes, File, Manifest, read_manifest, write_manifest
from zoo.batches.parts import part_path, written_shards
from zoo.batches.report import ShardChoice
from zoo.batches.settings import Settings, read_settings, write_settings
from zoo.batches.sources import Source, list_files
from zoo.core.errors import InputError, reason

if TYPE_CHECKING:
    import pyarrow as pa

LOCK = ".manifest.lock"


@dataclass(frozen=True, eq=False)
class Plan:
    """What a run has to do.

    Attributes
    ----------
    folder : Path
    settings : Settings
        Of the folder, with the networks of the run only.
    manifest : Manifest
    changes : Changes
    shards : ndarray of int
        Of the run, ascending, whether they are complete or not.
    """

    folder: Path
    settings: Settings
    manifest: Manifest
    changes: Changes
    shards: np.ndarray

    @property
    def networks(self) -> range:
        """Positions of the networks."""
        return range(len(self.settings.networks))

    def network_folder(self, position: int) -> Path:
        """Where the parts of a network are."""
        return self.folder / self.settings.networks[position].folder

    def missing(self) -> np.ndarray:
        """Return the shards that lack a part of a network, ascending."""
        lacking = [self._without_part(network) for network in self.networks]
        return np.unique(np.concatenate(lacking))

    def needed(self) -> Plan:
        """Return this plan without the networks whose parts are complete; with all, if all are."""
        lacking = [self.settings.networks[i] for i in self.networks if len(self._without_part(i))]
        return replace(self, settings=self.settings.with_networks(lacking)) if lacking else self

    def _without_part(self, network: int) -> np.ndarray:
        written = np.array(sorted(written_shards(self.network_folder(network))), int)
        return self.shards[~np.isin(self.shards, written)]

    def files(self, shard: int) -> list[File]:
        """List the files of a shard, by number."""
        return self.manifest.files(shard, self.settings.shard_files)

    def parts(self, shard: int) -> dict[int, Path]:
        """Return where the parts of a shard are, by the positions of the networks of the run."""
        return {i: part_path(self.network_folder(i), shard) for i in self.networks}

    def count(self, shards: np.ndarray) -> int:
        """Count the files of shards."""
        return self.manifest.count(shards, self.settings.shard_files)


def make_plan(
    sources: Source | Sequence[Source],
    wanted: Settings,
    folder: Path,
    *,
    shard: str | None,
    shard_files: int | None,
    retry: bool,
    write: bool,
) -> Plan:
    """List the files, compare them with the manifest, and write settings and manifest.

    Parameters
    ----------
    sources
        As of `zoo.batches.sources.list_files`.
    wanted : Settings
    folder : Path
    shard : str, optional
        Part of the shards; a manifest that is there is then taken as it is, so that many processes agree.
    shard_files : int, optional
    retry : bool
        Whether files that failed are worked on again.
    write : bool
        False: nothing is written, and the folder may be absent.

    Raises
    ------
    InputError
        If the folder holds results of other settings, or cannot be written.
    """
    chosen = ShardChoice.parse(shard)
    with exclusive(folder) if write else nullcontext():
        settings = wanted.merged(read_settings(folder), folder)
        stored = read_manifest(folder)
        if stored is None and any(map(written_shards, _children(folder))):
            raise InputError(
                f"{folder} has parts and no {manifests.FILE}: nothing says which files they are about. "
                "Choose another folder."
            )
        if retry and stored and shard:
            raise InputError("A part of the work does not list files again; pass --retry with --plan first.")
        if stored is None or shard is None:
            listing = list_files(sources, _suffixes(settings.modality))
            settings = settings.with_shards_for(len(listing), shard_files)
            again = failed_numbers(folder, settings, stored) if retry and stored else None
            manifest, changes = manifests.updated(stored, listing, settings.shard_files, again)
        else:
            manifest, changes = stored, Changes()
        if write:
            _write(folder, settings, stored, manifest)
    shards = manifest.shards(settings.shard_files)
    return Plan(
        folder=folder,
        settings=settings.with_networks(wanted.networks),
        manifest=manifest,
        changes=changes,
        shards=shards[shards % chosen.of == chosen.index - 1],
    )


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Let one process at a time write settings, manifest, and what the rows of a folder have in common.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / LOCK):
            yield
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be written: {reason(error)}.") from error


def _write(folder: Path, settings: Settings, stored: Manifest | None, manifest: Manifest) -> None:
    if settings != read_settings(folder):
        write_settings(folder, settings)
    for network in settings.networks:
        (folder / network.folder).mkdir(exist_ok=True)
    if stored is None or not _equal(stored.table, manifest.table):
        write_manifest(folder, manifest)


def _equal(before: pa.Table, after: pa.Table) -> bool:
    return before.schema.equals(after.schema) and before.equals(after)


def _children(folder: Path) -> list[Path]:
    return [child for child in folder.iterdir() if child.is_dir()] if folder.is_dir() else []


def _suffixes(modality: str) -> set[str]:
    if modality == "image":
        from zoo.vision.decoding import SUFFIXES

        return SUFFIXES
    from zoo.audio.signal import SUFFIXES as SOUNDS

    return SOUNDS
