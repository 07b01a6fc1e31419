"""A part of an ONNX file that no layer of ours computes: ONNX Runtime runs it, as it came."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from zoo.core.errors import EngineError, WeightsError
from zoo.core.extras import optional_libraries
from zoo.hub.imported import Node
from zoo.inference.imported.arguments import TYPES

ONNX_RUNTIME = "ONNXRuntime"
DOMAINS = ("", "ai.onnx", "ai.onnx.ml")  # operators that ONNX itself defines


class OnnxPart(nn.Module):
    """An operator that ONNX Runtime computes on the CPU; gradients stop here.

    The part of the file is a buffer of bytes of the module, so it is saved with the weights.

    Parameters
    ----------
    node : Node
        Its constant 0 is the part; ``shape_i`` and ``type_i`` of its values and attributes describe output i.
    """

    model: torch.Tensor
    stops_gradients = True

    def __init__(self, node: Node):
        super().__init__()
        (size,) = node.constants["0"].shape
        self.register_buffer("model", torch.zeros(size, dtype=torch.uint8))
        self.label = str(node.attributes.get("operator", "operator"))
        self.types = [TYPES[str(kind)] for kind in _listed(node.attributes["types"])]
        self.shapes = [node.values[f"shape_{i}"] for i in range(len(node.outputs))]
        self.needs_rows = True
        self._session: Any = None
        self._key: tuple[int, int] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Pickle and copy without the session, which is made again."""
        return self.__dict__ | {"_session": None, "_key": None}

    def forward(self, *tensors: torch.Tensor, rows: Any = None) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """Compute the outputs, without gradients."""
        if torch._C._get_tracing_state() is not None:
            raise RuntimeError(f"its operator {self.label} runs in ONNX Runtime only")
        device = tensors[0].device if tensors else self.model.device
        if device.type == "meta":
            outputs = [
                torch.empty(shape.resolve(rows), dtype=kind, device=device)
                for shape, kind in zip(self.shapes, self.types, strict=True)
            ]
        else:
            session = self._current()
            inputs = {
                field.name: tensor.detach().cpu().contiguous().numpy()
                for field, tensor in zip(session.get_inputs(), tensors, strict=True)
            }
            outputs = [torch.from_numpy(np.array(array)).to(device) for array in session.run(None, inputs)]
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def _current(self) -> Any:
        key = (self.model.data_ptr(), self.model._version)
        if self._session is None or self._key != key:
            from zoo.inference.engines.onnx import session_of

            content = self.model.cpu().numpy().tobytes()
            require_plain(content, f"the part {self.label}")
            try:
                self._session, self._key = session_of(content, torch.get_num_threads()), key
            except EngineError as error:
                raise RuntimeError(str(error)) from error
        return self._session

    def extra_repr(self) -> str:
        return self.label


def require_plain(content: bytes, name: str) -> Any:
    """Parse an ONNX file, which may only have operators of ONNX and may not name other files.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    WeightsError
        If it is not one, or has more.
    """
    with optional_libraries():
        import onnx

    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # of protobuf, whose classes differ between its implementations
        raise WeightsError(f"{name} is not a complete ONNX file.") from error
    for graph in graphs_of(model.graph):
        for node in graph.node:
            if node.domain not in DOMAINS:
                raise WeightsError(
                    f"{name} has the operator {node.op_type} of {node.domain}, a library of its own; "
                    "only operators of ONNX are run."
                )
        if any(tensor.data_location or tensor.external_data for tensor in graph.initializer):
            raise WeightsError(f"{name} keeps tensors in other files.")
    return model


def graphs_of(graph: Any, depth: int = 0) -> list[Any]:
    """List a graph and those inside of its nodes.

    Raises
    ------
    WeightsError
        If they are nested deeper than any network's.
    """
    if depth > 16:
        raise WeightsError("The file is damaged: its graphs are nested more than 16 deep.")
    result = [graph]
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node or inner.initializer:
                    result += graphs_of(inner, depth + 1)
    return result


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
