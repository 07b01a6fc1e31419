"""The vector of an example that a batch is searched with."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.dataset as ds

from zoo.batches.manifest import Manifest
from zoo.batches.options import task_options
from zoo.batches.provenance import part_difference
from zoo.batches.rows import vectors_of
from zoo.batches.settings import NetworkSettings, Settings
from zoo.batches.sources import ABSENT, state_of
from zoo.core.errors import InputError
from zoo.core.inputs import name_of
from zoo.core.paths import is_group, resolve


@dataclass(frozen=True, eq=False)
class Query:
    """What is searched for.

    Attributes
    ----------
    name : str
    vector : ndarray, shape (d,)
        Of a recording the mean of its windows.
    number : int or None
        Of the file, if it is one of the batch.

    Raises
    ------
    InputError
        If the vector has no direction.
    """

    name: str
    vector: np.ndarray
    number: int | None = None

    def __post_init__(self) -> None:
        if not 0 < np.linalg.norm(self.vector) < np.inf:
            raise InputError(f"The vector of {self.name} is zero or not finite; nothing is near to it.")


def file_number(manifest: Manifest, x: Any) -> int | None:
    """Return the number of a file of the batch; None if `x` is another input, or has changed since."""
    if not isinstance(x, (str, os.PathLike)) or not os.fspath(x):
        return None
    for path in dict.fromkeys((os.fspath(x), str(resolve(x)))):
        place = pc.index(manifest.table["path"], path).as_py()
        if place >= 0:
            row = manifest.table.slice(place, 1).to_pylist()[0]
            if state_of(path) in ((row["size"], row["modified"]), ABSENT):
                return row["number"]
    return None


def stored_query(rows: ds.Dataset, number: int) -> Query:
    """Return the vector that a batch has of one of its files, whose rows are given.

    Raises
    ------
    InputError
        If the file could not be used, or its part is not finished.
    """
    found = rows.to_table(columns=["path", "error", "vector"])
    if not len(found):
        raise InputError("The batch has no vector of this file yet; run it again to finish it.")
    if error := found["error"][0].as_py():
        raise InputError(f"The batch has no vector of this file: {error}")
    vectors = vectors_of(found["vector"].combine_chunks())
    return Query(found["path"][0].as_py(), vectors.mean(axis=0, dtype=np.float64), number)


def embedded_query(
    folder: Path, settings: Settings, network: NetworkSettings, x: Any, *, device: str, trust: bool
) -> Query:
    """Embed an input with the network and the options of a batch.

    Raises
    ------
    InputError
        If the input cannot be used, or the network at hand is not the batch's.
    UnknownNameError, TrustError, WeightsError
        As of `zoo.load`.
    """
    from zoo.inference.api import loaded
    from zoo.inference.provenance import provenance

    if is_group(x):
        raise InputError(f"{name_of(x)} stands for several files; search with one.")
    options = task_options("embed", settings.options)
    net = loaded(network.name, device, settings.engine, trust)
    record = provenance(net, "embed", **options)
    if reason := part_difference(folder / network.folder, record):
        raise InputError(
            f"The vectors of {folder} cannot be compared with those that {network.name} makes now: {reason}. "
            "Search with a file of the batch, or run it again in a new folder."
        )
    embedding = net.embed(x, **options)
    return Query(name_of(x), embedding.values.mean(axis=0, dtype=np.float64))


def vector_query(x: np.ndarray, width: int) -> Query:
    """Check a vector that is searched for.

    Raises
    ------
    InputError
        If it is not as wide as the batch's, or does not hold numbers.
    """
    if x.shape != (width,) or x.dtype.kind not in "fiu":
        raise InputError(
            f"The vectors of the batch have {width} numbers, and not the shape {x.shape} of {x.dtype}."
        )
    return Query("the example", x)
