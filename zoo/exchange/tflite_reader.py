"""Files of TensorFlow Lite: checked as data, converted by tf2onnx, and run by their own interpreter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from zoo.core.errors import InputError, WeightsError
from zoo.formats import tflite

MAX_BYTES = 2**31 - 1
_QUANTIZED = ("uint8", "int8", "int16")


class LiteNetwork:
    """A file that its interpreter opened.

    Attributes
    ----------
    facts : dict
    """

    def __init__(self, path: Path):
        import tensorflow as tf

        self.path = path
        self._interpreter = tf.lite.Interpreter(str(path))
        inputs = self._interpreter.get_input_details()
        if len(inputs) != 1:
            raise InputError(f"{path.name} takes {len(inputs)} inputs; networks of one are imported.")
        (self._input,) = inputs
        self._outputs = self._interpreter.get_output_details()
        self._interpreter.allocate_tensors()
        bits = self._quantized_bits()
        self.facts: dict[str, Any] = {
            "format": f"TensorFlow Lite{f', {bits} bits, de-quantized' if bits else ''}",
            "guess": _guess(self._input),
            "is_rounded": bool(bits),
        }

    def model(self) -> Any:
        """Return the graph of ONNX, from real numbers to real numbers."""
        from zoo.exchange import tensorflow_graph

        model = tensorflow_graph.of_lite_file(str(self.path))
        if _is_quantized(self._input):
            _take_real_numbers(model.graph)
        _give_real_numbers(model.graph)
        return model

    def outputs(self, batch: np.ndarray) -> list[np.ndarray]:
        """Compute the outputs, row by row where the file was made for one row, as real numbers."""
        rows = int(self._input["shape"][0])
        results = [self._run(batch[i : i + rows]) for i in range(0, len(batch), rows)]
        return [np.concatenate(parts) for parts in zip(*results, strict=True)]

    def _run(self, rows: np.ndarray) -> list[np.ndarray]:
        interpreter, dtype = self._interpreter, self._input["dtype"]
        if _is_quantized(self._input):
            scale, zero = self._input["quantization"]
            limits = np.iinfo(dtype)
            rows = np.clip(np.rint(rows / scale) + zero, limits.min, limits.max)
        interpreter.set_tensor(self._input["index"], rows.astype(dtype))
        interpreter.invoke()
        return [_real(interpreter.get_tensor(output["index"]), output) for output in self._outputs]

    def _quantized_bits(self) -> int:
        """Return the bits of the numbers that layers give; 0 where they are real numbers."""
        details = self._interpreter.get_tensor_details()
        constants = set(tflite.read(self.path))
        kinds = [
            np.dtype(tensor["dtype"])
            for tensor in details
            if tensor["name"] not in constants and _is_quantized(tensor)
        ]
        return max((kind.itemsize * 8 for kind in kinds), default=0)


def read(path: Path) -> LiteNetwork:
    """Open a file.

    Raises
    ------
    InputError
        If it has operators of libraries of its own.
    WeightsError
        If it is damaged, or its constants would take more memory than they should.
    """
    if path.stat().st_size > MAX_BYTES:
        raise WeightsError(f"{path} has more than the 2 GB of a TensorFlow Lite file.")
    tflite.read(path)  # checks sizes and offsets
    if custom := tflite.custom_operators(path):
        raise InputError(
            f"{path.name} has the operator {custom[0]!r} of a library of its own; only those of TensorFlow "
            "Lite itself are imported."
        )
    return LiteNetwork(path)


def _is_quantized(tensor: dict[str, Any]) -> bool:
    return np.dtype(tensor["dtype"]).name in _QUANTIZED and bool(tensor["quantization"][0])


def _real(values: np.ndarray, tensor: dict[str, Any]) -> np.ndarray:
    if not _is_quantized(tensor):
        return values.astype(np.float32)
    scale, zero = tensor["quantization"]
    return ((values.astype(np.float32) - zero) * scale).astype(np.float32)


def _guess(field: dict[str, Any]) -> dict[str, Any] | None:
    """Return what the range of a quantized input tells: it is that of the pixels."""
    if not _is_quantized(field) or np.dtype(field["dtype"]).itemsize != 1 or field["shape"][-1] != 3:
        return None
    scale, zero = field["quantization"]
    limits = np.iinfo(field["dtype"])
    low, high = (float((limit - zero) * scale) for limit in (limits.min, limits.max))
    span = high - low
    if low > 0:
        return None
    return {
        "fields": {
            "scale": 255,
            "mean": [_rounded(-255 * low / span)] * 3,
            "std": [_rounded(255 / span)] * 3,
        },
        "reason": f"RGB from {low:.4g} to {high:.4g}, the range of the file's quantized input",
    }


def _rounded(number: float) -> float:
    """Return six digits of a number: scales are float32."""
    return float(f"{number:.6g}") + 0.0  # and no -0


def _take_real_numbers(graph: Any) -> None:
    """Take off what makes real numbers of the input: tf2onnx writes Cast, Sub and Mul."""
    from onnx import TensorProto

    (field,) = graph.input
    tensor = field.name
    for operator in ("Cast", "Sub", "Mul"):
        users = [node for node in graph.node if tensor in node.input]
        if len(users) != 1 or users[0].op_type != operator:
            raise InputError("Its quantized input is not de-quantized as is known here.")
        tensor = users[0].output[0]
        graph.node.remove(users[0])
    _rename(graph, tensor, field.name)
    field.type.tensor_type.elem_type = TensorProto.FLOAT


def _give_real_numbers(graph: Any) -> None:
    """Take off what rounds the outputs."""
    from onnx import TensorProto

    for output in graph.output:
        node = next((node for node in graph.node if output.name in node.output), None)
        if node is not None and node.op_type == "QuantizeLinear":
            graph.node.remove(node)
            _rename(graph, node.input[0], output.name)
            output.type.tensor_type.elem_type = TensorProto.FLOAT


def _rename(graph: Any, old: str, new: str) -> None:
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [new if name == old else name for name in names]
