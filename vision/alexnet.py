"""AlexNet as BVLC's Caffe has it: two groups, local response normalization before pooling.

Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional neural networks, NIPS 2012;
BVLC/caffe, ``models/bvlc_alexnet``, says how its training differed. Layers are named as in Caffe.
"""

from collections import OrderedDict

import numpy as np
from torch import nn


class AlexNet(nn.Sequential):
    """Pictures (n, 3, 227, 227), BGR from 0 to 255 less the mean -> logits (n, num_classes)."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__(
            OrderedDict(
                conv1=nn.Conv2d(3, 96, 11, stride=4),
                relu1=nn.ReLU(),
                norm1=normalize(),
                pool1=halve(),
                conv2=nn.Conv2d(96, 256, 5, padding=2, groups=2),
                relu2=nn.ReLU(),
                norm2=normalize(),
                pool2=halve(),
                conv3=nn.Conv2d(256, 384, 3, padding=1),
                relu3=nn.ReLU(),
                conv4=nn.Conv2d(384, 384, 3, padding=1, groups=2),
                relu4=nn.ReLU(),
                conv5=nn.Conv2d(384, 256, 3, padding=1, groups=2),
                relu5=nn.ReLU(),
                pool5=halve(),
                flatten=nn.Flatten(),
                fc6=nn.Linear(256 * 6 * 6, 4096),
                relu6=nn.ReLU(),
                drop6=nn.Dropout(0.5),
                fc7=nn.Linear(4096, 4096),
                relu7=nn.ReLU(),
                drop7=nn.Dropout(0.5),
                fc8=nn.Linear(4096, num_classes),
            )
        )


def from_caffe(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name Caffe's ``<layer>/0`` (weights) and ``<layer>/1`` (biases) as torch does, dots for slashes."""
    kinds = {"0": "weight", "1": "bias"}
    state = {}
    for name, tensor in tensors.items():
        layer, _, index = name.rpartition("/")
        state[f"{layer.replace('/', '.')}.{kinds[index]}"] = tensor
    return state


def halve() -> nn.MaxPool2d:
    """Pool as Caffe's networks do, which round the sizes of pooled maps up."""
    return nn.MaxPool2d(3, stride=2, ceil_mode=True)


def normalize() -> nn.LocalResponseNorm:
    """Normalize as Caffe's networks do; like Caffe, torch divides alpha by the five channels."""
    return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)
