"""SwiftF0: pitch from three spectrograms by a small convolutional network.

L. Nieradzik: SwiftF0: Fast and Accurate Monophonic Pitch Detection, 2025, arXiv:2508.18440.
https://github.com/lars76/swift-f0
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from zoo.core.layers import HeadPlaceholder

HOP = 256  # samples between two frames, at 16 kHz
BEFORE, AFTER = 11, 10  # frames on which a frame depends: half of the longest window, and seven frames
FMIN, FMAX = 46.875, 2093.75  # Hz
BINS = 95  # pitches, evenly spaced in octaves from FMIN to FMAX
BIN_LOGARITHMS = np.linspace(np.log(FMIN), np.log(FMAX), BINS)
_SIZES = ((1024, 32), (2048, 64), (512, 32))  # of the transforms, and the rows into which each is folded
_BANDS, _CHANNELS, _FLOOR = 128, 12, 1e-8
# (bands, frames) of the kernels of each block, and the distance between the bands that a kernel weighs.
_BLOCKS = (((7, 3), 1), ((7, 1), 17), ((5, 1), 27), ((3, 1), 40), ((3, 1), 48), ((7, 3), 2))


class SwiftF0(nn.Module):
    """Waveforms (n, samples) -> logits (n · frames, 96): 95 pitches, and whether there is one.

    A frame is at every multiple of 256 samples that a whole hop follows, and there is one at least. What is
    outside of a waveform counts as nothing, so a frame in the middle of a recording needs `BEFORE` frames in
    front of it and `AFTER` behind it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.spectrograms = nn.ModuleList(_MelSpectrogram(*size) for size in _SIZES)
        self.stem = nn.Conv2d(len(_SIZES), _CHANNELS, 3, padding=1)
        self.blocks = nn.Sequential(*(_Block(*block) for block in _BLOCKS))
        self.narrow = nn.Conv2d(_CHANNELS, 4, 3, padding=(0, 1))
        self.pitch = nn.Conv2d(4, 1, 1)
        self.evidence = nn.Conv2d(4, 4, (5, 1), padding=(2, 0))
        self.voicing1 = nn.Conv1d(5, 16, 3, padding=1)
        self.voicing2 = nn.Conv1d(16, 1, 1)
        self.head = HeadPlaceholder(BINS + 1)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        features = torch.stack([layer(waveforms) for layer in self.spectrograms], dim=1)
        x = self.blocks(F.relu(self.stem(features)))
        maps = F.relu(self.narrow(F.pad(x[:, :, : BINS + 1], (0, 0, 1, 0))))
        pitch = self.pitch(maps).squeeze(1)
        evidence = torch.cat([self.evidence(maps).amax(dim=2), features.mean(dim=(1, 2)).unsqueeze(1)], dim=1)
        voicing = self.voicing2(F.relu(self.voicing1(evidence)))
        return self.head(torch.cat([pitch, voicing], dim=1).transpose(1, 2).flatten(0, 1))


