"""Windows of the waveform as it is, for networks that have their front-end inside."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch

from zoo.audio.framing import Framing
from zoo.audio.frontends import Frontend
from zoo.core.errors import InputError

_HOPS = Framing(window=256, hop=256, pad=True)  # SwiftF0's
_TWO_SECONDS = Framing(window=43844, hop=36164, lead=3840, trail=3840, pad=True)  # Basic Pitch's


class _Windows(Frontend):
    """Windows that the network's own hop separates."""

    def with_hop(self, seconds: float) -> Self:
        """Return the same front-end: the network's frames depend on the time between windows.

        Raises
        ------
        InputError
            If another time between windows is asked for.
        """
        hop = self.framing.hop / self.sample_rate
        if abs(seconds - hop) * self.sample_rate > 0.5:
            raise InputError(
                f"This network takes a window every {1000 * hop:.4g} ms; leave out the overlap or hop."
            )
        return self

    def __call__(self, waveform: torch.Tensor) -> torch.Tensor:
        """Windows of a waveform (samples,), shape (windows, samples)."""
        return waveform.unfold(0, self.framing.window, self.framing.hop)


@dataclass(frozen=True)
class Waveforms(_Windows):
    """Windows of the waveform, one after the other.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    framing : Framing
        Its hop is the window less `context`.
    context : int
        Samples that each window repeats of the one before; zeros, its `lead`, come before the first.
    reach : float
        In s: how much audio around a moment its result depends on.
    """

    batch_size: ClassVar[int] = 1024
    sample_rate: int = 16000
    framing: Framing = _HOPS
    context: int = 0
    reach: float = 0.016

    @property
    def span(self) -> float:
        """The context does not count."""
        return (self.framing.window - self.context) / self.sample_rate

    def describe(self) -> str:
        repeated = f", after the {self.context} samples before it" if self.context else ""
        return f"{super().describe()}{repeated}, the last one being filled up with zeros."

    def times(self, windows: np.ndarray, samples_read: int) -> np.ndarray:
        """Start and end of windows in s, shape (k, 2), without the context."""
        start = windows * self.framing.hop / self.sample_rate
        return np.stack([start, start + self.span], axis=1)


@dataclass(frozen=True)
class OverlappingWaveforms(_Windows):
    """Long windows of the waveform that overlap by as much as the network's own borders reach.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    framing : Framing
        Half of the overlap, in zeros, is in front of the recording and behind it.
    """

    batch_size: ClassVar[int] = 8
    sample_rate: int = 22050
    framing: Framing = _TWO_SECONDS

    def describe(self) -> str:
        return f"{super().describe()}, the last one being filled up with zeros."
