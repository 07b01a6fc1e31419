"""What an operator is called with: tensors, constants, and values that may depend on the batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import nn

from zoo.hub.imported import Constant, Node

TYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "int64": torch.int64,
    "int32": torch.int32,
    "uint8": torch.uint8,
    "int8": torch.int8,
    "bool": torch.bool,
}


class Function(nn.Module):
    """A layer that computes a function of tensors, as an operator of ONNX defines it.

    Subclasses are made from the table of operators; `compute` takes the operator's inputs by position and its
    attributes by name.

    Parameters
    ----------
    node : Node
    """

    compute: ClassVar[Callable[..., Any]]

    def __init__(self, node: Node):
        super().__init__()
        self.attributes = dict(node.attributes)
        self.values = {int(position): value for position, value in node.values.items()}
        self.count = max([len(node.inputs), *(p + 1 for p in self.values)])
        self.needs_rows = any(value.slopes for value in self.values.values())
        self.tensors: dict[int, str] = {}
        self.streams = [position for position, name in enumerate(node.inputs) if name]
        for position, constant in node.constants.items():
            self.tensors[int(position)] = f"constant_{position}"
            self.count = max(self.count, int(position) + 1)
            self._register(f"constant_{position}", constant)

    def _register(self, name: str, constant: Constant) -> None:
        tensor = torch.zeros(constant.shape, dtype=TYPES[constant.type])
        if tensor.is_floating_point() and tensor.numel() > 1:
            self.register_parameter(name, nn.Parameter(tensor))
        else:
            self.register_buffer(name, tensor)

    def forward(self, *tensors: torch.Tensor, rows: Any = None) -> Any:
        """Compute the operator; `rows` is the number of rows in the batch, if a value depends on it."""
        arguments: list[Any] = [None] * self.count
        for position, tensor in zip(self.streams, tensors, strict=True):
            arguments[position] = tensor
        for position, name in self.tensors.items():
            arguments[position] = getattr(self, name)
        for position, value in self.values.items():
            arguments[position] = value.resolve(rows)
        return type(self).compute(*arguments, **self.attributes)

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.attributes.items())
