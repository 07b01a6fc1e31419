"""Keyword options of the tasks, as types: what editors complete and type checkers check in the overloads.

Their defaults are those of the verbs, see `zoo.inference.verbs`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypedDict

from zoo.inference.streaming import ProgressCallback


class ClassifyKeywords(TypedDict, total=False):
    """Options of `Network.classify`."""

    top: int
    sample_rate: float | None
    overlap: float | None


class ExplainKeywords(TypedDict, total=False):
    """Options of `Network.explain`."""

    target: int | str | None
    method: str
    layer: str | None
    progress: Callable[[float], object] | None


class SoundEventsKeywords(TypedDict, total=False):
    """Options of `Network.sound_events`."""

    sample_rate: float | None
    overlap: float | None
    threshold: float
    separation: float
    min_duration: float
    specificity: str
    include: str | Sequence[str]
    exclude: str | Sequence[str]
    top: int
    progress: ProgressCallback | None


class StreamKeywords(TypedDict, total=False):
    """Options of `Network.stream`: those of its task."""

    threshold: float
    separation: float
    min_duration: float
    specificity: str
    include: str | Sequence[str]
    exclude: str | Sequence[str]
    top: int
    hop: float
    decoder: str
    silence: float | None
    fmin: float | None
    fmax: float | None
    smooth: int
    smoother: str
    keep_activations: bool
    layer: str | None
    pool: bool | None


class PitchKeywords(TypedDict, total=False):
    """Options of `Network.pitch`."""

    sample_rate: float | None
    hop: float
    decoder: str
    threshold: float
    silence: float | None
    fmin: float | None
    fmax: float | None
    smooth: int
    smoother: str
    keep_activations: bool
    progress: ProgressCallback | None