class _MelSpectrogram(nn.Module):
    """Waveforms (n, samples) -> logarithms of mel bands, (n, 128, frames), of transforms of one size."""

    window: torch.Tensor
    mel: torch.Tensor

    def __init__(self, size: int, rows: int):
        super().__init__()
        self.size, self.rows, columns = size, rows, size // rows
        self.register_buffer("window", torch.zeros(size))
        self.register_buffer("mel", torch.zeros(size // 2 + 1, _BANDS))
        for name, (left, right, turns) in {
            "down": (rows, rows, rows),
            "twiddle": (rows, columns, size),
            "across": (columns, columns, columns),
        }.items():
            angle = torch.outer(torch.arange(left), torch.arange(right)) % turns * (2 * torch.pi / turns)
            self.register_buffer(f"{name}_cos", angle.cos(), persistent=False)
            self.register_buffer(f"{name}_sin", -angle.sin(), persistent=False)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        samples = waveforms.shape[1]
        frames = max(1, samples // HOP)
        last = max(HOP - samples, -samples % HOP) + self.size // 2
        hops = F.pad(waveforms, (self.size // 2, last)).unflatten(1, (-1, HOP))
        windows = torch.cat([hops[:, i : i + frames] for i in range(self.size // HOP)], dim=2)
        windows = windows * self.window
        if torch.onnx.is_in_onnx_export():
            power = self._folded(windows)
        else:
            power = torch.view_as_real(torch.fft.rfft(windows)).square().sum(dim=-1)
        return (power.sqrt() @ self.mel + _FLOOR).log().transpose(1, 2)

    def _folded(self, windows: torch.Tensor) -> torch.Tensor:
        """Transform with two products of matrices (Cooley and Tukey), as the original's graph does."""
        x = windows.unflatten(2, (self.rows, self.size // self.rows))
        down = self.get_buffer("down_cos") @ x, self.get_buffer("down_sin") @ x
        cos, sin = self.get_buffer("twiddle_cos"), self.get_buffer("twiddle_sin")
        real, imaginary = down[0] * cos - down[1] * sin, down[0] * sin + down[1] * cos
        cos, sin = self.get_buffer("across_cos"), self.get_buffer("across_sin")
        power = (real @ cos - imaginary @ sin).square() + (real @ sin + imaginary @ cos).square()
        return power.transpose(2, 3).flatten(2)[:, :, : self.size // 2 + 1]


class _Block(nn.Module):
    """Two convolutions over bands and frames, whose sum with the input goes on."""

    def __init__(self, kernel: tuple[int, int], distance: int):
        super().__init__()
        padding = (kernel[0] // 2 * distance, kernel[1] // 2)
        self.conv1 = nn.Conv2d(_CHANNELS, _CHANNELS, kernel, padding=padding, dilation=(distance, 1))
        self.conv2 = nn.Conv2d(_CHANNELS, _CHANNELS, kernel, padding=padding, dilation=(distance, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(x + self.conv2(F.relu(self.conv1(x))))


def decode(
    logits: np.ndarray, *, fmin: float = FMIN, fmax: float = FMAX, centers_only: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Pitch and confidence of frames.

    Parameters
    ----------
    logits : ndarray of float32, shape (frames, 96)
    fmin, fmax : float
        In Hz; bins outside count for nothing.
    centers_only : bool
        Take the center of the largest bin, not the mean over it and its two neighbors.

    Returns
    -------
    hertz : ndarray of float64, shape (frames,)
    confidence : ndarray of float32, shape (frames,)
        0 where the largest of all bins is outside the range.
    """
    centers = np.exp(BIN_LOGARITHMS)
    inside = (centers >= fmin) & (centers <= fmax)
    bins = np.where(inside, logits[:, :BINS].astype(np.float64), -np.inf)
    best = bins.argmax(axis=1)[:, None]
    near = best if centers_only else best + np.arange(-1, 2)
    padded = np.pad(bins, ((0, 0), (1, 1)), constant_values=-np.inf)
    weights = np.exp(np.take_along_axis(padded, near + 1, axis=1) - np.take_along_axis(bins, best, axis=1))
    weights /= weights.sum(axis=1, keepdims=True)
    hertz = np.exp((weights * BIN_LOGARITHMS[near.clip(0, BINS - 1)]).sum(axis=1))
    confidence = 1 / (1 + np.exp(-logits[:, BINS]))
    return hertz, np.where(inside[logits[:, :BINS].argmax(axis=1)], confidence, 0).astype(np.float32)


# The first of the two initializers, weight and bias, of each convolution of the original's graph.
_NAMES = {
    "v353": "stem", "v413": "narrow", "v425": "pitch", "v417": "evidence", "v430": "voicing1",
    "v434": "voicing2", "v357": "blocks.0.conv1", "v361": "blocks.0.conv2", "v366": "blocks.1.conv1",
    "v370": "blocks.1.conv2", "v375": "blocks.2.conv1", "v379": "blocks.2.conv2", "v384": "blocks.3.conv1",
    "v388": "blocks.3.conv2", "v393": "blocks.4.conv1", "v397": "blocks.4.conv2", "v402": "blocks.5.conv1",
    "v406": "blocks.5.conv2",
}  # fmt: skip
# Of each spectrogram: its window, and places and values of what is not zero in its mel matrix.
_SPECTROGRAMS = (("v41", "v123", "v124"), ("v161", "v241", "v242"), ("v262", "v342", "v343"))


def from_onnx(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name the initializers of the original's graph as `SwiftF0` does."""
    state = {}
    for weight, layer in _NAMES.items():
        state[f"{layer}.weight"] = tensors[weight]
        state[f"{layer}.bias"] = tensors[f"v{int(weight[1:]) + 1}"]
    for i, ((window, places, values), (size, _)) in enumerate(zip(_SPECTROGRAMS, _SIZES, strict=True)):
        mel = np.zeros((size // 2 + 1) * _BANDS, np.float32)
        mel[tensors[places]] = tensors[values]
        state[f"spectrograms.{i}.mel"] = mel.reshape(-1, _BANDS)
        state[f"spectrograms.{i}.window"] = tensors[window]
    return state
