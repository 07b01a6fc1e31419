"""Check whether networks still give the vectors of a file, or the rows of a batch."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from zoo.core.errors import InputError
from zoo.core.extras import require
from zoo.inference.load import PRETRAINED, load
from zoo.inference.network import Network
from zoo.inference.provenance import hash_weights, provenance
from zoo.results.embedding_files import read_provenance
from zoo.results.provenance import (
    Drift,
    Provenance,
    difference,
    drift,
    printable,
    setting_difference,
    weights_difference,
)


@dataclass(frozen=True)
class VectorCheck:
    """Whether new vectors of a network may be compared with those of a file.

    Attributes
    ----------
    file, network : str
        The file, and the network that ran now.
    made : Provenance
        What made the file.
    now : Provenance or None
        What would make new vectors; None where that has other weights.
    difference : str or None
        What keeps them from being compared; None if nothing does.
    drift : Drift or None
        How far the vectors of the canaries moved; None where a setting differs.
    """

    file: str
    network: str
    made: Provenance
    now: Provenance | None
    difference: str | None
    drift: Drift | None = None

    @property
    def comparable(self) -> bool:
        return self.difference is None

    @property
    def changed_versions(self) -> dict[str, tuple[str | None, str | None]]:
        """Versions of libraries that are not the same as then: then and now."""
        then = self.made.versions
        now = self.now.versions if self.now else then
        names = dict.fromkeys([*then, *now])
        return {name: (then.get(name), now.get(name)) for name in names if then.get(name) != now.get(name)}

    def describe(self) -> str:
        """Say in one sentence whether the vectors can be compared."""
        can = "can" if self.comparable else "cannot"
        claim = f"new vectors of {self.network} {can} be compared with these"
        if not self.drift:
            return f"{claim}: {self.difference}"
        return (
            f"{claim}: the canaries moved by {self.drift.largest:.1e}, {self.drift.allowed:.1e} allowed, "
            f"smallest cosine {self.drift.cosine:.6f}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        moved = self.drift
        return {
            "file": self.file,
            "network": self.network,
            "comparable": self.comparable,
            "difference": self.difference,
            "largest_difference": moved.largest if moved and moved.largest < math.inf else None,
            "smallest_cosine": moved.cosine if moved else None,
            "allowed": moved.allowed if moved else None,
            "made": {"date": self.made.date, "weights": self.made.weights, "engine": self.made.engine},
            "changed_versions": {name: list(pair) for name, pair in self.changed_versions.items()},
        }


def verify_vectors(
    path: str | os.PathLike[str],
    *,
    network: str | Network | None = None,
    weights: str | os.PathLike[str] = PRETRAINED,
    device: str = "auto",
    engine: str = "auto",
    trust: bool = False,
) -> VectorCheck:
    """Compute the canaries of a file of vectors again, and compare.

    Parameters
    ----------
    path : path
        What `zoo.read_embedding` takes.
    network : str or Network, optional
        By default the one that the file names: pass it where that has moved, or has other weights now.
    weights : str or path
        As of `zoo.load`: the local file that made the vectors, if one did.
    device, engine, trust
        As of `zoo.load`.

    Returns
    -------
    VectorCheck

    Raises
    ------
    InputError
        If the file cannot be read, or does not say what made it; if the network does not do the same task.
    UnknownNameError
        If the network or the layer does not exist.
    WeightsError
        If its weights are not available.

    Examples
    --------
    >>> import zoo
    >>> _ = open("photo.npz", "wb").write(zoo.embed("photo.jpg", network="squeezenet").to_npz())
    >>> zoo.verify_vectors("photo.npz").comparable
    True
    """
    options = {"weights": weights, "device": device, "engine": engine, "trust": trust}
    return _check(os.fspath(path), [read_provenance(path)], network, options)


def verify_batch(
    folder: str | os.PathLike[str],
    *,
    network: str | None = None,
    device: str = "auto",
    engine: str = "auto",
    trust: bool = False,
) -> list[VectorCheck]:
    """Compute the canaries of a batch folder again, and compare; see that all its parts can be compared.

    Parameters
    ----------
    folder : path
        Of `zoo batch`, with the results of any task.
    network : str, optional
        In place of each network of the folder.
    device, engine, trust
        As of `zoo.load`.

    Returns
    -------
    list of VectorCheck
        One a network that has parts.

    Raises
    ------
    InputError
        If it is not the folder of a batch, nothing is finished, or a part cannot be read.
    UnknownNameError, WeightsError
        As of `verify_vectors`.
    MissingLibraryError
        If pyarrow is not installed.
    """
    require("pyarrow")
    from zoo.batches.folder import open_batch

    batch = open_batch(folder)
    if not (originals := [records for name in batch.networks if (records := batch.provenance(name))]):
        raise InputError(f"{folder} has no finished parts; run the batch again.")
    options = {"device": device, "engine": engine, "trust": trust}
    return [_check(os.fspath(folder), records, network, options) for records in originals]


def _check(
    place: str, records: Sequence[Provenance], network: str | Network | None, options: dict[str, Any]
) -> VectorCheck:
    """Hold the records of one place against each other and a network; `options` are those of `load`."""
    original = records[0]
    for other in records[1:]:
        if reason := difference(original, other):
            reason = f"its parts cannot be compared with each other: {reason}"
            return VectorCheck(place, printable(original.network), original, None, reason)
    if isinstance(network, Network):
        net = network
    else:
        net = load(network or original.network, dtype=original.dtype, **options)
    name = printable(net.name)
    if (weights := hash_weights(net)) != original.weights:  # another network may not have the layer
        return VectorCheck(place, name, original, None, weights_difference(original.weights, weights))
    now = provenance(net, original.task, **cast("dict[str, Any]", original.options))
    if reason := setting_difference(original, now):
        return VectorCheck(place, name, original, now, reason)
    moved = drift(original, now)
    return VectorCheck(place, name, original, now, moved.difference, moved)
