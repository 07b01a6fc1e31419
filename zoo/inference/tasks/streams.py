"""How each verb on sound turns the batches of a recording into its result, piece by piece."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from zoo.core.array_buffer import ArrayBuffer
from zoo.core.batch import Batch
from zoo.core.validation import count, number
from zoo.results import Classification, Embedding, PitchTrack, SoundEvent, smoothing

if TYPE_CHECKING:
    from zoo.inference.model import Model


class Pitch:
    """Follows the pitch of a recording; the options are those of `zoo.pitch`.

    Parameters
    ----------
    net : Model
    """

    def __init__(
        self,
        net: Model,
        *,
        step: float = 0.01,
        decoder: str = "local-average",
        threshold: float = 0.5,
        silence: float | None = -60.0,
        fmin: float | None = None,
        fmax: float | None = None,
        smooth: int = 1,
        smoother: str = "median",
        keep_activations: bool = False,
    ):
        from zoo.audio import pitch as decoding

        net.require("pitch")
        number("threshold", threshold, 0, 1)
        if silence is not None:
            number("silence", silence, -1000, 1000)
        smoothing(smooth, smoother)
        self.preprocessor = net.preprocessor.with_hop(step)
        self._net, self._level = net, decoding.level
        self._decoder = decoding.Decoder(decoder, fmin=fmin, fmax=fmax)
        self._to_hertz = decoding.to_hertz
        self._gate = {"threshold": threshold, "silence": silence}
        self._smooth, self._smoother = smooth, smoother
        self._name = ""
        self._given, self._before = 0, 0  # frames given out, and how many of them are kept as neighbors
        self._pitch = np.zeros(0)
        self._frames = {  # what else is known of the frames from there on
            "confidence": np.zeros(0, np.float32),
            "level": np.zeros(0, np.float32),
        }
        if keep_activations:
            self._frames["activations"] = np.zeros((0, len(decoding.BIN_CENTS)), np.float32)

    def take(self, batch: Batch) -> PitchTrack:
        """The frames whose pitch has become certain with this batch."""
        activations = self._net.scores(batch.data)
        self._name = batch.names[0]
        known = {
            "confidence": self._decoder.confidence(activations),
            "level": self._level(self.preprocessor.frames(torch.from_numpy(batch.samples))),
            "activations": activations,
        }
        self._frames = {key: np.concatenate([old, known[key]]) for key, old in self._frames.items()}
        return self._give(self._decoder.feed(activations), ahead=self._smooth // 2)

    def finish(self, seconds: float) -> PitchTrack:
        """The frames that were still open."""
        return self._give(self._decoder.finish(), ahead=0)

    def joined(self, parts: Iterable[PitchTrack]) -> PitchTrack:
        """Pieces of one track as one."""
        columns = {
            "time": ArrayBuffer(np.float64),
            "frequency": ArrayBuffer(np.float64),
            "voiced": ArrayBuffer(bool),
            **{key: ArrayBuffer(value.dtype, value.shape[1:]) for key, value in self._frames.items()},
        }
        for part in parts:
            for name, column in columns.items():
                column.add(getattr(part, name))
        whole = {name: column.array() for name, column in columns.items()}
        return PitchTrack(network=self._net.name, input=self._name, **whole)

    def _give(self, cents: np.ndarray, ahead: int) -> PitchTrack:
        """The next frames, but for the last, whose neighbors `ahead` are still to come."""
        self._pitch = np.concatenate([self._pitch, self._to_hertz(cents)])
        n = len(self._pitch)
        last = max(n - ahead, self._before)
        framing = self.preprocessor.framing
        track = PitchTrack(
            network=self._net.name,
            input=self._name,
            time=(self._given - self._before + np.arange(n)) * framing.hop / self.preprocessor.sample_rate,
            frequency=self._pitch,
            voiced=np.ones(n, bool),
            **{key: value[:n] for key, value in self._frames.items()},
        )
        track = track.gated(**self._gate).smoothed(self._smooth, self._smoother)[self._before : last]
        kept = max(last - self._smooth // 2, 0)
        self._given += last - self._before
        self._before = last - kept
        self._pitch = self._pitch[kept:]
        self._frames = {key: value[kept:] for key, value in self._frames.items()}
        return track


class Events:
    """Follows the sounds of a recording; the options are those of `zoo.sound_events`.

    Parameters
    ----------
    net : Model

    Attributes
    ----------
    latest : Classification or None
        The newest patch's best classes, as they are heard now.
    """

    def __init__(
        self,
        net: Model,
        *,
        threshold: float = 0.35,
        separation: float = 0.25,
        min_duration: float = 0.5,
        specificity: str = "high",
        include: Any = (),
        exclude: Any = (),
        top: int = 5,
    ):
        from zoo.audio.class_grouping import ClassGrouping

        net.require("events")
        self._net, self._top = net, count("top", top)
        self._reporter = ClassGrouping(
            net.labels,
            threshold=threshold,
            separation=separation,
            min_duration=min_duration,
            specificity=specificity,
            include=include,
            exclude=exclude,
        )
        self.latest: Classification | None = None

    def take(self, batch: Batch) -> list[SoundEvent]:
        """The events that have ended before this batch did."""
        scores = self._net.scores(batch.data)
        self.latest = self._net.classification(scores[-1], batch.names[0], self._top)
        return [SoundEvent(*event) for event in self._reporter.feed(scores, batch.times)]

    def finish(self, seconds: float) -> list[SoundEvent]:
        """The events that last to the end."""
        return [SoundEvent(*event) for event in self._reporter.finish(seconds)]

    def joined(self, parts: Iterable[list[SoundEvent]]) -> list[SoundEvent]:
        """All of them."""
        return [event for part in parts for event in part]


class Vectors:
    """Embeds the windows of a recording; the options are those of `Network.embed`.

    Parameters
    ----------
    net : Model
    """

    def __init__(self, net: Model, *, layer: str | None = None, pool: bool | None = None):
        net.require("embed")
        self._net, self._options = net, {"layer": layer, "pool": pool}
        self._layer = net.spec.embedding_layer if layer is None else str(layer)
        self._width = 0

    def take(self, batch: Batch) -> Embedding:
        """The vectors of this batch."""
        values = self._net.vectors(batch.data, **self._options)
        self._width = values.shape[1]
        return Embedding(self._net.name, self._layer, values, batch.times, batch.names)

    def finish(self, seconds: float) -> Embedding:
        """Nothing: every window is certain when it comes."""
        return self.joined([])

    def joined(self, parts: Iterable[Embedding]) -> Embedding:
        """Pieces of one embedding as one."""
        values, times, inputs = None, ArrayBuffer(np.float64, (2,)), []
        for part in parts:
            values = values or ArrayBuffer(np.float32, part.values.shape[1:])
            values.add(part.values)
            inputs.extend(part.inputs)
            if part.times is not None:
                times.add(part.times)
        return Embedding(
            network=self._net.name,
            layer=self._layer,
            values=values.array() if values else np.zeros((0, self._width), np.float32),
            times=times.array() if self._net.spec.modality == "audio" else None,
            inputs=tuple(inputs),
        )


FOLLOWERS = {"events": Events, "pitch": Pitch, "embed": Vectors}
