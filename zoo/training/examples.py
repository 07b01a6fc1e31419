"""Examples as a network sees them while it is trained: stored vectors, pictures, windows of sound."""

from __future__ import annotations

import numpy as np
import torch

from zoo.errors import InputError
from zoo.network import Network
from zoo.training import augmentation
from zoo.training.dataset import Dataset
from zoo.training.features import Features

_LEVELS = ("none", "light", "strong")


class Vectors:
    """Features, standardised; the windows of a recording weigh as much as one picture.

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
        self._weights = 1.0 / np.bincount(features.example, minlength=1)[features.example]

    def __len__(self) -> int:
        return len(self.targets)

    def get(self, i: int, epoch: int) -> tuple[torch.Tensor, int, float]:
        """A row, its class and its weight."""
        return self._values[i], int(self.targets[i]), float(self._weights[i])


class Pictures:
    """Pictures through the preprocessing of a network, changed at random where that is asked for.

    Parameters
    ----------
    net : Network
    data : Dataset
    augment : {"none", "light", "strong"}
    seed : int
        With the epoch and the place of an example it decides what is changed.
    """

    def __init__(self, net: Network, data: Dataset, augment: str = "none", seed: int = 0):
        self.targets = data.targets
        self._preset, self._data, self._seed = net.preset, data, seed
        self._change = augmentation.pictures(level(augment), net.spec.input_shape[-1])

    def __len__(self) -> int:
        return len(self._data)

    def get(self, i: int, epoch: int) -> tuple[torch.Tensor, int, float]:
        """A picture as the network sees it, its class and a weight of 1."""
        from vision.picture import decode

        picture = decode(self._data.inputs[i])
        if self._change:
            picture = self._change(picture, random(self._seed, epoch, i))
        return self._preset(picture), int(self.targets[i]), 1.0


class Windows:
    """Windows of recordings through the front-end of a network: one at random of each in an epoch.

    Without augmentation it is the middle one.

    Parameters
    ----------
    net, data, augment, seed
        As of `Pictures`.
    """

    def __init__(self, net: Network, data: Dataset, augment: str = "none", seed: int = 0):
        self.targets = data.targets
        self._preset, self._data, self._seed = net.preset, data, seed
        self._change = augmentation.sounds(level(augment), net.preset.rate)
        self._mask = augmentation.spectrograms(level(augment))

    def __len__(self) -> int:
        return len(self._data)

    def get(self, i: int, epoch: int) -> tuple[torch.Tensor, int, float]:
        """A window as the network sees it, its class and a weight of 1."""
        framing, parts = self._preset.framing, []
        for batch in self._preset.batches(self._data.inputs[i], rate=self._data.rate):
            count = len(batch.data)
            parts += [batch.samples[k * framing.hop : k * framing.hop + framing.window] for k in range(count)]
        rng = random(self._seed, epoch, i)
        samples = parts[rng.integers(len(parts))] if self._change else parts[len(parts) // 2]
        if self._change:
            samples = self._change(samples, rng)
        seen = self._preset(torch.from_numpy(np.ascontiguousarray(samples, np.float32)))[0]
        if self._mask and seen.ndim == 3:
            seen = self._mask(seen, rng)
        return seen, int(self.targets[i]), 1.0


def examples(net: Network, data: Dataset, augment: str = "none", seed: int = 0) -> Pictures | Windows:
    """The examples of a dataset for a network.

    Raises
    ------
    InputError
        If there is no such level of augmentation.
    """
    kind = Pictures if data.modality == "picture" else Windows
    return kind(net, data, augment, seed)


def level(augment: str) -> str:
    """A level of augmentation, or an `InputError`."""
    if augment not in _LEVELS:
        raise InputError(f"There is no augmentation {augment!r}; choose one of {', '.join(_LEVELS)}.")
    return augment


def random(seed: int, epoch: int, i: int) -> np.random.Generator:
    """Random numbers for one example in one epoch, whichever thread makes it."""
    return np.random.default_rng([seed, epoch + 1, i])
