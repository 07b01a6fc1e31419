"""Spectrograms of a second of sound in decibels, as OpenL3 takes them."""

import warnings
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
import torch
from torch.nn.functional import pad

from zoo.audio.framing import Framing
from zoo.audio.frontends import Frontend, hann, magnitude
from zoo.core.errors import InputError
from zoo.core.extras import optional_libraries

KINDS = ("linear", "mel128", "mel256")
VARIANTS = ("original", "librosa")

_FRAMING = Framing(window=48000, hop=4800, lead=24000, pad=True)  # openl3/core.py
_HOP = 242  # samples between two columns; openl3/models.py
_LEAST = 1e-10  # amplitude
_RANGE = 80.0  # below the loudest value


@dataclass(frozen=True)
class DecibelSpectrograms(Frontend):
    """Spectrograms of 10·log10(amplitude), the loudest value of each being 0 and the softest -80 or more.

    Two front-ends of the original exist. The weights were trained with the first (openl3 up to 0.3.1 with
    kapre 0.1.4): power, HTK mel bands from 0 to 24 kHz normalized by their area, root; zero-padded as
    TensorFlow's 'SAME'. The other (openl3 0.4.2 with ``frontend="librosa"`` and librosa 0.10 or later):
    magnitude, librosa's own mel bands, centerd on multiples of the hop. For ``"linear"``, magnitudes without
    padding, both are the same. Periodic Hann windows in either.

    48 kHz; a window of 1 s every 0.1 s, the first one centerd on the start of the recording, so that window i
    stands for the time around i · 0.1 s; zeros fill up the last one.

    Attributes
    ----------
    kind : {"linear", "mel128", "mel256"}
        257 frequencies × 197 times; 128, or 256, mel bands × 199 times.
    variant : {"original", "librosa"}

    Raises
    ------
    InputError
        If the kind or variant is unknown.
    """

    sample_rate: int = 48000
    framing: Framing = _FRAMING
    kind: str = "mel128"
    variant: str = "original"
    axes: ClassVar[tuple[str, ...]] = ("frequency", "time")
    batch_size: ClassVar[int] = 8  # the first maps of 256 bands take 13 MB a window

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value, known in (("kind", self.kind, KINDS), ("variant", self.variant, VARIANTS)):
            if value not in known:
                raise InputError(f"{name}={value!r} is not one of {', '.join(known)}.")

    def describe(self) -> str:
        size = "257 frequencies × 197" if self.kind == "linear" else f"{self.kind[3:]} mel bands × 199"
        return (
            f"{super().describe()}, the first half of the first being zeros; each becomes a "
            f"spectrogram of {size} times (10·log10 of the amplitude, from 0 for the loudest down to -80, "
            f"{self.variant} front-end)."
        )

    def __call__(self, waveform: torch.Tensor) -> torch.Tensor:
        """Spectrograms of a waveform (samples,), shape (k, 1, frequencies, times)."""
        return self.spectrograms(waveform.unfold(0, self.framing.window, self.framing.hop)).unsqueeze(1)

    def spectrograms(self, windows: torch.Tensor) -> torch.Tensor:
        """Spectrograms of windows (k, 48000), shape (k, frequencies, times)."""
        if self.kind == "linear":
            amplitude = _magnitude(windows, 512)
        elif self.variant == "original":
            # 'SAME' gives ceil(samples / hop) columns, and splits what is missing between both ends.
            columns = -(-windows.shape[1] // _HOP)
            missing = (columns - 1) * _HOP + 2048 - windows.shape[1]
            power = _magnitude(pad(windows, (missing // 2, missing - missing // 2)), 2048).square()
            amplitude = (self._mel() @ power).sqrt()
        else:
            amplitude = self._mel() @ _magnitude(pad(windows, (1024, 1024)), 2048)
        decibels = 10 * amplitude.clamp(min=_LEAST).log10()
        return (decibels - decibels.amax(dim=(1, 2), keepdim=True)).clamp(min=-_RANGE)

    def _mel(self) -> torch.Tensor:
        return torch.from_numpy(area_normalized_mel(int(self.kind[3:]), htk=self.variant == "original"))


def _magnitude(windows: torch.Tensor, size: int) -> torch.Tensor:
    """Of windows (k, samples), with an FFT of `size`: shape (k, size / 2 + 1, times)."""
    return magnitude(torch.stft(windows, size, _HOP, window=hann(size), center=False, return_complex=True))


@cache
def area_normalized_mel(bands: int, *, htk: bool) -> np.ndarray:
    """Mel bands from 0 to 24 kHz of equal area, shape (bands, 1025).

    ``norm="slaney"`` is what librosa 0.6, which the weights were trained with, called ``norm=1``. Two of the
    256 HTK bands hold no bin, as they did then.
    """
    with optional_libraries():
        import librosa

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Empty filters")
        return librosa.filters.mel(sr=48000, n_fft=2048, n_mels=bands, htk=htk, norm="slaney")
