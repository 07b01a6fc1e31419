"""Check that a network still matches its record, and a reference network that should be the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from zoo.core.errors import InputError
from zoo.core.spec import SmokeTest, Spec
from zoo.hub import samples, weights
from zoo.hub.registry import HUBS, describe
from zoo.hub.samples import sample
from zoo.inference.api import pitch
from zoo.inference.load import load
from zoo.inference.network import Network

# Largest differences that two builds of one network may show, as the project's recorded outputs of the
# original YAMNet allow them: 2 to 10 times what float32 in another order has shown. Embeddings' are of their
# standard deviation, where that is above 1.
TOLERANCES = {"scores": 2e-4, "embeddings": 5e-4}
TONES = 10  # times as much: far from a tone only rounding is left in a spectrum, and a logarithm shows it


@dataclass(frozen=True)
class Finding:
    """One thing that was checked: whether it held, and what was seen."""

    passed: bool
    text: str


def verify(name: str, *, against: str | None = None, trust: bool = False) -> Iterator[Finding]:
    """Fetch a network, check the hashes of its files, and compare it with its record.

    Parameters
    ----------
    name : str
    against : str, optional
        Another network of the same outputs, to run over the samples too and compare; or the name of a
        collection (``"tfhub"``) for the original that the record names there.
    trust : bool
        As of `zoo.describe`, for both.

    Yields
    ------
    Finding

    Raises
    ------
    UnknownNameError
        If the network is unknown.
    WeightsError
        If its weights cannot be obtained, or a hash is wrong.
    InputError
        If there is no counterpart, or its outputs are of another kind.

    Examples
    --------
    >>> from zoo.benchmark.verify import verify
    >>> all(finding.passed for finding in verify("crepe.tiny"))
    True
    """
    spec = describe(name, trust=trust)
    other = counterpart(spec, against, trust=trust) if against else None
    weights.ensure(spec, rehash=True)
    net = load(name, device="cpu", trust=trust)
    yield from _recounted(net)
    if net.spec.smoke_test:
        yield _known_answer(net, net.spec.smoke_test)
    if other:
        yield from differences(net, load(other, device="cpu", trust=trust))


def counterpart(spec: Spec, against: str, *, trust: bool = False) -> str:
    """Return the network that a record names in another collection; any other name is that network.

    Raises
    ------
    InputError
        If it names none there.
    """
    if against not in HUBS:
        describe(against, trust=trust)  # which raises if there is none
        return against
    for source in spec.sources:
        if source.url.startswith(f"{against}:"):
            return source.url
    raise InputError(
        f"The record of {spec.name} names no counterpart in {against}: name a network, as in {against}:NAME."
    )


def differences(net: Network, other: Network) -> Iterator[Finding]:
    """Two networks over the samples: the largest differences of their outputs.

    Raises
    ------
    InputError
        If they have no output of the same kind and shape.
    """
    if net.labels and other.labels:
        pairs = zip(net.labels, other.labels, strict=False)
        same = sum(ours.id == theirs.id for ours, theirs in pairs)
        yield Finding(
            same == len(net.labels) == len(other.labels),
            f"{same} of {len(net.labels)} classes are the same as of {other.name}, in the same order",
        )
    for kind in _kinds(net.spec):
        for name in samples.names(kind):
            ours, theirs = (_outputs(each, sample(name)) for each in (net, other))
            for output in _comparable(net, other, ours, theirs):
                yield _difference(output, ours[output], theirs[output], name, kind, other.name)


def _kinds(spec: Spec) -> tuple[str, ...]:
    """Return the samples that suit a network."""
    if spec.modality == "image":
        return ("image",)
    return ("melody",) if {"pitch", "notes"} & set(spec.tasks) else ("audio", "melody")


def _outputs(net: Network, path: Path) -> dict[str, np.ndarray]:
    outputs = {}
    if set(net.spec.tasks) - {"embed"}:
        outputs["scores"] = np.concatenate([net.scores(batch.data) for batch in net.batches(path)])
    if "embed" in net.spec.tasks:
        outputs["embeddings"] = net.embed(path).values
    return outputs


def _comparable(
    net: Network, other: Network, ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]
) -> list[str]:
    """Which outputs two networks have in common; those of another width are none."""
    shapes = [{output: array.shape for output, array in outputs.items()} for outputs in (ours, theirs)]
    if common := [output for output, shape in shapes[0].items() if shape == shapes[1].get(output)]:
        return common
    first, second = [
        ", ".join(f"{output} {shape}" for output, shape in outputs.items()) for outputs in shapes
    ]
    raise InputError(
        f"{net.name} and {other.name} cannot be compared: one gives {first}, the other {second}."
    )


def _difference(
    output: str, ours: np.ndarray, theirs: np.ndarray, name: str, kind: str, other: str
) -> Finding:
    allowed = TOLERANCES[output] * (TONES if kind == "melody" else 1)
    if output == "embeddings":
        allowed *= max(1.0, float(theirs.std()))
    largest = float(np.abs(ours - theirs).max())
    return Finding(
        largest <= allowed, f"{name}: {output} within {largest:.1e} of {other}, {allowed:.1e} allowed"
    )


def _recounted(net: Network) -> Iterator[Finding]:
    spec, record = net.spec, weights.record_of(net.spec)
    source = next(source for source in spec.sources if source.url == record["source"])
    published = f"as published ({source.checksum})" if source.checksum else "no checksum was published"
    yield Finding(True, f"weights from {source.url}, SHA-256 {record['sources'][source.url]}, {published}")
    parameters = sum(parameter.numel() for parameter in net.module.parameters())
    if parameters:  # those of a graph that TensorFlow runs are its own
        yield Finding(
            parameters == spec.parameters, f"{parameters:,} parameters, {spec.parameters:,} on record"
        )
    shape = net.scores(torch.zeros(1, *spec.input_shape)).shape
    expected = (1, spec.classes)
    yield Finding(shape == expected, f"an input of {spec.input_shape} gives {shape}, {expected} on record")


def _known_answer(net: Network, test: SmokeTest) -> Finding:
    name, answer = test.sample, test.answer
    if "pitch" in net.spec.tasks:
        track = pitch(sample(name), network=net)
        notes = [note for note in track.note_names() if note]
        first_note = notes[10] if len(notes) > 10 else "no note"  # the first ten frames are the attack
        return Finding(first_note == answer, f"{name} begins on {first_note}, {answer} expected")
    if "notes" in net.spec.tasks:
        first = next((note.name for note in net.notes(sample(name)).notes), "no note")
        return Finding(first == answer, f"{name} begins on {first}, {answer} expected")
    ids = net.classify(sample(name), top=5).ids
    return Finding(answer in ids, f"{name} gives {', '.join(ids)} in the first five, {answer} expected")
