"""Basic Pitch: notes of many voices from a constant-Q transform by a small convolutional network.

R. M. Bittner, J. J. Bosch, D. Rubinstein, G. Meseguer-Brocal, S. Ewert: A Lightweight Instrument-Agnostic
Model for Polyphonic Note Transcription and Multipitch Estimation, ICASSP 2022, arXiv:2203.09893.
https://github.com/spotify/basic-pitch
"""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from zoo.core.layers import HeadPlaceholder

SAMPLE_RATE, HOP = 22050, 256  # Hz, and samples between two frames
WINDOW, FRAMES = 43844, 172  # samples and frames of a window: 2 s less a hop
OVERLAP = 30  # frames that two windows have in common; each gives the half that is nearer to its middle
KEYS, LOWEST = 88, 21  # of a piano, from A0 on, as MIDI numbers
STEPS = 3  # bins of a contour to a semitone
_BINS = KEYS * STEPS
_OCTAVE, _OCTAVES, _CQT_BINS, _KERNEL = 12 * STEPS, 9, 309, 256
_FLOOR = 1e-10  # of the power
_HARMONICS = (0.5, 1, 2, 3, 4, 5, 6, 7)


class Posteriors(NamedTuple):
    """What the network gives for frames, each from 0 to 1.

    Attributes
    ----------
    notes, onsets : ndarray of float32, shape (frames, 88)
        Whether a key sounds, and whether it begins.
    contours : ndarray of float32, shape (frames, 264)
        Whether there is a pitch, in thirds of a semitone.
    """

    notes: np.ndarray
    onsets: np.ndarray
    contours: np.ndarray


