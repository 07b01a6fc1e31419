"""The closed table of PyTorch's operators (aten) that an exported program may name, as nodes of ONNX.

Each function takes a `Writer` and the arguments of a call by their names in PyTorch, and returns the name of
what it computes. A tensor is its name, a size that is not fixed a `Size`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import torch


class Size(NamedTuple):
    """The name of a tensor of one whole number, a size that the graph computes."""

    name: str


class Writer(Protocol):
    """What writes nodes."""

    def node(self, kind: str, inputs: Sequence[str], count: int = 1, **attributes: Any) -> Any: ...
    def constant(self, value: Any) -> str: ...
    def tensor(self, name: str) -> torch.Tensor | None: ...
    def shape(self, name: str) -> tuple[int | None, ...]: ...
    def dtype(self, name: str) -> torch.dtype: ...


Converter = Callable[[Writer, dict[str, Any]], Any]
MAX_PARTS = 10_000  # that one tensor is cut into
MAX_FILLED = 1 << 20  # elements of a weight that a layer does not have


def _pair(value: Any, length: int = 2) -> list[int]:
    values = list(value) if isinstance(value, list | tuple) else [value]
    return values * length if len(values) == 1 else values


def _only(arguments: dict[str, Any], **allowed: Any) -> None:
    """Refuse arguments with other values than those that are converted."""
    for name, value in allowed.items():
        if arguments.get(name, value) != value:
            raise NotImplementedError(f"{name}={str(arguments[name])[:40]} is not converted")


def _axes(writer: Writer, values: Sequence[int | Size]) -> str:
    """Return a tensor of whole numbers, some of which the graph computes."""
    if not any(isinstance(value, Size) for value in values):
        return writer.constant(torch.tensor(list(values), dtype=torch.int64))
    parts = [
        value.name if isinstance(value, Size) else writer.constant(torch.tensor([value])) for value in values
    ]
    return writer.node("Concat", parts, axis=0)


def _filled(writer: Writer, shape: Sequence[int | None], value: float) -> str:
    """Return a weight that a layer does not have; a stranger may state any shape."""
    sides = [side or 0 for side in shape]
    if torch.empty(sides, device="meta").numel() > MAX_FILLED:
        raise NotImplementedError(f"it has more than {MAX_FILLED} channels")
    return writer.constant(torch.full(sides, value))


def _first(arguments: dict[str, Any]) -> Any:
    return arguments["self"] if "self" in arguments else arguments["input"]


def same(writer: Writer, a: dict[str, Any]) -> str:
    """Return the first tensor: the operator does nothing when a network is used."""
    _only(a, train=False)
    return _first(a)


def unary(operator: str, **attributes: Any) -> Converter:
    return lambda writer, a: writer.node(operator, [_first(a)], **attributes)


def binary(operator: str) -> Converter:
    def convert(writer: Writer, a: dict[str, Any]) -> Any:
        _only(a, alpha=1)
        one, other = a["self"], a["other"]
        if not (isinstance(one, str | Size) and isinstance(other, str | Size)):
            tensor = one if isinstance(one, str) else other
            kind = writer.dtype(tensor) if isinstance(tensor, str) else torch.int64
            one, other = (
                value if isinstance(value, str | Size) else writer.constant(torch.tensor(value, dtype=kind))
                for value in (one, other)
            )
        return writer.node(operator, [v.name if isinstance(v, Size) else v for v in (one, other)])

    return convert


def convolution(writer: Writer, a: dict[str, Any]) -> str:
    weight = writer.shape(a["weight"])
    rank = len(weight) - 2
    pads = a.get("padding", 0)
    if isinstance(pads, str):
        padding: dict[str, Any] = {"auto_pad": {"same": "SAME_UPPER", "valid": "VALID"}[pads]}
    else:
        padding = {"pads": _pair(pads, rank) * 2}
    inputs = [a["input"], a["weight"], *([a["bias"]] if a.get("bias") else [])]
    return writer.node(
        "Conv",
        inputs,
        kernel_shape=list(weight[2:]),
        strides=_pair(a.get("stride", 1), rank),
        dilations=_pair(a.get("dilation", 1), rank),
        group=a.get("groups", 1),
        **padding,
    )


def batch_norm(writer: Writer, a: dict[str, Any]) -> str:
    if a["training"]:
        raise NotImplementedError("it was exported for training; call eval() before torch.export.export")
    width = writer.shape(a["running_mean"])
    weight = a.get("weight") or _filled(writer, width, 1.0)
    bias = a.get("bias") or _filled(writer, width, 0.0)
    inputs = [a["input"], weight, bias, a["running_mean"], a["running_var"]]
    return writer.node("BatchNormalization", inputs, epsilon=a["eps"])


def layer_norm(writer: Writer, a: dict[str, Any]) -> str:
    shape = a["normalized_shape"]
    weight = a.get("weight") or _filled(writer, shape, 1.0)
    inputs = [a["input"], weight, *([a["bias"]] if a.get("bias") else [])]
    return writer.node("LayerNormalization", inputs, axis=-len(shape), epsilon=a.get("eps", 1e-5))


def linear(writer: Writer, a: dict[str, Any]) -> str:
    weight, bias = a["weight"], a.get("bias")
    if len(writer.shape(a["input"])) == 2:
        return writer.node("Gemm", [a["input"], weight, *([bias] if bias else [])], transB=1)
    stored = writer.tensor(weight)
    turned = writer.constant(stored.T) if stored is not None else writer.node("Transpose", [weight])
    product = writer.node("MatMul", [a["input"], turned])
    return writer.node("Add", [product, bias]) if bias else product


def attention(writer: Writer, a: dict[str, Any]) -> str:
    _only(a, is_causal=False, dropout_p=0.0, enable_gqa=False)
    width = writer.shape(a["query"])[-1]
    rank = len(writer.shape(a["key"]))
    scale = a.get("scale") or (width or 1) ** -0.5
    order = [*range(rank - 2), rank - 1, rank - 2]
    scores = writer.node("MatMul", [a["query"], writer.node("Transpose", [a["key"]], perm=order)])
    scores = writer.node("Mul", [scores, writer.constant(torch.tensor(float(scale)))])
    if a.get("attn_mask"):
        if writer.dtype(a["attn_mask"]) == torch.bool:
            raise NotImplementedError("a mask of truth values is not converted")
        scores = writer.node("Add", [scores, a["attn_mask"]])
    return writer.node("MatMul", [writer.node("Softmax", [scores], axis=-1), a["value"]])


def silu(writer: Writer, a: dict[str, Any]) -> str:
    return writer.node("Mul", [a["self"], writer.node("Sigmoid", [a["self"]])])


def gelu(writer: Writer, a: dict[str, Any]) -> str:
    return writer.node("Gelu", [a["self"]], approximate=a.get("approximate", "none"))


def clip(low: str, high: str, default: tuple[float | None, float | None] = (None, None)) -> Converter:
    def convert(writer: Writer, a: dict[str, Any]) -> str:
        limits = [a.get(name, value) for name, value in zip((low, high), default, strict=True)]
        names = ["" if x is None else writer.constant(torch.tensor(float(x))) for x in limits]
        return writer.node("Clip", [a["self"], *names])

    return convert


def reshape(writer: Writer, a: dict[str, Any]) -> str:
    return writer.node("Reshape", [a["self"], _axes(writer, a["size"] if "size" in a else a["shape"])])


def flatten(writer: Writer, a: dict[str, Any]) -> str:
    shape = writer.shape(a["self"])
    start, end = (a.get(k, d) % len(shape) for k, d in (("start_dim", 0), ("end_dim", -1)))
    if start == 1 and end == len(shape) - 1:
        return writer.node("Flatten", [a["self"]], axis=1)
    return _reshaped(writer, a["self"], [0] * start, [-1], shape[end + 1 :])


def unflatten(writer: Writer, a: dict[str, Any]) -> str:
    shape = writer.shape(a["self"])
    axis = a["dim"] % len(shape)
    return _reshaped(writer, a["self"], [0] * axis, a["sizes"], shape[axis + 1 :])


def _reshaped(writer: Writer, name: str, before: Any, middle: Any, behind: Any) -> str:
    if None in behind:
        raise NotImplementedError("an axis behind is of any size")
    return writer.node("Reshape", [name, _axes(writer, [*before, *middle, *behind])])


def permute(writer: Writer, a: dict[str, Any]) -> str:
    rank = len(writer.shape(a["self"]))
    return writer.node("Transpose", [a["self"]], perm=[axis % rank for axis in a["dims"]])


def transpose(writer: Writer, a: dict[str, Any]) -> str:
    order = list(range(len(writer.shape(a["self"]))))
    one, other = (a[key] % len(order) for key in ("dim0", "dim1"))
    order[one], order[other] = order[other], order[one]
    return writer.node("Transpose", [a["self"]], perm=order)


def squeezing(operator: str) -> Converter:
    def convert(writer: Writer, a: dict[str, Any]) -> str:
        rank = len(writer.shape(a["self"])) + (operator == "Unsqueeze")
        axes = [axis % rank for axis in _pair(a["dim"], 1)]
        if operator == "Squeeze":
            axes = [axis for axis in axes if writer.shape(a["self"])[axis] == 1]
        return writer.node(operator, [a["self"], _axes(writer, axes)]) if axes else a["self"]

    return convert


def select(writer: Writer, a: dict[str, Any]) -> str:
    index = writer.constant(torch.tensor(a["index"], dtype=torch.int64))
    return writer.node("Gather", [a["self"], index], axis=a["dim"])


def cut(writer: Writer, a: dict[str, Any]) -> str:
    start, end = a.get("start"), a.get("end")
    start, end = 0 if start is None else start, 2**63 - 1 if end is None else end
    ranges = [[start], [end], [a.get("dim", 0)], [a.get("step", 1)]]
    return writer.node("Slice", [a["self"], *(_axes(writer, values) for values in ranges)])


def expand(writer: Writer, a: dict[str, Any]) -> str:
    return writer.node("Expand", [a["self"], _axes(writer, [1 if s == -1 else s for s in a["size"]])])


def cat(writer: Writer, a: dict[str, Any]) -> str:
    return writer.node("Concat", a["tensors"], axis=a.get("dim", 0))


def unbind(writer: Writer, a: dict[str, Any]) -> list[str]:
    axis = a.get("dim", 0)
    parts = _split(writer, a["self"], axis, 1)
    return [writer.node("Squeeze", [part, _axes(writer, [axis])]) for part in parts]


def chunk(writer: Writer, a: dict[str, Any]) -> list[str]:
    axis = a.get("dim", 0)
    if "chunks" not in a:
        return _split(writer, a["self"], axis, a["split_size"])
    return _split(writer, a["self"], axis, -(-(writer.shape(a["self"])[axis] or 0) // a["chunks"]))


def _split(writer: Writer, name: str, axis: int, width: int) -> list[str]:
    size = writer.shape(name)[axis]
    if size is None:
        raise NotImplementedError("it cuts an axis of any size")
    begins = range(0, size, width)
    if len(begins) > MAX_PARTS:
        raise NotImplementedError(f"it cuts an axis into more than {MAX_PARTS} parts")
    widths = [min(width, size - begin) for begin in begins]
    return writer.node("Split", [name, _axes(writer, widths)], count=len(widths), axis=axis)


def mean(writer: Writer, a: dict[str, Any]) -> str:
    _only(a, dtype=None)
    axes = _axes(writer, _pair(a["dim"], 1))
    return writer.node("ReduceMean", [a["self"], axes], keepdims=int(a.get("keepdim", False)))


def softmax(operator: str) -> Converter:
    def convert(writer: Writer, a: dict[str, Any]) -> str:
        _only(a, dtype=None)
        return writer.node(operator, [a["self"]], axis=a["dim"])

    return convert


def average_pool(writer: Writer, a: dict[str, Any]) -> str:
    _only(a, divisor_override=None)
    attributes = _window(a) | {"count_include_pad": int(a.get("count_include_pad", True))}
    return writer.node("AveragePool", [a["self"]], **attributes)


def max_pool(writer: Writer, a: dict[str, Any]) -> str:
    return writer.node("MaxPool", [a["self"]], dilations=_pair(a.get("dilation", 1)), **_window(a))


def _window(a: dict[str, Any]) -> dict[str, Any]:
    kernel = _pair(a["kernel_size"])
    return {
        "kernel_shape": kernel,
        "strides": _pair(a.get("stride") or kernel),
        "pads": _pair(a.get("padding", 0)) * 2,
        "ceil_mode": int(a.get("ceil_mode", False)),
    }


def adaptive_pool(operator: str) -> Converter:
    def convert(writer: Writer, a: dict[str, Any]) -> str:
        size, sides = _pair(a["output_size"]), writer.shape(a["self"])[-2:]
        if size == [1, 1]:
            return writer.node(f"Global{operator}", [a["self"]])
        if tuple(size) == sides:
            return a["self"]
        if any(side is None or side % own for side, own in zip(sides, size, strict=True)):
            raise NotImplementedError(f"it divides {sides} into {size}")
        kernel = [side // own for side, own in zip(sides, size, strict=True) if side]
        return writer.node(operator, [a["self"]], kernel_shape=kernel, strides=kernel)

    return convert


def pad(writer: Writer, a: dict[str, Any]) -> str:
    _only(a, mode="constant")
    widths, rank = a["pad"], len(writer.shape(a["self"]))
    begins, ends = [0] * rank, [0] * rank
    for i in range(len(widths) // 2):
        begins[rank - 1 - i], ends[rank - 1 - i] = widths[2 * i], widths[2 * i + 1]
    value = writer.constant(torch.tensor(float(a.get("value") or 0)))
    return writer.node("Pad", [a["self"], _axes(writer, begins + ends), value])


def size(writer: Writer, a: dict[str, Any]) -> Size:
    index = writer.constant(torch.tensor([a["dim"]], dtype=torch.int64))
    return Size(writer.node("Gather", [writer.node("Shape", [a["self"]]), index], axis=0))


ATEN: dict[str, Converter] = {
    "conv1d.default": convolution,
    "conv2d.default": convolution,
    "conv2d.padding": convolution,
    "batch_norm.default": batch_norm,
    "layer_norm.default": layer_norm,
    "linear.default": linear,
    "scaled_dot_product_attention.default": attention,
    "matmul.default": binary("MatMul"),
    "add.Tensor": binary("Add"),
    "sub.Tensor": binary("Sub"),
    "mul.Tensor": binary("Mul"),
    "div.Tensor": binary("Div"),
    "relu.default": unary("Relu"),
    "sigmoid.default": unary("Sigmoid"),
    "tanh.default": unary("Tanh"),
    "hardswish.default": unary("HardSwish"),
    "hardsigmoid.default": unary("HardSigmoid", alpha=1 / 6, beta=0.5),
    "silu.default": silu,
    "gelu.default": gelu,
    "hardtanh.default": clip("min_val", "max_val", (-1.0, 1.0)),
    "relu6.default": clip("low", "high", (0.0, 6.0)),
    "clamp.default": clip("min", "max"),
    "softmax.int": softmax("Softmax"),
    "log_softmax.int": softmax("LogSoftmax"),
    "dropout.default": same,
    "contiguous.default": same,
    "view.default": reshape,
    "reshape.default": reshape,
    "flatten.using_ints": flatten,
    "unflatten.int": unflatten,
    "permute.default": permute,
    "transpose.int": transpose,
    "squeeze.dim": squeezing("Squeeze"),
    "unsqueeze.default": squeezing("Unsqueeze"),
    "select.int": select,
    "slice.Tensor": cut,
    "expand.default": expand,
    "cat.default": cat,
    "unbind.int": unbind,
    "chunk.default": chunk,
    "split.Tensor": chunk,
    "mean.dim": mean,
    "avg_pool2d.default": average_pool,
    "max_pool2d.default": max_pool,
    "adaptive_avg_pool2d.default": adaptive_pool("AveragePool"),
    "adaptive_max_pool2d.default": adaptive_pool("MaxPool"),
    "pad.default": pad,
    "sym_size.int": size,
}
# Of tensors that do not depend on the input; PyTorch computes them once.
FOLDED = frozenset(
    {"_upsample_bicubic2d_aa.vec", "upsample_bicubic2d.vec", "upsample_bilinear2d.vec", "to.dtype"}
)
# Statements about tensors, which compute nothing.
STATEMENTS = frozenset(
    {"_assert_tensor_metadata.default", "_assert_scalar.default", "sym_constrain_range_for_size.default"}
)
SIZES = {"_operator.mul": "Mul", "_operator.add": "Add", "_operator.sub": "Sub", "_operator.floordiv": "Div"}
