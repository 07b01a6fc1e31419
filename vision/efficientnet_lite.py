"""EfficientNet-Lite0 to 2: timm's networks, the tensors of the PyTorch port of Google's checkpoints.

Tan and Le: EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, ICML 2019.
"""

import re
from collections.abc import Sequence

import numpy as np

_STAGES = (1, 2, 2, 3, 3, 4, 1)  # blocks in each of timm's stages, of Lite0
_OUTSIDE = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
# The first block has no expansion, so its layers count from one earlier.
_FIRST = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_INSIDE = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def from_port(tensors: dict[str, np.ndarray], *, stages: Sequence[int] = _STAGES) -> dict[str, np.ndarray]:
    """Name the tensors ``_blocks.<i>.<layer>.<variable>`` as timm's ``tf_efficientnet_lite<n>`` does.

    Parameters
    ----------
    tensors : dict of str to ndarray
    stages : sequence of int
        Blocks in each of timm's stages.
    """
    places = [f"blocks.{stage}.{i}" for stage, count in enumerate(stages) for i in range(count)]
    state = {}
    for name, tensor in tensors.items():
        if match := re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name):
            number, layer, variable = int(match[1]), match[2], match[3]
            if number >= len(places):
                raise ValueError(f"a block {number}, and the network has {len(places)}")
            state[f"{places[number]}.{(_INSIDE if number else _FIRST)[layer]}.{variable}"] = tensor
        else:
            layer, _, variable = name.partition(".")
            state[f"{_OUTSIDE[layer]}.{variable}"] = tensor
    return state
