"""Networks of pytorchcv, which has what neither torchvision nor timm has, for pictures of any size.

Sémery: Computer vision models on PyTorch, https://github.com/osmr/pytorchcv
"""

from typing import Any

from pytorchcv.model_provider import get_model
from torch import nn


def build(name: str, pool: str | None = None, **arguments: Any) -> nn.Module:
    """Build an untrained network of pytorchcv.

    Parameters
    ----------
    name : str
        As in pytorchcv, such as ``shufflenet_g3_w1``.
    pool : str, optional
        Name of the last pooling, which pytorchcv fits to one size of picture; it is replaced by one that
        averages a map of any size.
    **arguments
        For pytorchcv's builder, such as ``num_classes``.
    """
    module = get_model(name, pretrained=False, **arguments)
    if pool is not None:
        module.set_submodule(pool, nn.AdaptiveAvgPool2d(1), strict=True)
    return module
