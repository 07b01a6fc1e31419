"""Nodes of an ONNX graph as the importer runs them, and the names that their layers get."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from zoo.hub.imported import Constant

_FLOATS = ("FLOAT", "FLOAT16", "BFLOAT16")


@dataclass
class Step:
    """A node that was run.

    Attributes
    ----------
    name : str
        In the file, or made of its operator and number.
    operator : str
        Key of the table of operators, or ONNX's where `by_runtime`.
    inputs : list of str
        Names of tensors by position; empty where there is none.
    outputs : list of str
    attributes : dict
    by_runtime : bool
        Whether ONNX Runtime is to compute it.
    proto : onnx.NodeProto
    reason : str
        Why ONNX Runtime is to compute it.
    """

    name: str
    operator: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]
    proto: Any
    by_runtime: bool = False
    reason: str = ""


def needs_shape(step: Step) -> bool:
    """Tell whether a layer is built for the shape of what it takes."""
    padded = step.attributes.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID")
    return step.operator == "BatchNormalization" or padded


def constant_of(tensor: torch.Tensor) -> Constant:
    """Describe a tensor in a record."""
    return Constant(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))  # pyright: ignore[reportArgumentType]


def layer_name(node: Any, position: int) -> str:
    """Return the name of a node as the name of a layer, which has no dots.

    PyTorch's older exporter writes ``/layer1/layer1.0/conv1/Conv``, its newer one keeps the names of modules
    beside the node; both give ``layer1/0/conv1/Conv``.
    """
    scopes = next((e.value for e in node.metadata_props if e.key == "pkg.torch.onnx.name_scopes"), "")
    modules = [scope for scope in re.findall(r"'([^']*)'", scopes)[:-1] if scope]
    if modules:
        name = f"{modules[-1]}/{node.op_type}"
    else:
        name = "/".join(_own_parts([part for part in node.name.split("/") if part]))
    name = re.sub(r"[\s.\0]+", "/", name).strip("/")[:200]
    return name or f"{node.op_type}_{position}"


def _own_parts(parts: list[str]) -> Iterator[str]:
    for before, part in zip(["", *parts], parts, strict=False):
        yield part.removeprefix(f"{before}.") if before else part


def torch_type(name: str) -> torch.dtype:
    if name in _FLOATS:
        return torch.float32
    types = {
        "DOUBLE": torch.float64,
        "INT64": torch.int64,
        "INT32": torch.int32,
        "UINT8": torch.uint8,
        "INT8": torch.int8,
        "BOOL": torch.bool,
    }
    if name not in types:
        raise NotImplementedError(f"it has elements of the type {name}")
    return types[name]
