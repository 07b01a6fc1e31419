"""The networks of keras.applications, made of the PyTorch ones by torchvision, timm and pytorchcv.

Each builder changes what differs from Keras's network in padding, pooling and the epsilon of batch
normalization; each converter turns Keras's arrays into the builder's state dictionary. The architectures and
the names of their layers are from https://github.com/keras-team/keras/tree/v3.15.1/keras/src/applications;
``tests/vision/test_keras_models.py`` holds both against each other.

Converters go by the order of layers, for the names of variables, and the numbers that Keras gives to layers
without a name, differ from file to file.
"""

import math
import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import timm
import torch
from pytorchcv.models.nasnet import NasAvgPoolBlock, NasDwsConv, NasMaxPoolBlock
from torch import nn
from torchvision import models

from zoo.vision import pytorchcv_models
from zoo.vision.same_padding import ZeroMaxPool2dSame, pad_same_as_tensorflow

Arrays = dict[str, np.ndarray]
Kinds = dict[str, list[list[np.ndarray]]]  # of each kind of layer the arrays, layer by layer

_EPSILON = 1e-3  # Keras's default
_RESNET_EPSILON = 1.001e-5  # in resnet.py and densenet.py
_POOL = "features.final_pool"  # of pytorchcv's networks


def resnet(depth: int = 50) -> nn.Module:
    """ResNet-50 or -101 of 2015: a block's stride is in its first convolution, not in its 3 × 3 one."""
    return _with_epsilon(pytorchcv_models.build(f"resnet{depth}", pool=_POOL), _RESNET_EPSILON)


def densenet201() -> nn.Module:
    """DenseNet-201."""
    return _with_epsilon(models.densenet201(), _RESNET_EPSILON)


def inceptionv3() -> nn.Module:
    """Inception v3, whose pools leave the padding out of the average."""
    module = pytorchcv_models.build("inceptionv3", pool=_POOL)
    for pool in module.modules():
        if isinstance(pool, nn.AvgPool2d):
            pool.count_include_pad = False
    return module


def inceptionresnetv2() -> nn.Module:
    """Inception-ResNet v2."""
    return timm.create_model("inception_resnet_v2")


def xception() -> nn.Module:
    """Xception."""
    module = timm.create_model("legacy_xception")
    pad_same_as_tensorflow(module)
    return _with_epsilon(module, _EPSILON)


def mobilenetv2() -> nn.Module:
    """MobileNet v2 of width 1."""
    return timm.create_model("mobilenetv2_100", pad_type="same", bn_eps=_EPSILON)


def efficientnetb0() -> nn.Module:
    """EfficientNet-B0, without the layers in which Keras scales and normalizes pictures of 0 to 255."""
    return timm.create_model("tf_efficientnet_b0")


def nasnet(size: str = "4a1056") -> nn.Module:
    """NASNet-A: ``"4a1056"``, the mobile one, or ``"6a4032"``, the large one."""
    module = pytorchcv_models.build(f"nasnet_{size}", pool=_POOL)
    kinds = (NasDwsConv, NasMaxPoolBlock, NasAvgPoolBlock)
    blocks: list[Any] = [child for child in module.modules() if isinstance(child, kinds)]
    for block in blocks:
        block.extra_padding = False  # pytorchcv's stand-in for 'SAME', at one size of picture
    pad_same_as_tensorflow(module, max_pool=ZeroMaxPool2dSame)
    return module


def _with_epsilon(module: nn.Module, epsilon: float) -> nn.Module:
    for child in module.modules():
        if isinstance(child, nn.BatchNorm2d):
            child.eps = epsilon
    return module


