"""GoogLeNet as BVLC's Caffe has it: local response normalization and no batch normalization.

Szegedy et al.: Going deeper with convolutions, CVPR 2015. The two auxiliary classifiers are left out: they
serve training only. Layers are named as in Caffe, with a dot for each slash.
"""

from collections import OrderedDict

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from zoo.vision import alexnet
from zoo.vision.alexnet import halve, normalize

# Channels of each inception module (table 1 of the paper): 1×1, 3×3 reduce, 3×3, 5×5 reduce, 5×5, pool proj.
CHANNELS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


class Inception(nn.ModuleDict):
    """Four branches side by side: (n, in, h, w) -> (n, out, h, w), out = 1×1 + 3×3 + 5×5 + pool proj."""

    def __init__(self, inputs: int, channels: tuple[int, ...]) -> None:
        one, reduce3, three, reduce5, five, projected = channels
        super().__init__(
            {
                "1x1": nn.Conv2d(inputs, one, 1),
                "3x3_reduce": nn.Conv2d(inputs, reduce3, 1),
                "3x3": nn.Conv2d(reduce3, three, 3, padding=1),
                "5x5_reduce": nn.Conv2d(inputs, reduce5, 1),
                "5x5": nn.Conv2d(reduce5, five, 5, padding=2),
                "pool": nn.MaxPool2d(3, stride=1, padding=1),
                "pool_proj": nn.Conv2d(inputs, projected, 1),
            }
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        one = self["1x1"](x)
        three = self["3x3"](F.relu(self["3x3_reduce"](x)))
        five = self["5x5"](F.relu(self["5x5_reduce"](x)))
        pooled = self["pool_proj"](self["pool"](x))
        return F.relu(torch.cat([one, three, five, pooled], dim=1))


class GoogLeNet(nn.Sequential):
    """Pictures (n, 3, h, w), BGR from 0 to 255 less the mean -> logits (n, num_classes).

    Parameters
    ----------
    num_classes : int
        1000 for ImageNet, 365 for Places365.
    """

    def __init__(self, num_classes: int = 1000) -> None:
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            conv1=_named({"7x7_s2": nn.Conv2d(3, 64, 7, stride=2, padding=3), "relu": nn.ReLU()}),
            pool1=halve(),
            norm1=normalize(),
            conv2=_named(
                {
                    "3x3_reduce": nn.Conv2d(64, 64, 1),
                    "relu_reduce": nn.ReLU(),
                    "3x3": nn.Conv2d(64, 192, 3, padding=1),
                    "relu": nn.ReLU(),
                }
            ),
            norm2=normalize(),
            pool2=halve(),
        )
        width = 192
        for name, channels in CHANNELS.items():
            layers[f"inception_{name}"] = Inception(width, channels)
            width = channels[0] + channels[2] + channels[4] + channels[5]
            if name in ("3b", "4e"):
                layers[f"pool{name[0]}"] = halve()
        layers["pool5"] = nn.AdaptiveAvgPool2d(1)
        layers["flatten"] = nn.Flatten()
        layers["dropout"] = nn.Dropout(0.4)
        layers["loss3"] = _named({"classifier": nn.Linear(width, num_classes)})
        super().__init__(layers)


def from_caffe(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name Caffe's ``<layer>/0`` (weights) and ``<layer>/1`` (biases) as `GoogLeNet` does."""
    auxiliary = ("loss1/", "loss2/")
    return alexnet.from_caffe({name: x for name, x in tensors.items() if not name.startswith(auxiliary)})


def _named(layers: dict[str, nn.Module]) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))
