"""DarkNet-19 and DarkNet-53: pytorchcv's networks, the values of Darknet's own files.

Redmon, Farhadi: YOLO9000: Better, Faster, Stronger, CVPR 2017, and YOLOv3: An Incremental Improvement, 2018.

Darknet normalizes by sqrt(variance + 1e-5) where it trains, on the GPU (``src/blas_kernels.cu``), and so does
pytorchcv; on the CPU it divides by sqrt(variance) + 1e-6 (``src/blas.c``), which is not followed.
"""

from collections.abc import Sequence
from importlib.resources import files

import numpy as np
import torch
from torch import nn

from zoo.vision.pytorchcv_models import build


def darknet19() -> nn.Module:
    """DarkNet-19: pictures (n, 3, h, w), RGB from 0 to 1 -> logits (n, 1000)."""
    return build("darknet19", pool="output.final_pool")


def darknet53() -> nn.Module:
    """DarkNet-53: pictures (n, 3, h, w), RGB from 0 to 1 -> logits (n, 1000)."""
    return build("darknet53", pool="features.final_pool")


def darknet19_from_file(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Cut the values of ``darknet19.weights`` into the tensors of `darknet19`."""
    with torch.device("meta"):
        return _cut(tensors["weights"], darknet19())


def darknet53_from_file(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Cut the values of ``darknet53.weights`` into the tensors of `darknet53`."""
    with torch.device("meta"):
        return _cut(tensors["weights"], darknet53())


def _cut(values: np.ndarray, module: nn.Module) -> dict[str, np.ndarray]:
    layers = [
        (name, layer)
        for name, layer in module.named_modules()
        if isinstance(layer, (nn.Conv2d, nn.BatchNorm2d, nn.Linear))
    ]
    names = _order(layers)
    shapes = module.state_dict()
    sizes = [shapes[name].numel() for name in names]
    if sum(sizes) != values.size:
        raise ValueError(f"it has {values.size} values where the network has {sum(sizes)}")
    parts = np.split(values, np.cumsum(sizes)[:-1])
    state = {name: part.reshape(shapes[name].shape) for name, part in zip(names, parts, strict=True)}
    order = _sorted_classes()
    return state | {name: state[name][order] for name in names[-2:]}


def _order(layers: Sequence[tuple[str, nn.Module]]) -> list[str]:
    """Names of the tensors as Darknet writes them (``src/parser.c``, ``save_convolutional_weights``)."""
    names = []
    for (name, layer), (following, norm) in zip(layers, [*layers[1:], ("", None)], strict=True):
        if isinstance(norm, nn.BatchNorm2d):
            names += [f"{following}.{part}" for part in ("bias", "weight", "running_mean", "running_var")]
            names.append(f"{name}.weight")
        elif not isinstance(layer, nn.BatchNorm2d):
            names += [f"{name}.bias", f"{name}.weight"]
    return names


def _sorted_classes() -> np.ndarray:
    """Where Darknet, whose classes follow ``data/imagenet.labels.list``, has each class of imagenet.csv."""
    text = files("zoo").joinpath("vision/labels/imagenet_darknet.txt").read_text(encoding="utf-8")
    return np.argsort(text.split())
