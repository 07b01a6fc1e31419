"""From a waveform to what a network sees: log-mel patches, normalized frames.

Everything works on a stream: no function needs more of a recording than one batch of windows.
"""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar, Self

import numpy as np
import torch

from zoo.audio.framing import Framing, StreamingFramer
from zoo.audio.signal import (
    MonoResampler,
    as_channels,
    as_float,
    check_rate,
    is_one,
    limited,
    open_sound,
    several,
)
from zoo.core.batch import Batch
from zoo.core.errors import InputError
from zoo.core.inputs import Failures, ahead
from zoo.core.validation import number

_PATCHES = Framing(window=15600, hop=7680, pad=True)  # YAMNet's
_CENTERD = Framing(window=1024, hop=160, lead=512, trail=512)  # CREPE's


@dataclass(frozen=True)
class Frontend(ABC):
    """What the front-ends share: a rate, a framing, and batches of a stream.

    A subclass says in `__call__` how a waveform of k windows becomes k rows.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    framing : Framing
        Or a table of its fields, as records have it.
    min_seconds : float
        In s; shorter recordings are refused.
    batch_size : int
        Windows in a batch by default. Larger batches are no faster on a CPU, where they leave its
        caches.
    axes : tuple of str
        What the last two axes of a window are, ``"time"`` and ``"frequency"``, where it is a spectrogram.
    """

    sample_rate: int
    framing: Framing

    min_seconds: ClassVar[float] = 0.01  # the time between two frames of YAMNet and CREPE
    batch_size: ClassVar[int] = 32
    axes: ClassVar[tuple[str, ...]] = ()

    is_one = staticmethod(is_one)
    several = staticmethod(several)

    def __post_init__(self) -> None:
        if isinstance(self.framing, Mapping):
            object.__setattr__(self, "framing", Framing(**self.framing))

    @property
    def span(self) -> float:
        """How much time a window stands for, in s."""
        return self.framing.window / self.sample_rate

    def describe(self) -> str:
        """Describe the preprocessing in one sentence."""
        return (
            f"The mean of the channels is resampled to {self.sample_rate} Hz and cut into windows of "
            f"{1000 * self.span:g} ms, one every {1000 * self.framing.hop / self.sample_rate:g} ms"
        )

    @property
    def hop_quantum(self) -> int:
        """What the time between windows is a multiple of, in samples."""
        return 1

    @abstractmethod
    def __call__(self, waveform: torch.Tensor) -> torch.Tensor:
        """Rows, (k, ...), of a waveform (samples,) of k windows."""

    def with_hop(self, seconds: float) -> Self:
        """Return the same front-end with another time between windows.

        Raises
        ------
        InputError
            If that is less than `hop_quantum` or more than one window.
        """
        number("hop", seconds, self.hop_quantum / self.sample_rate, self.span)
        hop = round(seconds * self.sample_rate / self.hop_quantum) * self.hop_quantum
        return replace(self, framing=replace(self.framing, hop=hop))

    def padded(self) -> Self:
        """Return the same front-end, which pads the last window with zeros instead of dropping it."""
        return replace(self, framing=replace(self.framing, pad=True))

    def with_overlap(self, overlap: float) -> Self:
        """Return the same front-end with another overlap of windows.

        Parameters
        ----------
        overlap : float
            From 0 to less than 1; the time between windows is rounded to a multiple of `hop_quantum`.

        Raises
        ------
        InputError
            If it is not such a number.
        """
        if number("overlap", overlap, 0, 1) == 1:
            raise InputError("With overlap=1 no window would follow another: it must be less than 1.")
        return self.with_hop(max(self.span * (1 - overlap), self.hop_quantum / self.sample_rate))

    def batches(
        self,
        x: Any,
        *,
        sample_rate: float | None = None,
        size: int | None = None,
        failures: Failures | None = None,
    ) -> Generator[Batch, None, None]:
        """Decode, resample, cut and transform recordings, `size` windows at a time.

        A thread does that for the next batch while the network works on this one. `x` is what
        `zoo.audio.signal.several` takes; an empty list gives no batches. A recording that fails halfway has
        given batches before it is entered in `failures`.

        Raises
        ------
        InputError
            Without `failures`, if a recording cannot be used, is shorter than `min_seconds` or one window
            where windows are not padded.
        """
        return ahead(self._batches(x, sample_rate, size, failures))

    def _batches(
        self, x: Any, sample_rate: float | None, size: int | None, failures: Failures | None
    ) -> Generator[Batch, None, None]:
        for index, item in enumerate(several(x)):
            try:
                sound = open_sound(item, sample_rate, index=index)
                listening = FrontendStream(self, sound.name, sound.sample_rate, index=index, size=size)
                for block in limited(sound):
                    yield from listening.take(block)
                yield from listening.finish()
            except InputError as error:
                if failures is None:
                    raise
                failures[index] = error

    def listen(self, name: str, sample_rate: float) -> "FrontendStream":
        """Start a live stream of samples at a rate in Hz, whose windows come as soon as they are complete.

        Raises
        ------
        InputError
            If the rate is not valid.
        """
        return FrontendStream(self, name, check_rate(sample_rate, name), at_once=True)

    def times(self, windows: np.ndarray, samples_read: int) -> np.ndarray:
        """Start and end of windows in s, shape (k, 2), once so many samples of the recording are read."""
        start = windows * self.framing.hop - self.framing.lead
        if not self.framing.back:
            return np.stack([start / self.sample_rate, start / self.sample_rate + self.span], axis=1).clip(
                min=0
            )
        start = start.clip(max=max(samples_read - self.framing.window, 0))  # moved back
        return (
            np.stack([start, (start + self.framing.window).clip(max=samples_read)], axis=1) / self.sample_rate
        )


