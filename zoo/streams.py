"""Verbs on a live stream: chunks of samples in, results out as soon as they are certain.

What comes out of a stream, all together, is what the verb gives for the whole recording. The verbs on
recordings use the same followers, which turn batches into results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np
import torch

from zoo.errors import InputError
from zoo.growing import Growing
from zoo.inputs import Batch, count, number
from zoo.results import Classification, Embedding, PitchTrack, SoundEvent, smoothing

if TYPE_CHECKING:
    from zoo.network import Network

Result = TypeVar("Result")


class Follower(Protocol[Result]):
    """Turns the batches of one recording into results, piece by piece."""

    def take(self, batch: Batch) -> Result:
        """What has become certain with this batch."""

    def finish(self, seconds: float) -> Result:
        """The rest, once the recording of that length has ended."""

    def joined(self, parts: list[Result]) -> Result:
        """Several pieces as one."""


class Stream(Generic[Result]):
    """A live stream of samples; made by `Network.stream`.

    Parameters
    ----------
    preset : Frontend
    rate : float
        Of the samples, in Hz.
    follower : Follower

    Attributes
    ----------
    seconds : float
        How much has been fed and resampled.
    """

    def __init__(self, preset: Any, rate: float, follower: Follower[Result]):
        self.follower = follower
        self._reader = preset.listen("the stream", rate)
        self._finished = False

    @property
    def seconds(self) -> float:
        return self._reader.seconds

    def feed(self, samples: Any) -> Result:
        """Go on with the next samples.

        Parameters
        ----------
        samples : array or tensor, shape (n,) or (channels, n)
            Integers run to the maximum of their type, floats from -1 to 1.

        Returns
        -------
        list of SoundEvent, PitchTrack or Embedding
            What has become certain and was not before; nothing, or a result of length 0, where that is none.

        Raises
        ------
        InputError
            If that is no sound, or the stream is finished.
        """
        self._require_open()
        return self.follower.joined([self.follower.take(batch) for batch in self._reader.feed(samples)])

    def finish(self) -> Result:
        """The results that were still open; the stream takes no more samples.

        Raises
        ------
        InputError
            If the stream was too short, or is finished already.
        """
        self._require_open()
        self._finished = True
        parts = [self.follower.take(batch) for batch in self._reader.finish()]
        return self.follower.joined([*parts, self.follower.finish(self.seconds)])

    def _require_open(self) -> None:
        if self._finished:
            raise InputError("This stream is finished; net.stream() begins another.")


class Pitch:
    """Follows the pitch of a recording; the options are those of `zoo.pitch`.

    Parameters
    ----------
    net : Network
    """

    def __init__(
        self,
        net: Network,
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
        from audio import pitch as decoding

        net.require("pitch")
        number("threshold", threshold, 0, 1)
        if silence is not None:
            number("silence", silence, -1000, 1000)
        smoothing(smooth, smoother)
        self.preset = net.preset.with_hop(step)
        self._net, self._level = net, decoding.level
        self._decoder = decoding.Decoder(decoder, fmin=fmin, fmax=fmax)
        self._to_hertz = decoding.to_hertz
        self._gate = {"threshold": threshold, "silence": silence}
        self._smooth, self._smoother = smooth, smoother
        self._keep = keep_activations
        self._name = ""
        self._given, self._before = 0, 0  # frames given out, and how many of them are kept as neighbours
        self._pitch = np.zeros(0)
        self._frames: dict[str, np.ndarray] = {}  # what else is known of the frames from there on

    def take(self, batch: Batch) -> PitchTrack:
        """The frames whose pitch has become certain with this batch."""
        activations = self._net.scores(batch.data)
        self._name = batch.names[0]
        known = {
            "confidence": self._decoder.confidence(activations),
            "level": self._level(self.preset.frames(torch.from_numpy(batch.samples))),
        }
        if self._keep:
            known["activations"] = activations
        before = self._frames or {key: value[:0] for key, value in known.items()}
        self._frames = {key: np.concatenate([before[key], value]) for key, value in known.items()}
        return self._give(self._decoder.feed(activations), ahead=self._smooth // 2)

    def finish(self, seconds: float) -> PitchTrack:
        """The frames that were still open."""
        return self._give(self._decoder.finish(), ahead=0)

    def joined(self, parts: list[PitchTrack]) -> PitchTrack:
        """Pieces of one track as one."""
        if not parts:
            return self._give(np.zeros(0), ahead=self._smooth // 2)
        if len(parts) == 1:
            return parts[0]
        columns = ("time", "frequency", "confidence", "voiced", "level")
        whole = {column: np.concatenate([getattr(part, column) for part in parts]) for column in columns}
        if self._keep:
            whole["activations"] = np.concatenate([part.activations for part in parts])
        return PitchTrack(network=self._net.name, input=self._name, **whole)

    def _give(self, cents: np.ndarray, ahead: int) -> PitchTrack:
        """The next frames, but for those whose neighbours `ahead`, over which to smooth, are not yet known."""
        self._pitch = np.concatenate([self._pitch, self._to_hertz(cents)])
        n = len(self._pitch)
        last = max(n - ahead, self._before)
        framing = self.preset.framing
        track = PitchTrack(
            network=self._net.name,
            input=self._name,
            time=(self._given - self._before + np.arange(n)) * framing.hop / self.preset.rate,
            frequency=self._pitch,
            voiced=np.ones(n, bool),
            **{key: value[:n] for key, value in self._columns().items()},
        )
        track = track.gated(**self._gate).smoothed(self._smooth, self._smoother)[self._before : last]
        kept = max(last - self._smooth // 2, 0)
        self._given += last - self._before
        self._before = last - kept
        self._pitch = self._pitch[kept:]
        self._frames = {key: value[kept:] for key, value in self._frames.items()}
        return track

    def _columns(self) -> dict[str, np.ndarray]:
        empty = np.zeros(0, np.float32)
        return self._frames or {"confidence": empty, "level": empty}


class Events:
    """Follows the sounds of a recording; the options are those of `zoo.sound_events`.

    Parameters
    ----------
    net : Network

    Attributes
    ----------
    latest : Classification or None
        The newest patch's best classes, as they are heard now.
    """

    def __init__(
        self,
        net: Network,
        *,
        threshold: float = 0.35,
        separation: float = 0.25,
        min_duration: float = 0.5,
        specificity: str = "high",
        include: Any = (),
        exclude: Any = (),
        top: int = 5,
    ):
        from audio.reporting import Reporter

        net.require("events")
        self._net, self._top = net, count("top", top)
        self._reporter = Reporter(
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
        return self._reporter.feed(scores, batch.times)

    def finish(self, seconds: float) -> list[SoundEvent]:
        """The events that last to the end."""
        return self._reporter.finish(seconds)

    def joined(self, parts: list[list[SoundEvent]]) -> list[SoundEvent]:
        """All of them."""
        return [event for part in parts for event in part]


class Vectors:
    """Embeds the windows of a recording; the options are those of `Network.embed`.

    Parameters
    ----------
    net : Network
    """

    def __init__(self, net: Network, *, layer: str | None = None, pool: bool | None = None):
        net.require("embed")
        self._net, self._layer, self._pool = net, layer, pool

    def take(self, batch: Batch) -> Embedding:
        """The vectors of this batch."""
        return self._net.embed_batch(batch, layer=self._layer, pool=self._pool)
