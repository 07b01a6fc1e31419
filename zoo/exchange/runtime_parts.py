"""Parts of an ONNX file that stay as they are: an operator as a graph of its own for ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

from zoo.core.errors import reason

Input = tuple[str, torch.Tensor | None, torch.Tensor | None]
"""A name, and its numbers if they are known, or else a tensor of its shape and type."""


def part(node: Any, inputs: list[Input], opset: int) -> bytes:
    """Return one node as an ONNX file, whose inputs are those that are not known.

    Raises
    ------
    NotImplementedError
        If the node has graphs of its own.
    """
    if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
        raise NotImplementedError("it runs graphs of its own")
    copied = onnx.NodeProto()
    copied.CopyFrom(node)
    copied.ClearField("metadata_props")
    copied.input[:] = [f"x{i}" if name else "" for i, (name, _, _) in enumerate(inputs)]
    copied.output[:] = [f"y{i}" for i in range(len(node.output))]
    constants = [
        numpy_helper.from_array(known.contiguous().numpy(), f"x{i}")
        for i, (name, known, _) in enumerate(inputs)
        if name and known is not None
    ]
    fields = [
        helper.make_tensor_value_info(f"x{i}", _element_type(example), None)
        for i, (name, _, example) in enumerate(inputs)
        if name and example is not None
    ]
    outputs = [helper.make_empty_tensor_value_info(name) for name in copied.output]
    graph = helper.make_graph([copied], "part", fields, outputs, constants)
    opsets = [helper.make_opsetid("", opset)]
    if node.domain:
        opsets.append(helper.make_opsetid(node.domain, 3))
    return helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()


def output_examples(node: Any, inputs: list[Input], opset: int) -> list[torch.Tensor]:
    """Run a node on ones, for the shapes and types of its outputs.

    Raises
    ------
    RuntimeError
        If ONNX Runtime does not run it.
    """
    feeds = {
        f"x{i}": torch.ones(example.shape, dtype=example.dtype).numpy()
        for i, (name, _, example) in enumerate(inputs)
        if name and example is not None
    }
    return _run(part(node, inputs, opset), feeds)


def constant_outputs(node: Any, inputs: list[Input], opset: int) -> list[torch.Tensor]:
    """Compute a node whose inputs are all known."""
    return _run(part(node, inputs, opset), {})


def _run(content: bytes, feeds: dict[str, np.ndarray]) -> list[torch.Tensor]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what fails is said in an error of ours
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        return [torch.from_numpy(np.array(array)) for array in session.run(None, feeds)]
    except Exception as error:  # its errors have no class in common
        raise RuntimeError(reason(error)) from error


def _element_type(tensor: torch.Tensor) -> int:
    return helper.np_dtype_to_tensor_dtype(torch.empty(0, dtype=tensor.dtype).numpy().dtype)
