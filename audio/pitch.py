"""From the activations of CREPE's 360 pitch bins to a fundamental frequency.

Source: marl/crepe, ``crepe/core.py``.
"""

from functools import cache
from typing import Any

import numpy as np
import torch

from zoo.audio.options import DECODERS
from zoo.core.errors import InputError
from zoo.core.validation import choice, number

# Centers of the bins in cents above 10 Hz: 20 cents apart, the first is C1 (32.70 Hz).
BIN_CENTS = np.linspace(0, 7180, 360) + 1997.3794084376191
_REACH = 4  # bins on either side of the center that the local average weighs
_BAND = 11  # bins that the path may move between two frames
_FLOOR = 0.1  # of an activation as a likelihood: how little one frame may say against a bin


def to_hertz(cents: np.ndarray) -> np.ndarray:
    """Cents above 10 Hz as Hz."""
    return 10.0 * 2.0 ** (cents / 1200.0)


def bins_between(fmin: float | None, fmax: float | None) -> slice:
    """Return the bins whose centers lie in a range.

    Parameters
    ----------
    fmin, fmax : float or None
        In Hz; None: as far as the bins reach.

    Raises
    ------
    InputError
        If there is no bin in that range, or no such range.
    """
    hertz = to_hertz(BIN_CENTS)
    low = hertz[0] if fmin is None else number("fmin", fmin, 0, 8000)
    high = hertz[-1] if fmax is None else number("fmax", fmax, 0, 8000)
    inside = np.flatnonzero((hertz >= low) & (hertz <= high))
    if not len(inside):
        raise InputError(
            f"No pitch lies between fmin={low:g} and fmax={high:g} Hz: the network knows those from "
            f"{hertz[0]:.1f} to {hertz[-1]:.1f} Hz, 1.2 % apart."
        )
    return slice(int(inside[0]), int(inside[-1]) + 1)


def local_average(activations: np.ndarray, centers: np.ndarray | None = None) -> np.ndarray:
    """Mean pitch of the bins around a center, weighted by their activations.

    Parameters
    ----------
    activations : ndarray, shape (frames, 360)
    centers : ndarray of int, shape (frames,), optional
        Bin around which to average; the largest one by default.

    Returns
    -------
    ndarray of float64, shape (frames,)
        In cents above 10 Hz.
    """
    if centers is None:
        centers = np.asarray(activations.argmax(axis=1))
    bins = centers[:, None] + np.arange(-_REACH, _REACH + 1)
    inside = (bins >= 0) & (bins < len(BIN_CENTS))
    bins = bins.clip(0, len(BIN_CENTS) - 1)
    weights = np.take_along_axis(activations.astype(np.float64), bins, axis=1) * inside
    total = weights.sum(axis=1)
    mean = (weights * BIN_CENTS[bins]).sum(axis=1) / np.where(total > 0, total, 1)
    return np.where(total > 0, mean, BIN_CENTS[centers])


class Viterbi:
    """The most likely path through the bins, for a stream of any length.

    A hidden Markov model as in the original: uniform start; transitions that fall linearly to nothing over
    12 bins; an observation (the largest bin) is right with probability 0.1 and otherwise any bin.
    A stretch of the path is given out as soon as every path that is still possible agrees on it, so the
    result is that of the whole file while only a short piece is ever held.

    Parameters
    ----------
    considered : slice
        The bins that the path may visit and that are observed; all by default.
    """

    def __init__(self, considered: slice = slice(None)) -> None:
        n = len(BIN_CENTS)
        self._barred = np.full(n, -np.inf)
        self._barred[considered] = 0
        self._emission = np.log(np.array([0.9 / n, 0.1 + 0.9 / n]))
        distance = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
        matrix = np.maximum(12 - distance, 0).astype(float)
        matrix /= matrix.sum(axis=1, keepdims=True)
        # For bin j, row d holds the way from bin j + d - 11; outside the range there is no way.
        self._from = np.arange(n) + np.arange(-_BAND, _BAND + 1)[:, None]
        inside = (self._from >= 0) & (self._from < n)
        self._from = self._from.clip(0, n - 1)
        self._transition = np.where(
            inside, np.log(matrix[self._from, np.arange(n)].clip(min=1e-300)), -np.inf
        )
        self._score: np.ndarray | None = None
        self._back: list[np.ndarray] = []

    def feed(self, observations: np.ndarray) -> np.ndarray:
        """Go on with the observations of the next frames; returns the bins that have become certain."""
        for observed in observations:
            self._step(observed)
        if self._score is None or not self._back:
            return np.zeros(0, int)
        paths = np.flatnonzero(np.isfinite(self._score))  # no path ends in a barred bin
        for t in range(len(self._back) - 1, 0, -1):
            paths = self._back[t][paths]
            if (paths == paths[0]).all():
                return self._trace(t - 1, paths[0])
        return np.zeros(0, int)

    def finish(self) -> np.ndarray:
        """Return the bins of the frames that were still open; the decoder is done after that."""
        if self._score is None:
            return np.zeros(0, int)
        return self._trace(len(self._back) - 1, int(self._score.argmax()))

    def _likelihood(self, observed: Any) -> np.ndarray:
        """Logarithm of how likely the observation is in each bin, shape (360,)."""
        likelihood = np.full(len(BIN_CENTS), self._emission[0])
        likelihood[observed] = self._emission[1]
        return likelihood

    def _step(self, observed: Any) -> None:
        emission = self._likelihood(observed)
        if self._score is None:
            self._score = emission + self._barred
            self._back.append(np.arange(len(BIN_CENTS)))  # the first frame has no way back
            return
        ways = self._score[self._from] + self._transition
        best = ways.argmax(axis=0)[None]
        self._score = np.take_along_axis(ways, best, axis=0)[0] + emission + self._barred
        self._back.append(np.take_along_axis(self._from, best, axis=0)[0].astype(np.int16))

    def _trace(self, last: int, state: int) -> np.ndarray:
        path = [state]
        for t in range(last, 0, -1):
            state = int(self._back[t][state])
            path.append(state)
        self._back = self._back[last + 1 :]
        return np.array(path[::-1])