def _convert(
    build: Callable[[], nn.Module],
    tensors: Arrays,
    *,
    keras_order: Callable[[str], Any] = lambda _: 0,
    torch_order: Callable[[str], Any] = lambda _: 0,
    adapt: Callable[[Kinds], None] = lambda _: None,
) -> Arrays:
    """Convert Keras's arrays ``<layer>/<variable>`` to the state dictionary of a network.

    Parameters
    ----------
    build : callable
        Makes the network.
    tensors : dict of str to array
        Of a file with the classification layer, in its order.
    keras_order, torch_order : callable, optional
        Keys of the names of layers by which each side is sorted so that both are in the same order; equal
        ones stay as in the file and as the module defines them.
    adapt : callable, optional
        Changes Keras's layers by kind, once they are in order.

    Raises
    ------
    ValueError
        If they are those of another network.
    """
    with torch.device("meta"):
        module = build()
    expected = module.state_dict()
    state = {name: np.zeros((), np.int64) for name in expected if name.endswith("num_batches_tracked")}
    ours = sorted(module.named_modules(), key=lambda item: torch_order(item[0]))
    layers = _layers(tensors)
    theirs = _by_kind(layers[name] for name in sorted(layers, key=keras_order))
    names = {kind: [name for name, child in ours if _kind(child) == kind] for kind in _WRITERS}
    for kind in _WRITERS:
        if len(names[kind]) != len(theirs[kind]):
            raise ValueError(f"{len(theirs[kind])} layers of {kind} instead of {len(names[kind])}")
    adapt(theirs)
    for kind, write in _WRITERS.items():
        for name, arrays in zip(names[kind], theirs[kind], strict=True):
            state |= {f"{name}.{variable}": array for variable, array in write(*arrays).items()}
    shapes = {name: array.shape for name, array in state.items()}
    if wrong := shapes.items() ^ {(name, tuple(tensor.shape)) for name, tensor in expected.items()}:
        raise ValueError(f"{min(wrong)[0]} is missing, or of another shape or no use")
    return state


def _layers(tensors: Arrays) -> dict[str, list[np.ndarray]]:
    layers: dict[str, list[np.ndarray]] = {}
    for name, array in tensors.items():
        layers.setdefault(name.rpartition("/")[0], []).append(array)
    return layers


def _by_kind(layers: Iterable[list[np.ndarray]]) -> Kinds:
    """Layers told apart by their arrays; what is of no kind, as EfficientNet's normalization, is left out."""
    kinds: Kinds = {kind: [] for kind in _WRITERS}
    for arrays in layers:
        match [array.ndim for array in arrays]:
            case [4, 4]:
                depthwise, pointwise = arrays
                kinds["depthwise convolution"].append([depthwise])
                kinds["convolution"].append([pointwise])
            case [4] | [4, 1] if arrays[0].shape[3] == 1:
                kinds["depthwise convolution"].append(arrays)
            case [4] | [4, 1]:
                kinds["convolution"].append(arrays)
            case [2, 1]:
                kinds["full connection"].append(arrays)
            case [1, 1, 1] | [1, 1, 1, 1]:
                kinds["batch normalization"].append(arrays)
    return kinds


def _kind(module: nn.Module) -> str | None:
    if isinstance(module, nn.Conv2d):
        return "depthwise convolution" if module.groups > 1 else "convolution"
    if isinstance(module, nn.Linear):
        return "full connection"
    return "batch normalization" if isinstance(module, nn.BatchNorm2d) else None


def _convolution(kernel: np.ndarray, *bias: np.ndarray) -> Arrays:
    """(h, w, in, out) -> (out, in, h, w)."""
    return _affine(kernel.transpose(3, 2, 0, 1), *bias)


def _depthwise(kernel: np.ndarray, *bias: np.ndarray) -> Arrays:
    """(h, w, channels, 1) -> (channels, 1, h, w)."""
    return _affine(kernel.transpose(2, 3, 0, 1), *bias)


def _full(kernel: np.ndarray, *bias: np.ndarray) -> Arrays:
    """(in, out) -> (out, in)."""
    return _affine(kernel.T, *bias)


