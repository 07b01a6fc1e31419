"""Examples as a network sees them while it is trained: stored vectors, pictures, windows of sound."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from zoo.core.machine import available_processors
from zoo.core.validation import choice
from zoo.inference.network import Network
from zoo.inference.preprocessing import as_frontend, as_image_preprocessor
from zoo.training.data.dataset import Dataset
from zoo.training.fit import augmentation
from zoo.training.fit.features import Features
from zoo.training.fit.loop import Batch

_LEVELS = {
    "image": ("none", "light", "strong", "shift", "mirror"),
    "audio": ("none", "light", "strong"),
}


class Vectors:
    """Features, standardized; the windows of a recording weigh as much as one picture.

    Parameters
    ----------
    features : Features
    targets : ndarray of int, shape (examples,)
    mean, scale : ndarray, shape (d,)
        Those of the training split.
    """

    def __init__(self, features: Features, targets: np.ndarray, mean: np.ndarray, scale: np.ndarray):
        self.targets = targets[features.example]
        self._values = torch.from_numpy(((features.values - mean) / scale).astype(np.float32))
        self._targets = torch.from_numpy(self.targets)
        weights = 1.0 / np.bincount(features.example, minlength=1)[features.example]
        self._weights = torch.from_numpy(weights.astype(np.float32))

    def __len__(self) -> int:
        return len(self.targets)

    def batches(self, order: np.ndarray, epoch: int, size: int) -> Iterator[Batch]:
        """Batches of rows; they are the same in every epoch."""
        for start in range(0, len(order), size):
            rows = torch.from_numpy(order[start : start + size])
            yield self._values[rows], self._targets[rows], self._weights[rows]


class LazyExamples(ABC):
    """Examples that are made when they are needed, by several threads ahead of their use."""

    targets: np.ndarray

    @abstractmethod
    def make(self, i: int, epoch: int) -> torch.Tensor:
        """Return an example as the network's input in an epoch."""

    def batches(self, order: np.ndarray, epoch: int, size: int) -> Iterator[Batch]:
        """Batches of examples, which all weigh the same."""
        pool, waiting = ThreadPoolExecutor(available_processors()), deque()
        starts = iter(range(0, len(order), size))
        try:
            while True:
                while len(waiting) < 2 and (start := next(starts, None)) is not None:
                    chunk = order[start : start + size]
                    waiting.append((chunk, [pool.submit(self.make, int(i), epoch) for i in chunk]))
                if not waiting:
                    return
                chunk, coming = waiting.popleft()
                data = torch.stack([future.result() for future in coming])
                yield data, torch.from_numpy(self.targets[chunk]), torch.ones(len(chunk))
        finally:
            pool.shutdown(cancel_futures=True)


class Pictures(LazyExamples):
    """Pictures through the preprocessing of a network, changed at random where that is asked for.

    Parameters
    ----------
    net : Network
    data : Dataset
    augment : {"none", "light", "strong", "shift", "mirror"}
    seed : int
        With the epoch and the place of an example it decides what is changed.
    """

    def __init__(self, net: Network, data: Dataset, augment: str = "none", seed: int = 0):
        self.targets = data.targets
        self._preprocessor, self._data, self._seed = as_image_preprocessor(net.preprocessor), data, seed
        self._change = augmentation.pictures(level(augment, "image"), net.spec.input_shape[-1])

    def __len__(self) -> int:
        return len(self._data)

    def make(self, i: int, epoch: int) -> torch.Tensor:
        """Return an image as the network's input."""
        from zoo.vision.decoding import decode

        picture = decode(self._data.inputs[i])
        if self._change:
            picture = self._change(picture, random(self._seed, epoch, i))
        return self._preprocessor(picture)


class Windows(LazyExamples):
    """Windows of recordings through the front-end of a network: one at random of each in an epoch.

    Without augmentation it is the middle one.

    Parameters
    ----------
    net, data, augment, seed
        As of `Pictures`.
    """

    def __init__(self, net: Network, data: Dataset, augment: str = "none", seed: int = 0):
        self.targets = data.targets
        self._preprocessor, self._data, self._seed = as_frontend(net.preprocessor), data, seed
        self._change = augmentation.sounds(level(augment, "audio"), self._preprocessor.sample_rate)
        self._mask = augmentation.spectrograms(level(augment, "audio"))

    def __len__(self) -> int:
        return len(self._data)

    def make(self, i: int, epoch: int) -> torch.Tensor:
        """Return a window as the network's input."""
        framing, parts = self._preprocessor.framing, []
        for batch in self._preprocessor.batches(self._data.inputs[i], sample_rate=self._data.sample_rate):
            assert batch.samples is not None  # of a recording
            count = len(batch.data)
            parts += [batch.samples[k * framing.hop : k * framing.hop + framing.window] for k in range(count)]
        rng = random(self._seed, epoch, i)
        samples = parts[rng.integers(len(parts))] if self._change else parts[len(parts) // 2]
        if self._change:
            samples = self._change(samples, rng)
        patch = self._preprocessor(torch.from_numpy(np.ascontiguousarray(samples, np.float32)))[0]
        if self._mask and patch.ndim == 3:
            patch = self._mask(patch, rng)
        return patch


def examples(net: Network, data: Dataset, augment: str = "none", seed: int = 0) -> Pictures | Windows:
    """Return the examples of a dataset for a network.

    Raises
    ------
    InputError
        If the level of augmentation is unknown.
    """
    kind = Pictures if data.modality == "image" else Windows
    return kind(net, data, augment, seed)


def level(augment: str, modality: str) -> str:
    """Return a level of augmentation, or raise an `InputError`."""
    return choice("augment", augment, _LEVELS[modality])


def random(seed: int, epoch: int, i: int) -> np.random.Generator:
    """Random numbers for one example in one epoch, whichever thread makes it."""
    return np.random.default_rng([seed, epoch + 1, i])