class SoftViterbi(Viterbi):
    """The same model, with the activations themselves, (n, 360), as observations: soft decisions.

    The likelihood of a bin is its activation and a floor, which bounds what a single frame can say. So a
    frame that is sure weighs more than one in noise, and a second peak is not lost, which often is the true
    pitch where an octave of it is the largest.
    """

    def _likelihood(self, observed: Any) -> np.ndarray:
        return np.log(observed.astype(np.float64) + _FLOOR)


class Decoder:
    """Activations of a stream of frames -> pitch.

    Parameters
    ----------
    name : {"local-average", "viterbi", "soft-viterbi", "argmax"}
        The mean around the largest bin of each frame, or around the most likely path through all of them,
        which sees the largest bins, as in the original, or all activations; or the center of the largest bin,
        which is up to 10 cents off.
    fmin, fmax : float, optional
        Range in Hz; bins outside count for nothing.

    Raises
    ------
    InputError
        If the decoder is unknown, or no bin in the range.
    """

    def __init__(self, name: str, *, fmin: float | None = None, fmax: float | None = None):
        choice("decoder", name, DECODERS)
        self._considered = bins_between(fmin, fmax)
        paths = {"viterbi": Viterbi, "soft-viterbi": SoftViterbi}
        self._path = paths[name](self._considered) if name in paths else None
        self._centers_only = name == "argmax"
        self._waiting = np.zeros((0, len(BIN_CENTS)), np.float32)

    def feed(self, activations: np.ndarray) -> np.ndarray:
        """Go on with the next frames, shape (n, 360); returns cents of the frames that are certain now."""
        considered = np.zeros_like(activations)
        considered[:, self._considered] = activations[:, self._considered]
        self._waiting = np.concatenate([self._waiting, considered])
        largest = activations[:, self._considered].argmax(axis=1) + self._considered.start
        if self._path is None:
            return self._decode(largest)
        return self._decode(self._path.feed(considered if isinstance(self._path, SoftViterbi) else largest))

    def finish(self) -> np.ndarray:
        """Cents of the frames that were still open; the decoder is done after that."""
        return self._decode(self._path.finish()) if self._path else np.zeros(0)

    def confidence(self, activations: np.ndarray) -> np.ndarray:
        """Return the largest activation in the range, shape (n,)."""
        return activations[:, self._considered].max(axis=1)

    def _decode(self, bins: np.ndarray) -> np.ndarray:
        waiting, self._waiting = self._waiting[: len(bins)], self._waiting[len(bins) :]
        return BIN_CENTS[bins] if self._centers_only else local_average(waiting, bins)


@cache
def _a_weights() -> torch.Tensor:
    """Compute the power weights of the A curve (IEC 61672-1, annex E) for a 1024-point FFT at 16 kHz.

    As `librosa.A_weighting`, which takes half a second to import.
    """
    frequencies = np.fft.rfftfreq(1024, 1 / 16000).clip(min=1)  # the curve has no value at 0 Hz
    squares = frequencies**2
    first, second, third, fourth = (pole**2 for pole in (20.598997, 107.65265, 737.86223, 12194.217))
    gain = fourth * squares**2 / ((squares + first) * (squares + fourth))
    gain /= np.sqrt((squares + second) * (squares + third))
    decibels = np.maximum(20 * np.log10(gain) + 2, -80)  # 0 at 1 kHz
    return torch.from_numpy(10.0 ** (decibels / 10)).float()


def level(frames: torch.Tensor) -> np.ndarray:
    """A-weighted level of plain 16 kHz frames.

    Parameters
    ----------
    frames : Tensor, shape (n, 1024)

    Returns
    -------
    ndarray of float32, shape (n,)
        Mean square in dB relative to a constant full scale; a full-scale 1 kHz sine has -3 dB.
    """
    window = torch.hann_window(1024)
    power = torch.fft.rfft(frames * window).abs().square() @ _a_weights()
    mean_square = 2 * power / (1024 * window.square().sum())
    return (10 * mean_square.clamp(min=1e-20).log10()).numpy()
