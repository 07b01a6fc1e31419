"""The layers of a network as a graph: what its forward pass does, from input to output.

The pass is recorded, not parsed: a tensor goes through the module, and whatever is done with what became of
it is a node. So any module has a graph, whatever Python its forward pass is made of. On the device "meta",
where tensors have shapes and no numbers, the largest network takes some seconds and no memory.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import networkx as nx
import torch
from torch import nn
from torch.overrides import TorchFunctionMode, resolve_name

from zoo.core.errors import UnknownNameError
from zoo.core.spec import Spec
from zoo.inference.build import build

INPUT, OUTPUT = "(input)", "(output)"  # which no module can be called
KINDS = ("input", "conv", "norm", "activation", "pool", "dense", "join", "block", "other")
"""What a node does. A block stands for several; other only moves numbers about, or has no name here."""

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d)
_WORDS = {
    "conv": ("conv",),
    "dense": ("linear", "matmul", "addmm", "bmm", "baddbmm"),
    "norm": ("norm", "lrn"),
    "pool": ("pool", "mean", "amax"),
    "join": ("add", "cat", "concat", "mul", "sub", "stack", "iadd", "imul"),
    "activation": (
        *("relu", "sigmoid", "softmax", "tanh", "gelu", "silu", "swish", "elu", "hardtanh", "clamp"),
        *("mish", "hardswish", "hardsigmoid"),
    ),
}


def skeleton(spec: Spec) -> nn.Module:
    """Build the module of a record without values, on the device "meta": layers and shapes, no memory."""
    with torch.device("meta"):
        return build(spec).eval()


def graph_of(module: nn.Module, example: torch.Tensor) -> nx.DiGraph[str]:
    """Record what a module does with a tensor, as a graph without cycles.

    Parameters
    ----------
    module : nn.Module
        In eval mode; it stays as it is.
    example : Tensor, shape (n, ...)
        On the module's device.

    Returns
    -------
    DiGraph
        Its nodes, in the order in which they run, are layers by their names, and steps between layers by the
        name of the module that they are in and their own, as ``layer1.0.add``; what runs again is counted,
        as ``relu#2``. One node is `INPUT` and one `OUTPUT`. Attributes of a node:

        layer : str
            Name of the module; empty of a step between layers.
        type : str
            Its class, or the function's name.
        kind : str
            One of `KINDS`.
        shape : tuple of int or None
            Of what it gives out, for one input.
        parameters : int
        inside : tuple of str
            The modules whose pass it is part of, the outermost first.
    """
    recorder = _Recorder(module, example)
    hooks = list(recorder.watched())
    try:
        with torch.no_grad(), recorder:
            output = module(example)
    finally:
        for hook in hooks:
            hook.remove()
    return recorder.graph_to(output)


def layer_graph(spec: Spec) -> nx.DiGraph[str]:
    """Return the graph of a record's network, which is built without values; see `graph_of`."""
    return graph_of(skeleton(spec), torch.zeros(1, *spec.input_shape, device="meta"))


def depth_of(graph: nx.DiGraph[str]) -> int:
    """Largest number of convolutional and fully connected layers on a way from input to output."""
    longest: dict[str, int] = {}
    for node in nx.topological_sort(graph):
        own = graph.nodes[node]["kind"] in ("conv", "dense") and bool(graph.nodes[node]["layer"])
        longest[node] = own + max((longest[before] for before in graph.predecessors(node)), default=0)
    return longest[OUTPUT]


def levels(graph: nx.DiGraph[str]) -> int:
    """How many levels of detail there are: at the last one every node is itself."""
    return 1 + max(len(data["inside"]) for _, data in graph.nodes(data=True))


def collapsed(graph: nx.DiGraph[str], level: int) -> nx.DiGraph[str]:
    """Draw everything below a level of the module tree together into blocks.

    Parameters
    ----------
    graph : DiGraph
        From `graph_of`.
    level : int
        From 1, what the network itself consists of, to `levels`. A block of a single node is that node.

    Returns
    -------
    DiGraph
        As of `graph_of`; a block has the shape of its last node and the parameters of all, and its `size`
        says how many nodes it stands for.
    """
    block_of = {
        node: data["inside"][level - 1] if len(data["inside"]) >= level else node
        for node, data in graph.nodes(data=True)
    }
    sizes = Counter(block_of.values())
    names = {node: block if sizes[block] > 1 else node for node, block in block_of.items()}
    result = nx.DiGraph()
    for node, data in graph.nodes(data=True):
        if (name := names[node]) == node:
            result.add_node(node, **data, size=1)
        elif name not in result:
            layer = name.partition("#")[0]
            inside = data["inside"][: level - 1]
            block = {"layer": layer, "kind": "block", "type": data["types"][level - 1], "types": ()}
            result.add_node(name, **block, shape=data["shape"], parameters=data["parameters"])
            result.nodes[name].update(inside=inside, size=sizes[name])
        else:
            result.nodes[name]["shape"] = data["shape"]
            result.nodes[name]["parameters"] += data["parameters"]
    ends = ((names[a], names[b]) for a, b in graph.edges)
    result.add_edges_from((a, b) for a, b in ends if a != b)
    return result


def part_of(graph: nx.DiGraph[str], block: str) -> nx.DiGraph[str]:
    """Return what is inside of a block, and the nodes that it takes from and gives to.

    Parameters
    ----------
    graph : DiGraph
        From `graph_of`.
    block : str
        As `collapsed` names it.

    Raises
    ------
    UnknownNameError
        If there is none.
    """
    within = {node for node, data in graph.nodes(data=True) if block in data["inside"]}
    if not within:
        raise UnknownNameError(f"This network has no block {block!r}.")
    around = {other for node in within for other in (*graph.predecessors(node), *graph.successors(node))}
    return graph.subgraph(node for node in graph if node in within | around).copy()


