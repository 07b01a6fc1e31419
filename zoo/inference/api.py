"""The verbs as functions: data first, and the name of a network (or a loaded one) -> a result."""

# A string is one input, and iterable too: the first overload that fits is meant.
# pyright: reportOverlappingOverload=false

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal, TypedDict, Unpack, overload

from zoo.audio.options import NoteOptions, PitchOptions, SoundEventOptions
from zoo.core.errors import InputError
from zoo.inference.load import load
from zoo.inference.model import DeviceLike
from zoo.inference.network import Network
from zoo.inference.streaming import ProgressCallback
from zoo.inference.tasks.classification import ClassificationOptions
from zoo.inference.tasks.explanation import ExplanationOptions
from zoo.inference.tasks.inputs import Input, Inputs, OneOrMany, OnError
from zoo.inference.tasks.keywords import (
    ClassifyKeywords,
    ExplainKeywords,
    NotesKeywords,
    PitchKeywords,
    SoundEventsKeywords,
)
from zoo.inference.tasks.sound_events import TOP
from zoo.results import Classification, Embedding, Explanation, Notes, PitchTrack, Problem, SoundEvents
from zoo.results.explanation import ExplanationMethod

_MAX_LOADED = 4  # networks that stay loaded for the next call

NetworkLike = str | os.PathLike[str] | Network
"""The name of a network, the path of a saved one, or a loaded one."""


class LoadKeywords(TypedDict, total=False):
    """Which network a function loads, and how."""

    network: NetworkLike
    device: DeviceLike
    engine: str


class ClassifyCall(ClassifyKeywords, LoadKeywords): ...


class ExplainCall(ExplainKeywords, LoadKeywords): ...


class SoundEventsCall(SoundEventsKeywords, LoadKeywords): ...


class PitchCall(PitchKeywords, LoadKeywords): ...


class NotesCall(NotesKeywords, LoadKeywords): ...


@overload
def classify(x: Input, *, on_error: OnError = ..., **options: Unpack[ClassifyCall]) -> Classification: ...


@overload
def classify(
    x: Inputs, *, on_error: Literal["raise"] = ..., **options: Unpack[ClassifyCall]
) -> list[Classification]: ...


@overload
def classify(
    x: Inputs, *, on_error: Literal["skip"], **options: Unpack[ClassifyCall]
) -> list[Classification | Problem]: ...


def classify(
    x: Any,
    *,
    network: NetworkLike = "squeezenet",
    top: int = ClassificationOptions.top,
    sample_rate: float | None = None,
    overlap: float | None = None,
    on_error: OnError = "raise",
    device: DeviceLike = "auto",
    engine: str = "auto",
) -> OneOrMany[Classification]:
    """Name the best classes of each input: a `Classification`, or a list of them for a list.

    Options and errors are those of `Network.classify`; `device` and `engine` are those of `load`.

    Examples
    --------
    >>> import zoo
    >>> zoo.classify(zoo.sample("cat.png"), network="squeezenet").labels[0]
    'Egyptian cat'
    """
    net = _network(network, device, engine)
    return net.classify(x, top=top, sample_rate=sample_rate, overlap=overlap, on_error=on_error)


@overload
def explain(x: Input, *, on_error: OnError = ..., **options: Unpack[ExplainCall]) -> Explanation: ...


@overload
def explain(
    x: Inputs, *, on_error: Literal["raise"] = ..., **options: Unpack[ExplainCall]
) -> list[Explanation]: ...


@overload
def explain(
    x: Inputs, *, on_error: Literal["skip"], **options: Unpack[ExplainCall]
) -> list[Explanation | Problem]: ...


