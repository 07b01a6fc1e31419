"""OpenL3: embeddings of a second of sound, from a network that learned which sounds go with which pictures.

Cramer, Wu, Salamon and Bello: Look, Listen and Learn More: Design Choices for Deep Audio Embeddings,
ICASSP 2019. https://github.com/marl/openl3
"""

import numpy as np
import torch
from torch import nn

from zoo.core.layers import HeadPlaceholder

_FILTERS = (64, 64, 128, 128, 256, 256, 512)  # openl3/models.py; a pool follows every second one
_EPSILON = 1e-3  # Keras's default, as is the momentum, which Keras counts the other way round
_MOMENTUM = 0.01
# Positions left by the last pool: its published sizes, (16, 24) and (4, 8) for mel128, (32, 24) and (8, 8)
# for mel256 and linear, divide the maps into these.
_GRIDS = {512: (1, 1), 6144: (4, 3)}


class OpenL3(nn.Module):
    """Spectrograms (n, 1, frequencies, times) -> embeddings (n, size), for any of the three representations.

    Parameters
    ----------
    size : int
        512 or 6144: how much the last pool leaves.
    """

    def __init__(self, size: int = 512):
        super().__init__()
        self.norm = _norm(1)
        channels = 1
        for number, filters in enumerate(_FILTERS, start=1):
            block = nn.Sequential()
            block.add_module("conv", nn.Conv2d(channels, filters, 3, padding=1))
            block.add_module("norm", _norm(filters))
            block.add_module("relu", nn.ReLU())
            if number % 2 == 0:
                block.add_module("pool", nn.MaxPool2d(2))
            self.add_module(f"block{number}", block)
            channels = filters
        self.conv8 = nn.Conv2d(channels, channels, 3, padding=1)  # audio_embedding_layer
        self.pool = nn.AdaptiveMaxPool2d(_GRIDS[size])
        self.head = HeadPlaceholder(size)

    def forward(self, spectrograms: torch.Tensor) -> torch.Tensor:
        x = self.norm(spectrograms)
        for number in range(1, len(_FILTERS) + 1):
            x = self.get_submodule(f"block{number}")(x)
        x = self.pool(self.conv8(x))
        return self.head(x.permute(0, 2, 3, 1).flatten(1))  # Keras flattens (frequency, time, channel)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_EPSILON, momentum=_MOMENTUM)


def from_keras(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name the arrays ``<layer>/<variable>`` of the original file as `OpenL3` does.

    They go by kind and order, for Keras numbers its layers from anywhere; the spectrogram's own kernels, in
    files before version 0.4.0, are neither kind.

    Raises
    ------
    ValueError
        If they are those of another network.
    """
    layers: dict[str, list[np.ndarray]] = {}
    for name, array in tensors.items():
        layers.setdefault(name.rpartition("/")[0], []).append(array)
    convolutions = [layer for layer in layers.values() if [a.ndim for a in layer] == [4, 1]]
    norms = [layer for layer in layers.values() if [a.ndim for a in layer] == [1] * 4]
    blocks = [f"block{number}" for number in range(1, len(_FILTERS) + 1)]
    if (counts := (len(convolutions), len(norms))) != (len(blocks) + 1,) * 2:
        raise ValueError(f"{counts[0]} convolutions and {counts[1]} normalizations instead of 8 and 8")
    state = {}
    for place, layer in zip([*(f"{block}.conv" for block in blocks), "conv8"], convolutions, strict=True):
        kernel, bias = layer
        state |= {f"{place}.weight": kernel.transpose(3, 2, 0, 1), f"{place}.bias": bias}
    variables = ("weight", "bias", "running_mean", "running_var")  # Keras: gamma, beta, mean, variance
    for place, layer in zip(["norm", *(f"{block}.norm" for block in blocks)], norms, strict=True):
        state |= {f"{place}.{variable}": array for variable, array in zip(variables, layer, strict=True)}
        state[f"{place}.num_batches_tracked"] = np.zeros((), np.int64)
    with torch.device("meta"):
        expected = OpenL3().state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in expected.items()}
    if wrong := {name: a.shape for name, a in state.items()}.items() ^ shapes.items():
        raise ValueError(f"{min(wrong)[0]} is of another shape")
    return state
