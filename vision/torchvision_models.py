"""What torchvision's loaders do to their own checkpoints before they load them."""

import re

import numpy as np

_AUXILIARY = ("AuxLogits.", "aux1.", "aux2.")


def without_auxiliary(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """GoogLeNet or Inception-v3 without the classifiers that serve training only."""
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(_AUXILIARY)}


def densenet(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rename the layers of a block to their present names: ``norm1`` for the file's ``norm.1``."""
    return {
        re.sub(r"(denselayer\d+\.(?:norm|relu|conv))\.([12])\.", r"\1\2.", name): tensor
        for name, tensor in tensors.items()
    }
