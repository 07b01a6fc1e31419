"""What a batch folder holds results of: task, options, networks, weights, preprocessing (``run.json``)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from zoo.batches.durable import write_durably
from zoo.core.errors import InputError, reason
from zoo.core.spec import Task
from zoo.core.validation import count

FILE = "run.json"
BATCH_SIZE = 16  # images that a network gets at once, as in `zoo.vision.transforms`
_SHARD_FILES = {"image": 1024, "audio": 64}  # at the most: what a stop costs
_SHARDS = 32  # of a folder with fewer files: enough for the cores of one machine


class NetworkSettings(Struct, frozen=True):
    """One network of a batch.

    Attributes
    ----------
    name : str
    weights : str
        SHA-256 of the file of weights.
    preprocess : dict
        Preprocessing, as the network's record describes it.
    """

    name: str
    weights: str
    preprocess: dict[str, Any]

    @property
    def folder(self) -> str:
        """Name of the folder of the network's parts."""
        return re.sub(r"[^\w.@=-]+", "--", self.name).strip(".-")


class Settings(Struct, frozen=True, kw_only=True):
    """What the rows of a batch folder depend on.

    Attributes
    ----------
    schema : int
        Of the folder.
    task, modality : str
    options : dict
        All options of the task.
    engine : str
        As it was asked for.
    networks : tuple of NetworkSettings
    shard_files : int
        Files in a shard, at the most; 0 before the first listing.
    """

    schema: int = 1
    task: Task
    modality: str
    options: dict[str, Any]
    engine: str
    networks: tuple[NetworkSettings, ...]
    shard_files: int = 0

    def merged(self, stored: Settings | None, folder: Path) -> Settings:
        """Return these settings for a folder that may hold results: with its shards, and its other networks.

        Raises
        ------
        InputError
            If rows of these settings would not belong to the stored ones.
        """
        if stored is None:
            return self
        if differences := list(_differences(stored, self)):
            raise InputError(
                f"{folder} holds results of other settings: {'; '.join(differences)}. Choose another folder, "
                f"or repeat the settings in {folder / FILE}."
            )
        added = [one for one in self.networks if one not in stored.networks]
        return msgspec.structs.replace(stored, networks=(*stored.networks, *added))

    def with_networks(self, networks: Sequence[NetworkSettings]) -> Settings:
        """Return the settings with some networks only."""
        return msgspec.structs.replace(self, networks=tuple(networks))

    def with_shards_for(self, files: int, shard_files: int | None) -> Settings:
        """Return the settings with a size of shards; the first one that is set stays."""
        if shard_files is not None:
            count("shard_files", shard_files)
        if self.shard_files:
            if shard_files not in (None, self.shard_files):
                raise InputError(f"The shards of this folder have {self.shard_files} files; that stays.")
            return self
        size = shard_files or min(_SHARD_FILES[self.modality], -(-files // _SHARDS))
        whole = BATCH_SIZE if self.modality == "image" else 1
        return msgspec.structs.replace(self, shard_files=-(-size // whole) * whole)


def is_batch(folder: str | os.PathLike[str]) -> bool:
    """Tell whether a path is the folder of a batch."""
    return Path(folder, FILE).is_file()


def read_settings(folder: Path) -> Settings | None:
    """Read the settings of a batch folder; None if it has none.

    Raises
    ------
    InputError
        If they cannot be read.
    """
    path = folder / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Settings)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(f"{path} cannot be read: {reason(error)}.") from error


def write_settings(folder: Path, settings: Settings) -> None:
    """Write the settings of a batch folder."""
    content = msgspec.json.format(msgspec.json.encode(settings), indent=1)
    write_durably(folder / FILE, lambda path: path.write_bytes(content))


def _differences(stored: Settings, now: Settings) -> Iterator[str]:
    """Name what differs between stored and new settings."""
    for field in ("schema", "task", "modality", "engine"):
        before, after = getattr(stored, field), getattr(now, field)
        if before != after:
            yield f"{field} was {before} and is {after} now"
            if field == "task":
                return  # all else differs with it
    for name in sorted(stored.options.keys() | now.options.keys()):
        before, after = stored.options.get(name), now.options.get(name)
        if before != after:
            yield f"{name} was {before} and is {after} now"
    earlier = {network.name: network for network in stored.networks}
    for network in now.networks:
        if before := earlier.get(network.name):
            if before.weights != network.weights:
                hashes = f"{before.weights[:12]} and are {network.weights[:12]} now"
                yield f"the weights of {network.name} were {hashes}"
            if before.preprocess != network.preprocess:
                yield f"the preprocessing of {network.name} has changed"
