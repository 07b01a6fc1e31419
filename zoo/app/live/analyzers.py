"""Sliding-window inference on a live audio stream: results for its last seconds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zoo.app.live.audio_buffer import Block
from zoo.audio.waveforms import Waveforms
from zoo.core.batch import Batch
from zoo.core.errors import InputError
from zoo.inference.network import Network
from zoo.inference.preprocessing import as_frontend
from zoo.inference.streaming import Stream
from zoo.results import Classification, PitchTrack

KEPT_SOUNDS, KEPT_PITCH = 20.0, 10.0  # s
HOP_SOUNDS = 0.24  # s; half of the hop in YAMNet's record, for an answer four times a second
HOP_PITCH = 0.02  # s; twice the hop in CREPE's record: a display shows no more, and it costs half
SMOOTHED_SOUNDS = 0.48  # s; scores are averaged over windows that end within: one alone flickers
SMOOTHED_PITCH = 0.12  # s; the median is taken over frames within


class LiveAnalyzer(ABC):
    """A network that follows the live sound.

    Parameters
    ----------
    window : float
        How much sound one answer is about, smoothing included, in s.
    sample_rate : float
        Of the network, in Hz.

    Attributes
    ----------
    upto : float or None
        How far its answers reach, in s of sound that had arrived; None before the first one.
    """

    def __init__(self, window: float, sample_rate: float):
        self.window, self._rate = window, sample_rate
        self.processed_until: float | None = None
        self._begin = 0.0  # of the stream, in s of sound that had arrived
        self._stream: Stream[Any] | None = None

    @abstractmethod
    def _new(self, sample_rate: float) -> Stream[Any]: ...

    @abstractmethod
    def _add(self, piece: Any) -> None:
        """Keep what the stream gave."""

    @abstractmethod
    def snapshot(self) -> Any:
        """Return the classes of the last seconds, which no longer change; None before the first."""

    def warm_up(self) -> None:
        """Run the network on silence: its first pass takes many times as long as the others."""
        self._new(self._rate).feed(np.zeros(round(2 * self.window * self._rate), np.float32))

    def end(self) -> None:
        """Release the stream, whose resampler holds memory that Python does not count."""
        self._stream = None

    def process(self, block: Block) -> None:
        """Go on with the next sound."""
        if self._stream is None or not block.follows:
            self._stream = self._new(block.sample_rate)
            self._begin = block.end - block.seconds
        self._add(self._stream.feed(block.samples))


@dataclass(frozen=True, eq=False)
class Sounds:
    """Scores of the classes over the last seconds.

    Attributes
    ----------
    now : Classification
        The scores averaged over the last windows, see `SMOOTHED_SOUNDS`.
    times : ndarray of float64, shape (windows,)
        End of each window in s, counted back from the newest analyzed sound: 0 is now, others are negative.
    scores : ndarray of float32, shape (windows, classes)
    labels : tuple of str
        Of all classes.
    """

    now: Classification
    times: np.ndarray
    scores: np.ndarray
    labels: tuple[str, ...]


class _WindowScores:
    """Follows the scores of each window as they come, certain or not."""

    def __init__(self, net: Network):
        self._net = net

    def process(self, batch: Batch) -> list[tuple[float, np.ndarray]]:
        assert batch.times is not None  # of a recording
        return list(zip(batch.times[:, 1].tolist(), self._net.scores(batch.data), strict=True))

    def flush(self, seconds: float) -> list[tuple[float, np.ndarray]]:
        return []

    def merge(self, parts: Iterable[list[tuple[float, np.ndarray]]]) -> list[tuple[float, np.ndarray]]:
        return [window for part in parts for window in part]


class SoundAnalyzer(LiveAnalyzer):
    """Hears classes of sounds.

    Parameters
    ----------
    net : Network
        That classifies sounds.

    Raises
    ------
    InputError
        If it does not.
    """

    def __init__(self, net: Network):
        net.require("classify")
        if net.spec.modality != "audio":
            raise InputError(f"{net.name} takes no sound, so it cannot listen.")
        self._net = net
        self._preprocessor = as_frontend(net.preprocessor).with_hop(HOP_SOUNDS)
        super().__init__(self._preprocessor.span + SMOOTHED_SOUNDS, self._preprocessor.sample_rate)
        self._windows: deque[tuple[float, np.ndarray]] = deque(maxlen=round(KEPT_SOUNDS / HOP_SOUNDS))

    def _new(self, sample_rate: float) -> Stream[Any]:
        return Stream(self._preprocessor, sample_rate, _WindowScores(self._net))

    def _add(self, piece: list[tuple[float, np.ndarray]]) -> None:
        for end, scores in piece:
            self.processed_until = self._begin + end
            self._windows.append((self.processed_until, scores))

    def snapshot(self) -> Sounds | None:
        """None before the first window is whole."""
        if self.processed_until is None:
            return None
        times = np.array([end for end, _ in self._windows]) - self.processed_until
        scores = np.stack([row for _, row in self._windows])
        now = scores[times > -SMOOTHED_SOUNDS - HOP_SOUNDS / 2].mean(axis=0)
        recent = times > -KEPT_SOUNDS  # a gap may have let older ones stay
        labels = tuple(label.label for label in self._net.labels)
        return Sounds(self._net.classification(now, "live", len(now)), times[recent], scores[recent], labels)


class PitchAnalyzer(LiveAnalyzer):
    """Track the pitch of live audio.

    Parameters
    ----------
    net : Network
        That tracks pitch.
    **options
        As of `zoo.pitch`, but for `sample_rate`, `hop` and `progress`.

    Raises
    ------
    InputError
        If it does not, or an option cannot be used.
    """

    def __init__(self, net: Network, **options: Any):
        self._net, self._options = net, options
        self._track: PitchTrack | None = None
        frontend = as_frontend(net.preprocessor)
        self._span = frontend.reach if isinstance(frontend, Waveforms) else frontend.span
        super().__init__(self._span + SMOOTHED_PITCH, frontend.sample_rate)
        self._new(frontend.sample_rate)  # which refuses at once what cannot be used

    def _new(self, sample_rate: float) -> Stream[Any]:
        return self._net.stream(sample_rate, task="pitch", hop=HOP_PITCH, **self._options)

    def _add(self, piece: PitchTrack) -> None:
        if not len(piece) or self._stream is None:
            return
        pieces = [replace(piece, time=piece.time + self._begin)]
        if self._track is not None:
            pieces.insert(0, self._track)
        track: PitchTrack = self._stream.processor.merge(pieces)
        self._track = track[-round(KEPT_PITCH / HOP_PITCH) :]
        self.processed_until = float(self._track.time[-1]) + self._span / 2

    def snapshot(self) -> PitchTrack | None:
        """Return the last seconds, times counted back from now; None before the first frame."""
        if self._track is None:
            return None
        track = replace(self._track, time=self._track.time - self.processed_until)
        return track[int(np.searchsorted(track.time, -KEPT_PITCH)) :]


@dataclass(frozen=True)
class TunerReading:
    """The pitch as a tuner shows it.

    Attributes
    ----------
    frequency : float
        In Hz.
    note : str
        The nearest one, as ``"A4"`` or ``"C#5"``.
    cents : float
        How far above it, from -50 to 50.
    confidence : float
        From 0 to 1.
    """

    frequency: float
    note: str
    cents: float
    confidence: float


def tone_of(track: PitchTrack, a4: float = 440.0) -> TunerReading | None:
    """Return the pitch at the end of a track of the last seconds, as `PitchAnalyzer.snapshot` does.

    Parameters
    ----------
    track : PitchTrack
    a4 : float
        What the instruments are tuned to, in Hz.

    Returns
    -------
    Tone or None
        None where less than half of the last moment is voiced.
    """
    import librosa

    if len(track) == 0:
        return None
    begin = track.time[-1] - SMOOTHED_PITCH - HOP_PITCH / 2
    last = track[int(np.searchsorted(track.time, begin)) :]
    if last.voiced.mean() < 0.5:
        return None
    frequency = float(np.nanmedian(last.frequency))
    midi = 69 + 12 * np.log2(frequency / a4)
    nearest = round(midi)
    return TunerReading(
        frequency,
        librosa.midi_to_note(nearest, unicode=False),
        float(100 * (midi - nearest)),
        float(last.confidence[last.voiced].mean()),
    )
