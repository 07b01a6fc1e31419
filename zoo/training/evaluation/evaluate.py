"""A network held against labeled examples."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
import torch

from zoo.core.errors import InputError
from zoo.core.inputs import name_of
from zoo.core.labels import Label
from zoo.core.progress import Progress
from zoo.core.spec import NOUNS
from zoo.inference.load import load
from zoo.inference.model import DeviceLike
from zoo.inference.network import Network
from zoo.results import Classification, Problem
from zoo.training.data.dataset import Dataset
from zoo.training.data.load import dataset
from zoo.training.evaluation.evaluation import Evaluation

_BATCH = 16


class _Judged(NamedTuple):
    """An example that could be used: its place in the dataset, its name and its scores."""

    position: int
    name: str
    scores: np.ndarray


def evaluate(
    data: Dataset | str | os.PathLike[str],
    *,
    network: str | os.PathLike[str] | Network,
    device: DeviceLike = "auto",
    engine: str = "auto",
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a network on labeled examples.

    Parameters
    ----------
    data : Dataset, path or name
        As `zoo.dataset` takes it.
    network : str, path or Network
        Its classes are found by label or identifier, in any case. It is judged on all its classes,
        also on those that the data does not have.
    device, engine
        Of a network by name or path, as `zoo.load` takes them.
    progress : callable, optional
        Called with the number of examples that are done, and of all.

    Returns
    -------
    Evaluation
        Of a sound the scores are the mean over its patches, as in `Network.classify`. Inputs that cannot be
        decoded are among its problems.

    Raises
    ------
    InputError
        If the network does not classify, is for another kind of input, lacks a class of the data, or none of
        the examples can be used.
    UnknownNameError, WeightsError
        As `zoo.load`.
    """
    data = data if isinstance(data, Dataset) else dataset(data)
    net = as_network(network, data, device=device, engine=engine)
    net.require("classify")
    indices = _indices(data, net)
    judged, problems = [], []
    for outcome in _judge(net, data, progress):
        (problems if isinstance(outcome, Problem) else judged).append(outcome)
    if not judged:
        raise InputError(f"No example of {data.name} can be used: {problems[0].reason}")
    positions = np.array([one.position for one in judged])
    return Evaluation(
        network=net.name,
        dataset=data.name,
        classes=class_names(net.labels),
        inputs=tuple(one.name for one in judged),
        targets=indices[data.targets[positions]],
        scores=np.stack([one.scores for one in judged]).astype(np.float32),
        problems=(*data.problems, *problems),
        groups=None if data.groups is None else tuple(data.groups[i] for i in positions),
        positions=positions,
        conditions=_conditions(net, data),
    )


def as_network(
    network: str | os.PathLike[str] | Network,
    data: Dataset,
    *,
    device: DeviceLike = "auto",
    engine: str = "auto",
) -> Network:
    """Return a network by name or path, loaded for a device and engine, or itself; it must suit the data.

    Raises
    ------
    InputError
        If it takes another kind of input, or there is no example.
    """
    if not len(data):
        raise InputError(f"{data.name} holds no example.")
    net = network if isinstance(network, Network) else load(network, device=device, engine=engine)
    if net.spec.modality != data.modality:
        raise InputError(
            f"{net.name} takes {NOUNS[net.spec.modality]}, and {data.name} holds {NOUNS[data.modality]}."
        )
    return net


def class_names(labels: Sequence[Label]) -> tuple[str, ...]:
    """Labels of classes, with the identifier where several have the same (ImageNet has two cranes)."""
    names = [label.label for label in labels]
    return tuple(
        f"{label.label} ({label.id})" if names.count(label.label) > 1 else label.label for label in labels
    )


def listed(names: Sequence[str], max_names: int = 3) -> str:
    """Quote some names, and state how many more there are."""
    text = ", ".join(f'"{name}"' for name in names[:max_names])
    return text + (f" and {len(names) - max_names} more" if len(names) > max_names else "")


def _indices(data: Dataset, net: Network) -> np.ndarray:
    """Return the network's index of each class of the data."""
    labels = net.labels
    levels = [
        _places([label.id] for label in labels),
        _places([label.label] for label in labels),
        _places([name] for name in class_names(labels)),
        _places(label.synonyms.split(", ") for label in labels),
    ]
    keys = map(_key, data.classes)
    matches = [next((level[key] for level in levels if key in level), []) for key in keys]
    if missing := [name for name, places in zip(data.classes, matches, strict=True) if not places]:
        raise InputError(f"{net.name} does not know {listed(missing)}, which {data.name} has as classes.")
    for name, places in zip(data.classes, matches, strict=True):
        if len(places) > 1:
            ids = " or ".join(labels[i].id for i in places)
            raise InputError(f'{net.name} has several classes "{name}"; call the one that is meant {ids}.')
    return np.array([places[0] for places in matches])


def _places(names: Iterable[Iterable[str]]) -> dict[str, list[int]]:
    """Which classes are called what, given the names of each."""
    places: dict[str, list[int]] = {}
    for i, own in enumerate(names):
        for name in own:
            places.setdefault(_key(name), []).append(i)
    return places


def _key(name: str) -> str:
    return name.strip().casefold()


def _judge(net: Network, data: Dataset, progress: Progress | None) -> Iterator[_Judged | Problem]:
    """Score the examples in order: images in batches, recordings one by one, with batches of patches."""
    size = _BATCH if data.modality == "image" else 1
    for start in range(0, len(data), size):
        if progress:
            progress(start, len(data))
        positions = range(start, min(start + size, len(data)))
        yield from _scored(net, data, positions)
    if progress:
        progress(len(data), len(data))


def _scored(net: Network, data: Dataset, positions: Sequence[int]) -> Iterator[_Judged | Problem]:
    inputs: dict[int, Any] = {}
    problems: dict[int, Problem] = {}
    for i in positions:
        try:
            inputs[i] = data.inputs[i]
        except InputError as error:  # it is made when it is asked for, and cannot be
            problems[i] = Problem(f"example {i + 1}", str(error))
    results = net.classify(list(inputs.values()), top=1, sample_rate=data.sample_rate, on_error="skip")
    outcomes: dict[int, Classification | Problem] = {**dict(zip(inputs, results, strict=True)), **problems}
    for i in positions:
        name = name_of(inputs[i], i) if i in inputs else problems[i].input
        match outcomes[i]:
            case Problem(reason=reason):
                yield Problem(name, reason)
            case Classification(all_scores=scores):
                yield _Judged(i, name, scores)


def _conditions(net: Network, data: Dataset) -> dict[str, str]:
    conditions = {
        "device": torch.cuda.get_device_name(net.device) if net.device.type == "cuda" else str(net.device),
        "engine": f"{net.engine.name}, {net.dtype}",
        "preprocessing": net.preprocessor.describe(),
        "scores": "independent of each other" if net.spec.activation == "sigmoid" else "softmax, of sum 1",
        "versions": f"torch {torch.__version__}, NumPy {version('numpy')}",
    }
    try:
        conditions["data, SHA-256"] = data.fingerprint
    except InputError:  # a file that cannot be read is a problem of its own
        conditions["data, SHA-256"] = "unknown: some files cannot be read"
    return conditions
