"""The constants of ONNX graphs (``.onnx``): what an initializer holds, by its name.

The protobuf library reads them; of ONNX's own description of its messages only the fields that hold
initializers are needed (onnx/onnx, ``onnx/onnx.proto``), and the library onnx is not. Nothing of the graph
runs.
"""

from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError, Message

from zoo.core.errors import WeightsError
from zoo.formats.protobuf import message_classes

_MESSAGES = {
    "StringStringEntryProto": (("key", 1, "bytes", False),),
    "TensorProto": (
        ("dims", 1, "int64", True),
        ("data_type", 2, "int32", False),
        ("float_data", 4, "bytes", True),
        ("int32_data", 5, "int32", True),
        ("int64_data", 7, "int64", True),
        ("name", 8, "string", False),
        ("raw_data", 9, "bytes", False),
        ("double_data", 10, "bytes", True),
        ("uint64_data", 11, "uint64", True),
        ("external_data", 13, "StringStringEntryProto", True),
        ("data_location", 14, "int32", False),
    ),
    "GraphProto": (("initializer", 5, "TensorProto", True),),
    "ModelProto": (("graph", 7, "GraphProto", False),),
}
# TensorProto.DataType: the type of an array, and the field that holds its values where raw_data does not.
_TYPES = {
    1: ("<f4", "float_data"),
    2: ("<u1", "int32_data"),
    3: ("<i1", "int32_data"),
    4: ("<u2", "int32_data"),
    5: ("<i2", "int32_data"),
    6: ("<i4", "int32_data"),
    7: ("<i8", "int64_data"),
    9: ("|b1", "int32_data"),
    10: ("<f2", "int32_data"),
    11: ("<f8", "double_data"),
    12: ("<u4", "uint64_data"),
    13: ("<u8", "uint64_data"),
}
_HALF = 10  # whose values stand in int32_data as the bits of each
_MAX_AXES = 32
_MAX_TENSORS = 100_000  # so that a hostile file cannot make an object of every three bytes
# What a file that is none, is truncated or asks for more memory than there is raises.
_BROKEN = (DecodeError, OSError, OverflowError, ValueError, MemoryError)


@cache
def messages() -> dict[str, type[Message]]:
    """Classes of ONNX's messages by name, with the fields that hold initializers."""
    return message_classes("onnx.proto", _MESSAGES)


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Read every initializer of the main graph, in its own type.

    Raises
    ------
    WeightsError
        If the file is not an ONNX model with initializers, is truncated, contradicts itself, or keeps its
        values in other files.
    """
    tensors: dict[str, np.ndarray] = {}
    try:
        model: Any = messages()["ModelProto"].FromString(Path(path).read_bytes())
        initializers = model.graph.initializer
        if len(initializers) > _MAX_TENSORS:
            raise ValueError(f"it has more than {_MAX_TENSORS} initializers")
        for tensor in initializers:
            if not isinstance(tensor.name, str) or tensor.name in tensors:
                raise ValueError(f"it has two initializers {tensor.name!r}")
            tensors[tensor.name] = _array(tensor)
        if not tensors:
            raise ValueError("it has no initializers")
    except _BROKEN as error:
        raise WeightsError(f"{path} is not a complete ONNX file: {error}.") from error
    return tensors


def _array(tensor: Any) -> np.ndarray:
    name, shape = tensor.name, tuple(tensor.dims)
    if tensor.external_data or tensor.data_location:
        raise ValueError(f"the values of {name} are in another file; save the model as one file")
    if tensor.data_type not in _TYPES:
        raise ValueError(f"{name} has values of an unknown type, number {tensor.data_type}")
    if len(shape) > _MAX_AXES or min(shape, default=1) < 0:
        raise ValueError(f"{name} has the shape {shape}")
    kind, field = _TYPES[tensor.data_type]
    flat = _values(tensor, kind, field)
    if prod(shape) != flat.size:
        raise ValueError(f"{name} should have the shape {shape} and has {flat.size} values")
    return flat.reshape(shape).copy()


def _values(tensor: Any, kind: str, field: str) -> np.ndarray:
    if tensor.raw_data:
        return np.frombuffer(tensor.raw_data, kind)
    values = getattr(tensor, field)
    if field in ("float_data", "double_data"):  # packed: bytes on the wire
        return np.frombuffer(b"".join(values), kind)
    if tensor.data_type == _HALF:
        return np.array([value & 0xFFFF for value in values], "<u2").view(kind)
    return np.fromiter(values, kind, len(values))
