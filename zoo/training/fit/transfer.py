"""From labeled examples to a trained network, by one of four methods."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import torch

from zoo.core.errors import InputError
from zoo.core.layers import layer_of
from zoo.core.progress import Progress
from zoo.core.random_state import preserved_random_state
from zoo.core.spec import NOUNS
from zoo.core.validation import choice
from zoo.inference.load import load
from zoo.inference.model import DeviceLike
from zoo.inference.network import Network
from zoo.training.advice.advice import advise
from zoo.training.data.dataset import Dataset
from zoo.training.data.load import dataset
from zoo.training.fit import classical
from zoo.training.fit.features import features
from zoo.training.fit.loaders import level
from zoo.training.fit.loop import Settings, SettingsKeywords, Watch, is_first
from zoo.training.fit.trainer import HEAD, SCRATCH, Job

METHODS = ("auto", "features", "head", "finetune", "scratch")
DEFAULTS = {"image": "efficientnet_lite0", "audio": "yamnet"}


@preserved_random_state()
def transfer(
    data: Dataset | str | os.PathLike[str],
    *,
    network: str | Network | None = None,
    method: str = "auto",
    validation: Dataset | float = 0.2,
    classifier: str = "auto",
    augment: str | None = None,
    freeze: str | None = None,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    device: DeviceLike = "auto",
    seed: int = 0,
    progress: Progress | None = None,
    watch: Watch | None = None,
    **settings: Unpack[SettingsKeywords],
) -> Network:
    """Teach a network classes of your own.

    Parameters
    ----------
    data : Dataset, path or name
        What `zoo.dataset` gives, or takes.
    network : str or Network, optional
        EfficientNet-Lite0 for pictures and YAMNet for sounds, if left out.
    method : {"auto", "features", "head", "finetune", "scratch"}
        A classic classifier on the features of the network; a new head on them; a new head, and then the
        layers below it too; all of an untrained network (one that is given is taken as it is).
        ``"auto"`` asks `zoo.advise`, also where to freeze.
    validation : Dataset or float
        What is held out to see when to stop, or which share of the data. A head on stored features is trained
        once more, on that share too, when it is known when to stop; classic classifiers are chosen by
        cross-validation and learn from everything.
    classifier : {"auto", "logistic", "linear-svm", "rbf-svm", "knn"}
        Of the method ``"features"``. The two support vector machines take at most 2000 rows of features (one
        for each picture, or window of a recording); beyond that ``"auto"`` leaves them out.
    augment : {"none", "light", "strong", "shift", "mirror"}, optional
        Random changes of the examples. A head is trained on stored features where there are none, which is
        much quicker: its default is ``"none"``; that of the others ``"light"``. The last two are for small
        pictures, see `zoo.training.fit.augmentation.pictures`.
    freeze : str, optional
        The last layer that stays as it is in fine-tuning; nothing is frozen if left out.
    out : path, optional
        A folder for the trained network; beside it are its checkpoints while it is fine-tuned or trained
        from scratch.
    resume : bool
        Go on from the checkpoint in `out`, if there is one.
    device : str or torch.device
        As of `zoo.load`.
    seed : int
        Of all random numbers. The global random state of torch, NumPy and Python stays as it was.
    progress : callable, optional
        Called with the examples whose features are there, and all of them; what it raises ends the work.
    watch : callable, optional
        Called with a `zoo.training.fit.loop.Step` after every batch, and every fit of a cross-validation;
        training stops where it returns True. What it raises ends the work.
    **settings
        Fields of `zoo.training.fit.loop.Settings`: epochs, batch_size, learning_rate, patience, ...

    Returns
    -------
    Network
        A network like any other; ``spec.training`` says how it came about.

    Raises
    ------
    InputError
        If the data or an option cannot be used, as a method or classifier that does not exist.
    UnknownNameError
        If the network or layer is unknown.
    """
    choice("method", method, METHODS)
    choice("classifier", classifier, ("auto", *classical.CLASSIFIERS))
    data = data if isinstance(data, Dataset) else dataset(data)
    if augment is not None:
        level(augment, data.modality)
    torch.manual_seed(seed)
    if not isinstance(network, Network):
        untrained: dict[str, Any] = {"weights": None} if method == "scratch" else {}
        network = load(network or DEFAULTS[data.modality], device=device, **untrained)
    if network.spec.modality != data.modality:
        raise InputError(
            f"{network.name} takes {NOUNS[network.spec.modality]}, "
            f"and {data.name} holds {NOUNS[data.modality]}."
        )
    if freeze is not None:
        layer_of(network.module, freeze)
    _settings(settings)  # a wrong setting is refused before the work
    if method == "auto":
        advice = advise(data, network=network, progress=progress)
        method, freeze = advice.method, freeze or (advice.layer if advice.method == "finetune" else None)
    begin = time.monotonic()
    if method == "features":
        trained, record = _classic(network, data, classifier, seed, progress, watch)
    else:
        training, held = (
            (data, validation) if isinstance(validation, Dataset) else data.split(validation, seed=seed)
        )
        defaults = HEAD if method == "head" and not augment else SCRATCH if method == "scratch" else {}
        defaults = {**defaults, "seed": seed}
        job = Job(network, training, held, _settings({**defaults, **settings}), progress, watch)
        place = checkpoint_of(out) if out else None
        refit = not isinstance(validation, Dataset)
        trained, record = _fit(job, method, augment, freeze, place, resume=resume, refit=refit)
    record |= {"method": method, "seed": seed, "seconds": round(time.monotonic() - begin, 1)}
    trained = _recorded(trained, network, data, record)
    if out and is_first():
        trained.save(out)
    return trained


def _fit(
    job: Job,
    method: str,
    augment: str | None,
    freeze: str | None,
    place: Path | None,
    *,
    resume: bool,
    refit: bool,
) -> tuple[Network, dict[str, Any]]:
    """Train by gradient descent, with what the method does to examples and layers."""
    if method == "scratch":
        return job.from_scratch(augment or "light", place, resume=resume)
    if method == "finetune":
        return job.finetune(augment or "light", freeze, place, resume=resume)
    if augment in (None, "none"):
        return job.head(refit=refit)
    return job.through_body(augment)


def checkpoint_of(out: str | os.PathLike[str]) -> Path:
    """Where a fine-tuning whose result goes to `out` keeps its checkpoint: beside it."""
    return Path(out).with_name(f"{Path(out).name}.checkpoint")


def _classic(
    net: Network,
    data: Dataset,
    classifier: str,
    seed: int,
    progress: Progress | None,
    watch: Watch | None,
) -> tuple[Network, dict[str, Any]]:
    stored = features(net, data, progress=progress)
    groups = np.arange(len(data))
    if data.groups is not None:
        groups = np.unique(data.groups, return_inverse=True)[1]
    targets = data.targets[stored.example]
    return classical.fit(
        net,
        data.classes,
        stored.values,
        targets,
        groups[stored.example],
        classifier=classifier,
        seed=seed,
        watch=watch,
    )


def _settings(options: Mapping[str, Any]) -> Settings:
    names = {field.name for field in fields(Settings)}
    for name in options:
        choice("setting", name, sorted(names))
    return Settings(**options)


def _recorded(trained: Network, parent: Network, data: Dataset, record: dict[str, Any]) -> Network:
    """Return the trained network with the record of its training, and the license that it inherits."""
    training = {
        "parent": parent.name,
        "data": data.name,
        "fingerprint": data.fingerprint,
        "counts": {name: int(n) for name, n in data.counts().items()},
        "left out": len(data.problems),
        **record,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "environment": {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "processors": os.cpu_count(),
            "device": str(parent.device),
            **{name: version(name) for name in ("torch", "torchvision", "torchaudio", "scikit-learn")},
        },
    }
    title = f"{parent.spec.title}, taught {len(data.classes)} classes of {Path(data.name).name}"
    fidelity = "Trained here; not compared with another implementation."
    trained.spec = trained.spec.replace(title=title, validation=fidelity, training=training)
    if record["method"] == "scratch":
        trained.spec = trained.spec.replace(license="your own: trained from scratch")
    return trained
