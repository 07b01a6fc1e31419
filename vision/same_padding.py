"""TensorFlow's 'SAME' padding for networks that were written with PyTorch's.

At a stride of 2 TensorFlow pads an input of even size below and to the right only, where PyTorch pads all
sides alike, and so it looks at other pixels. https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2
"""

import torch
from timm.layers.conv2d_same import Conv2dSame
from timm.layers.padding import get_same_padding, pad_same
from timm.layers.pool2d_same import AvgPool2dSame, MaxPool2dSame
from torch import nn
from torch.nn import functional

_Strided = nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d


class ZeroMaxPool2dSame(MaxPool2dSame):
    """The maximum over the pixels and over the padding, which counts as zeros."""

    kernel_size: list[int]
    stride: list[int]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        padded = pad_same(x, self.kernel_size, self.stride)
        return functional.max_pool2d(padded, self.kernel_size, self.stride)


def pad_same_as_tensorflow(module: nn.Module, *, max_pool: type[nn.Module] = MaxPool2dSame) -> None:
    """Give convolutions and pools that pad and stride their 'SAME' counterparts, with the same weights.

    Parameters
    ----------
    max_pool : type
        `MaxPool2dSame`, or `ZeroMaxPool2dSame` where the original pads by a layer of its own.
    """
    for name, layer in list(module.named_modules()):
        if isinstance(layer, _Strided) and _strides_and_pads(layer):
            module.set_submodule(name, _counterpart(layer, max_pool))


def settle_padding(module: nn.Module, data: torch.Tensor) -> None:
    """Fix the padding of a module's 'SAME' convolutions for one image size.

    In an exported graph they would compute it anew for every picture, which takes a third of EfficientNet's
    time in ONNX Runtime.

    Parameters
    ----------
    module : torch.nn.Module
    data : Tensor
        A batch of that size.
    """
    sizes: dict[str, torch.Size] = {}
    hooks = [
        child.register_forward_pre_hook(
            lambda _m, inputs, *, name=name: sizes.update({name: inputs[0].shape[2:]})
        )
        for name, child in module.named_modules()
        if isinstance(child, Conv2dSame)
    ]
    with torch.no_grad():
        module(data)
    for hook in hooks:
        hook.remove()
    for name, size in sizes.items():
        module.set_submodule(name, _padded(module.get_submodule(name), size))


def _padded(old: nn.Module, size: torch.Size) -> nn.Module:
    assert isinstance(old, nn.Conv2d)
    pads: list[int] = []
    for side, kernel, stride, dilation in zip(size, old.kernel_size, old.stride, old.dilation, strict=True):
        pad = int(get_same_padding(side, kernel, stride, dilation))
        pads = [pad // 2, pad - pad // 2, *pads]  # the last axis comes first
    (height, width), (down, right), (rows, columns) = old.kernel_size, old.stride, old.dilation
    new = nn.Conv2d(
        old.in_channels,
        old.out_channels,
        (height, width),
        (down, right),
        dilation=(rows, columns),
        groups=old.groups,
        bias=old.bias is not None,
        device="meta",
    )
    new.weight, new.bias = old.weight, old.bias
    before, after, above, below = pads
    return nn.Sequential(nn.ZeroPad2d((before, after, above, below)), new)


def _strides_and_pads(layer: _Strided) -> bool:
    return layer.stride not in (1, (1, 1)) and layer.padding not in (0, (0, 0))


def _counterpart(layer: _Strided, max_pool: type[nn.Module]) -> nn.Module:
    size, stride = layer.kernel_size, layer.stride
    if isinstance(layer, nn.MaxPool2d):
        return max_pool(size, stride)
    if isinstance(layer, nn.AvgPool2d):
        return AvgPool2dSame(size, stride)
    new = Conv2dSame(layer.in_channels, layer.out_channels, size, stride, groups=layer.groups, bias=False)
    assert isinstance(new, nn.Conv2d)
    new.weight, new.bias = layer.weight, layer.bias
    return new
