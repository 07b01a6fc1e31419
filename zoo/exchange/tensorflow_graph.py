"""Functions and files of TensorFlow as graphs of ONNX, by tf2onnx."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import tensorflow as tf
from tf2onnx import handler, optimizer, tf_loader, tfonnx, utils

OPSET = 17
# The importer folds constants itself. What is left is to join the transpositions around each layer, which
# TensorFlow's order of the axes needs.
_OPTIMIZERS = ("optimize_transpose", "remove_identity", "remove_back_to_back")


@handler.tf_op("Erfc")  # pyright: ignore[reportUntypedClassDecorator]
class Erfc:
    """The complementary error function, as 1 - Erf: a part of GELU that tf2onnx 1.17 does not convert."""

    @classmethod
    def version_9(cls, graph: Any, node: Any, **_: Any) -> None:
        """Change a node of a graph."""
        kind = utils.map_onnx_to_numpy_type(graph.get_dtype(node.input[0]))
        one = graph.make_const(utils.make_name("one"), np.array(1, kind))
        erf = graph.make_node("Erf", [node.input[0]], op_name_scope=node.name)
        node.type = "Sub"
        graph.replace_inputs(node, [one.output[0], erf.output[0]])


def of_function(function: Any) -> Any:
    """Return the graph of a concrete function; its variables and captured tensors become constants."""
    constants = {
        inner.op.name: outer.numpy()
        for outer, inner in function.graph.captures
        if inner.dtype not in (tf.resource, tf.variant)
    }
    taken = [tensor for tensor in function.inputs if tensor.dtype != tf.resource]
    inputs = [tensor.name for tensor in taken if tensor.op.name not in constants]
    outputs = [tensor.name for tensor in function.outputs]
    frozen = tf_loader.from_function(function, [tensor.name for tensor in taken], outputs)
    if _forget_compilers(frozen):
        with tf.Graph().as_default():
            tf.import_graph_def(frozen, name="")
            frozen = tf_loader.tf_optimize([tensor.name for tensor in taken], outputs, frozen)
    for node in frozen.node:
        if node.op == "Placeholder" and node.name in constants:
            node.CopyFrom(_constant(node.name, constants[node.name]))
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(frozen, name="")
        converted = tfonnx.process_tf_graph(graph, opset=OPSET, input_names=inputs, output_names=outputs)
    return _finished(converted)


def _forget_compilers(graph: Any) -> bool:
    """Let calls be replaced by what they do though they ask for a compiler, as grouped convolutions do."""
    marked = False
    for owner in (*graph.node, *graph.library.function):
        for name in ("_XlaMustCompile", "_noinline"):
            if name in owner.attr:
                del owner.attr[name]
                marked = True
    return marked


def _constant(name: str, value: Any) -> Any:
    """Return a node that gives a tensor which a function was made with, as Keras's layer Normalization is."""
    node = tf.compat.v1.NodeDef(name=name, op="Const")
    node.attr["dtype"].type = tf.as_dtype(value.dtype).as_datatype_enum
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
    return node


def of_lite_file(path: str) -> Any:
    """Return the graph of a file of TensorFlow Lite, with real numbers in the place of quantized ones."""
    with tf.Graph().as_default() as graph:
        converted = tfonnx.process_tf_graph(graph, opset=OPSET, tflite_path=path, dequantize=True)
    return _finished(converted)


def _finished(graph: Any) -> Any:
    chosen = {name: optimizer._optimizers[name] for name in _OPTIMIZERS}
    model = optimizer.optimize_graph(graph, catch_errors=False, optimizers=chosen).make_model("network")
    names = _distinct(_without_common_start([_plain_name(node.name) for node in model.graph.node]))
    for node, name in zip(model.graph.node, names, strict=True):
        node.name = name
    return model


def _plain_name(name: str) -> str:
    """Return the name of a node without what tf2onnx and TensorFlow Lite's converter append."""
    name = name.partition(";")[0].removesuffix(":0")
    return re.sub(r"(_prequant)?(__\d+)?$", "", name) or "node"


def _without_common_start(names: list[str]) -> list[str]:
    """Leave out the first parts of paths that all paths share, such as the name of the network."""
    paths = [name for name in names if "/" in name]
    while len({path.partition("/")[0] for path in paths}) == 1:
        start = f"{paths[0].partition('/')[0]}/"
        names = [name.removeprefix(start) for name in names]
        paths = [name for name in names if "/" in name]
    return names


def _distinct(names: list[str]) -> list[str]:
    """Append numbers to the names that repeat: ONNX Runtime wants each once."""
    distinct: dict[str, None] = {}
    for name in names:
        number, one = 1, name
        while one in distinct:
            number += 1
            one = f"{name}_{number}"
        distinct[one] = None
    return list(distinct)
