"""A small ONNX file that tells red from blue, for tests of what imports it."""

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

SIDE = 64


def colors_network(path: Path) -> Path:
    """Write a network that compares the means of red and blue after a convolution."""
    tensors = {
        "weight": np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1),
        "head": np.array([[9, 0, -9], [-9, 0, 9]], np.float32),
        "bias": np.zeros(2, np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["images", "weight"], ["maps"], name="colors"),
        helper.make_node("Relu", ["maps"], ["active"], name="active"),
        helper.make_node("GlobalAveragePool", ["active"], ["means"], name="means"),
        helper.make_node("Flatten", ["means"], ["flat"], name="flat"),
        helper.make_node("Gemm", ["flat", "head", "bias"], ["scores"], name="classes", transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "colors",
        [helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path
