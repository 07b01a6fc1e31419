"""Data sets that packages know by name: torchvision's, which it downloads, and scikit-learn's digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.core.environment import offline
from zoo.core.errors import InputError, UnknownNameError, reason
from zoo.core.validation import choice
from zoo.training.data.archives import fill_once
from zoo.training.data.dataset import Dataset

_FAILURES = (OSError, RuntimeError, ValueError, EOFError, LookupError)  # what torchvision raises
_BY_TRAIN = {"train": {"train": True}, "test": {"train": False}}


@dataclass(frozen=True)
class _Source:
    """How to call torchvision's class: the arguments of each split, and where targets and classes are."""

    splits: dict[str, dict[str, Any]]
    targets: Callable[[Any], Sequence[int]]
    classes: Callable[[Any], Sequence[str]]


_TORCHVISION = {
    "MNIST": _Source(_BY_TRAIN, lambda data: data.targets, lambda data: data.classes),
    "FashionMNIST": _Source(_BY_TRAIN, lambda data: data.targets, lambda data: data.classes),
    "CIFAR10": _Source(_BY_TRAIN, lambda data: data.targets, lambda data: data.classes),
    "CIFAR100": _Source(_BY_TRAIN, lambda data: data.targets, lambda data: data.classes),
    "Imagenette": _Source(
        # with a short side of 320 pixels: no network uses more, and it is a fifth of the download
        {split: {"split": split, "size": "320px"} for split in ("train", "val")},
        lambda data: [target for _, target in data._samples],
        lambda data: [names[0] for names in data.classes],
    ),
    "Flowers102": _Source(
        {split: {"split": split} for split in ("train", "val", "test")},
        lambda data: data._labels,
        lambda data: data.classes,
    ),
    "Caltech101": _Source({"all": {}}, lambda data: data.y, lambda data: data.categories),
}


class _Pictures(Sequence[Any]):
    """The pictures of a data set of torchvision, made when they are asked for."""

    def __init__(self, data: Any):
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [self[j] for j in range(*i.indices(len(self)))]
        return self._data[i][0]


def torchvision_set(name: str, split: str | None, cache: Path) -> Dataset:
    """Read a data set of torchvision, downloaded on first use; as published, so not checked again.

    Parameters
    ----------
    name : str
        See `_TORCHVISION`.
    split : str, optional
        ``"train"`` by default; Caltech101 is not split.
    cache : Path

    Raises
    ------
    UnknownNameError
        If it is another one.
    InputError
        If the split is unknown, or it cannot be downloaded.
    """
    choice("data set of torchvision", name, _TORCHVISION, error=UnknownNameError)
    source = _TORCHVISION[name]
    split = split or next(iter(source.splits))
    if split not in source.splits:
        raise InputError(f"torchvision:{name} has no split {split!r}; it has {', '.join(source.splits)}.")
    data = _built(name, source.splits[split], cache)
    return Dataset(
        name=f"torchvision:{name} ({split})",
        modality="image",
        inputs=_Pictures(data),
        targets=np.asarray(source.targets(data), dtype=np.int64),
        classes=tuple(source.classes(data)),
    )


def _built(name: str, arguments: dict[str, Any], cache: Path) -> Any:
    from torchvision import datasets

    root = cache / f"torchvision-{name}"
    make = getattr(datasets, name)
    if not root.is_dir() and offline():
        raise InputError(f"torchvision:{name} is not cached, and downloads are disabled (ZOO_OFFLINE=1).")

    def download(folder: Path) -> None:
        try:
            make(root=folder, download=True, **arguments)
        except _FAILURES as error:
            why = reason(error).rstrip(":")
            raise InputError(f"torchvision:{name} cannot be downloaded: {why}.") from error

    fill_once(root, download)  # torchvision itself takes what a killed download left for the whole
    try:
        return make(root=root, download=False, **arguments)
    except _FAILURES as error:
        raise InputError(f"{root} is damaged ({reason(error)}); remove it to have it anew.") from error


def digits(split: str | None) -> Dataset:
    """scikit-learn's 1797 digits: arrays of uint8, shape (8, 8), ten classes.

    Alpaydin and Kaynak: Optical recognition of handwritten digits, UCI 1998; its values run from 0 to 16.
    """
    if split is not None:
        raise InputError("sklearn:digits is not split; leave split= out, and use Dataset.split.")
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return Dataset(
        name="sklearn:digits",
        modality="image",
        inputs=list((bunch.images * (255 / 16)).round().astype(np.uint8)),
        targets=bunch.target.astype(np.int64),
        classes=tuple(str(name) for name in bunch.target_names),
    )
