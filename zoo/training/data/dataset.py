"""Labeled examples: pictures or recordings, each with its class."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.core.inputs import is_file, name_of, open_input
from zoo.results.display import short_repr
from zoo.results.problem import Problem
from zoo.training.data.splitting import held_out

if TYPE_CHECKING:
    import pandas as pd

_CHUNK = 1 << 20  # bytes


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Examples and their classes; made by `zoo.dataset`.

    Attributes
    ----------
    name : str
        Where it came from.
    modality : str
        ``"image"`` or ``"audio"``.
    inputs : sequence
        What the verbs take: paths, or pictures and arrays that are made when an item is asked for.
    targets : ndarray of int, shape (n,)
        Indices of `classes`.
    classes : tuple of str
    groups : tuple of str or None, length n
        What belongs together, such as the speaker or the recording that an example was cut from: a split
        never has a group on both sides.
    problems : tuple of Problem
        Examples that were left out: unreadable, or the same as another.
    sample_rate : float or None
        Of arrays of sound, in Hz.
    known : tuple of str or None, length n
        The `hashes`, where the reader of the examples computed them already.
    """

    name: str
    modality: str
    inputs: Sequence[Any]
    targets: np.ndarray
    classes: tuple[str, ...]
    groups: tuple[str, ...] | None = None
    problems: tuple[Problem, ...] = ()
    sample_rate: float | None = None
    known: tuple[str, ...] | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        """Return the fields; long texts, arrays and sequences are summarized."""
        names = ("name", "modality", "inputs", "targets", "classes", "groups", "problems", "sample_rate")
        return short_repr(self, {name: getattr(self, name) for name in names})

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, indices: Sequence[int] | np.ndarray) -> Dataset:
        """Take some of the examples, with the classes of all."""
        indices = [int(i) for i in indices]
        return replace(
            self,
            inputs=_Some(self.inputs, indices),
            targets=self.targets[indices],
            groups=None if self.groups is None else tuple(self.groups[i] for i in indices),
            problems=(),
            known=None if self.known is None else tuple(self.known[i] for i in indices),
        )

    def split(self, fraction: float = 0.2, *, seed: int = 0) -> tuple[Dataset, Dataset]:
        """Split into two parts, both in the order of the examples.

        Parameters
        ----------
        fraction, seed
            As of `zoo.training.data.splitting.held_out`.

        Returns
        -------
        Dataset, Dataset
            The part for training, ``1 - fraction`` of the examples, and the part that is held out.

        Raises
        ------
        InputError
            If `fraction` is not between 0 and 1, or a class has too few examples or groups.
        """
        held = held_out(self.targets, self.classes, self.groups, fraction, seed=seed)
        return self.take(np.flatnonzero(~held)), self.take(np.flatnonzero(held))

    def counts(self) -> pd.Series:
        """Examples of each class."""
        import pandas as pd

        return pd.Series(np.bincount(self.targets, minlength=len(self.classes)), index=list(self.classes))

    def name_of(self, i: int) -> str:
        """How to call an example in a result."""
        return name_of(self.inputs[i], i)

    @cached_property
    def hashes(self) -> tuple[str, ...]:
        """SHA-256 of each example: of a file's bytes, or of an array's type, shape and values."""
        return tuple(map(self.hash_of, range(len(self))))

    def hash_of(self, i: int) -> str:
        """SHA-256 of one example, see `hashes`.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        return content_hash(self.inputs[i]) if self.known is None else self.known[i]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the classes, and of the contents with their classes, in any order."""
        lines = sorted(
            f"{content} {target}" for content, target in zip(self.hashes, self.targets, strict=True)
        )
        return hashlib.sha256("\n".join([*self.classes, *lines]).encode()).hexdigest()


class _Some(Sequence[Any]):
    """Some items of a sequence, which are made when they are asked for."""

    def __init__(self, items: Sequence[Any], indices: list[int]):
        self._items, self._indices = items, indices

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return _Some(self._items, self._indices[i])
        return self._items[self._indices[i]]


def content_hash(x: Any) -> str:
    """SHA-256 of what an input holds, see `Dataset.hashes`.

    Raises
    ------
    InputError
        If it is a file that cannot be read.
    """
    digest = hashlib.sha256()
    if is_file(x):
        with open_input(x) as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
        return digest.hexdigest()
    array = np.ascontiguousarray(x)
    digest.update(f"{array.dtype} {array.shape}".encode())
    digest.update(array.tobytes())
    return digest.hexdigest()
