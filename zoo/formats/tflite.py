"""The constants of TensorFlow Lite's graphs (``.tflite``), de-quantized.

The library flatbuffers reads them; of the format's own description only the places of the fields that hold
constants are needed (tensorflow/tensorflow, ``tensorflow/compiler/mlir/lite/schema/schema.fbs``). Nothing of
the graph runs.
"""

import struct
from math import prod
from pathlib import Path

import numpy as np
from flatbuffers import encode, packer
from flatbuffers.table import Table

from zoo.core.errors import WeightsError
from zoo.formats import sizes

_MODEL = {"operator_codes": 1, "subgraphs": 2, "buffers": 4}
_CODE = {"deprecated": 0, "custom": 1, "builtin": 3}
_CUSTOM = 32  # BuiltinOperator.CUSTOM
_SUBGRAPH = {"tensors": 0}
_TENSOR = {"shape": 0, "type": 1, "buffer": 2, "name": 3, "quantization": 4, "sparsity": 6}
_BUFFER = {"data": 0, "offset": 1}
_QUANTIZATION = {"scale": 2, "zero_point": 3, "details": 5, "dimension": 6}
_TYPES = {0: "<f4", 1: "<f2", 2: "<i4", 3: "|u1", 4: "<i8", 6: "|b1", 7: "<i2", 9: "|i1", 10: "<f8"}
_IDENTIFIER = b"TFL3"
_MAX_AXES = 32
# What a file that is none, is truncated or asks for more memory than there is raises.
_BROKEN = (OSError, ValueError, MemoryError, OverflowError, struct.error, TypeError, IndexError)


class _Node:
    """A table of the file, whose vectors are checked against the size of the file before they are read."""

    def __init__(self, content: bytes, position: int):
        if not 0 <= position < len(content):
            raise ValueError("an offset leads out of the file")
        self._content, self._table = content, Table(bytearray(0), 0)
        self._table.Bytes, self._table.Pos = content, position

    def _place(self, field: int) -> int:
        offset = self._table.Offset(4 + 2 * field)
        return self._table.Pos + offset if offset else 0

    def number(self, field: int, kind: struct.Struct, default: int = 0) -> int:
        place = self._place(field)
        return encode.Get(kind, self._content, place) if place else default

    def _vector(self, field: int, width: int) -> tuple[int, int]:
        place = self._place(field)
        if not place:
            return 0, 0
        start = place + encode.Get(packer.uoffset, self._content, place)
        count = encode.Get(packer.uoffset, self._content, start)
        if start + 4 + count * width > len(self._content):
            raise ValueError("a vector is longer than the file")
        return start + 4, count

    def array(self, field: int, kind: str) -> np.ndarray:
        dtype = np.dtype(kind)
        start, count = self._vector(field, dtype.itemsize)
        return np.frombuffer(self._content, dtype, count, start)

    def node(self, field: int) -> "_Node | None":
        place = self._place(field)
        return _Node(self._content, self._table.Indirect(place)) if place else None

    def nodes(self, field: int) -> "list[_Node]":
        start, count = self._vector(field, 4)
        return [_Node(self._content, self._table.Indirect(start + 4 * i)) for i in range(count)]


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Read every constant of the main graph, quantized ones as float32.

    Quantized values become (value - zero point) · scale, by the tensor or by slices of one of its axes.

    Raises
    ------
    WeightsError
        If the file is not a TensorFlow Lite model with constants, is truncated or contradicts itself.
    """
    tensors: dict[str, np.ndarray] = {}
    try:
        content = Path(path).read_bytes()
        if content[4:8] != _IDENTIFIER:
            raise ValueError("it does not begin as one")
        model = _Node(content, encode.Get(packer.uoffset, content, 0))
        graphs, buffers = model.nodes(_MODEL["subgraphs"]), model.nodes(_MODEL["buffers"])
        if not graphs:
            raise ValueError("it has no graph")
        size = 0
        for tensor in graphs[0].nodes(_SUBGRAPH["tensors"]):
            number = tensor.number(_TENSOR["buffer"], packer.uint32)
            data = buffers[number].array(_BUFFER["data"], "|u1")
            if not len(data):
                continue  # not a constant, or in a part of the file behind the graph
            name = bytes(tensor.array(_TENSOR["name"], "|u1")).decode()
            if name in tensors:
                raise ValueError(f"it has two constants {name!r}")
            size += 4 * len(data)
            sizes.require(path, size)
            tensors[name] = _array(tensor, data, name)
        if not tensors:
            raise ValueError("it has no constants")
    except _BROKEN as error:
        raise WeightsError(f"{path} is not a complete TensorFlow Lite file: {error}.") from error
    return tensors


def custom_operators(path: str | Path) -> list[str]:
    """Return the names of the operators that are not those of TensorFlow Lite itself.

    Raises
    ------
    WeightsError
        If the file is damaged.
    """
    try:
        content = Path(path).read_bytes()
        model = _Node(content, encode.Get(packer.uoffset, content, 0))
        names: list[str] = []
        for code in model.nodes(_MODEL["operator_codes"]):
            name = bytes(code.array(_CODE["custom"], "|u1")).decode(errors="replace")
            numbers = (
                code.number(_CODE["deprecated"], packer.int8),
                code.number(_CODE["builtin"], packer.int32),
            )
            if name or _CUSTOM in numbers:
                names.append(name)
        return names
    except _BROKEN as error:
        raise WeightsError(f"{path} is not a complete TensorFlow Lite file: {error}.") from error


def _array(tensor: _Node, data: np.ndarray, name: str) -> np.ndarray:
    kind = tensor.number(_TENSOR["type"], packer.int8)
    shape = tuple(tensor.array(_TENSOR["shape"], "<i4").tolist())
    if kind not in _TYPES or tensor.node(_TENSOR["sparsity"]):
        raise ValueError(f"{name} is sparse, or has values of an unknown type, number {kind}")
    width = np.dtype(_TYPES[kind]).itemsize
    if len(shape) > _MAX_AXES or min(shape, default=1) < 0 or prod(shape) * width != len(data):
        raise ValueError(f"{name} should have the shape {shape} and has {len(data)} bytes")
    values = data.view(_TYPES[kind]).reshape(shape)
    return _scaled(values, tensor.node(_TENSOR["quantization"]), name)


def _scaled(values: np.ndarray, quantization: "_Node | None", name: str) -> np.ndarray:
    """De-quantize, where there is a scale."""
    shape = values.shape
    scale = quantization.array(_QUANTIZATION["scale"], "<f4") if quantization else np.zeros(0)
    if quantization is None or not len(scale):
        return values.copy()
    if quantization.node(_QUANTIZATION["details"]):
        raise ValueError(f"{name} is quantized in a way of its own")
    zero = quantization.array(_QUANTIZATION["zero_point"], "<i8")
    axis = quantization.number(_QUANTIZATION["dimension"], packer.int32)
    zero = zero if len(zero) else np.zeros(len(scale), np.int64)
    fits = len(scale) == 1 or (0 <= axis < len(shape) and shape[axis] == len(scale))
    if not fits or len(zero) != len(scale):
        raise ValueError(f"{name} has {len(scale)} scales and {len(zero)} zero points along axis {axis}")
    along = [1] * len(shape)
    if len(scale) > 1:
        along[axis] = -1
    return ((values.astype(np.float64) - zero.reshape(along)) * scale.reshape(along)).astype(np.float32)
