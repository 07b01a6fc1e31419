"""A quick look at how data and network go together, before anything is trained."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.core.errors import InputError
from zoo.core.progress import Progress
from zoo.inference.engines import Engine
from zoo.inference.model import pooled
from zoo.inference.network import Network
from zoo.training.data.dataset import Dataset
from zoo.training.fit.features import FeatureStore

if TYPE_CHECKING:
    import torch

MIN_EXAMPLES, MAX_EXAMPLES = 40, 100
SECONDS = 3.0  # after which no more than the fewest examples are tried: advice is to take less than 10 s
_WINDOWS = 16  # of a recording
_BATCH = 8


@dataclass(frozen=True)
class Probe:
    """How well single neighbors tell the classes of a sample apart, by the features for a head and a layer.

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


@dataclass
class _Tried:
    """The examples that were tried: their positions, and the vectors of both layers."""

    positions: list[int] = field(default_factory=list)
    deep: list[np.ndarray] = field(default_factory=list)
    earlier: list[np.ndarray] = field(default_factory=list)


def probe(
    net: Network, data: Dataset, layer: str, *, seconds: float = SECONDS, progress: Progress | None = None
) -> Probe | None:
    """Compare the features for a new head with an earlier layer on at most a hundred examples.

    Of a recording the first windows are taken. The features are kept for a training that follows.

    Parameters
    ----------
    net : Network
    data : Dataset
    layer : str
        The earlier layer.
    seconds : float
        After this time no more than `MIN_EXAMPLES` are tried.
    progress : callable, optional
        Called with the examples tried and the examples to try; what it raises ends the work.

    Returns
    -------
    Probe or None
        None where there are not two classes with two readable examples each.

    Raises
    ------
    InputError
        If the network has no head to replace.
    WeightsError
        If the cache cannot be written.
    """
    examples, end = sample(data), time.monotonic() + seconds
    body, store = net.body(layer), FeatureStore(net)
    # Exporting a graph takes as long as PyTorch takes for so many examples.
    engine = body.eager if len(examples) < MIN_EXAMPLES else body.engine
    tried, batch_seconds, count = _Tried(), [], 0
    while count < len(examples) and (count < MIN_EXAMPLES or time.monotonic() < end):
        if progress:
            progress(count, len(examples))
        begin = time.perf_counter()
        batch = examples[count : count + _BATCH]
        store.write(_try(body, engine, data, batch, layer, tried))
        batch_seconds.append((time.perf_counter() - begin) / len(batch))
        count += len(batch)
    if progress:
        progress(len(examples), len(examples))
    return _judged(data, tried, float(np.median(batch_seconds or 0.0)), count - len(tried.positions))


def _try(
    body: Network, engine: Engine, data: Dataset, positions: Sequence[int], layer: str, tried: _Tried
) -> dict[str, np.ndarray]:
    """Run the body over some examples; returns the complete features among them by their hashes."""
    deep, earlier, incomplete = defaultdict(list), defaultdict(list), set()
    for rows, batch, is_last in _batches(body, data, positions):
        outputs, recorded = engine(batch, [layer])
        vectors = pooled(recorded[layer].float(), body.spec).flatten(1).cpu().numpy()
        for i, output, vector in zip(rows, outputs.flatten(1).cpu().numpy(), vectors, strict=True):
            deep[i].append(output)
            earlier[i].append(vector)
        incomplete |= set() if is_last else set(rows)
    for i in deep:
        tried.positions.append(i)
        tried.deep.append(np.mean(deep[i], axis=0))
        tried.earlier.append(np.mean(earlier[i], axis=0))
    return {data.hash_of(i): np.stack(deep[i]).astype(np.float32) for i in deep if i not in incomplete}


def _batches(
    body: Network, data: Dataset, positions: Sequence[int]
) -> Iterator[tuple[list[int], torch.Tensor, bool]]:
    """Preprocess examples, and leave out those that cannot be decoded.

    Yields the example of each row, the rows, and whether these are all rows of their examples.
    """
    inputs: dict[int, Any] = {}
    for i in positions:
        with suppress(InputError):  # it is made when it is asked for, and cannot be
            inputs[i] = data.inputs[i]
    if data.modality == "image":
        keys = list(inputs)
        for batch in body.batches(list(inputs.values()), size=_BATCH, failures={}):
            yield [keys[row] for row in batch.inputs], batch.data, True
        return
    for i, recording in inputs.items():
        with (
            suppress(InputError),
            closing(body.batches([recording], sample_rate=data.sample_rate, size=_WINDOWS)) as batches,
        ):
            first = next(batches)
            yield [i] * len(first.data), first.data, next(batches, None) is None


def _judged(data: Dataset, tried: _Tried, seconds: float, unreadable: int) -> Probe | None:
    """Compare the vectors of both layers by their nearest neighbors."""
    if not tried.positions:
        return None
    targets = data.targets[tried.positions]
    groups = None if data.groups is None else np.array([data.groups[i] for i in tried.positions])
    right = [_neighbors(np.stack(rows), targets, groups) for rows in (tried.deep, tried.earlier)]
    judged = np.flatnonzero(~np.isnan(right[0]))
    classes = len(np.unique(targets[judged]))
    if classes < 2:
        return None
    deep, earlier = (values[judged] for values in right)
    difference = earlier - deep
    return Probe(
        examples=len(judged),
        classes=classes,
        deep=float(deep.mean()),
        earlier=float(earlier.mean()),
        gain=float(difference.mean()),
        error=float(difference.std() / np.sqrt(len(judged))),
        seconds=seconds,
        unreadable=unreadable,
    )


def sample(data: Dataset, max_examples: int = MAX_EXAMPLES) -> list[int]:
    """Positions of at most `max_examples` examples: as many of each class, two or more of each that has them.

    They come in pairs of a class, one class after the other, so that the first of them are a sample too. The
    same whenever it is asked for.
    """
    random = np.random.default_rng(0)
    by_class = [random.permutation(np.flatnonzero(data.targets == i)) for i in range(len(data.classes))]
    by_class = [members for members in by_class if len(members) > 1]
    if len(by_class) > max_examples // 2:
        by_class = [by_class[i] for i in random.choice(len(by_class), max_examples // 2, replace=False)]
    each = max_examples // max(len(by_class), 1)
    pairs = [members[start : min(start + 2, each)] for start in range(0, each, 2) for members in by_class]
    return [int(i) for pair in pairs for i in pair]


def _neighbors(vectors: np.ndarray, targets: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Whether each example's nearest is of its class, as 1 or 0; NaN where it has no other to be near to."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions = vectors / np.where(lengths > 0, lengths, 1)
    apart = ~np.eye(len(targets), dtype=bool)
    if groups is not None:
        apart &= groups[:, None] != groups
    similarities = np.where(apart, directions @ directions.T, -np.inf)
    right = (targets[similarities.argmax(axis=1)] == targets).astype(float)
    same = targets[:, None] == targets
    right[~(apart & same).any(axis=1)] = np.nan
    return right
