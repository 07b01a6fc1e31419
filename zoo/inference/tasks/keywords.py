"""Keyword options of the tasks, as types: what editors complete and type checkers check in the overloads.

Their defaults are those of the verbs, see `zoo.inference.verbs`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypedDict

from zoo.inference.streaming import ProgressCallback
from zoo.results.explanation import ExplanationMethod


class ClassifyKeywords(TypedDict, total=False):
    """Options of `Network.classify`."""

    top: int
    sample_rate: float | None
    overlap: float | None


class ExplainKeywords(TypedDict, total=False):
    """Options of `Network.explain`."""

    target: int | str | None
    method: ExplanationMethod
    layer: str | None
    progress: Callable[[float], object] | None


class EventKeywords(TypedDict, total=False):
    """Fields of `SoundEventOptions`, and how many classes of the whole recording are named."""

    threshold: float
    separation: float
    min_duration: float
    specificity: str
    include: str | Sequence[str]
    exclude: str | Sequence[str]
    top: int


class PitchTrackKeywords(TypedDict, total=False):
    """Fields of `PitchOptions` that a result does not grow with."""

    hop: float
    decoder: str
    threshold: float
    silence: float | None
    fmin: float | None
    fmax: float | None
    smooth: int
    smoother: str


class SoundEventsKeywords(EventKeywords, total=False):
    """Options of `Network.sound_events`."""

    sample_rate: float | None
    overlap: float | None
    progress: ProgressCallback | None


class PitchKeywords(PitchTrackKeywords, total=False):
    """Options of `Network.pitch`."""

    keep_activations: bool
    sample_rate: float | None
    progress: ProgressCallback | None


class NotesKeywords(TypedDict, total=False):
    """Options of `Network.notes`."""

    threshold: float
    onset_threshold: float
    min_duration: float
    fmin: float | None
    fmax: float | None
    sample_rate: float | None
    progress: ProgressCallback | None


class StreamKeywords(EventKeywords, PitchTrackKeywords, total=False):
    """Options of `Network.stream`: those of its task."""

    keep_activations: bool
    layer: str | None
    pool: bool | None