def explain(
    x: Any,
    *,
    network: NetworkLike = "squeezenet",
    target: int | str | None = None,
    method: ExplanationMethod = ExplanationOptions.method,
    layer: str | None = None,
    progress: Callable[[float], object] | None = None,
    on_error: OnError = "raise",
    device: DeviceLike = "auto",
    engine: str = "auto",
) -> OneOrMany[Explanation]:
    """Map where on an image the network finds a class: an `Explanation`, or a list of them for a list.

    Options and errors are those of `Network.explain`; `device` and `engine` are those of `load`.

    Examples
    --------
    >>> import zoo
    >>> zoo.explain(zoo.sample("cat.png"), network="squeezenet").values.shape
    (14, 14)
    """
    return _network(network, device, engine).explain(
        x, target=target, method=method, layer=layer, progress=progress, on_error=on_error
    )


def embed(
    x: Input | Inputs,
    *,
    network: NetworkLike,
    layer: str | None = None,
    pool: bool | None = None,
    sample_rate: float | None = None,
    overlap: float | None = None,
    on_error: OnError = "raise",
    device: DeviceLike = "auto",
    engine: str = "auto",
) -> Embedding:
    """Compute a vector for each image or window of audio: an `Embedding` of shape (n, d).

    Options and errors are those of `Network.embed`; `device` and `engine` are those of `load`.

    Examples
    --------
    >>> import zoo
    >>> photos = [zoo.sample("cat.png"), zoo.sample("rocket.jpg")]
    >>> zoo.embed(photos, network="efficientnet_lite0").values.shape
    (2, 1280)
    """
    net = _network(network, device, engine)
    return net.embed(x, layer=layer, pool=pool, sample_rate=sample_rate, overlap=overlap, on_error=on_error)


@overload
def sound_events(x: Input, *, on_error: OnError = ..., **options: Unpack[SoundEventsCall]) -> SoundEvents: ...


@overload
def sound_events(
    x: Inputs, *, on_error: Literal["raise"] = ..., **options: Unpack[SoundEventsCall]
) -> list[SoundEvents]: ...


@overload
def sound_events(
    x: Inputs, *, on_error: Literal["skip"], **options: Unpack[SoundEventsCall]
) -> list[SoundEvents | Problem]: ...


def sound_events(
    x: Any,
    *,
    network: NetworkLike = "yamnet",
    sample_rate: float | None = None,
    overlap: float | None = None,
    threshold: float = SoundEventOptions.threshold,
    separation: float = SoundEventOptions.separation,
    min_duration: float = SoundEventOptions.min_duration,
    specificity: str = SoundEventOptions.specificity,
    include: str | Sequence[str] = SoundEventOptions.include,
    exclude: str | Sequence[str] = SoundEventOptions.exclude,
    top: int = TOP,
    progress: ProgressCallback | None = None,
    on_error: OnError = "raise",
    device: DeviceLike = "auto",
    engine: str = "auto",
) -> OneOrMany[SoundEvents]:
    """Detect which sounds occur when, in s: `SoundEvents`, or a list of them for a list.

    Options and errors are those of `Network.sound_events`; `device` and `engine` are those of `load`.

    Examples
    --------
    >>> import zoo
    >>> result = zoo.sound_events(zoo.sample("bicycle-bell.wav"), threshold=0.5)
    >>> "Bicycle bell" in [event.label for event in result.events]
    True
    """
    return _network(network, device, engine).sound_events(
        x,
        sample_rate=sample_rate,
        overlap=overlap,
        threshold=threshold,
        separation=separation,
        min_duration=min_duration,
        specificity=specificity,
        include=include,
        exclude=exclude,
        top=top,
        progress=progress,
        on_error=on_error,
    )


@overload
def pitch(x: Input, *, on_error: OnError = ..., **options: Unpack[PitchCall]) -> PitchTrack: ...


@overload
def pitch(
    x: Inputs, *, on_error: Literal["raise"] = ..., **options: Unpack[PitchCall]
) -> list[PitchTrack]: ...


@overload
def pitch(
    x: Inputs, *, on_error: Literal["skip"], **options: Unpack[PitchCall]
) -> list[PitchTrack | Problem]: ...


