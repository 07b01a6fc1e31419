"""The verbs as functions: an input and the name of a network (or a loaded one) -> a result."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np

from zoo.core.array_buffer import ArrayBuffer
from zoo.core.errors import InputError
from zoo.core.validation import count
from zoo.inference.load import load
from zoo.inference.network import Network
from zoo.inference.streaming import Heard, follow
from zoo.inference.tasks.streams import Pitch
from zoo.results import Classification, Embedding, Explanation, PitchTrack, SoundEvent, SoundEvents

_BLOCK = 1000  # frames that are decoded at a time; the path through them is followed back once for each


def classify(
    x: Any,
    *,
    network: str | Network = "squeezenet",
    top: int = 5,
    sample_rate: float | None = None,
    overlap: float | None = None,
) -> Classification | list[Classification]:
    """`Network.classify` of a network by name, which is loaded anew: for many calls, load it once."""
    return _network(network).classify(x, top=top, sample_rate=sample_rate, overlap=overlap)


def explain(
    x: Any,
    *,
    network: str | Network = "squeezenet",
    target: int | str | None = None,
    method: str = "gradcam",
    layer: str | None = None,
) -> Explanation | list[Explanation]:
    """`Network.explain` of a network by name, which is loaded anew: for many calls, load it once."""
    return _network(network).explain(x, target=target, method=method, layer=layer)


def embed(
    x: Any,
    *,
    network: str | Network,
    layer: str | None = None,
    pool: bool | None = None,
    sample_rate: float | None = None,
    overlap: float | None = None,
) -> Embedding:
    """`Network.embed` of a network by name, which is loaded anew: for many calls, load it once."""
    return _network(network).embed(x, layer=layer, pool=pool, sample_rate=sample_rate, overlap=overlap)


def sound_events(
    x: Any,
    *,
    network: str | Network = "yamnet",
    sample_rate: float | None = None,
    overlap: float | None = None,
    threshold: float = 0.35,
    separation: float = 0.25,
    min_duration: float = 0.5,
    specificity: str = "high",
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    top: int = 5,
    progress: Heard | None = None,
) -> SoundEvents:
    """Which sounds are heard when.

    The defaults are those of MATLAB's ``classifySound``. Scores are independent of each other and not
    calibrated across classes: one threshold does not mean the same certainty for every class.

    A class and the more general one that it belongs to ("Dog" and "Animal") are both reported where the
    network hears both; a lower `specificity` reports the general ones only.

    Parameters
    ----------
    x : path, URL, bytes, or array (with `sample_rate`)
    network : str or Network
    sample_rate : float, optional
        Sample rate of an array, in Hz.
    overlap : float, optional
        Share of a patch, from 0 to less than 1, that the next one repeats; by default what the record says
        (0.5 for YAMNet). More overlap finds beginnings and ends more finely and takes longer.
    threshold : float
        Score, from 0 to 1, from which a class counts as heard.
    separation : float
        Events of a class with a shorter gap between them, in s, are joined.
    min_duration : float
        Shorter events, in s, are dropped.
    specificity : {"high", "medium", "low"}
        ``"high"``: the classes of the network. ``"medium"`` and ``"low"``, for classes of AudioSet: their
        categories on the second level of its ontology ("Human voice", "Vehicle") or on the first ("Human
        sounds", "Sounds of things"), see `zoo.audio.ontology.raised`. The score of a category, patch by
        patch, is the largest of its classes.
    include, exclude : str or sequence of str
        The only sounds to report, and sounds not to report: labels or identifiers of the network's classes,
        or of any category of AudioSet. Each means itself and all that is below it in AudioSet's ontology,
        where "Bell" is below both "Music" and "Sounds of things".
    top : int
        How many classes `SoundEvents.clip` names.
    progress : callable, optional

    Returns
    -------
    SoundEvents

    Raises
    ------
    InputError
        If the sound or an option cannot be used.
    UnknownNameError
        If there is no such network or class.
    """
    from zoo.audio.class_grouping import ClassGrouping

    net = _network(network)
    net.require("events")
    _require_one(net, x)
    count("top", top)
    options = {
        "threshold": threshold,
        "separation": separation,
        "min_duration": min_duration,
        "specificity": specificity,
        "include": include,
        "exclude": exclude,
    }
    ClassGrouping(net.labels, **options)  # what makes no sense is said before the work
    scores, times = ArrayBuffer(np.float32, (len(net.labels),)), ArrayBuffer(np.float64, (2,))
    name, seconds = "", 0.0
    with closing(net.batches(x, sample_rate=sample_rate, overlap=overlap)) as batches:
        for batch in batches:
            scores.add(net.scores(batch.data))
            times.add(batch.times)
            name, seconds = batch.names[0], batch.seconds
            if progress:
                progress(seconds)
    heard = SoundEvents(
        network=net.name,
        input=name,
        events=(),
        scores=scores.array(),
        times=times.array(),
        labels=tuple(label.label for label in net.labels),
        duration=seconds,
        clip=net.classification(scores.array().mean(axis=0), name, top),
    )
    return relocate(heard, net, **options)


def relocate(
    heard: SoundEvents,
    net: Network,
    *,
    threshold: float = 0.35,
    separation: float = 0.25,
    min_duration: float = 0.5,
    specificity: str = "high",
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
) -> SoundEvents:
    """The events of a recording that has been heard already, under other options.

    Parameters
    ----------
    heard : SoundEvents
    net : Network
        The one that heard it.
    threshold, separation, min_duration, specificity, include, exclude
        As in `sound_events`.

    Returns
    -------
    SoundEvents

    Raises
    ------
    InputError
        If an option cannot be used.
    UnknownNameError
        If there is no such class.
    """
    from zoo.audio.class_grouping import ClassGrouping

    reporter = ClassGrouping(
        net.labels,
        threshold=threshold,
        separation=separation,
        min_duration=min_duration,
        specificity=specificity,
        include=include,
        exclude=exclude,
    )
    found = [*reporter.feed(heard.scores, heard.times), *reporter.finish(heard.duration)]
    events = sorted((SoundEvent(*event) for event in found), key=lambda event: (event.start, -event.score))
    return replace(heard, events=tuple(events))


def pitch(
    x: Any,
    *,
    network: str | Network = "crepe.full",
    sample_rate: float | None = None,
    step: float = 0.01,
    decoder: str = "local-average",
    threshold: float = 0.5,
    silence: float | None = -60.0,
    fmin: float | None = None,
    fmax: float | None = None,
    smooth: int = 1,
    smoother: str = "median",
    keep_activations: bool = False,
    progress: Heard | None = None,
) -> PitchTrack:
    """The fundamental frequency of a melody, a voice or an instrument that plays one note at a time.

    Parameters
    ----------
    x : path, URL, bytes, or array (with `sample_rate`)
    network : str or Network
    sample_rate : float, optional
        Sample rate of an array, in Hz.
    step : float
        Time between frames, in s.
    decoder : {"local-average", "viterbi", "soft-viterbi", "argmax"}
        Each frame for itself, the most likely path over the whole recording (the original's, or one that
        weighs all activations), or the nearest bin of each frame (of 20 cents).
    threshold : float
        Confidence, from 0 to 1, below which a frame is unvoiced.
    silence : float or None
        A-weighted level in dB relative to full scale below which a frame is unvoiced; None: no frame is.
    fmin, fmax : float, optional
        Lowest and highest pitch to consider, in Hz; by default all that the network knows, 31.7 to 2005.5.
        Confidence is that of the best pitch in the range.
    smooth : int
        Frames, an odd number, over which the pitch of voiced frames is smoothed, see `PitchTrack.smoothed`;
        1: not at all.
    smoother : {"median", "mean"}
    keep_activations : bool
        Also return the network's outputs.
    progress : callable, optional

    Returns
    -------
    PitchTrack

    Raises
    ------
    InputError
        If the sound or an option cannot be used.
    """
    net = _network(network)
    net.require("pitch")
    _require_one(net, x)
    follower = Pitch(
        net,
        step=step,
        decoder=decoder,
        threshold=threshold,
        silence=silence,
        fmin=fmin,
        fmax=fmax,
        smooth=smooth,
        smoother=smoother,
        keep_activations=keep_activations,
    )
    return follow(follower, follower.preprocessor.batches(x, sample_rate=sample_rate), progress)


def redecode(
    track: PitchTrack,
    *,
    decoder: str = "local-average",
    fmin: float | None = None,
    fmax: float | None = None,
) -> PitchTrack:
    """The pitch of a recording whose activations are known, by another decoder or in another range.

    Parameters
    ----------
    track : PitchTrack
        One with activations: made with ``keep_activations=True``.
    decoder, fmin, fmax
        As in `pitch`.

    Returns
    -------
    PitchTrack
        Every frame is voiced; `PitchTrack.gated` and `PitchTrack.smoothed` do the rest.

    Raises
    ------
    InputError
        If there are no activations, or an option cannot be used.
    """
    from zoo.audio.pitch import Decoder, to_hertz

    if track.activations is None:
        raise InputError("This track has no activations; make it with keep_activations=True.")
    decoding = Decoder(decoder, fmin=fmin, fmax=fmax)
    blocks = np.array_split(track.activations, max(len(track) // _BLOCK, 1))
    cents = np.concatenate([*map(decoding.feed, blocks), decoding.finish()])
    return replace(
        track,
        frequency=to_hertz(cents),
        confidence=decoding.confidence(track.activations),
        voiced=np.ones(len(track), bool),
    )


def _network(network: str | Network) -> Network:
    return network if isinstance(network, Network) else load(network)


def _require_one(net: Network, x: Any) -> None:
    if not net.preprocessor.is_one(x):
        raise InputError("One recording at a time: pass a path, bytes, or an array with sample_rate=.")
