"""Operators of ONNX that move, cut, join, or resize tensors: functions of tensors.

Definitions: https://onnx.ai/onnx/operators. Shapes and positions are lists of numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

Numbers = Sequence[int] | int | None
MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}
_FAR = 1 << 62  # behind every end; exporters write the largest number there is


def listed(value: Any) -> list[Any]:
    """Return a number, a tensor of numbers, or a list as a list."""
    if isinstance(value, Tensor):
        return value.reshape(-1).tolist()
    return list(value) if isinstance(value, list | tuple) else [value]


def reshape(x: Tensor, shape: Any, *, allowzero: int = 0) -> Tensor:
    sizes = listed(shape)
    if not allowzero:
        sizes = [x.shape[i] if _is_number(size, 0) else size for i, size in enumerate(sizes)]
    return x.reshape(sizes)


def _is_number(size: Any, number: int) -> bool:
    return isinstance(size, int) and size == number


def flatten(x: Tensor, *, axis: int = 1) -> Tensor:
    axis = axis % x.ndim if x.ndim and axis < 0 else axis
    if axis == 1:
        return x.flatten(1) if x.ndim > 1 else x.unsqueeze(1)
    before = x.flatten(0, axis - 1) if axis else x.unsqueeze(0)
    return before.flatten(1) if before.ndim > 1 else before.unsqueeze(1)


def transpose(x: Tensor, *, perm: Sequence[int] | None = None) -> Tensor:
    return x.permute(*(perm if perm is not None else range(x.ndim - 1, -1, -1)))


def squeeze(x: Tensor, positions: Any = None, *, axes: Numbers = None) -> Tensor:
    over = positions if positions is not None else axes
    return x.squeeze() if over is None else x.squeeze(tuple(listed(over)))


def unsqueeze(x: Tensor, positions: Any = None, *, axes: Numbers = None) -> Tensor:
    over = listed(positions if positions is not None else axes)
    rank = x.ndim + len(over)
    for axis in sorted(axis % rank for axis in over):
        x = x.unsqueeze(axis)
    return x


def concat(*tensors: Tensor, axis: int) -> Tensor:
    return torch.cat(tensors, axis)


def split(
    x: Tensor,
    sizes: Any = None,
    *,
    axis: int = 0,
    split: Sequence[int] | None = None,
    num_outputs: int | None = None,
) -> tuple[Tensor, ...]:
    parts = sizes if sizes is not None else split
    if parts is None:
        return x.split(-(-x.shape[axis] // int(num_outputs or 1)), axis)
    return x.split(listed(parts), axis)


def slice_(
    x: Tensor,
    starts: Any = None,
    ends: Any = None,
    axes: Any = None,
    steps: Any = None,
    **attributes: Sequence[int],
) -> Tensor:
    """Cut ranges out of axes; before opset 10 they are attributes."""
    first = listed(starts if starts is not None else attributes["starts"])
    last = listed(ends if ends is not None else attributes["ends"])
    over = axes if axes is not None else attributes.get("axes", list(range(len(first))))
    for begin, end, axis, step in zip(
        first, last, listed(over), listed(steps) if steps is not None else [1] * len(first), strict=True
    ):
        if step > 0:
            begin, end = (min(max(place, -_FAR), _FAR) for place in (begin, end))
            index = [slice(None)] * (axis % x.ndim) + [slice(begin, end, step)]
            x = x[tuple(index)]
        else:
            positions = range(x.shape[axis])[slice(begin, None if end < -x.shape[axis] else end, step)]
            x = x.index_select(axis, torch.tensor(list(positions), dtype=torch.int64, device=x.device))
    return x


def gather(x: Tensor, indices: Any, *, axis: int = 0) -> Tensor:
    if isinstance(indices, int):
        return x.select(axis, indices)
    if not isinstance(indices, Tensor):
        indices = torch.tensor(indices, dtype=torch.int64, device=x.device)
    indices = torch.where(indices < 0, indices + x.shape[axis], indices).long()
    chosen = x.index_select(axis, indices.reshape(-1))
    axis %= x.ndim
    return chosen.reshape([*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]])


def gather_elements(x: Tensor, indices: Tensor, *, axis: int = 0) -> Tensor:
    return x.gather(axis, torch.where(indices < 0, indices + x.shape[axis], indices))


def expand(x: Tensor, shape: Any) -> Tensor:
    sizes = listed(shape)
    x = x.clone() if isinstance(x, nn.Parameter) else x  # a view of it would not be the output of a layer
    x = x.reshape([1] * (len(sizes) - x.ndim) + list(x.shape)) if len(sizes) > x.ndim else x
    sizes = [1] * (x.ndim - len(sizes)) + sizes
    return x.expand([-1 if _is_number(size, 1) else size for size in sizes])


def tile(x: Tensor, repeats: Any) -> Tensor:
    return x.repeat(listed(repeats))


def pad(
    x: Tensor, pads: Any = None, value: Any = None, axes: Any = None, *, mode: str = "constant", **older: Any
) -> Tensor:
    """Pad axes; negative widths cut. Before opset 11 widths and value are attributes."""
    widths = listed(pads if pads is not None else older["pads"])
    fill = value if value is not None else older.get("value", 0.0)
    over = [axis % x.ndim for axis in (listed(axes) if axes is not None else range(x.ndim))]
    edges: list[Any] = [0] * (2 * x.ndim)
    for i, axis in enumerate(over):
        edges[2 * (x.ndim - 1 - axis)] = widths[i]
        edges[2 * (x.ndim - 1 - axis) + 1] = widths[i + len(over)]
    while len(edges) > 2 and edges[-1] == 0 and edges[-2] == 0:
        edges = edges[:-2]
    if mode == "constant":
        return functional.pad(x, edges, value=float(listed(fill)[0]))
    # torch pads the last axes of three to five in these modes.
    axes_padded = len(edges) // 2
    if x.ndim in (axes_padded + 1, axes_padded + 2):
        return functional.pad(x, edges, mode=MODES[mode])
    shape = x.shape
    flat = x.reshape(-1, 1, *shape[x.ndim - axes_padded :])
    padded = functional.pad(flat, edges, mode=MODES[mode])
    return padded.reshape(*shape[: x.ndim - axes_padded], *padded.shape[2:])


def resize(
    x: Tensor,
    roi: Any = None,
    scales: Any = None,
    sizes: Any = None,
    *,
    mode: str = "nearest",
    coordinate_transformation_mode: str = "half_pixel",
    nearest_mode: str = "round_prefer_floor",
    axes: Sequence[int] | None = None,
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    antialias: int = 0,
    keep_aspect_ratio_policy: str = "stretch",
) -> Tensor:
    """Resize the axes behind the channels, as far as PyTorch does the same as ONNX.

    Raises
    ------
    NotImplementedError
        If it does not; the importer then leaves the operator to ONNX Runtime.
    """
    over = [axis % x.ndim for axis in axes] if axes is not None else list(range(x.ndim))
    full = [1.0] * x.ndim
    if sizes is not None and listed(sizes):
        for axis, size in zip(over, listed(sizes), strict=True):
            full[axis] = size / x.shape[axis]
        target = [round(full[axis] * x.shape[axis]) for axis in range(2, x.ndim)]
    else:
        for axis, scale in zip(over, listed(scales), strict=True):
            full[axis] = scale
        target = [int(x.shape[axis] * full[axis]) for axis in range(2, x.ndim)]
    if x.ndim < 3 or any(full[axis] != 1 and axis not in over for axis in range(x.ndim)):
        raise NotImplementedError("it resizes the batch or the channels")
    if target == list(x.shape[2:]):
        return x
    return _interpolated(
        x,
        target,
        mode,
        (coordinate_transformation_mode, nearest_mode),
        antialias=bool(antialias),
        plain=cubic_coeff_a == -0.75 and not exclude_outside and keep_aspect_ratio_policy == "stretch",
    )


def _interpolated(
    x: Tensor, target: list[int], mode: str, coordinates: tuple[str, str], *, antialias: bool, plain: bool
) -> Tensor:
    corners, rounding = coordinates
    whole = all(new % old == 0 for new, old in zip(target, x.shape[2:], strict=True))
    if mode == "nearest" and not antialias:
        if corners == "asymmetric" and (rounding == "floor" or whole):
            if rounding in ("floor", "round_prefer_floor") or not whole:
                return functional.interpolate(x, target, mode="nearest")
        elif corners.startswith("half_pixel") and rounding == "round_prefer_floor" and whole:
            return functional.interpolate(x, target, mode="nearest")
    elif mode in ("linear", "cubic") and plain:
        kinds = {("linear", 3): "linear", ("linear", 4): "bilinear", ("linear", 5): "trilinear"}
        kind = kinds.get((mode, x.ndim), "bicubic" if (mode, x.ndim) == ("cubic", 4) else "")
        half = corners == "half_pixel" or (corners == "pytorch_half_pixel" and min(target) > 1)
        if kind and (half or corners == "align_corners") and not (antialias and not half):
            smooth = {"antialias": True} if antialias else {}
            return functional.interpolate(
                x, target, mode=kind, align_corners=corners == "align_corners", **smooth
            )
    raise NotImplementedError(f"it resizes by {mode}, {corners}, {rounding}")


def upsample(x: Tensor, scales: Any = None, *, mode: str = "nearest", **older: Sequence[float]) -> Tensor:
    """Resize as before opset 10: nearest neighbors, rounded down."""
    factors = scales if scales is not None else older["scales"]
    return resize(
        x,
        None,
        factors,
        mode=mode,
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


def constant_of_shape(shape: Any, *, value: float = 0.0, type: str = "float32") -> Tensor:
    from zoo.inference.imported.arguments import TYPES

    return torch.full(listed(shape), value, dtype=TYPES[type])


def arange(start: Any, limit: Any, delta: Any) -> Tensor:
    first, last, step = (value[0] if isinstance(value, list) else value for value in (start, limit, delta))
    return torch.arange(first, last, step)


def depth_to_space(x: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    n, c, h, w = x.shape
    b = blocksize
    if mode == "CRD":
        return (
            x.reshape(n, c // b**2, b, b, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, c // b**2, h * b, w * b)
        )
    return x.reshape(n, b, b, c // b**2, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // b**2, h * b, w * b)


def space_to_depth(x: Tensor, *, blocksize: int) -> Tensor:
    n, c, h, w = x.shape
    b = blocksize
    return (
        x.reshape(n, c, h // b, b, w // b, b).permute(0, 3, 5, 1, 2, 4).reshape(n, c * b**2, h // b, w // b)
    )


def identity(x: Tensor) -> Tensor:
    return x


def dropout(x: Tensor, ratio: Any = None, mode: Any = None, **_: Any) -> Tensor:
    """Return the input: the file is of a network that is not trained as a graph."""
    return x


def trilu(x: Tensor, k: Any = None, *, upper: int = 1) -> Tensor:
    diagonal = 0 if k is None else int(listed(k)[0])
    return x.triu(diagonal) if upper else x.tril(diagonal)


def topk(x: Tensor, k: Any, *, axis: int = -1, largest: int = 1, sorted: int = 1) -> tuple[Tensor, Tensor]:
    values, indices = x.topk(int(listed(k)[0]), axis, bool(largest), bool(sorted))
    return values, indices


SHAPES: dict[str, Callable[..., Any]] = {
    "Reshape": reshape,
    "Flatten": flatten,
    "Transpose": transpose,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Concat": concat,
    "Split": split,
    "Slice": slice_,
    "Gather": gather,
    "GatherElements": gather_elements,
    "Expand": expand,
    "Tile": tile,
    "Pad": pad,
    "Resize": resize,
    "Upsample": upsample,
    "ConstantOfShape": constant_of_shape,
    "Range": arange,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "Identity": identity,
    "Dropout": dropout,
    "Trilu": trilu,
    "TopK": topk,
}

# Positions of inputs that are numbers rather than tensors: shapes, axes, widths, limits.
VALUE_POSITIONS: dict[str, tuple[int, ...]] = {
    "Reshape": (1,),
    "Squeeze": (1,),
    "Unsqueeze": (1,),
    "Split": (1,),
    "Slice": (1, 2, 3, 4),
    "Gather": (1,),
    "Expand": (1,),
    "Tile": (1,),
    "Pad": (1, 2, 3),
    "Resize": (1, 2, 3),
    "Upsample": (1,),
    "ConstantOfShape": (0,),
    "Range": (0, 1, 2),
    "Trilu": (1,),
    "TopK": (1,),
    "CumSum": (1,),
    "Clip": (1, 2),
    "Dropout": (1, 2),
    **{
        f"Reduce{name}": (1,)
        for name in (
            "Mean", "Sum", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSum", "LogSumExp",
        )
    },
}  # fmt: skip