class BasicPitch(nn.Module):
    """Waveforms (n, 43844) -> logits (n, 172 · 440).

    Of each frame first 264 of contours, then 88 of notes, then 88 of onsets.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cqt = _ConstantQ()
        self.norm = nn.Conv2d(1, 1, 1)  # the batch norm in front of the network
        channels = len(_HARMONICS)
        self.contour1 = nn.Conv2d(channels, 8, (3, 39), padding=(1, 19))
        self.contour2 = nn.Conv2d(8, 1, 5, padding=2)
        self.note1 = nn.Conv2d(1, 32, 7, stride=(1, STEPS), padding=(3, 2))
        self.note2 = nn.Conv2d(32, 1, (7, 3), padding=(3, 1))
        self.onset1 = nn.Conv2d(channels, 32, 5, stride=(1, STEPS), padding=(2, 1))
        self.onset2 = nn.Conv2d(33, 1, 3, padding=1)
        self.head = HeadPlaceholder(FRAMES * (_BINS + 2 * KEYS))

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        x = _stacked(self.norm(self.cqt(waveforms).unsqueeze(1)))
        contours = self.contour2(F.relu(self.contour1(x)))
        notes = self.note2(F.relu(self.note1(contours.sigmoid())))
        onsets = self.onset2(torch.cat([notes.sigmoid(), F.relu(self.onset1(x))], dim=1))
        return self.head(torch.cat([contours, notes, onsets], dim=3).flatten(1))


class _ConstantQ(nn.Module):
    """Waveforms (n, 43844) -> normalized logarithms of power (n, 172, 309), in thirds of a semitone from A0.

    The filters of the highest octave run over the waveform, and over the waveform halved, octave by octave.
    C. Schörkhuber, A. Klapuri: Constant-Q transform toolbox for music processing, SMC 2010.
    """

    filters: torch.Tensor
    lowpass: torch.Tensor
    scale: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        # All three come with the weights; without weights a sound still reaches every layer.
        self.register_buffer("filters", torch.randn(2 * _OCTAVE, 1, _KERNEL))  # real parts, then imaginary
        self.register_buffer("lowpass", torch.full((1, 1, _KERNEL), 1 / _KERNEL))
        self.register_buffer("scale", torch.ones(_CQT_BINS))  # roots of the filters' lengths

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        x, octaves = waveforms.unsqueeze(1), []
        for octave in range(_OCTAVES):
            if octave:
                x = F.conv1d(F.pad(x, (_KERNEL // 2 - 1,) * 2), self.lowpass, stride=2)
            padded = F.pad(x, (_KERNEL // 2,) * 2, mode="reflect")
            octaves.insert(0, F.conv1d(padded, self.filters, stride=HOP >> octave).unflatten(1, (2, _OCTAVE)))
        bins = torch.cat(octaves, dim=2)[:, :, -_CQT_BINS:] * self.scale[:, None]
        power = bins.square().sum(dim=1).sqrt().square()
        decibels = 10 * (power + _FLOOR).log10().transpose(1, 2)
        above = decibels - decibels.amin(dim=(1, 2), keepdim=True)
        return above / above.amax(dim=(1, 2), keepdim=True).clamp(min=_FLOOR)  # silence is 0


def _stacked(x: torch.Tensor) -> torch.Tensor:
    """Bins (n, 1, frames, 309) -> those of each harmonic above one another, (n, 8, frames, 264)."""
    channels = []
    for harmonic in _HARMONICS:
        shift = round(_OCTAVE * float(np.log2(harmonic)))
        moved = F.pad(x[..., :shift] if shift < 0 else x[..., shift:], (max(-shift, 0), max(shift, 0)))
        channels.append(moved[..., :_BINS])
    return torch.cat(channels, dim=1)


def posteriors(scores: np.ndarray) -> Posteriors:
    """Return the frames of windows that follow each other, without those that overlap.

    Parameters
    ----------
    scores : ndarray, shape (windows, 172 · 440)
        From 0 to 1.
    """
    half = OVERLAP // 2
    frames = scores.reshape(len(scores), FRAMES, -1)[:, half:-half].reshape(-1, _BINS + 2 * KEYS)
    contours, notes, onsets = np.split(frames, [_BINS, _BINS + KEYS], axis=1)
    return Posteriors(notes, onsets, contours)


def frame_times(frames: np.ndarray) -> np.ndarray:
    """Return the times in s of frames of `posteriors`, by their numbers.

    A window begins 36164 samples after the one before. That is not a multiple of a hop, so the frames at the
    seam of two windows are 68 samples apart instead of 256.
    """
    window, frame = np.divmod(frames, FRAMES - OVERLAP)
    return (window * (WINDOW - OVERLAP * HOP) + frame * HOP) / SAMPLE_RATE


# Beginnings of the names of the weight and the bias of each convolution in the original's graph.
_NAMES = {
    "norm": ("model_1/batch_normalization/FusedBatchNormV3;model_1/batch_normalization/FusedBatchNormV3",)
    * 2,
    "contour1": ("const_fold_opt__727", "model_1/re_lu_1/Relu;"),
    "contour2": ("const_fold_opt__710", "model_1/contours-reduced/BiasAdd/"),
    "note1": ("const_fold_opt__738", "model_1/conv2d_2/BiasAdd/"),
    "note2": ("const_fold_opt__702", "model_1/conv2d_3/BiasAdd/"),
    "onset1": ("const_fold_opt__707", "model_1/re_lu_3/Relu;"),
    "onset2": ("const_fold_opt__680", "model_1/conv2d_5/BiasAdd/"),
}
_FILTERS, _LOWPASS, _SCALE = (
    ("const_fold_opt__655", "const_fold_opt__664"),
    "const_fold_opt__734",
    "model_1/cq_t2010v2_1/Sqrt;",
)


def from_onnx(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name the initializers of the original's graph as `BasicPitch` does."""

    def of(beginning: str) -> list[np.ndarray]:
        return [tensors[name] for name in sorted(tensors) if name.startswith(beginning)]

    state = {}
    for layer, (weight, bias) in _NAMES.items():
        state[f"{layer}.weight"], state[f"{layer}.bias"] = of(weight)[0], of(bias)[-1].reshape(-1)
    state["norm.weight"] = state["norm.weight"].reshape(1, 1, 1, 1)
    filters = [of(name)[0].reshape(_OCTAVE, 1, _KERNEL) for name in _FILTERS]
    return state | {
        "cqt.filters": np.concatenate(filters),
        "cqt.lowpass": of(_LOWPASS)[0].reshape(1, 1, _KERNEL),
        "cqt.scale": of(_SCALE)[0].reshape(-1),
    }