class FrontendStream:
    """One recording on its way through a front-end: blocks in, batches out.

    Parameters
    ----------
    frontend : Frontend
    name : str
    sample_rate : float
        Of the blocks, in Hz.
    index : int
        Position of the recording among several.
    size : int, optional
        Windows in a batch, at the most.
    at_once : bool
        As of `StreamingFramer`.
    """

    def __init__(
        self,
        frontend: Frontend,
        name: str,
        sample_rate: float,
        *,
        index: int = 0,
        size: int | None = None,
        at_once: bool = False,
    ):
        self._frontend, self._name, self._index = frontend, name, index
        self._mono = MonoResampler(name, sample_rate, frontend.sample_rate)
        self._cutter = StreamingFramer(frontend.framing, size or frontend.batch_size, at_once=at_once)
        self._count = 0

    @property
    def seconds(self) -> float:
        """How much has been read, in s."""
        return self._cutter.samples_read / self._frontend.sample_rate

    def feed(self, samples: Any) -> Iterator[Batch]:
        """Go on with an array of samples, as `zoo.audio.signal.as_channels` takes it."""
        return self.take(as_float(as_channels(samples, self._name).T))

    def take(self, block: np.ndarray) -> Iterator[Batch]:
        """Go on with a block of float32, shape (samples, channels)."""
        return self._batches(self._cutter.feed(self._mono.feed(block)))

    def finish(self) -> Iterator[Batch]:
        """Return the windows that are left.

        Raises
        ------
        InputError
            If the recording is shorter than a window, where windows are not padded.
        """
        yield from self._batches(self._cutter.feed(self._mono.finish()))
        yield from self._batches(self._cutter.finish())
        if self._count == 0:
            framing = self._frontend.framing
            least = (framing.window - framing.lead - framing.trail) / self._frontend.sample_rate
            raise InputError(
                f"{self._name} is shorter than one window ({least:g} s); "
                "padded() of the preprocessing fills it up with zeros."
            )

    def _batches(self, segments: Iterator[tuple[int, np.ndarray, int]]) -> Iterator[Batch]:
        frontend = self._frontend
        for first, waveform, samples_read in segments:
            if samples_read < frontend.min_seconds * frontend.sample_rate:
                raise InputError(
                    f"{self._name} lasts {samples_read / frontend.sample_rate:.2g} s: too short to analyze."
                )
            data = frontend(torch.from_numpy(waveform))
            n = len(data)
            self._count += n
            yield Batch(
                data=data,
                inputs=np.full(n, self._index),
                names=(self._name,) * n,
                times=frontend.times(np.arange(first, first + n), samples_read),
                samples=waveform,
                seconds=samples_read / frontend.sample_rate,
            )


