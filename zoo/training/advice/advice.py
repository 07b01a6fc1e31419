"""Which way of transfer learning suits some data, and why."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.core.errors import InputError
from zoo.core.progress import Progress
from zoo.hub.registry import describe, networks
from zoo.inference.model import DeviceLike
from zoo.inference.network import Network
from zoo.plotting import notebook
from zoo.results.display import ShortRepr
from zoo.training.advice.depth import layer_at
from zoo.training.advice.layer_probe import Probe, probe, sample
from zoo.training.data.dataset import Dataset
from zoo.training.data.load import dataset
from zoo.training.evaluation.evaluate import as_network, listed
from zoo.vision.decoding import check

if TYPE_CHECKING:
    import pandas as pd

FEW, MANY = 20, 100  # examples of a class: rules of thumb, and labeled as such
_EASY = 0.95
_UNEVEN = 3
_HASHING = 1.0  # s
_HALF, _LATE = 0.5, 0.75  # of the layers


@dataclass(frozen=True, repr=False)
class Advice(ShortRepr):
    """How to train on some data.

    Attributes
    ----------
    method : {"features", "head", "finetune"}
        A classic classifier on features; a new head on the frozen body; or training the last layers too.
    network : str
    layer : str or None
        The layer to take features from, or up to which to freeze, as `Network.embed` and `Network.freeze`
        take it; None: their default, all but the head.
    reasons : tuple of str
        Sentences: what was counted and measured, and what follows.
    cost : str
        What it takes on this machine.
    """

    method: str
    network: str
    layer: str | None
    reasons: tuple[str, ...]
    cost: str

    def table(self) -> pd.DataFrame:
        """One row an aspect: method, network, layer, each reason, cost."""
        import pandas as pd

        aspects = [("method", self.method), ("network", self.network), ("layer", self.layer)]
        aspects += [("reason", reason) for reason in self.reasons]
        return pd.DataFrame([*aspects, ("cost", self.cost)], columns=["aspect", "advice"])

    def _repr_html_(self) -> str:
        """Return the method and its reasons for a notebook."""
        at = f" at {self.layer}" if self.layer else ""
        return notebook.card(
            f"Advice: {self.method}",
            f"{self.network}{at}",
            notebook.paragraphs(self.reasons),
            notebook.paragraphs([self.cost]),
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"reasons": list(self.reasons)}


def advise(
    data: Dataset | str | os.PathLike[str],
    *,
    network: str | os.PathLike[str] | Network = "auto",
    device: DeviceLike = "auto",
    progress: Progress | None = None,
) -> Advice:
    """Advise how to train on some data: which method, what to freeze, and why.

    With few examples of a class, features and a classic classifier; with more a new head; with many the last
    layers as well, for a network that is a better classifier also transfers better, the more so when it is
    fine-tuned (Kornblith et al. 2019, arXiv:1805.08974). Early layers are general and late ones special to
    what the network was trained on (Yosinski et al. 2014, arXiv:1411.1792), so less is frozen where an
    earlier layer tells the classes better apart: that is measured, on at most a hundred examples, and on
    forty where these take more than a few seconds. A training that follows need not compute their features
    again.

    Parameters
    ----------
    data : Dataset, path or name
        As `zoo.dataset` takes it.
    network : str, path or Network
        ``"auto"``: of the networks whose weights are at hand, the one with the best published accuracy.
    device : str or torch.device
        Of a network by name or path, as `zoo.load` takes it.
    progress : callable, optional
        Called with the examples tried and the examples to try; what it raises ends the work.

    Returns
    -------
    Advice

    Raises
    ------
    InputError
        If fewer than two classes have examples, or the network is for another kind of input, or has no head
        to replace.
    UnknownNameError, WeightsError
        As `zoo.load`, and if the cache cannot be written.
    """
    data = data if isinstance(data, Dataset) else dataset(data)
    counts = data.counts()
    present = counts[counts > 0]
    if len(present) < 2:
        raise InputError(f"{data.name} has examples of {len(present)} classes; two or more are needed.")
    selected = best_embedded(data.modality) if network == "auto" else network
    net = as_network(selected, data, device=device)
    half = layer_at(net, _HALF)
    probed = probe(net, data, half, progress=progress)
    method, why = _method(float(present.median()), probed)
    earlier = probed is not None and probed.earlier_is_better
    layer = half if earlier else layer_at(net, _LATE) if method == "finetune" else None
    reasons = (*why, *_similarity(probed, half), *_warnings(data, net))
    return Advice(method, net.name, layer, reasons, _cost(method, len(data), probed))


def best_embedded(modality: str) -> str:
    """Of the networks that the package index alone can give, the one with the best published accuracy."""
    specs = [describe(name) for name in networks(modality, "classify", bundled=True)]
    return max(specs, key=lambda spec: spec.accuracy.value if spec.accuracy else 0.0).name


def _method(typical: float, probed: Probe | None) -> tuple[str, list[str]]:
    has = f"A typical class has {typical:.0f} examples"
    if typical < FEW:
        rule = f"with fewer than about {FEW}, training many parameters would learn them by heart"
        return "features", [f"{has}; {rule}: take features and a classic classifier."]
    if probed is not None and probed.earlier_is_better:
        rule = "enough to train the later half of the network, which does not suit them as it is"
        return "finetune", [f"{has}: {rule}; train the head first, then fine-tune."]
    if typical < MANY:
        rule = f"enough for a new head on the frozen body, and from about {MANY} on for fine-tuning"
        return "head", [f"{has}: {rule}."]
    if probed is not None and probed.deep >= _EASY:
        rule = f"enough for fine-tuning, but a single neighbor is right in {probed.deep:.0%} as it is"
        return "head", [f"{has}: {rule}, so a new head will do."]
    return "finetune", [f"{has}: enough to train the head first, and then to fine-tune the last layers."]


def _similarity(probed: Probe | None, layer: str) -> list[str]:
    if probed is None:
        return ["How similar the data is to what the network knows was not measured: too few examples."]
    measured = (
        f"Of {probed.examples} examples of {probed.classes} classes {probed.deep:.0%} have a nearest "
        f"neighbor of their class by the embedding, and {probed.earlier:.0%} by {layer}, half-way up "
        f"(by chance {probed.chance:.0%})"
    )
    if probed.hardly_tells:
        verdict = "neither is clearly better than chance: expect little of features, or of the labels"
    elif probed.earlier_is_better:
        verdict = "the data is unlike what the network was trained on, so stop at the earlier layer"
    else:
        verdict = "the late layers suit the data, so they may stay as they are"
    unreadable = f"{probed.unreadable} of the sample could not be read."
    return [f"{measured}; {verdict}.", *([unreadable] if probed.unreadable else [])]


def _warnings(data: Dataset, net: Network) -> Iterator[str]:
    counts = data.counts()
    present = counts[counts > 0].sort_values()
    if len(empty := list(counts.index[counts == 0])):
        yield f"No example of {listed(empty)}: nothing can be learned of that."
    if len(scarce := list(present.index[present < 5])):
        yield f"Fewer than 5 examples of {listed(scarce)}: what is measured of so few is uncertain."
    low, high = present.iloc[0], present.iloc[-1]
    if high >= _UNEVEN * low:
        yield (
            f'The classes are uneven, "{present.index[-1]}" has {high} examples and "{present.index[0]}" '
            f"{low}: weigh them, and judge by balanced accuracy."
        )
    if data.problems:
        yield f"{len(data.problems)} inputs were left out when the data was read: {data.problems[0].reason}"
    if again := _duplicates(data):
        yield f"{again} examples are the same as another: they must not be on both sides of a split."
    if (
        data.modality == "image"
        and (side := _side(data))
        and side < (expected := net.spec.input_shape[-1]) / 2
    ):
        yield (
            f"The pictures are tiny, {side:.0f} pixels on their short side, and the network sees {expected}: "
            "with thousands of them a small network of their size, from scratch, may do as well."
        )


def _duplicates(data: Dataset) -> int:
    """Count examples that are the same as another, as far as that takes `_HASHING` seconds."""
    contents, duplicates, end = set(), 0, time.monotonic() + _HASHING
    for i in range(len(data)):
        if time.monotonic() > end:
            break
        try:
            content = data.hash_of(i)
        except InputError:  # it cannot be read
            continue
        duplicates += content in contents
        contents.add(content)
    return duplicates


def _side(data: Dataset) -> float:
    """Median of the short sides of some pictures, in pixels; 0 if none can be read."""
    sides = []
    for i in sample(data, 20):
        try:
            sides.append(min(check(data.inputs[i])))
        except InputError:
            continue
    return float(np.median(sides)) if sides else 0.0


def _cost(method: str, examples: int, probed: Probe | None) -> str:
    if probed is None:
        return "Not measured: too few examples."
    once = _duration(probed.seconds * examples)
    if method == "features":
        return (
            f"The features of all examples take about {once} here, once; the classifier then takes seconds."
        )
    if method == "head":
        return f"The body runs once, about {once} here; the head is trained on what it gave, in seconds."
    epoch = _duration(3 * probed.seconds * examples)
    return (
        f"An epoch takes up to about {epoch} here, three times a pass through the network; a GPU is faster."
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
