"""SqueezeNet 1.1: torchvision's network, the tensors of the Caffe original.

Iandola et al.: SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size, 2016.
"""

import numpy as np

# torchvision's place of each fire module in its `features`.
_PLACES = {2: 3, 3: 4, 4: 6, 5: 7, 6: 9, 7: 10, 8: 11, 9: 12}


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