def pitch(
    x: Any,
    *,
    network: NetworkLike = "crepe.full",
    sample_rate: float | None = None,
    hop: float = PitchOptions.hop,
    decoder: str = PitchOptions.decoder,
    threshold: float = PitchOptions.threshold,
    silence: float | None = PitchOptions.silence,
    fmin: float | None = PitchOptions.fmin,
    fmax: float | None = PitchOptions.fmax,
    smooth: int = PitchOptions.smooth,
    smoother: str = PitchOptions.smoother,
    keep_activations: bool = PitchOptions.keep_activations,
    progress: ProgressCallback | None = None,
    on_error: OnError = "raise",
    device: DeviceLike = "auto",
    engine: str = "auto",
) -> OneOrMany[PitchTrack]:
    """Track the fundamental frequency, in Hz: a `PitchTrack`, or a list of them for a list.

    Options and errors are those of `Network.pitch`; `device` and `engine` are those of `load`.

    Examples
    --------
    >>> import zoo
    >>> zoo.pitch(zoo.sample("melody.wav"), network="crepe.tiny").note_names()[30]
    'C4'
    """
    return _network(network, device, engine).pitch(
        x,
        sample_rate=sample_rate,
        hop=hop,
        decoder=decoder,
        threshold=threshold,
        silence=silence,
        fmin=fmin,
        fmax=fmax,
        smooth=smooth,
        smoother=smoother,
        keep_activations=keep_activations,
        progress=progress,
        on_error=on_error,
    )


@overload
def notes(x: Input, *, on_error: OnError = ..., **options: Unpack[NotesCall]) -> Notes: ...


@overload
def notes(x: Inputs, *, on_error: Literal["raise"] = ..., **options: Unpack[NotesCall]) -> list[Notes]: ...


@overload
def notes(x: Inputs, *, on_error: Literal["skip"], **options: Unpack[NotesCall]) -> list[Notes | Problem]: ...


def notes(
    x: Any,
    *,
    network: NetworkLike = "basicpitch",
    sample_rate: float | None = None,
    threshold: float = NoteOptions.threshold,
    onset_threshold: float = NoteOptions.onset_threshold,
    min_duration: float = NoteOptions.min_duration,
    fmin: float | None = NoteOptions.fmin,
    fmax: float | None = NoteOptions.fmax,
    progress: ProgressCallback | None = None,
    on_error: OnError = "raise",
    device: DeviceLike = "auto",
    engine: str = "auto",
) -> OneOrMany[Notes]:
    """Find the notes of any number of voices: `Notes`, or a list of them for a list.

    Options and errors are those of `Network.notes`; `device` and `engine` are those of `load`.

    Examples
    --------
    >>> import zoo
    >>> zoo.notes(zoo.sample("melody.wav"), network="basicpitch").notes[0].name
    'C4'
    """
    return _network(network, device, engine).notes(
        x,
        sample_rate=sample_rate,
        threshold=threshold,
        onset_threshold=onset_threshold,
        min_duration=min_duration,
        fmin=fmin,
        fmax=fmax,
        progress=progress,
        on_error=on_error,
    )


def _network(network: NetworkLike, device: DeviceLike, engine: str) -> Network:
    if isinstance(network, Network):
        if (device, engine) != ("auto", "auto"):
            raise InputError(
                f"{network.name} is loaded on {network.device} already: pass device and engine to zoo.load, "
                "or the name of the network."
            )
        return network
    if isinstance(network, str) and os.sep not in network:  # a folder may change
        return loaded(network, str(device), engine)
    return load(network, device=device, engine=engine)


@lru_cache(maxsize=_MAX_LOADED)
def loaded(name: str, device: str, engine: str, trust: bool = False) -> Network:
    """Load a network as `load` does; the last few stay loaded."""
    return load(name, device=device, engine=engine, trust=trust)
