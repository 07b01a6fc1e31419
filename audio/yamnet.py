"""YAMNet: 521 sound classes by MobileNet-v1 on log-mel patches.

Plakal and Ellis, https://github.com/tensorflow/models/tree/master/research/audioset/yamnet
"""

import re

import numpy as np
import torch
from torch import nn

# (stride, filters) of layers 2 to 14; layer 1 is a plain convolution of stride 2 with 32 filters.
_SEPARABLE = [
    *[(1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512)],
    *[(1, 512)] * 5,
    *[(2, 1024), (1, 1024)],
]


class Norm(nn.BatchNorm2d):
    """Batch normalization with a center but no scale (``scale=False`` in Keras), epsilon 1e-4."""

    def __init__(self, channels: int):
        super().__init__(channels, eps=1e-4)
        del self.weight
        self.register_buffer("weight", torch.ones(channels), persistent=False)

    def reset_parameters(self) -> None:
        self.reset_running_stats()
        nn.init.zeros_(self.bias)


def _conv(channels: int, filters: int, size: int, stride: int, groups: int = 1) -> nn.Sequential:
    """Convolution with TensorFlow's 'SAME' padding, normalization and ReLU.

    All sizes before a stride of 2 are even here, so 'SAME' pads the bottom and the right only.
    """
    before, after = (0, 1) if stride == 2 else (size // 2, size // 2)
    return nn.Sequential(
        nn.ZeroPad2d((before, after, before, after)),
        nn.Conv2d(channels, filters, size, stride, groups=groups, bias=False),
        Norm(filters),
        nn.ReLU(),
    )


class YAMNet(nn.Module):
    """Patches (n, 1, 96, 64) -> logits (n, 521); a sigmoid makes independent scores of them.

    The output of `pool`, shape (n, 1024), is the embedding.
    """

    def __init__(self, num_classes: int = 521):
        super().__init__()
        self.layer1 = _conv(1, 32, 3, 2)
        channels = 32
        for number, (stride, filters) in enumerate(_SEPARABLE, start=2):
            depthwise = _conv(channels, channels, 3, stride, groups=channels)
            pointwise = _conv(channels, filters, 1, 1)
            self.add_module(f"layer{number}", nn.Sequential(depthwise, pointwise))
            channels = filters
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.logits = nn.Linear(channels, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.children():
            x = layer(x)
        return x


def from_tensorflow(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name the variables of the TensorFlow object graph as `YAMNet` does.

    They are ``.../layer_with_weights-<i>/<variable>``, i counting convolutions and normalizations in order;
    the last is the classifier.
    """
    numbered: dict[int, dict[str, np.ndarray]] = {}
    for name, tensor in tensors.items():
        if match := re.search(r"layer_with_weights-(\d+)/(\w+)$", name):
            numbered.setdefault(int(match[1]), {})[match[2]] = tensor
    *body, classifier = (numbered[i] for i in range(len(numbered)))
    blocks = ["layer1", *(f"layer{n}.{part}" for n in range(2, 15) for part in (0, 1))]
    if len(body) != 2 * len(blocks):
        raise ValueError(f"{len(body)} layers instead of {2 * len(blocks)}")
    state = {}
    for block, conv, norm in zip(blocks, body[::2], body[1::2], strict=True):
        if "depthwise_kernel" in conv:  # (height, width, channels, 1)
            state[f"{block}.1.weight"] = conv["depthwise_kernel"].transpose(2, 3, 0, 1)
        else:  # (height, width, in, out)
            state[f"{block}.1.weight"] = conv["kernel"].transpose(3, 2, 0, 1)
        state[f"{block}.2.bias"] = norm["beta"]
        state[f"{block}.2.running_mean"] = norm["moving_mean"]
        state[f"{block}.2.running_var"] = norm["moving_variance"]
        state[f"{block}.2.num_batches_tracked"] = np.zeros((), np.int64)
    state["logits.weight"] = classifier["kernel"].T
    state["logits.bias"] = classifier["bias"]
    return state
