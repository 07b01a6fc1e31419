"""Silero VAD: where somebody speaks, from the waveform by convolutions and a recurrent layer.

Silero Team: Silero VAD: pre-trained enterprise-grade Voice Activity Detector, 2021 to 2026.
https://github.com/snakers4/silero-vad
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

_FFT, _HOP, _PAD = 256, 128, 64  # samples, at 16 kHz
_BINS, _WIDTH = _FFT // 2 + 1, 128
State = tuple[torch.Tensor, torch.Tensor]
"""Output and memory of the recurrent layer, each of shape (1, 128)."""


class SileroVAD(nn.Module):
    """Windows (n, 576), 64 samples of context and 512 new ones, -> logits (n, 1) of speech.

    `forward` takes each window for the first of a recording; `follow` takes them for one after the other.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stft = nn.Conv1d(1, 2 * _BINS, _FFT, _HOP, bias=False)
        self.conv1 = nn.Conv1d(_BINS, 128, 3, padding=1)
        self.conv2 = nn.Conv1d(128, 64, 3, stride=2, padding=1)
        self.conv3 = nn.Conv1d(64, 64, 3, stride=2, padding=1)
        self.conv4 = nn.Conv1d(64, _WIDTH, 3, padding=1)
        self.recurrent = nn.LSTMCell(_WIDTH, _WIDTH)
        self.head = nn.Linear(_WIDTH, 1)

    def encode(self, windows: torch.Tensor) -> torch.Tensor:
        """Return what the recurrent layer gets of windows (n, 576), shape (n, 128)."""
        spectrum = self.stft(F.pad(windows.unsqueeze(1), (0, _PAD), mode="reflect"))
        x = (spectrum[:, :_BINS].square() + spectrum[:, _BINS:].square()).sqrt()
        for layer in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = F.relu(layer(x))
        return x.flatten(1)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        outputs, _ = self.recurrent(self.encode(windows))
        return self.head(F.relu(outputs))

    def follow(self, windows: torch.Tensor, state: State | None) -> tuple[torch.Tensor, State]:
        """Return logits (n, 1) of windows that follow each other, and the state for the next ones."""
        outputs: list[torch.Tensor] = []
        for row in self.encode(windows).unsqueeze(1):
            output, memory = self.recurrent(row, state)
            outputs.append(output)
            state = output, memory
        assert state is not None  # a batch has a window
        return self.head(F.relu(torch.cat(outputs))), state


_PREFIXES = {
    "model.stft.forward_basis_buffer": "stft.weight",
    **{f"model.encoder.{i}.reparam_conv.": f"conv{i + 1}." for i in range(4)},
    "model.decoder.rnn.": "recurrent.",
    "model.decoder.decoder.2.": "head.",
}


def from_onnx(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name the initializers of the original's graph for 16 kHz as `SileroVAD` does."""
    state = {}
    for name, tensor in tensors.items():
        prefix = next((prefix for prefix in _PREFIXES if name.startswith(prefix)), None)
        if prefix is None:
            raise ValueError(f"an initializer {name}")
        state[_PREFIXES[prefix] + name.removeprefix(prefix)] = tensor
    return state | {"head.weight": state["head.weight"].reshape(1, _WIDTH)}
