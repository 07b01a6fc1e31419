"""Operators of ONNX that become layers of PyTorch, which are trained, counted, and replaced as such."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.hub.imported import Node

_CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
_TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_NORMS = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}
_AXES = {1: 1, 2: 2, 3: 3}


def numbers(node: Node, name: str, default: Sequence[int]) -> tuple[int, ...]:
    """Return an attribute that is a list of whole numbers."""
    value = node.attributes.get(name)
    value = list(default) if value is None else value
    if not isinstance(value, list) or not all(isinstance(number, int) for number in value):
        raise ValueError(f"{name} is {value!r}, not a list of whole numbers")
    return tuple(int(number) for number in value)


def edges(node: Node, kernel: Sequence[int]) -> tuple[int, ...]:
    """Return the padding at the begins of the axes and then at their ends.

    Parameters
    ----------
    node : Node
    kernel : sequence of int
    """
    axes = len(kernel)
    kind = str(node.attributes.get("auto_pad", "NOTSET"))
    if kind in ("NOTSET", "VALID"):
        return numbers(node, "pads", [0] * 2 * axes) if kind == "NOTSET" else (0,) * 2 * axes
    shape = _shape(node)[1:]
    strides, dilations = numbers(node, "strides", [1] * axes), numbers(node, "dilations", [1] * axes)
    before, after = [], []
    for size, width, stride, dilation in zip(shape, kernel, strides, dilations, strict=True):
        steps = -(-size // stride)
        total = max(0, (steps - 1) * stride + (width - 1) * dilation + 1 - size)
        small, large = total // 2, total - total // 2
        before.append(small if kind == "SAME_UPPER" else large)
        after.append(large if kind == "SAME_UPPER" else small)
    return (*before, *after)


def _shape(node: Node) -> tuple[int, ...]:
    """Return the shape of the first input without the batch axis."""
    if node.shape is None:
        raise ValueError("the shape of its input is not stated")
    return node.shape


class EdgePad(nn.Module):
    """Pad the axes behind the channels, each end by its own width.

    Parameters
    ----------
    widths : sequence of int
        At the begins of the axes, then at their ends.
    value : float
    """

    def __init__(self, widths: Sequence[int], value: float = 0.0):
        super().__init__()
        half = len(widths) // 2
        self.edges = [w for axis in range(half - 1, -1, -1) for w in (widths[axis], widths[half + axis])]
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        return functional.pad(x, self.edges, value=self.value)


def _padded(layer: nn.Module, widths: Sequence[int], value: float = 0.0) -> nn.Module:
    """Put padding before a layer, if its ends differ; the layer's own padding is symmetric."""
    layer.register_forward_pre_hook(_PadFirst(EdgePad(widths, value)))
    return layer


