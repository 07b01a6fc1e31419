"""The closed table of operators: what a node of an imported graph may name, and the layer that it becomes.

An operator is a layer of PyTorch where there is one (`zoo.inference.imported.layers`), else a `Function` of
tensors, and `ONNX_RUNTIME` is a part of the file that ONNX Runtime runs.
"""

from __future__ import annotations

from torch import nn

from zoo.core.errors import CatalogError
from zoo.hub.imported import Node
from zoo.inference.imported.arguments import Function
from zoo.inference.imported.arithmetic import ARITHMETIC
from zoo.inference.imported.layers import LAYERS, is_layer
from zoo.inference.imported.runtime import ONNX_RUNTIME, OnnxPart
from zoo.inference.imported.shapes import SHAPES

# A class for each operator, whose name is what tables of layers and graphs show.
FUNCTIONS: dict[str, type[Function]] = {
    name: type(name, (Function,), {"compute": staticmethod(function), "__module__": __name__})
    for name, function in (ARITHMETIC | SHAPES).items()
}
globals().update(FUNCTIONS)  # so that a loaded network can be pickled

OPERATORS = frozenset([*FUNCTIONS, *LAYERS, ONNX_RUNTIME])


def build_layer(node: Node) -> nn.Module:
    """Build the layer of a node, whose tensors come from the weights.

    Raises
    ------
    CatalogError
        If the operator is not in the table, or does not take what the node says.
    NotImplementedError
        If it is, but PyTorch does not compute this form of it.
    """
    if node.operator not in OPERATORS:
        raise CatalogError(f"The node {node.name} has an unknown operator {node.operator!r}.")
    try:
        if node.operator == ONNX_RUNTIME:
            return OnnxPart(node)
        if is_layer(node.operator, node.constants):
            return LAYERS[node.operator](node)
        if node.operator in FUNCTIONS:
            return FUNCTIONS[node.operator](node)
    except NotImplementedError:
        raise
    except (TypeError, ValueError, LookupError, RuntimeError, ArithmeticError) as error:
        raise CatalogError(f"The node {node.name} ({node.operator}) is damaged: {error}.") from error
    raise NotImplementedError("its weights are computed, not stored")
