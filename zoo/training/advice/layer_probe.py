"""A quick look at how data and network go together, before anything is trained."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.core.errors import InputError
from zoo.inference.network import Network
from zoo.training.data.dataset import Dataset

MOST = 100  # examples
_WINDOWS = 16  # of a recording
_BATCH = 8


@dataclass(frozen=True)
class Probe:
    """How well single neighbors tell the classes of a sample apart, by features of two layers.

    Attributes
    ----------
    examples, classes : int
        Of the sample.
    deep, earlier : float
        Share of the examples whose nearest neighbor (cosine, itself and its group left out) is of its class.
    gain, error : float
        Of `earlier` over `deep`, and its standard error, the examples being the same.
    seconds : float
        Of one example, preprocessing included: the median of batches.
    unreadable : int
        Examples that could not be used.
    """

    examples: int
    classes: int
    deep: float
    earlier: float
    gain: float
    error: float
    seconds: float
    unreadable: int

    @property
    def chance(self) -> float:
        return 1 / self.classes

    @property
    def earlier_is_better(self) -> bool:
        """Whether the earlier layer is better by more than two standard errors."""
        return self.gain > 2 * self.error

    @property
    def hardly_tells(self) -> bool:
        """Whether the better of the layers is within two standard errors of chance."""
        spread = np.sqrt(self.chance * (1 - self.chance) / self.examples)
        return max(self.deep, self.earlier) < self.chance + 2 * spread


def probe(net: Network, data: Dataset, layer: str) -> Probe | None:
    """Compare the network's embedding with an earlier layer on at most a hundred examples.

    Of a recording the first windows are taken.

    Returns
    -------
    Probe or None
        None where there are not two classes with two readable examples each.
    """
    chosen = sample(data)
    layers = [None, layer]
    rows: list[list[np.ndarray]] = []
    seconds, readable = [], []
    for start in range(0, len(chosen), _BATCH):
        batch = chosen[start : start + _BATCH]
        begin = time.perf_counter()
        found = [_vectors(net, data, i, layers) for i in batch]
        seconds.append((time.perf_counter() - begin) / len(layers) / len(batch))
        readable += [i for i, vectors in zip(batch, found, strict=True) if vectors is not None]
        rows += [vectors for vectors in found if vectors is not None]
    targets = data.targets[readable]
    groups = None if data.groups is None else np.array([data.groups[i] for i in readable])
    right = [_neighbors(np.stack(vectors), targets, groups) for vectors in zip(*rows, strict=True)]
    if not right or len(judged := np.flatnonzero(~np.isnan(right[0]))) < 2:
        return None
    deep, earlier = (values[judged] for values in right)
    classes = len(np.unique(targets[judged]))
    if classes < 2:
        return None
    difference = earlier - deep
    return Probe(
        examples=len(judged),
        classes=classes,
        deep=float(deep.mean()),
        earlier=float(earlier.mean()),
        gain=float(difference.mean()),
        error=float(difference.std() / np.sqrt(len(judged))),
        seconds=float(np.median(seconds)),
        unreadable=len(chosen) - len(readable),
    )


def sample(data: Dataset, most: int = MOST) -> list[int]:
    """Positions of at most `most` examples: as many of each class, two or more of each that has them.

    The same whenever it is asked for.
    """
    random = np.random.default_rng(0)
    by_class = [random.permutation(np.flatnonzero(data.targets == i)) for i in range(len(data.classes))]
    by_class = [members for members in by_class if len(members) > 1]
    if len(by_class) > most // 2:
        by_class = [by_class[i] for i in random.choice(len(by_class), most // 2, replace=False)]
    each = most // max(len(by_class), 1)
    return sorted(int(i) for members in by_class for i in members[:each])


def _vectors(
    net: Network, data: Dataset, position: int, layers: Sequence[str | None]
) -> list[np.ndarray] | None:
    """Return a vector of each layer for one example, the mean over windows; None if it cannot be decoded."""
    try:
        batch = next(iter(net.batches([data.inputs[position]], sample_rate=data.sample_rate, size=_WINDOWS)))
    except InputError:
        return None
    return [net.vectors(batch.data, layer=layer).mean(axis=0) for layer in layers]


def _neighbors(vectors: np.ndarray, targets: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Whether each example's nearest is of its class, as 1 or 0; NaN where it has no other to be near to."""
    from sklearn.metrics.pairwise import cosine_distances

    apart = ~np.eye(len(targets), dtype=bool)
    if groups is not None:
        apart &= groups[:, None] != groups
    distances = np.where(apart, cosine_distances(vectors), np.inf)
    right = (targets[distances.argmin(axis=1)] == targets).astype(float)
    same = targets[:, None] == targets
    right[~(apart & same).any(axis=1)] = np.nan
    return right