class _PadFirst:
    """A hook that pads what a layer takes: the layer stays a layer of PyTorch."""

    def __init__(self, pad: EdgePad):
        self.pad = pad

    def __call__(self, _layer: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (self.pad(inputs[0]), *inputs[1:])


def convolution(node: Node) -> nn.Module:
    """Build a convolution."""
    out, within, *kernel = node.constants["1"].shape
    axes, groups = len(kernel), int(node.attributes.get("group", 1))  # pyright: ignore[reportArgumentType]
    widths = edges(node, kernel)
    even = widths[:axes] == widths[axes:] and min(widths) >= 0
    layer = _CONVOLUTIONS[axes](
        within * groups,
        out,
        tuple(kernel),
        stride=numbers(node, "strides", [1] * axes),
        padding=widths[:axes] if even else 0,
        dilation=numbers(node, "dilations", [1] * axes),
        groups=groups,
        bias="2" in node.constants,
    )
    return layer if even else _padded(layer, widths)


def transposed_convolution(node: Node) -> nn.Module:
    """Build a transposed convolution with equal padding at both ends."""
    within, out, *kernel = node.constants["1"].shape
    axes, groups = len(kernel), int(node.attributes.get("group", 1))  # pyright: ignore[reportArgumentType]
    widths = numbers(node, "pads", [0] * 2 * axes)
    if widths[:axes] != widths[axes:] or "output_shape" in node.attributes or "auto_pad" in node.attributes:
        raise NotImplementedError("its padding differs at the two ends")
    return _TRANSPOSED[axes](
        within,
        out * groups,
        tuple(kernel),
        stride=numbers(node, "strides", [1] * axes),
        padding=widths[:axes],
        output_padding=numbers(node, "output_padding", [0] * axes),
        dilation=numbers(node, "dilations", [1] * axes),
        groups=groups,
        bias="2" in node.constants,
    )


def batch_norm(node: Node) -> nn.Module:
    """Build a batch norm, whose statistics are those of the file."""
    epsilon = float(node.attributes.get("epsilon", 1e-5))  # pyright: ignore[reportArgumentType]
    return _NORMS[len(_shape(node)) + 1](node.constants["1"].shape[0], eps=epsilon)


def linear(node: Node) -> nn.Module:
    """Build a fully connected layer; the importer turns its weight as PyTorch has it."""
    out, within = node.constants["1"].shape
    return nn.Linear(within, out, bias="2" in node.constants)


class MaxPool(nn.Module):
    """The largest value of each window.

    Parameters
    ----------
    node : Node
    """

    def __init__(self, node: Node):
        super().__init__()
        self.kernel = numbers(node, "kernel_shape", [])
        axes = len(self.kernel)
        self.stride = numbers(node, "strides", [1] * axes)
        self.dilation = numbers(node, "dilations", [1] * axes)
        self.ceil = bool(node.attributes.get("ceil_mode", 0))
        widths = edges(node, self.kernel)
        even = widths[:axes] == widths[axes:] and all(
            2 * width <= size for width, size in zip(widths, self.kernel, strict=False)
        )
        self.padding = widths[:axes] if even else (0,) * axes
        self.pad = None if even else EdgePad(widths, float("-inf"))
        self.function = getattr(functional, f"max_pool{_AXES[axes]}d")

    def forward(self, x: Tensor) -> Tensor:
        x = x if self.pad is None else self.pad(x)
        return self.function(x, self.kernel, self.stride, self.padding, self.dilation, self.ceil)


class AveragePool(nn.Module):
    """The mean of each window; the parameters are those of `MaxPool`."""

    def __init__(self, node: Node):
        super().__init__()
        self.kernel = numbers(node, "kernel_shape", [])
        axes = len(self.kernel)
        self.stride = numbers(node, "strides", [1] * axes)
        self.ceil = bool(node.attributes.get("ceil_mode", 0))
        self.whole = bool(node.attributes.get("count_include_pad", 0))
        if set(numbers(node, "dilations", [1] * axes)) != {1}:
            raise NotImplementedError("its windows have gaps")
        widths = edges(node, self.kernel)
        even = widths[:axes] == widths[axes:]
        if not even and self.ceil:
            raise NotImplementedError("its padding differs at the two ends, and its last window is partial")
        self.padding = widths[:axes] if even else (0,) * axes
        self.pad = None if even else EdgePad(widths)
        self.function = getattr(functional, f"avg_pool{_AXES[axes]}d")

    def forward(self, x: Tensor) -> Tensor:
        if self.pad is None:
            return self.function(x, self.kernel, self.stride, self.padding, self.ceil, self.whole)
        mean = self.function(self.pad(x), self.kernel, self.stride)
        if self.whole:
            return mean
        # Windows at the edges hold fewer values: divide by their share of a window.
        inside = self.function(self.pad(torch.ones_like(x[:1, :1])), self.kernel, self.stride)
        return mean / inside


class GlobalAveragePool(nn.Module):
    """The mean over all axes behind the channels, which stay with one position."""

    def __init__(self, node: Node):
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(tuple(range(2, x.ndim)), keepdim=True)


class GlobalMaxPool(nn.Module):
    """The largest value over all axes behind the channels, which stay with one position."""

    def __init__(self, node: Node):
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x.amax(tuple(range(2, x.ndim)), keepdim=True)


def relu(_node: Node) -> nn.Module:
    return nn.ReLU()


# Builders of layers, and the names that their tensors have by the position of the operator's inputs.
LAYERS: dict[str, Callable[[Node], nn.Module]] = {
    "Conv": convolution,
    "ConvTranspose": transposed_convolution,
    "BatchNormalization": batch_norm,
    "Linear": linear,
    "MaxPool": MaxPool,
    "AveragePool": AveragePool,
    "GlobalAveragePool": GlobalAveragePool,
    "GlobalMaxPool": GlobalMaxPool,
    "Relu": relu,
}
TENSORS: dict[str, dict[int, str]] = {
    "Conv": {1: "weight", 2: "bias"},
    "ConvTranspose": {1: "weight", 2: "bias"},
    "BatchNormalization": {1: "weight", 2: "bias", 3: "running_mean", 4: "running_var"},
    "Linear": {1: "weight", 2: "bias"},
}


def tensor_name(operator: str, position: int) -> str:
    """Return the name of a constant of an operator in the state of its layer."""
    return TENSORS.get(operator, {}).get(position) or f"constant_{position}"


def is_layer(operator: str, constants: Any) -> bool:
    """Tell whether an operator with these constants becomes a layer of PyTorch."""
    required = {"Conv": 1, "ConvTranspose": 1, "Linear": 1, "BatchNormalization": 4}.get(operator, 0)
    return operator in LAYERS and all(str(position) in constants for position in range(1, required + 1))
