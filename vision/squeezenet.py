"""SqueezeNet 1.1 with torchvision's names of layers, and the tensors of the Caffe original.

The network is written here because its weights come with the zoo and should answer at once: importing
``torchvision.models`` takes nearly as long as importing PyTorch.

Iandola et al.: SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size, 2016.
"""

import numpy as np
import torch
from torch import nn

# torchvision's place of each fire module in its `features`.
_PLACES = {2: 3, 3: 4, 4: 6, 5: 7, 6: 9, 7: 10, 8: 11, 9: 12}


class Fire(nn.Module):
    """Squeeze the channels with 1 × 1 kernels, then expand them with 1 × 1 and 3 × 3 ones, side by side.

    Parameters
    ----------
    in_channels, squeezed, expanded : int
        The output has twice `expanded` channels.
    """

    def __init__(self, in_channels: int, squeezed: int, expanded: int):
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeezed, 1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        """Map (n, in_channels, height, width) to (n, 2 * expanded, height, width)."""
        squeezed = self.squeeze_activation(self.squeeze(data))
        one = self.expand1x1_activation(self.expand1x1(squeezed))
        three = self.expand3x3_activation(self.expand3x3(squeezed))
        return torch.cat([one, three], dim=1)


class SqueezeNet(nn.Module):
    """Version 1.1, initialized as torchvision does: the same seed gives the same tensors.

    Parameters
    ----------
    num_classes : int
    """

    def __init__(self, num_classes: int = 1000):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3, stride=2),
            nn.ReLU(inplace=True),
            _pool(),
            Fire(64, 16, 64),
            Fire(128, 16, 64),
            _pool(),
            Fire(128, 32, 128),
            Fire(256, 32, 128),
            _pool(),
            Fire(256, 48, 192),
            Fire(384, 48, 192),
            Fire(384, 64, 256),
            Fire(512, 64, 256),
        )
        last = nn.Conv2d(512, num_classes, 1)
        self.classifier = nn.Sequential(
            nn.Dropout(), last, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d((1, 1))
        )
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                if layer is last:
                    nn.init.normal_(layer.weight, std=0.01)
                else:
                    nn.init.kaiming_uniform_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        """Map pictures, (n, 3, height, width), to one score a class, (n, num_classes)."""
        return self.classifier(self.features(data)).flatten(1)


def _pool() -> nn.MaxPool2d:
    return nn.MaxPool2d(3, stride=2, ceil_mode=True)


def from_ndf(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name the arrays ``<layer>/0`` (height, width, in, out) and ``<layer>/1`` (bias) as torchvision does."""
    state = {}
    for name, tensor in tensors.items():
        *path, variable = name.split("/")
        if path == ["conv1"]:
            layer = "features.0"
        elif path == ["conv10"]:
            layer = "classifier.1"
        else:
            part = path[1].replace("squeeze1x1", "squeeze")
            layer = f"features.{_PLACES[int(path[0].removeprefix('fire'))]}.{part}"
        if variable == "0":
            state[f"{layer}.weight"] = tensor.transpose(3, 2, 0, 1)
        else:
            state[f"{layer}.bias"] = tensor
    return state