def _affine(weight: np.ndarray, *bias: np.ndarray) -> Arrays:
    return dict(zip(("weight", "bias"), (weight, *bias), strict=False))


def _normalization(*arrays: np.ndarray) -> Arrays:
    """Gamma, which some networks do without, beta, mean and variance."""
    *gamma, beta, mean, variance = arrays
    weight = gamma[0] if gamma else np.ones_like(beta)
    return {"weight": weight, "bias": beta, "running_mean": mean, "running_var": variance}


_WRITERS: dict[str, Callable[..., Arrays]] = {
    "convolution": _convolution,
    "depthwise convolution": _depthwise,
    "full connection": _full,
    "batch normalization": _normalization,
}


def _numbered_first(name: str) -> float:
    """Layers without a name of their own by Keras's number, which starts anywhere; then the others."""
    match = re.fullmatch(r"(?:conv2d|batch_normalization)(?:_(\d+))?", name)
    return int(match[1] or 0) if match else math.inf


def _resnet_order(name: str) -> list[str | int]:
    """Keras has the shortcut of a block before the block's last convolution."""
    pieces = re.split(r"(\d+)", name.replace("identity_conv", "body.conv2_"))
    return [int(piece) if i % 2 else piece for i, piece in enumerate(pieces)]


def _nasnet_order(name: str) -> tuple[Any, ...]:
    """``separable_conv_1_bn_normal_left1_stem_2`` and the like as pytorchcv's names are in the alphabet.

    There the stem's cells come last, and in a cell its branches first and the adjusted input last.
    """
    cell = re.fullmatch(r"(.+?)_(stem_|reduce_)?(\d+)", name)
    if cell is None:  # the first convolution, and the classification
        return ()
    layer, kind, number = cell.groups()
    branch = re.search(r"(left|right)(\d)", layer)
    place = (0, branch[2], branch[1]) if branch else (1 + layer.startswith("adjust"),)
    return (kind == "stem_", int(number), kind == "reduce_", place, layer)


def _fold_biases(kinds: Kinds) -> None:
    """Fold the bias of a convolution before batch normalization into the mean."""
    for convolution, normalization in zip(kinds["convolution"], kinds["batch normalization"], strict=True):
        _, bias = convolution
        del convolution[1]
        normalization[-2] = normalization[-2] - bias


def _channels_first(kinds: Kinds) -> None:
    """Reorder a VGG's first full connection of 7 × 7 × 512 values, which Keras flattens channels last."""
    first = kinds["full connection"][0]
    first[0] = first[0].reshape(7, 7, 512, -1).transpose(2, 0, 1, 3).reshape(7 * 7 * 512, -1)


from_vgg16 = partial(_convert, models.vgg16, adapt=_channels_first)
from_vgg19 = partial(_convert, models.vgg19, adapt=_channels_first)
from_resnet50 = partial(_convert, partial(resnet, 50), torch_order=_resnet_order, adapt=_fold_biases)
from_resnet101 = partial(_convert, partial(resnet, 101), torch_order=_resnet_order, adapt=_fold_biases)
from_densenet201 = partial(_convert, densenet201)
from_inceptionv3 = partial(_convert, inceptionv3, keras_order=_numbered_first)
from_inceptionresnetv2 = partial(
    _convert,
    inceptionresnetv2,
    keras_order=_numbered_first,
    torch_order=lambda name: name.endswith(".conv2d") or name.startswith("conv2d_7b"),
)
from_xception = partial(
    _convert, xception, keras_order=_numbered_first, torch_order=lambda name: "skip" not in name
)
from_mobilenetv2 = partial(_convert, mobilenetv2)
from_efficientnetb0 = partial(_convert, efficientnetb0)
from_nasnetmobile = partial(_convert, partial(nasnet, "4a1056"), keras_order=_nasnet_order, torch_order=str)
from_nasnetlarge = partial(_convert, partial(nasnet, "6a4032"), keras_order=_nasnet_order, torch_order=str)
