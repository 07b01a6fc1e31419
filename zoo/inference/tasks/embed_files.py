"""Many files, one embedding: a collection whose parts can be compared."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, MutableMapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zoo.core.errors import InputError
from zoo.core.inputs import distinct, name_of
from zoo.inference.tasks.embedding import EmbeddingExtractor
from zoo.results import Embedding
from zoo.results.problem import Problem
from zoo.vision.decoding import PixelBudget, count_pixels

if TYPE_CHECKING:
    from zoo.inference.model import Model

MAX_GROUPS = 12  # that colors and signs can tell apart

Progress = Callable[[int, str], object]
"""Called with the files that are done, and the name of the next."""


@dataclass(frozen=True)
class Limits:
    """What a collection may come to; what would go beyond is left out.

    Attributes
    ----------
    seconds : float
        Of sound, in all.
    pixels : float
        Of pictures, in all.
    vectors : int
    numbers : int
        In all vectors together, 4 bytes each.
    """

    seconds: float = float("inf")
    pixels: float = float("inf")
    vectors: float = float("inf")
    numbers: float = float("inf")


class FileVectors(NamedTuple):
    """The vectors of one file, and how much sound it is, in seconds."""

    embedding: Embedding
    seconds: float

    @property
    def nbytes(self) -> int:
        return self.embedding.values.nbytes


class Memory(NamedTuple):
    """Vectors of files that were embedded before.

    Attributes
    ----------
    keys : sequence of hashable
        Of the files that are given now: what tells their content, network and options from others.
    vectors : mutable mapping
        By such keys; grows, and may drop what it likes.
    """

    keys: Sequence[Hashable]
    vectors: MutableMapping[Hashable, FileVectors]


@dataclass(frozen=True, eq=False)
class Collection:
    """Files that were embedded.

    Attributes
    ----------
    embedding : Embedding
        Its inputs are the names of the files, made different where two files share one.
    files : tuple of int
        Positions, among the files that were given, of those that were embedded, in order.
    problems : tuple of Problem
        The others, each with a sentence that says why.
    """

    embedding: Embedding
    files: tuple[int, ...]
    problems: tuple[Problem, ...]


def collect(
    net: Model,
    files: Sequence[Any],
    *,
    layer: str | None = None,
    pool: bool | None = None,
    mean: bool = False,
    limits: Limits | None = None,
    memory: Memory | None = None,
    progress: Progress | None = None,
) -> Collection:
    """Embed files, one by one.

    Parameters
    ----------
    net : Model
    files : sequence of path, bytes or binary file
    layer, pool
        As of `Network.embed`.
    mean : bool
        One vector a recording, the mean of its windows, whose times are from the first to the last.
    limits : Limits, optional
    memory : Memory, optional
        What need not be embedded again.
    progress : callable, optional

    Returns
    -------
    Collection

    Raises
    ------
    InputError
        If the network does not embed, or none of the files can be used.
    UnknownNameError
        If the layer is unknown.
    """
    net.require("embed")
    names = distinct([name_of(file, i) for i, file in enumerate(files)])
    limits, memory = limits or Limits(), memory or Memory(names, {})
    budget, pixels = _Budget(limits), PixelBudget(limits.pixels)
    parts, used, problems = [], [], []
    for position, (file, name, key) in enumerate(zip(files, names, memory.keys, strict=True)):
        if progress:
            progress(position, name)
        try:
            if limits.pixels < float("inf") and net.spec.modality == "image":
                pixels.take(name, count_pixels(file))
            extractor = EmbeddingExtractor(net, layer=layer, pool=pool)
            vectors = _embedded(net, file, extractor, mean, budget, memory.vectors.get(key))
        except InputError as error:
            problems.append(Problem(name, str(error)))
            continue
        memory.vectors[key], budget = vectors, budget.after(*vectors)
        parts.append(replace(vectors.embedding, inputs=(name,) * len(vectors.embedding)))
        used.append(position)
    if not parts:
        first = f" of the first: {problems[0].reason}" if problems else " there are none."
        raise InputError(f"No file can be used;{first}")
    return Collection(Embedding.joined(parts), tuple(used), tuple(problems))


def grouped(names: Sequence[str]) -> tuple[str, ...] | None:
    """Group files by their names: a folder, else the text before the first ``_``.

    Parameters
    ----------
    names : sequence of str
        With forward slashes.

    Returns
    -------
    tuple of str, as long as `names`, or None
        None where that makes one group, more than `MAX_GROUPS`, or groups of one file each.
    """
    folders = [PurePosixPath(name).parent.name for name in names]
    own = [PurePosixPath(name).name for name in names]
    before = [match.group(1) if (match := re.match(r"(.+?)_", name)) else "" for name in own]
    for groups in (folders, before):
        sizes = Counter(groups)
        if all(groups) and 1 < len(sizes) <= MAX_GROUPS and max(sizes.values()) > 1:
            return tuple(groups)
    return None


@dataclass(frozen=True)
class _Budget:
    """What is left of the limits."""

    limits: Limits
    seconds: float = 0.0
    vectors: int = 0
    numbers: int = 0

    def after(self, part: Embedding, seconds: float) -> _Budget:
        return _Budget(
            self.limits,
            self.seconds + seconds,
            self.vectors + len(part),
            self.numbers + part.values.size,
        )

    def require(self, name: str, seconds: float, vectors: int, numbers: int) -> None:
        """Raise an `InputError` if a file would need more than is left."""
        limits = self.limits
        if self.seconds + seconds > limits.seconds:
            raise InputError(
                f"{name} would make more than {limits.seconds / 60:g} minutes of sound in all, "
                "and is left out."
            )
        if self.vectors + vectors > limits.vectors:
            raise InputError(
                f"{name} would make more than {limits.vectors:g} windows in all, and is left out; "
                "take one vector a file."
            )
        if self.numbers + numbers > limits.numbers:
            raise InputError(
                f"{name} would make more than {limits.numbers / 1e6:g} million numbers in all, and is left "
                "out; average over positions, or take a later layer."
            )


def _embedded(
    net: Model,
    file: Any,
    extractor: EmbeddingExtractor,
    mean: bool,
    budget: _Budget,
    known: FileVectors | None,
) -> FileVectors:
    """Return the vectors of a file, or their mean, at most one batch in memory; or those that are known."""
    if known is not None:
        budget.require(name_of(file), known.seconds, len(known.embedding), known.embedding.values.size)
        return known
    parts, sizes, vectors, seconds = [], [], 0, 0.0
    with closing(net.batches(file)) as batches:
        for batch in batches:
            part = extractor.process(batch)
            vectors = 1 if mean else vectors + len(part)
            budget.require(name_of(file), batch.seconds, vectors, vectors * part.values.shape[1])
            sizes.append(len(part))
            seconds = batch.seconds
            parts.append(part.by_input() if mean else part)
    whole = Embedding.joined(parts)
    if not mean:
        return FileVectors(whole, seconds)
    values = np.average(whole.values, axis=0, weights=sizes).astype(np.float32)
    return FileVectors(replace(whole.by_input(), values=values[None]), seconds)