def readable_level(graph: nx.DiGraph[str], max_nodes: int = 60) -> int:
    """Return the level of detail whose number of nodes is closest to `max_nodes`, in proportion."""
    return min(
        range(1, levels(graph) + 1),
        key=lambda level: abs(math.log(len(collapsed(graph, level)) / max_nodes)),
    )


class _Recorder(TorchFunctionMode):
    """Notes every layer that runs, and every function of tensors that no layer runs."""

    def __init__(self, module: nn.Module, example: torch.Tensor):
        super().__init__()
        self.module = module
        self.graph = nx.DiGraph()
        # the tensor too, or its id would be used again
        self._origins: dict[int, tuple[str, torch.Tensor]] = {}
        self._running: list[tuple[str, nn.Module]] = []
        self._in_layer = 0
        self._times: Counter[str] = Counter()
        self._begin: list[list[str]] = []
        self._node(INPUT, [], "", "input", "input", 0, example)

    def watched(self) -> Iterator[Any]:
        """Put hooks on all modules but the whole."""
        for name, layer in self.module.named_modules():
            if name:
                yield layer.register_forward_pre_hook(
                    lambda layer, inputs, options, name=name: self._enter(name, layer, inputs, options),
                    with_kwargs=True,
                )
                yield layer.register_forward_hook(
                    lambda layer, _inputs, output, name=name: self._leave(name, layer, output)
                )

    def graph_to(self, output: Any) -> nx.DiGraph[str]:
        """Return the graph of what leads to the output."""
        self._node(OUTPUT, self._sources([output]), "", "output", "other", 0, output)
        useful = nx.ancestors(self.graph, OUTPUT) | {INPUT, OUTPUT}
        graph = self.graph.subgraph(node for node in self.graph if node in useful).copy()
        counted: set[str] = set()
        for data in graph.nodes.values():
            if data["layer"] in counted:  # it ran before, and its parameters are those
                data["parameters"] = 0
            counted.add(data["layer"])
        return graph

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        output = function(*args, **kwargs)
        if self._in_layer or not any(True for _ in _tensors([output])):
            return output
        if before := self._sources([*args, *kwargs.values()]):
            name = _name(function)
            owner = self._running[-1][0] if self._running else ""
            self._node(f"{owner}.{name}".strip("."), before, "", name, _kind(name), 0, output)
        return output

    def _enter(self, name: str, layer: nn.Module, inputs: Any, options: dict[str, Any]) -> None:
        if self._in_layer or _is_whole(layer):
            self._in_layer += 1
            if self._in_layer == 1:
                self._begin.append(self._sources([*inputs, *options.values()]))
        else:
            self._times[name] += 1
            self._running.append((_again(name, self._times[name]), layer))

    def _leave(self, name: str, layer: nn.Module, output: Any) -> None:
        if not self._in_layer:
            self._running.pop()
            return
        self._in_layer -= 1
        if not self._in_layer:
            before, parameters = self._begin.pop(), sum(p.numel() for p in layer.parameters())
            if type(layer) is not nn.Identity:  # which gives out what it took
                self._node(name, before, name, type(layer).__name__, _kind_of(layer), parameters, output)

    def _node(
        self, name: str, before: Iterable[str], layer: str, type_: str, kind: str, parameters: int, out: Any
    ) -> None:
        self._times[name] += 1
        name = _again(name, self._times[name])
        tensors = list(_tensors([out]))
        self.graph.add_node(
            name,
            layer=layer,
            type=type_,
            kind=kind,
            shape=tuple(tensors[0].shape[1:]) if tensors else None,
            parameters=parameters,
            inside=tuple(running for running, _ in self._running),
            types=tuple(type(module).__name__ for _, module in self._running),
        )
        self.graph.add_edges_from((source, name) for source in before)
        self._origins.update((id(tensor), (name, tensor)) for tensor in tensors)

    def _sources(self, values: Iterable[Any]) -> list[str]:
        """Return the nodes that gave out the tensors among some values."""
        names = (self._origins[id(tensor)][0] for tensor in _tensors(values) if id(tensor) in self._origins)
        return list(dict.fromkeys(names))


def _tensors(values: Iterable[Any]) -> Iterator[torch.Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)
        elif isinstance(value, dict):
            yield from _tensors(value.values())


def _is_whole(layer: nn.Module) -> bool:
    """Whether a layer is one node: it holds no others, or is of PyTorch, or its norm with an activation."""
    if not list(layer.children()) or isinstance(layer, nn.modules.batchnorm._BatchNorm):
        return True
    containers = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
    return type(layer).__module__.startswith("torch.nn") and not isinstance(layer, containers)


def _again(name: str, times: int) -> str:
    return name if times == 1 else f"{name}#{times}"


def _name(function: Any) -> str:
    """Return the name of a function of tensors: ``torch.Tensor.add_`` and ``operator.iadd`` are both add."""
    full = resolve_name(function) or getattr(function, "__name__", "function")
    return full.rpartition(".")[2].strip("_")


def _kind_of(layer: nn.Module) -> str:
    if isinstance(layer, _CONVOLUTIONS):
        return "conv"
    return "dense" if isinstance(layer, nn.Linear) else _kind(type(layer).__name__)


def _kind(name: str) -> str:
    name = name.lower()
    exact = next((kind for kind, words in _WORDS.items() if name in words), None)
    if exact or len(name) < 4:
        return exact or "other"
    parts = ((kind, word) for kind, words in _WORDS.items() for word in words if len(word) > 3)
    return next((kind for kind, word in parts if word in name), "other")
