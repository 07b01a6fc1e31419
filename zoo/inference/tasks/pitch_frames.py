"""Frames of pitch from batches of a recording: those of CREPE's bins, and those of SwiftF0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import torch

from zoo.audio import swiftf0
from zoo.audio.frontends import Frontend, NormalizedFrames
from zoo.audio.options import PitchOptions
from zoo.audio.pitch import BIN_CENTS, Decoder, level, to_hertz
from zoo.audio.waveforms import Waveforms
from zoo.core.batch import Batch
from zoo.core.errors import InputError
from zoo.core.validation import number

if TYPE_CHECKING:
    from zoo.inference.model import Model

_WIDTH = 1024  # samples around a frame whose level counts
_NEAR = 100.0  # cents: the pitches of two frames that are further apart are not of one glide


class Frames(NamedTuple):
    """The next frames.

    Attributes
    ----------
    frequency : ndarray of float64
        In Hz, of the frames whose pitch is certain now.
    columns : mapping of str to ndarray
        Confidence, level and activations of the frames that have come, of which the pitch may not be certain.
    """

    frequency: np.ndarray
    columns: Mapping[str, np.ndarray]


class FrameSource(Protocol):
    """What gives the frames of one recording, `hop` samples apart."""

    bins: int
    hop: int

    @property
    def preprocessor(self) -> Frontend:
        """Return what makes the batches."""
        ...

    def feed(self, batch: Batch) -> Frames:
        """Go on with the next batch."""
        ...

    def finish(self, seconds: float) -> Frames:
        """Return the frames that are left of a recording of that length."""
        ...


def frame_source(net: Model, options: PitchOptions) -> FrameSource:
    """Return what gives the frames of a network.

    Raises
    ------
    InputError
        If the network is none that tracks pitch, or does not do what the options ask for.
    """
    if isinstance(net.preprocessor, NormalizedFrames):
        return BinFrames(net, options)
    if isinstance(net.preprocessor, Waveforms) and net.spec.classes == swiftf0.BINS + 1:
        return SwiftFrames(net, options)
    raise InputError(f"{net.name} does not take frames of a waveform, from which pitch is tracked.")


class BinFrames:
    """Frames of CREPE: one a row, of any hop.

    Parameters
    ----------
    net : Model
    options : PitchOptions
    """

    bins = len(BIN_CENTS)

    def __init__(self, net: Model, options: PitchOptions):
        assert isinstance(net.preprocessor, NormalizedFrames)
        self._net = net
        self.preprocessor = net.preprocessor.with_hop(options.hop)
        self.hop = self.preprocessor.framing.hop
        self._decoder = Decoder(options.decoder, fmin=options.fmin, fmax=options.fmax)

    def feed(self, batch: Batch) -> Frames:
        assert batch.samples is not None  # of a recording
        activations = self._net.scores(batch.data)
        columns = {
            "confidence": self._decoder.confidence(activations),
            "level": level(self.preprocessor.frames(torch.from_numpy(batch.samples))),
            "activations": activations,
        }
        return Frames(to_hertz(self._decoder.feed(activations)), columns)

    def finish(self, seconds: float) -> Frames:
        return Frames(to_hertz(self._decoder.finish()), {})


def swift_decoding(decoder: str, fmin: float | None, fmax: float | None) -> dict[str, Any]:
    """Return what `zoo.audio.swiftf0.decode` takes, for a decoder and range of the options.

    Raises
    ------
    InputError
        If SwiftF0 has no such decoder, or no bin in the range.
    """
    if decoder not in ("local-average", "argmax"):
        raise InputError(
            f"SwiftF0 decodes each frame by itself, so the decoder {decoder} is for CREPE; "
            "choose local-average or argmax."
        )
    low = swiftf0.FMIN if fmin is None else max(number("fmin", fmin, 0, 8000), swiftf0.FMIN)
    high = swiftf0.FMAX if fmax is None else min(number("fmax", fmax, 0, 8000), swiftf0.FMAX)
    centers = np.exp(swiftf0.BIN_LOGARITHMS)
    # The ends of the range are centers of bins, which rounding must not leave out.
    low, high = low * (1 - 1e-6), high * (1 + 1e-6)
    if not ((centers >= low) & (centers <= high)).any():
        raise InputError(
            f"No pitch lies between fmin={low:g} and fmax={high:g} Hz: SwiftF0 knows those from "
            f"{swiftf0.FMIN} to {swiftf0.FMAX} Hz, 4 % apart."
        )
    return {"fmin": low, "fmax": high, "centers_only": decoder == "argmax"}


class SwiftFrames:
    """Frames of SwiftF0: its own are 16 ms apart, and others lie on lines between them.

    The network gets a stretch of the waveform with what is around it, so that a stream gives what the whole
    recording gives.

    Parameters
    ----------
    net : Model
    options : PitchOptions
    """

    bins = swiftf0.BINS

    def __init__(self, net: Model, options: PitchOptions):
        assert isinstance(net.preprocessor, Waveforms)
        self._net = net
        self.preprocessor = net.preprocessor
        rate = self.preprocessor.sample_rate
        number("hop", options.hop, 1 / rate, _WIDTH / rate)
        self.hop = round(options.hop * rate)  # samples between two frames
        self._decoding = swift_decoding(options.decoder, options.fmin, options.fmax)
        self._waveform = np.zeros(0, np.float32)
        self._read, self._start = 0, 0  # samples that have come; own frame at which the waveform begins
        self._done = 0  # own frames that are computed
        self._first = 0  # own frame with which the columns begin
        self._columns: dict[str, np.ndarray] = {
            "cents": np.zeros(0),
            "confidence": np.zeros(0, np.float32),
            "level": np.zeros(0, np.float32),
            "activations": np.zeros((0, self.bins), np.float32),
        }
        self._given = 0  # frames of the asked hop

    def feed(self, batch: Batch) -> Frames:
        assert batch.samples is not None  # of a recording
        end = round(batch.seconds * self.preprocessor.sample_rate)
        new = batch.samples[: end - self._read]  # the last window is filled up with zeros
        self._read += len(new)
        self._waveform = np.concatenate([self._waveform, new])
        self._compute(self._start + len(self._waveform) // swiftf0.HOP - swiftf0.AFTER)
        return self._frames(self._first + len(self._columns["cents"]) - 1, last=None)

    def finish(self, seconds: float) -> Frames:
        self._compute(max(1, self._read // swiftf0.HOP))
        return self._frames(0, last=1 + self._read // self.hop)

    def _compute(self, end: int) -> None:
        """Have the own frames before `end`."""
        if end <= self._done:
            return
        waveform = torch.from_numpy(self._waveform)
        logits = self._net.outputs(waveform[None])[self._done - self._start : end - self._start]
        hertz, confidence = swiftf0.decode(logits, **self._decoding)
        around = torch.nn.functional.pad(waveform, (_WIDTH // 2, _WIDTH // 2 + swiftf0.HOP))
        windows = around.unfold(0, _WIDTH, swiftf0.HOP)[self._done - self._start :][: len(logits)]
        new = {
            "cents": 1200 * np.log2(hertz / 10),
            "confidence": confidence,
            "level": level(windows),
            "activations": logits[:, : self.bins],
        }
        self._columns = {name: np.concatenate([old, new[name]]) for name, old in self._columns.items()}
        self._done = end
        drop = max(self._done - swiftf0.BEFORE - self._start, 0)
        self._waveform, self._start = self._waveform[drop * swiftf0.HOP :], self._start + drop

    def _frames(self, known: int, *, last: int | None) -> Frames:
        """Frames up to the own frame `known`, or all of the `last` ones of the recording."""
        count = known * swiftf0.HOP // self.hop + 1 if last is None else last
        steps = np.arange(self._given, max(count, self._given))
        self._given += len(steps)
        own, columns = steps * self.hop / swiftf0.HOP - self._first, self._columns
        n = len(columns["cents"])
        if not len(steps):
            return Frames(np.zeros(0), {name: column[:0] for name, column in columns.items()})
        before = np.floor(own).astype(int).clip(0, n - 1)
        after = (before + 1).clip(max=n - 1)
        share = (own - before).clip(0, 1)
        near = np.where(share < 0.5, before, after)
        low, high = columns["cents"][before], columns["cents"][after]
        cents = np.where(np.abs(high - low) <= _NEAR, low + (high - low) * share, columns["cents"][near])

        def between(name: str) -> np.ndarray:
            values = columns[name]
            return (values[before] * (1 - share) + values[after] * share).astype(np.float32)

        drop = max(self._given * self.hop // swiftf0.HOP - self._first, 0)
        self._columns = {name: column[min(drop, n - 1) :] for name, column in columns.items()}
        self._first += min(drop, n - 1)
        return Frames(
            to_hertz(cents),
            {
                "confidence": between("confidence"),
                "level": between("level"),
                "activations": columns["activations"][near],
            },
        )
