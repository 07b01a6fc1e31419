"""Caffe's files (``.caffemodel``, ``.binaryproto``).

The protobuf library reads them; Caffe's own description of its messages is not needed, only the numbers of
the fields that hold weights (BVLC/caffe, ``src/caffe/proto/caffe.proto``), and all others are skipped.
"""

from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError, Message

from zoo.core.errors import WeightsError
from zoo.formats.protobuf import message_classes

# Fields as (name, number, type, repeated). Packed numbers look like bytes on the wire, and as bytes they
# become arrays without a Python object each; files that do not pack are read by the type after the bar.
_MESSAGES = {
    "BlobShape": (("dim", 1, "int64", True),),
    "BlobProto": (
        ("num", 1, "int64", False),
        ("channels", 2, "int64", False),
        ("height", 3, "int64", False),
        ("width", 4, "int64", False),
        ("data", 5, "bytes|float", True),
        ("shape", 7, "BlobShape", False),
        ("double_data", 8, "bytes|double", True),
    ),
    "V1LayerParameter": (
        ("name", 4, "string", False),
        ("type", 5, "int32", False),
        ("blobs", 6, "BlobProto", True),
    ),
    "LayerParameter": (
        ("name", 1, "string", False),
        ("type", 2, "string", False),
        ("blobs", 7, "BlobProto", True),
    ),
    "NetParameter": (("layers", 2, "V1LayerParameter", True), ("layer", 100, "LayerParameter", True)),
}
_LEGACY = ("num", "channels", "height", "width")
_INNER_PRODUCT = (14, "InnerProduct")  # in V1LayerParameter and in LayerParameter
_MAX_AXES = 32  # Caffe's own limit (kMaxBlobAxes)
_MAX_LAYERS = 10_000  # so that a hostile file cannot make an object of every three bytes
# What a file that is none, is truncated or asks for more memory than there is raises.
_BROKEN = (DecodeError, OSError, ValueError, MemoryError)


@cache
def messages(*, packed: bool = True) -> dict[str, type[Message]]:
    """Classes of Caffe's messages by name, with the fields that hold weights.

    Parameters
    ----------
    packed : bool
        Whether ``data`` and ``double_data`` are lists of little-endian bytes (what Caffe writes), or lists
        of numbers that are written one by one.
    """
    return message_classes("caffe.proto", _MESSAGES, 0 if packed else 1)


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Every blob of every layer as ``<layer>/<i>``, float32.

    Weights of convolutions are (out, in / groups, height, width), of inner products (out, in), biases (out,),
    also where an old file writes all of them with four dimensions.

    Raises
    ------
    WeightsError
        If the file is not a caffemodel with weights, is truncated or contradicts itself.
    """
    tensors: dict[str, np.ndarray] = {}
    try:
        for layer in _layers(path):
            if not isinstance(layer.name, str):  # but bytes that are not UTF-8
                raise ValueError(f"{layer.name!r} is not the name of a layer")
            for i, blob in enumerate(layer.blobs):
                key = f"{layer.name}/{i}"
                if key in tensors:
                    raise ValueError(f"it has two layers {layer.name!r}")
                tensors[key] = _array(blob, key, 1 if i else 2 if layer.type in _INNER_PRODUCT else 4)
        if not tensors:
            raise ValueError("it has no layers with weights")
    except _BROKEN as error:
        raise WeightsError(f"{path} is not a complete caffemodel: {error}.") from error
    return tensors


def read_mean(path: str | Path) -> np.ndarray:
    """Read the mean image of a ``.binaryproto``, (channels, height, width) float32, in Caffe's order BGR.

    Raises
    ------
    WeightsError
        If the file holds no such picture or is truncated.
    """
    try:
        mean = _array(_parse("BlobProto", path, packed=True), "the mean", 3)
        if mean.ndim != 3:
            raise ValueError(f"the mean has the shape {mean.shape}")
    except _BROKEN as error:
        raise WeightsError(f"{path} is not a complete mean picture of Caffe: {error}.") from error
    return mean


def _layers(path: str | Path) -> list[Any]:
    for packed in (True, False):
        net = _parse("NetParameter", path, packed=packed)
        if len(net.layer) + len(net.layers) > _MAX_LAYERS:
            raise ValueError(f"it has more than {_MAX_LAYERS} layers")
        layers = [*net.layer, *net.layers]
        first = next((blob for layer in layers for blob in layer.blobs), None)
        if first is None or first.data or first.double_data:
            break
    return layers


def _parse(name: str, path: str | Path, *, packed: bool) -> Any:
    return messages(packed=packed)[name].FromString(Path(path).read_bytes())


def _array(blob: Any, name: str, axes: int) -> np.ndarray:
    shape = _shape(blob, axes)
    kind, values = ("<f8", blob.double_data) if blob.double_data else ("<f4", blob.data)
    first = values[0] if values else b""
    if isinstance(first, bytes):
        flat = np.frombuffer(first if len(values) == 1 else b"".join(values), kind)
    else:
        flat = np.fromiter(values, kind, len(values))
    if min(shape, default=1) < 1 or prod(shape) != flat.size:
        raise ValueError(f"{name} should have the shape {shape} and has {flat.size} values")
    return flat.astype(np.float32).reshape(shape)


def _shape(blob: Any, axes: int) -> tuple[int, ...]:
    if any(blob.HasField(name) for name in _LEGACY):
        shape = tuple(getattr(blob, name) for name in _LEGACY)
        return shape[4 - axes :] if prod(shape[: 4 - axes]) == 1 else shape
    if len(blob.shape.dim) > _MAX_AXES:
        raise ValueError(f"a blob has more than {_MAX_AXES} dimensions")
    return tuple(blob.shape.dim)
