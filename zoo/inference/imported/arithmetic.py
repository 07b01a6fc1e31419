"""Operators of ONNX that compute element by element, along axes, or products: functions of tensors.

Definitions: https://onnx.ai/onnx/operators. Attributes have ONNX's names and defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Numbers = Sequence[int] | int | None


def unary(function: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """Make an operator of a function of one tensor."""

    def compute(x: Tensor) -> Tensor:
        return function(x)

    return compute


def binary(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """Make an operator of a function of two tensors."""

    def compute(a: Tensor, b: Tensor) -> Tensor:
        return function(a, b)

    return compute


def variadic(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """Make an operator of any number of tensors of a function of two."""

    def compute(*tensors: Tensor) -> Tensor:
        return reduce(function, tensors)

    return compute


def div(a: Tensor, b: Tensor) -> Tensor:
    """Divide; integers are cut toward zero."""
    return torch.div(a, b) if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc")


def mod(a: Tensor, b: Tensor, *, fmod: int = 0) -> Tensor:
    return torch.fmod(a, b) if fmod else torch.remainder(a, b)


def power(a: Tensor, b: Tensor) -> Tensor:
    return torch.pow(a, b).to(a.dtype)


def mean(*tensors: Tensor) -> Tensor:
    return reduce(torch.add, tensors) / len(tensors)


def clip(x: Tensor, low: Any = None, high: Any = None, **limits: float) -> Tensor:
    """Limit values; before opset 11 the limits are attributes."""
    low = limits.get("min") if low is None else low
    high = limits.get("max") if high is None else high
    return x if low is None and high is None else torch.clamp(x, low, high)


def hard_sigmoid(x: Tensor, *, alpha: float = 0.2, beta: float = 0.5) -> Tensor:
    return (alpha * x + beta).clamp(0, 1)


def elu(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    return functional.elu(x, alpha)


def celu(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    return functional.celu(x, alpha)


def selu(x: Tensor, *, alpha: float = 1.6732632, gamma: float = 1.0507010) -> Tensor:
    return gamma * functional.elu(x, alpha)


def leaky_relu(x: Tensor, *, alpha: float = 0.01) -> Tensor:
    return functional.leaky_relu(x, alpha)


def thresholded_relu(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    return torch.where(x > alpha, x, torch.zeros_like(x))


def prelu(x: Tensor, slope: Tensor) -> Tensor:
    return torch.where(x < 0, x * slope, x)


def gelu(x: Tensor, *, approximate: str = "none") -> Tensor:
    return functional.gelu(x, approximate=approximate)


def swish(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    return x * torch.sigmoid(alpha * x)


def softmax(x: Tensor, *, axis: int = -1) -> Tensor:
    return torch.softmax(x, axis)


def log_softmax(x: Tensor, *, axis: int = -1) -> Tensor:
    return torch.log_softmax(x, axis)


def flat_softmax(x: Tensor, *, axis: int = 1) -> Tensor:
    """Softmax before opset 13: over all axes from one on."""
    return torch.softmax(x.flatten(axis % x.ndim), -1).reshape(x.shape)


def where(condition: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.where(condition.bool(), a, b)


def cast(x: Tensor, *, to: str, saturate: int = 1) -> Tensor:
    """Change the type of the elements; the importer names it as torch does."""
    from zoo.inference.imported.arguments import TYPES

    return x.to(TYPES[to])


def matmul(a: Tensor, b: Tensor) -> Tensor:
    return torch.matmul(a, b)


def gemm(
    a: Tensor,
    b: Tensor,
    c: Tensor | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> Tensor:
    product = alpha * ((a.mT if transA else a) @ (b.mT if transB else b))
    return product if c is None else product + beta * c


def einsum(*tensors: Tensor, equation: str) -> Tensor:
    return torch.einsum(equation.replace(" ", ""), *tensors)


def _axes(axes: Numbers, x: Tensor, noop: int) -> list[int]:
    if axes is None or axes == []:
        return [] if noop else list(range(x.ndim))
    return [axes] if isinstance(axes, int) else list(axes)


def reduction(function: Callable[[Tensor, list[int], bool], Tensor]) -> Callable[..., Tensor]:
    """Make an operator that reduces axes, which are an input or an attribute."""

    def compute(
        x: Tensor,
        positions: Numbers = None,
        *,
        axes: Numbers = None,
        keepdims: int = 1,
        noop_with_empty_axes: int = 0,
    ) -> Tensor:
        over = _axes(positions if positions is not None else axes, x, noop_with_empty_axes)
        return function(x, over, bool(keepdims)) if over else x

    return compute


def product(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    for axis in sorted((axis % x.ndim for axis in axes), reverse=True):
        x = x.prod(axis, keepdim=keep)
    return x


def extreme(name: str) -> Callable[..., Tensor]:
    """Make ArgMax or ArgMin."""

    def compute(x: Tensor, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Tensor:
        if select_last_index:
            last = getattr(x.flip(axis), name)(axis, keepdim=bool(keepdims))
            return x.shape[axis] - 1 - last
        return getattr(x, name)(axis, keepdim=bool(keepdims))

    return compute


def cumulative_sum(x: Tensor, axis: Any, *, exclusive: int = 0, reverse: int = 0) -> Tensor:
    axis = int(axis[0] if isinstance(axis, list) else axis)
    x = x.flip(axis) if reverse else x
    total = x.cumsum(axis) - (x if exclusive else 0)
    return total.flip(axis) if reverse else total


def layer_norm(
    x: Tensor,
    scale: Tensor,
    bias: Tensor | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
) -> Tensor:
    shape = [int(size) for size in x.shape[axis % x.ndim :]]  # not traced: an exporter takes only numbers
    normal = functional.layer_norm(x, shape, None, None, epsilon) * scale
    return normal if bias is None else normal + bias


def instance_norm(x: Tensor, scale: Tensor, bias: Tensor, *, epsilon: float = 1e-5) -> Tensor:
    axes = tuple(range(2, x.ndim))
    variance, average = torch.var_mean(x, axes, correction=0, keepdim=True)
    by_channel = [1, -1, *[1] * (x.ndim - 2)]
    normal = (x - average) * torch.rsqrt(variance + epsilon)
    return normal * scale.reshape(by_channel) + bias.reshape(by_channel)


def group_norm(
    x: Tensor, scale: Tensor, bias: Tensor, *, num_groups: int, epsilon: float = 1e-5, stash_type: int = 1
) -> Tensor:
    if len(scale) == num_groups and num_groups < x.shape[1]:  # before opset 21: one for each group
        scale, bias = (each.repeat_interleave(x.shape[1] // num_groups) for each in (scale, bias))
    return functional.group_norm(x, num_groups, scale, bias, epsilon)


def local_response_norm(
    x: Tensor, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0
) -> Tensor:
    return functional.local_response_norm(x, size, alpha, beta, bias)


def lp_norm(x: Tensor, *, axis: int = -1, p: int = 2) -> Tensor:
    length = x.norm(p, axis, keepdim=True)
    return torch.where(length == 0, torch.zeros_like(x), x / length)


ARITHMETIC: dict[str, Callable[..., Any]] = {
    **{
        name: unary(function)
        for name, function in {
            "Abs": torch.abs,
            "Ceil": torch.ceil,
            "Cos": torch.cos,
            "Erf": torch.erf,
            "Exp": torch.exp,
            "Floor": torch.floor,
            "IsNaN": torch.isnan,
            "Log": torch.log,
            "Mish": functional.mish,
            "Neg": torch.neg,
            "Not": torch.logical_not,
            "Reciprocal": torch.reciprocal,
            "Relu": torch.relu,
            "HardSwish": functional.hardswish,
            "Round": torch.round,
            "Sigmoid": torch.sigmoid,
            "Sign": torch.sign,
            "Sin": torch.sin,
            "Softplus": functional.softplus,
            "Softsign": functional.softsign,
            "Sqrt": torch.sqrt,
            "Tan": torch.tan,
            "Tanh": torch.tanh,
            "Atan": torch.atan,
        }.items()
    },
    **{
        name: binary(function)
        for name, function in {
            "Add": torch.add,
            "Sub": torch.sub,
            "Mul": torch.mul,
            "Div": div,
            "Pow": power,
            "Equal": torch.eq,
            "Less": torch.lt,
            "LessOrEqual": torch.le,
            "Greater": torch.gt,
            "GreaterOrEqual": torch.ge,
            "And": torch.logical_and,
            "Or": torch.logical_or,
            "Xor": torch.logical_xor,
        }.items()
    },
    "Max": variadic(torch.maximum),
    "Min": variadic(torch.minimum),
    "Sum": variadic(torch.add),
    "Mean": mean,
    "Mod": mod,
    "Clip": clip,
    "HardSigmoid": hard_sigmoid,
    "Elu": elu,
    "Celu": celu,
    "Selu": selu,
    "LeakyRelu": leaky_relu,
    "ThresholdedRelu": thresholded_relu,
    "PRelu": prelu,
    "Gelu": gelu,
    "Swish": swish,
    "Softmax": softmax,
    "LogSoftmax": log_softmax,
    "FlatSoftmax": flat_softmax,
    "Where": where,
    "Cast": cast,
    "MatMul": matmul,
    "Gemm": gemm,
    "Einsum": einsum,
    "ReduceMean": reduction(lambda x, axes, keep: x.mean(axes, keepdim=keep)),
    "ReduceSum": reduction(lambda x, axes, keep: x.sum(axes, keepdim=keep)),
    "ReduceMax": reduction(lambda x, axes, keep: x.amax(axes, keepdim=keep)),
    "ReduceMin": reduction(lambda x, axes, keep: x.amin(axes, keepdim=keep)),
    "ReduceProd": reduction(product),
    "ReduceL1": reduction(lambda x, axes, keep: x.abs().sum(axes, keepdim=keep)),
    "ReduceL2": reduction(lambda x, axes, keep: x.square().sum(axes, keepdim=keep).sqrt()),
    "ReduceSumSquare": reduction(lambda x, axes, keep: x.square().sum(axes, keepdim=keep)),
    "ReduceLogSum": reduction(lambda x, axes, keep: x.sum(axes, keepdim=keep).log()),
    "ReduceLogSumExp": reduction(lambda x, axes, keep: x.logsumexp(axes, keepdim=keep)),
    "ArgMax": extreme("argmax"),
    "ArgMin": extreme("argmin"),
    "CumSum": cumulative_sum,
    "LayerNormalization": layer_norm,
    "InstanceNormalization": instance_norm,
    "GroupNormalization": group_norm,
    "LRN": local_response_norm,
    "LpNormalization": lp_norm,
}
