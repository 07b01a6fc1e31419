"""From the activations of CREPE's 360 pitch bins to a fundamental frequency.

Source: marl/crepe, ``crepe/core.py``.
"""

from functools import cache

import numpy as np
import torch

# Centres of the bins in cents above 10 Hz: 20 cents apart, the first is C1 (32.70 Hz).
BIN_CENTS = np.linspace(0, 7180, 360) + 1997.3794084376191
DECODERS = ("local-average", "viterbi")
_REACH = 4  # bins on either side of the centre that the local average weighs
_BAND = 11  # bins that the path may move between two frames


def to_hertz(cents: np.ndarray) -> np.ndarray:
    """Cents above 10 Hz as Hz."""
    return 10.0 * 2.0 ** (cents / 1200.0)


def local_average(activations: np.ndarray, centres: np.ndarray | None = None) -> np.ndarray:
    """Mean pitch of the bins around a centre, weighted by their activations.

    Parameters
    ----------
    activations : ndarray, shape (frames, 360)
    centres : ndarray of int, shape (frames,), optional
        Bin around which to average; the largest one by default.

    Returns
    -------
    ndarray of float64, shape (frames,)
        In cents above 10 Hz.
    """
    centres = activations.argmax(axis=1) if centres is None else centres
    bins = centres[:, None] + np.arange(-_REACH, _REACH + 1)
    inside = (bins >= 0) & (bins < len(BIN_CENTS))
    bins = bins.clip(0, len(BIN_CENTS) - 1)
    weights = np.take_along_axis(activations.astype(np.float64), bins, axis=1) * inside
    return (weights * BIN_CENTS[bins]).sum(axis=1) / weights.sum(axis=1).clip(min=1e-12)


class Viterbi:
    """The most likely path through the bins, for a stream of any length.

    A hidden Markov model as in the original: uniform start; transitions that fall linearly to nothing over
    12 bins; an observation (the largest bin) is right with probability 0.1 and otherwise any bin.
    A stretch of the path is given out as soon as every path that is still possible agrees on it, so the
    result is that of the whole file while only a short piece is ever held.
    """

    def __init__(self) -> None:
        n = len(BIN_CENTS)
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
        """Go on with the largest bin of the next frames; returns the bins that have become certain."""
        for observed in observations:
            self._step(observed)
        if not self._back:
            return np.zeros(0, int)
        paths = np.arange(len(BIN_CENTS))
        for t in range(len(self._back) - 1, 0, -1):
            paths = self._back[t][paths]
            if (paths == paths[0]).all():
                return self._trace(t - 1, paths[0])
        return np.zeros(0, int)

    def finish(self) -> np.ndarray:
        """The bins of the frames that were still open; the decoder is done after that."""
        if self._score is None:
            return np.zeros(0, int)
        return self._trace(len(self._back) - 1, int(self._score.argmax()))

    def _step(self, observed: int) -> None:
        emission = np.full(len(BIN_CENTS), self._emission[0])
        emission[observed] = self._emission[1]
        if self._score is None:
            self._score = emission
            self._back.append(np.arange(len(BIN_CENTS)))  # the first frame has no way back
            return
        ways = self._score[self._from] + self._transition
        best = ways.argmax(axis=0)[None]
        self._score = np.take_along_axis(ways, best, axis=0)[0] + emission
        self._back.append(np.take_along_axis(self._from, best, axis=0)[0].astype(np.int16))

    def _trace(self, last: int, state: int) -> np.ndarray:
        path = [state]
        for t in range(last, 0, -1):
            state = int(self._back[t][state])
            path.append(state)
        self._back = self._back[last + 1 :]
        return np.array(path[::-1])


class Decoder:
    """Activations of a stream of frames -> pitch.

    Parameters
    ----------
    name : {"local-average", "viterbi"}
        Around the largest bin of each frame, or around the most likely path through all of them.
    """

    def __init__(self, name: str):
        self._path = Viterbi() if name == "viterbi" else None
        self._waiting = np.zeros((0, len(BIN_CENTS)), np.float32)

    def feed(self, activations: np.ndarray) -> np.ndarray:
        """Go on with the next frames, shape (n, 360); returns cents of the frames that are certain now."""
        self._waiting = np.concatenate([self._waiting, activations])
        largest = activations.argmax(axis=1)
        return self._decode(self._path.feed(largest) if self._path else largest)

    def finish(self) -> np.ndarray:
        """Cents of the frames that were still open; the decoder is done after that."""
        return self._decode(self._path.finish()) if self._path else np.zeros(0)

    def _decode(self, bins: np.ndarray) -> np.ndarray:
        cents = local_average(self._waiting[: len(bins)], bins)
        self._waiting = self._waiting[len(bins) :]
        return cents


@cache
def _a_weights() -> torch.Tensor:
    import librosa

    frequencies = librosa.fft_frequencies(sr=16000, n_fft=1024).clip(min=1)  # the curve has no value at 0 Hz
    decibels = librosa.A_weighting(frequencies)
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