@dataclass(frozen=True)
class LogMelPatches(Frontend):
    """Log-mel patches of 96 frames × 64 bands, as VGGish and YAMNet take them.

    Source: tensorflow/models, ``research/audioset/yamnet/{params,features}.py`` and
    ``research/audioset/vggish/{vggish_params,mel_features,vggish_input}.py``: 16 kHz, periodic Hann window of
    25 ms every 10 ms, not centerd, zero-padded at its end to an FFT of 512, magnitude, 64 HTK mel bands from
    125 to 7500 Hz, natural logarithm. YAMNet takes a patch every 0.48 s and pads the last; VGGish takes one
    every 0.96 s and drops an incomplete one.

    Attributes
    ----------
    framing : Framing
        Its hop is a whole number of frames, 160 samples each.
    offset : float
        Added before the logarithm: 0.001 in YAMNet, 0.01 in VGGish.
    """

    axes: ClassVar[tuple[str, ...]] = ("time", "frequency")
    sample_rate: int = 16000
    framing: Framing = _PATCHES
    offset: float = 0.001

    @property
    def span(self) -> float:
        """0.96 s: 96 frames of 10 ms; the 15 ms by which the last frame reaches further do not count."""
        return 0.96

    @property
    def hop_quantum(self) -> int:
        """10 ms: patches begin with a frame."""
        return 160

    def describe(self) -> str:
        last = "filled up with zeros" if self.framing.pad else "dropped"
        return (
            f"{super().describe()}, an incomplete last one being {last}; each becomes a log-mel patch of "
            f"96 frames × 64 bands (125 to 7500 Hz, magnitude, ln(x + {self.offset:g}))."
        )

    def log_mel(self, waveform: torch.Tensor) -> torch.Tensor:
        """Log-mel spectrogram of a waveform (samples,), shape (frames, 64)."""
        frames = waveform.unfold(0, 400, 160)
        padded = torch.zeros(len(frames), 512)
        torch.mul(frames, hann(400), out=padded[:, :400])
        mel = magnitude(torch.fft.rfft(padded)) @ torch.from_numpy(mel_matrix())
        return mel.add_(self.offset).log_()

    def __call__(self, waveform: torch.Tensor) -> torch.Tensor:
        """Patches of a waveform (samples,), shape (patches, 1, 96, 64)."""
        log_mel = self.log_mel(waveform)
        step = self.framing.hop // 160
        return log_mel.unfold(0, 96, step).transpose(1, 2).unsqueeze(1)


@cache
def hann(size: int) -> torch.Tensor:
    """Return the periodic Hann window of that many samples."""
    return torch.hann_window(size, periodic=True)


def magnitude(spectrum: torch.Tensor) -> torch.Tensor:
    """Absolute values of a complex tensor, by NumPy, which takes an eighth of the time of PyTorch here."""
    return torch.from_numpy(np.abs(spectrum.numpy()))


@cache
def mel_matrix(bins: int = 257, bands: int = 64, sample_rate: int = 16000) -> np.ndarray:
    """HTK mel bands as TensorFlow builds them, shape (bins, bands).

    Unlike librosa's and torchaudio's, the triangles are straight in mel, not in Hz; their peak is 1 and the
    DC bin counts for nothing. Source: ``tf.signal.linear_to_mel_weight_matrix``, 125 to 7500 Hz.
    """

    def mel(hertz: np.ndarray | float) -> np.ndarray:
        return 1127.0 * np.log1p(np.asarray(hertz) / 700.0)

    edges = np.linspace(mel(125.0), mel(7500.0), bands + 2)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    bin_mel = mel(np.linspace(0, sample_rate / 2, bins))[:, None]
    matrix = np.minimum((bin_mel - low) / (middle - low), (high - bin_mel) / (high - middle)).clip(min=0)
    matrix[0] = 0
    return matrix.astype(np.float32)


@dataclass(frozen=True)
class NormalizedFrames(Frontend):
    """Frames of mean 0 and standard deviation 1, as CREPE takes them.

    Source: marl/crepe, ``crepe/core.py``: 16 kHz, frames of 1024 samples centerd on multiples of the step,
    minus their mean, over their population standard deviation, which counts as 1e-8 at least.
    """

    sample_rate: int = 16000
    framing: Framing = _CENTERD
    batch_size: ClassVar[int] = 64

    def describe(self) -> str:
        return f"{super().describe()}, each shifted to mean 0 and scaled to standard deviation 1."

    def frames(self, waveform: torch.Tensor) -> torch.Tensor:
        """Plain frames of a waveform (samples,), shape (frames, 1024)."""
        return waveform.unfold(0, self.framing.window, self.framing.hop)

    def __call__(self, waveform: torch.Tensor) -> torch.Tensor:
        """Return the normalized frames of a waveform (samples,), shape (frames, 1024)."""
        frames = self.frames(waveform)
        frames = frames - frames.mean(dim=1, keepdim=True)
        return frames / frames.std(dim=1, keepdim=True, correction=0).clamp(min=1e-8)
