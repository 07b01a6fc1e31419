"""Does a network still do what its record says? Recounted, and asked a question with a known answer."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from zoo import weights
from zoo.loading import load
from zoo.network import Network
from zoo.samples import sample
from zoo.verbs import pitch


@dataclass(frozen=True)
class Finding:
    """One thing that was checked: whether it held, and what was seen."""

    passed: bool
    text: str


def verify(name: str) -> Iterator[Finding]:
    """Fetch a network (its hashes are checked on the way) and hold it against its record.

    Parameters
    ----------
    name : str

    Yields
    ------
    Finding

    Raises
    ------
    UnknownNameError
        If there is no such network.
    WeightsError
        If its weights cannot be had, or a hash is wrong.
    """
    net = load(name, device="cpu")
    spec = net.spec
    record = weights.record_of(spec)
    source = next(source for source in spec.sources if source.url == record["source"])
    known = f"as published ({source.checksum})" if source.checksum else "no checksum was published"
    yield Finding(True, f"weights from {source.url}, SHA-256 {record['sources'][source.url]}, {known}")
    parameters = sum(parameter.numel() for parameter in net.module.parameters())
    yield Finding(parameters == spec.parameters, f"{parameters:,} parameters, {spec.parameters:,} on record")
    shape = net.scores(torch.zeros(1, *spec.input_shape)).shape
    expected = (1, spec.classes)
    yield Finding(shape == expected, f"an input of {spec.input_shape} gives {shape}, {expected} on record")
    if spec.known:
        yield _known_answer(net)


def _known_answer(net: Network) -> Finding:
    given, answer = net.spec.known["sample"], net.spec.known["answer"]
    if "pitch" in net.spec.tasks:
        track = pitch(sample(given), network=net)
        notes = [note for note in track.note_names() if note]
        said = notes[10] if len(notes) > 10 else "no note"  # the first ten frames are the attack
        return Finding(said == answer, f"{given} begins on {said}, {answer} expected")
    ids = net.classify(sample(given), top=5).ids
    return Finding(answer in ids, f"{given} gives {', '.join(ids)} in the first five, {answer} expected")
