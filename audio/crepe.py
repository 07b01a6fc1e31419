"""CREPE: pitch from the waveform by a convolutional network, in five capacities.

Kim, Salamon, Li and Bello: CREPE: A Convolutional Representation for Pitch Estimation, ICASSP 2018.
https://github.com/marl/crepe
"""

import numpy as np
import torch
from torch import nn

# Filters are these times the capacity's multiplier: 4 tiny, 8 small, 16 medium, 24 large, 32 full.
_FILTERS = (32, 4, 4, 4, 8, 16)
_WIDTHS = (512, 64, 64, 64, 64, 64)
_STRIDES = (4, 1, 1, 1, 1, 1)
# 'same' padding, as Keras splits it.
_PADDING = ((254, 254), *((31, 32),) * 5)


class CREPE(nn.Module):
    """Normalized frames (n, 1024) -> logits (n, 360); a sigmoid makes the activation of each pitch bin.

    The output of `block5`, (n, 8 · multiplier, 8), is the embedding.

    Parameters
    ----------
    multiplier : int
        Capacity: 4, 8, 16, 24 or 32.
    """

    def __init__(self, multiplier: int = 32, num_classes: int = 360):
        super().__init__()
        channels = 1
        for i, (factor, width, stride, padding) in enumerate(
            zip(_FILTERS, _WIDTHS, _STRIDES, _PADDING, strict=True), start=1
        ):
            block = nn.Sequential()
            block.add_module("pad", nn.ConstantPad1d(padding, 0.0))
            block.add_module("conv", nn.Conv1d(channels, factor * multiplier, width, stride))
            block.add_module("relu", nn.ReLU())
            block.add_module("norm", nn.BatchNorm1d(factor * multiplier, eps=1e-3))
            block.add_module("pool", nn.MaxPool1d(2))
            block.add_module("dropout", nn.Dropout(0.25))
            self.add_module(f"block{i}", block)
            channels = factor * multiplier
        self.classifier = nn.Linear(4 * channels, num_classes)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        x = frames.unsqueeze(1)
        for i in range(1, 7):
            x = self.get_submodule(f"block{i}")(x)
        return self.classifier(x.transpose(1, 2).flatten(1))  # Keras flattens (time, channel)


def from_keras(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name the arrays ``conv<i>/kernel`` of the original file as `CREPE` does."""
    names = {
        "kernel": "weight",
        "bias": "bias",
        "gamma": "weight",
        "beta": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    }
    state = {}
    for path, tensor in tensors.items():
        layer, _, variable = path.partition("/")
        if layer not in ("classifier", *(f"conv{i}{kind}" for i in range(1, 7) for kind in ("", "-BN"))):
            raise ValueError(f"a layer {layer}")
        if variable == "kernel":
            # (width, in, out), or (width, 1, in, out) where the file was made with Conv2D
            tensor = (
                tensor.T if tensor.ndim == 2 else tensor.reshape(-1, *tensor.shape[-2:]).transpose(2, 1, 0)
            )
        number = layer.removeprefix("conv").removesuffix("-BN")
        if layer == "classifier":
            target = "classifier"
        elif layer.endswith("-BN"):
            target = f"block{number}.norm"
            state[f"{target}.num_batches_tracked"] = np.zeros((), np.int64)
        else:
            target = f"block{number}.conv"
        state[f"{target}.{names[variable]}"] = tensor
    if not state:
        raise ValueError("no layer conv1 to conv6")
    return state
