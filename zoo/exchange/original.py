"""The original of an imported network: its runtime runs the file, and its tensors are compared with ours."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn

from zoo.core.errors import InputError, reason
from zoo.exchange.conversion import Conversion
from zoo.exchange.onnx_file import OnnxFile
from zoo.inference.imported.graph import GraphModule

TOLERANCE = 1e-4  # of a layer, as a fraction of its scale
_runtime = threading.Lock()


def outputs_of(file: OnnxFile, data: torch.Tensor, tensors: list[str]) -> dict[str, np.ndarray]:
    """Compute some tensors of a file for a batch as its graph takes it.

    A file that was made for batches of one input gets the rows one by one. ONNX Runtime computes the tensors
    that the file's own runtime does not give, from the graph that it was converted into.

    Raises
    ------
    InputError
        If the original's runtime does not run the file.
    """
    if file.foreign and file.foreign.gives(tensors):
        return file.foreign.outputs(data.numpy(), tensors)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            _with_outputs(file, tensors), options, providers=["CPUExecutionProvider"]
        )
        (field,) = session.get_inputs()
        array = data.numpy().astype(_KINDS.get(field.type, np.float32))
        fixed = isinstance(field.shape[0], int)
        batches = (
            [array[i : i + field.shape[0]] for i in range(0, len(array), field.shape[0])]
            if fixed
            else [array]
        )
        with _runtime:
            results = [session.run(tensors, {field.name: batch}) for batch in batches]
    except Exception as error:  # its errors have no class in common
        raise InputError(f"ONNX Runtime cannot run {file.path.name}: {reason(error)}.") from error
    return {
        name: np.concatenate([result[i] for result in results]) if results[0][i].ndim else results[0][i]
        for i, name in enumerate(tensors)
    }


_KINDS = {
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(int8)": np.int8,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}


def _with_outputs(file: OnnxFile, tensors: list[str]) -> bytes:
    """Return the content of a file whose outputs are these tensors, with everything in one piece."""
    model = onnx.ModelProto()
    model.CopyFrom(file.model)
    for tensor in model.graph.initializer:
        if tensor.data_location:
            name, array = tensor.name, file.stored(tensor)
            tensor.CopyFrom(numpy_helper.from_array(array, name))
    present = {output.name for output in model.graph.output}
    model.graph.output.extend(
        helper.make_empty_tensor_value_info(name) for name in tensors if name not in present
    )
    return model.SerializeToString()


def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the largest difference, as a fraction of the scale, or of 1 where that is smaller."""
    if ours.shape != theirs.shape:
        return float("inf")
    if not ours.size:
        return 0.0
    theirs = theirs.astype(np.float64)
    scale = max(1.0, float(np.abs(theirs[np.isfinite(theirs)]).max(initial=0)))
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    apart = np.abs(np.where(same, 0, ours.astype(np.float64) - theirs)).max()
    return float(apart / scale) if np.isfinite(apart) else float("inf")


def first_departure(file: OnnxFile, conversion: Conversion, module: GraphModule, data: torch.Tensor) -> str:
    """Return the first layer whose output differs by more than `TOLERANCE`; empty where none does.

    Parameters
    ----------
    data : Tensor, shape (n, ...)
        A preprocessed batch.
    """
    made = {name for node in file.graph.node for name in node.output if not name.startswith("#")}
    layers = {node.name: node.outputs[0] for node in conversion.nodes if node.outputs[0] in made}
    theirs = outputs_of(file, module.arranged(data), list(dict.fromkeys(layers.values())))
    ours = _recorded(module, list(layers), data)
    for layer, tensor in layers.items():
        if layer in ours and difference(ours[layer].reshape(ours[layer].shape), theirs[tensor]) > TOLERANCE:
            return layer
    return ""


def _recorded(module: GraphModule, layers: list[str], data: torch.Tensor) -> dict[str, np.ndarray]:
    recorded: dict[str, np.ndarray] = {}

    def note(name: str, output: Any) -> None:
        tensor = output[0] if isinstance(output, tuple) else output
        recorded[name] = tensor.detach().numpy().copy()

    submodules: dict[str, nn.Module] = {name: module.get_submodule(name) for name in layers}
    hooks = [
        layer.register_forward_hook(lambda _m, _i, output, *, name=name: note(name, output))
        for name, layer in submodules.items()
    ]
    try:
        with torch.no_grad():
            module(data)
    finally:
        for hook in hooks:
            hook.remove()
    return recorded
