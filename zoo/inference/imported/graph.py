"""An imported network as a module: one layer for each node of its graph, run in the graph's order."""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import Any

import torch
from torch import nn

from zoo.core.errors import CatalogError, EngineError, ZooError, reason
from zoo.core.layers import HeadPlaceholder
from zoo.hub.imported import HEAD, Graph, Node, convert
from zoo.inference.imported.arguments import TYPES
from zoo.inference.imported.operators import build_layer

MAX_ELEMENTS = 1 << 28  # of a tensor for one input: 1 GB of float32
_FAILURES = (RuntimeError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, MemoryError)


class GraphModule(nn.Module):
    """A network that is made from a graph.

    Parameters
    ----------
    graph : Graph
    """

    def __init__(self, graph: Graph):
        super().__init__()
        self.graph = graph
        names = Counter(node.name for node in graph.nodes)
        if repeated := [name for name, times in names.items() if times > 1]:
            raise CatalogError(f"The graph of this network is damaged: two nodes are called {repeated[0]}.")
        for node in graph.nodes:
            if hasattr(self, node.name):
                raise CatalogError(f"The graph of this network is damaged: a node is called {node.name!r}.")
            try:
                self.add_module(node.name, build_layer(node))
            except NotImplementedError as error:
                raise CatalogError(f"The node {node.name} cannot be built: {reason(error)}.") from error
        if graph.features:
            self.add_module(HEAD, HeadPlaceholder(graph.width or 0))
        self._last_use = _last_uses(graph)

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        """Compute the output of a batch, shape (n, ...)."""
        tensors = self.run({self.graph.input: self.arranged(data)}, data.shape[0])
        output = tensors[self.graph.output]
        if not self.graph.features:
            return output
        features = tensors[self.graph.features]
        if features.ndim > 2:
            features = features.mean(tuple(range(2, features.ndim)))
        head = self.get_submodule(HEAD)
        result = head(features)
        return output if isinstance(head, HeadPlaceholder) else result

    def arranged(self, data: torch.Tensor) -> torch.Tensor:
        """Return a preprocessed batch as the graph takes it."""
        x = data.permute(0, *range(2, data.ndim), 1) if self.graph.channels_last else data
        return x if self.graph.input_type == "float32" else x.to(TYPES[self.graph.input_type])

    def run(self, tensors: dict[str, torch.Tensor], rows: Any) -> dict[str, torch.Tensor]:
        """Run all nodes; what no later node takes is dropped.

        Parameters
        ----------
        tensors : dict of str to Tensor
            The input by its name; the results are added to it.
        rows : int
            In the batch; a traced number while the network is exported.

        Raises
        ------
        EngineError
            If a node cannot be computed.
        """
        for position, node in enumerate(self.graph.nodes):
            layer = self.get_submodule(node.name)
            options = {"rows": rows} if getattr(layer, "needs_rows", False) else {}
            try:
                outputs = layer(*[tensors[name] for name in node.inputs if name], **options)
            except ZooError:
                raise
            except _FAILURES as error:
                raise EngineError(
                    f"The layer {node.name} ({node.operator}) cannot be computed: {reason(error)}."
                ) from error
            values = outputs if isinstance(outputs, tuple) else (outputs,)
            tensors.update(zip(node.outputs, values, strict=False))
            for name in self._last_use.get(position, ()):
                tensors.pop(name, None)
        return tensors


def build(*, graph: dict[str, Any]) -> GraphModule:
    """Build the module of a graph as data, which may come from a stranger.

    The graph is run on the device "meta" first, where tensors have shapes and no numbers.

    Raises
    ------
    CatalogError
        If it is damaged, or would take more memory than a network takes.
    """
    parsed = convert(graph, Graph)
    with torch.device("meta"):
        module = GraphModule(parsed).eval()
        measure(module)
    return GraphModule(parsed)


def measure(module: GraphModule) -> tuple[int, ...]:
    """Run a module that is on the device "meta", and return the shape of its output for one input.

    Raises
    ------
    CatalogError
        If the module cannot run, or a tensor is too large.
    """
    hooks = [layer.register_forward_hook(_require_small) for layer in module.children()]
    try:
        with torch.no_grad():
            output = module(torch.empty(2, *module.graph.shape, device="meta"))
    except EngineError as error:
        raise CatalogError(f"The graph of this network is damaged: {error}") from error
    except _FAILURES as error:
        raise CatalogError(f"The graph of this network is damaged: {reason(error)}.") from error
    finally:
        for hook in hooks:
            hook.remove()
    return tuple(output.shape[1:])


def _require_small(layer: nn.Module, _inputs: Any, outputs: Any) -> None:
    for tensor in outputs if isinstance(outputs, tuple) else (outputs,):
        require_small(tensor.shape, type(layer).__name__)


def require_small(shape: Any, operator: str) -> None:
    """Refuse a tensor that is larger than any network's, before it takes memory.

    Raises
    ------
    ValueError
    """
    if prod(shape) > MAX_ELEMENTS:
        raise ValueError(f"{operator} would make a tensor of the shape {tuple(shape)}")


def _last_uses(graph: Graph) -> dict[int, list[str]]:
    """Return which tensors are not needed behind each node."""
    last: dict[str, int] = {}
    for position, node in enumerate(graph.nodes):
        last |= dict.fromkeys([name for name in (*node.inputs, *node.outputs) if name], position)
    for name in (graph.output, graph.features):
        last.pop(name, None)
    result: dict[int, list[str]] = {}
    for name, position in last.items():
        result.setdefault(position, []).append(name)
    return result


def layer_of_output(graph: Graph, tensor: str) -> Node | None:
    """Return the node that gives a tensor."""
    return next((node for node in graph.nodes if tensor in node.outputs), None)
