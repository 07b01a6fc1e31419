"""Pitch: the fundamental frequency of a recording over time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.audio import swiftf0
from zoo.audio.options import PitchOptions
from zoo.audio.pitch import Decoder, to_hertz
from zoo.core.array_buffer import ArrayBuffer
from zoo.core.batch import Batch
from zoo.core.errors import InputError
from zoo.inference.tasks.pitch_frames import Frames, frame_source, swift_decoding
from zoo.results import PitchTrack

if TYPE_CHECKING:
    from zoo.inference.model import Model

_BLOCK = 1000  # frames that are decoded at a time; the path through them is followed back once for each


class PitchTracker:
    """Track the pitch of a recording, batch by batch.

    Parameters
    ----------
    net : Model
    **options
        Fields of `PitchOptions`.

    Attributes
    ----------
    preprocessor : Frontend
        That of the network, with the step of the options where it has a choice.
    """

    def __init__(self, net: Model, **options: Any):
        net.require("pitch")
        self._net, self._options = net, PitchOptions(**options)
        self._source = frame_source(net, self._options)
        self.preprocessor = self._source.preprocessor
        self._name = ""
        self._emitted, self._before = 0, 0  # frames given out, and how many of them are kept as neighbors
        self._pitch = np.zeros(0)
        self._frames: dict[str, np.ndarray] = {  # the other columns of the frames from there on
            "confidence": np.zeros(0, np.float32),
            "level": np.zeros(0, np.float32),
        }
        if self._options.keep_activations:
            self._frames["activations"] = np.zeros((0, self._source.bins), np.float32)

    def process(self, batch: Batch) -> PitchTrack:
        """Return the frames whose pitch has become certain with this batch."""
        self._name = batch.names[0]
        return self._give(self._source.feed(batch), ahead=self._options.smooth // 2)

    def flush(self, seconds: float) -> PitchTrack:
        """Return the frames that were still open."""
        return self._give(self._source.finish(seconds), ahead=0)

    def merge(self, parts: Iterable[PitchTrack]) -> PitchTrack:
        """Join pieces of one track."""
        columns = {
            "time": ArrayBuffer(np.float64),
            "frequency": ArrayBuffer(np.float64),
            "voiced": ArrayBuffer(bool),
            **{key: ArrayBuffer(value.dtype, value.shape[1:]) for key, value in self._frames.items()},
        }
        for part in parts:
            for name, column in columns.items():
                column.add(getattr(part, name))
        whole: dict[str, Any] = {name: column.array() for name, column in columns.items()}
        return PitchTrack(network=self._net.name, input=self._name, **whole)

    def _give(self, new: Frames, ahead: int) -> PitchTrack:
        """Return the next frames, but for the last, whose neighbors `ahead` are still to come."""
        self._pitch = np.concatenate([self._pitch, new.frequency])
        if new.columns:
            self._frames = {name: np.concatenate([v, new.columns[name]]) for name, v in self._frames.items()}
        n = len(self._pitch)
        last = max(n - ahead, self._before)
        options, sample_rate = self._options, self.preprocessor.sample_rate
        frames: dict[str, Any] = {key: value[:n] for key, value in self._frames.items()}
        track = PitchTrack(
            network=self._net.name,
            input=self._name,
            time=(self._emitted - self._before + np.arange(n)) * self._source.hop / sample_rate,
            frequency=self._pitch,
            voiced=np.ones(n, bool),
            **frames,
        )
        track = track.gated(threshold=options.threshold, silence=options.silence)
        track = track.smoothed(options.smooth, options.smoother)[self._before : last]
        start = max(last - self._options.smooth // 2, 0)
        self._emitted += last - self._before
        self._before = last - start
        self._pitch = self._pitch[start:]
        self._frames = {key: value[start:] for key, value in self._frames.items()}
        return track


def redecode(
    track: PitchTrack,
    *,
    decoder: str = PitchOptions.decoder,
    fmin: float | None = PitchOptions.fmin,
    fmax: float | None = PitchOptions.fmax,
) -> PitchTrack:
    """Decode the activations of a track again, without running the network.

    Parameters
    ----------
    track : PitchTrack
        Made with ``keep_activations=True``.
    decoder, fmin, fmax
        As in `PitchOptions`.

    Returns
    -------
    PitchTrack
        Every frame is voiced; `PitchTrack.gated` and `PitchTrack.smoothed` do the rest.

    Raises
    ------
    InputError
        If there are no activations, or an option cannot be used.
    """
    if track.activations is None:
        raise InputError("This track has no activations; make it with keep_activations=True.")
    if track.activations.shape[1] == swiftf0.BINS:
        return _redecode_swift(track, track.activations, decoder, fmin, fmax)
    decoding = Decoder(decoder, fmin=fmin, fmax=fmax)
    blocks = np.array_split(track.activations, max(len(track) // _BLOCK, 1))
    cents = np.concatenate([*map(decoding.feed, blocks), decoding.finish()])
    return replace(
        track,
        frequency=to_hertz(cents),
        confidence=decoding.confidence(track.activations),
        voiced=np.ones(len(track), bool),
    )


def _redecode_swift(
    track: PitchTrack, activations: np.ndarray, decoder: str, fmin: float | None, fmax: float | None
) -> PitchTrack:
    voicing = np.log(track.confidence / (1 - track.confidence).clip(min=1e-7) + 1e-7)
    logits = np.concatenate([activations, voicing[:, None]], axis=1)
    frequency, confidence = swiftf0.decode(logits, **swift_decoding(decoder, fmin, fmax))
    return replace(track, frequency=frequency, confidence=confidence, voiced=np.ones(len(track), bool))
