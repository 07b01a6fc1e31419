"""Sound events: which sounds occur in a recording, and when."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.audio.class_grouping import ClassGrouping
from zoo.audio.options import SoundEventOptions
from zoo.core.array_buffer import ArrayBuffer
from zoo.core.batch import Batch
from zoo.core.inputs import name_of
from zoo.core.validation import count
from zoo.inference.streaming import ProgressCallback
from zoo.results import Classification, SoundEvent, SoundEvents
from zoo.results.recording import Recording

if TYPE_CHECKING:
    from zoo.inference.model import Model

TOP = 5  # classes that are named for a whole recording


class EventDetector:
    """Detect the events of a recording, batch by batch.

    Parameters
    ----------
    net : Model
    top : int
        How many classes `latest` names.
    **options
        Fields of `SoundEventOptions`.

    Attributes
    ----------
    latest : Classification or None
        The best classes of the newest patch.
    """

    def __init__(self, net: Model, *, top: int = TOP, **options: Any):
        net.require("events")
        self._net, self._top = net, count("top", top)
        self._score = net.scorer()
        self._grouping = ClassGrouping(net.labels, SoundEventOptions(**options))
        self.latest: Classification | None = None

    def process(self, batch: Batch) -> list[SoundEvent]:
        """Return the events that have ended before this batch did."""
        assert batch.times is not None  # of a recording
        scores = self._score(batch.data)
        self.latest = self._net.classification(scores[-1], batch.names[0], self._top)
        return [SoundEvent(*event) for event in self._grouping.feed(scores, batch.times)]

    def flush(self, seconds: float) -> list[SoundEvent]:
        """Return the events that last to the end."""
        return [SoundEvent(*event) for event in self._grouping.finish(seconds)]

    def merge(self, parts: Iterable[list[SoundEvent]]) -> list[SoundEvent]:
        """Join lists of events."""
        return [event for part in parts for event in part]


def detect(
    net: Model,
    x: Any,
    options: SoundEventOptions,
    position: int = 0,
    *,
    sample_rate: float | None = None,
    top: int = TOP,
    progress: ProgressCallback | None = None,
) -> SoundEvents:
    """Detect the sound events of one recording, at a position of a list; see `Network.sound_events`."""
    grouping = ClassGrouping(net.labels, options)
    scores, times = ArrayBuffer(np.float32, (len(net.labels),)), ArrayBuffer(np.float64, (2,))
    name, seconds, score = name_of(x, position), 0.0, net.scorer()
    with closing(net.batches(x, sample_rate=sample_rate)) as batches:
        for batch in batches:
            scores.add(score(batch.data))
            assert batch.times is not None  # of a recording
            times.add(batch.times)
            seconds = batch.seconds
            if progress:
                progress(seconds)
    result = SoundEvents(
        network=net.name,
        input=name,
        events=(),
        scores=scores.array(),
        times=times.array(),
        labels=tuple(label.label for label in net.labels),
        duration=seconds,
        clip=net.classification(scores.array().mean(axis=0), name, top),
        recording=Recording.of(x, sample_rate),
    )
    return _with_events(result, grouping)


def relocate(result: SoundEvents, net: Model, **options: Any) -> SoundEvents:
    """Return the events of a recording under other options, without running the network again.

    Parameters
    ----------
    result : SoundEvents
    net : Model
        The network that it comes from.
    **options
        Fields of `SoundEventOptions`.

    Raises
    ------
    InputError
        If an option cannot be used.
    UnknownNameError
        If the class is unknown.
    """
    return _with_events(result, ClassGrouping(net.labels, SoundEventOptions(**options)))


def _with_events(result: SoundEvents, grouping: ClassGrouping) -> SoundEvents:
    events = [*grouping.feed(result.scores, result.times), *grouping.finish(result.duration)]
    by_start = sorted((SoundEvent(*event) for event in events), key=lambda event: (event.start, -event.score))
    return replace(result, events=tuple(by_start))
