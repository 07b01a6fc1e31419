"""An ONNX graph as a graph of the zoo: from two runs, for batches of two sizes, to nodes and tensors.

What is equal in both runs is a constant. Numbers that differ grow with the batch, and the record has how
much. So the shapes that a file computes from the batch are values of the record, and nothing is left of how
they were computed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from zoo.core.errors import InputError
from zoo.exchange.evaluation import Evaluation
from zoo.exchange.onnx_file import OnnxFile
from zoo.exchange.onnx_nodes import Step
from zoo.exchange.runtime_parts import part
from zoo.formats import sizes
from zoo.hub.imported import HEAD, Constant, Graph, Node, Value
from zoo.inference.imported.graph import GraphModule
from zoo.inference.imported.layers import is_layer, tensor_name
from zoo.inference.imported.runtime import ONNX_RUNTIME

ROWS = (2, 3)  # of the two runs
_RESERVED = {*dir(nn.Module()), *dir(GraphModule), HEAD, "graph"}


@dataclass
class Conversion:
    """What a file was converted into.

    Attributes
    ----------
    nodes : list of Node
    tensors : dict of str to Tensor
        The state of the module.
    sources : dict of str to tuple
        By layer: the node's operator and name in the file, and why ONNX Runtime runs it, or nothing.
    outputs : dict of str to tuple of int
        Shapes of the file's outputs for one input, by the name of the tensor in the graph.
    input : str
    input_type : str
    """

    nodes: list[Node] = field(default_factory=list)
    tensors: dict[str, torch.Tensor] = field(default_factory=dict)
    sources: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    outputs: dict[str, tuple[int, ...]] = field(default_factory=dict)
    input: str = ""
    input_type: str = "float32"
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def node_of(self, tensor: str) -> Node | None:
        """Return the node that gives a tensor."""
        return next((node for node in self.nodes if tensor in node.outputs), None)

    def users(self, tensor: str) -> list[Node]:
        """Return the nodes that take a tensor."""
        return [node for node in self.nodes if tensor in node.inputs]


def convert(file: OnnxFile, shape: tuple[int, ...]) -> Conversion:
    """Convert a file for inputs of a shape.

    Parameters
    ----------
    file : OnnxFile
    shape : tuple of int
        Of the input as the graph takes it, without the batch axis.

    Raises
    ------
    InputError
        If an operator cannot be imported, or the output does not depend on the input.
    WeightsError
        If the file is damaged.
    """
    constants = {tensor.name: file.tensor(tensor) for tensor in file.graph.initializer}
    first, second = (Evaluation(file, rows, shape, constants).run() for rows in ROWS)
    return _Converter(file, first, second).convert()


class _Converter:
    def __init__(self, file: OnnxFile, first: Evaluation, second: Evaluation):
        self.file, self.first, self.second = file, first, second
        self.result = Conversion()
        self.names: Counter[str] = Counter()

    def convert(self) -> Conversion:
        first, second = self.first, self.second
        if [step.operator for step in first.steps] != [step.operator for step in second.steps]:
            raise InputError(f"{self.file.path.name} cannot be imported: what it runs depends on the batch.")
        (field_,) = self.file.inputs()
        result = self.result
        result.input = field_.name
        result.input_type = str(first.data[field_.name].dtype).removeprefix("torch.")
        for output in self.file.graph.output:
            name = first.name(output.name)
            if name in first.data and first.data[name].ndim and first.data[name].shape[0] == ROWS[0]:
                result.outputs[name] = tuple(first.data[name].shape[1:])
        if not result.outputs:
            raise InputError(
                f"{self.file.path.name} cannot be imported: no output has one row for each input of a batch."
            )
        steps = self._needed(set(result.outputs))
        for one, other in steps:
            self._emit(one, other)
        result.shapes = {name: tuple(tensor.shape[1:]) for name, tensor in first.data.items() if tensor.ndim}
        self._join_bias()
        size = sum(tensor.numel() * tensor.element_size() for tensor in result.tensors.values())
        total = sum(tensor.numel() * tensor.element_size() for tensor in first.constants.values())
        if size > sizes.RATIO * total + sizes.SMALL:
            raise InputError(
                f"{self.file.path.name} repeats its tensors in many nodes, {size / 1e6:.0f} MB of them."
            )
        return result

    def _needed(self, names: set[str]) -> list[tuple[Step, Step]]:
        steps = []
        for one, other in zip(reversed(self.first.steps), reversed(self.second.steps), strict=True):
            if names.isdisjoint(one.outputs):
                continue
            steps.append((one, other))
            names.update(name for _, name in self._streams(one))
        return steps[::-1]

    def _streams(self, step: Step) -> list[tuple[int, str]]:
        """Return the inputs that are tensors when the network runs."""
        values = {} if step.by_runtime else self.first.values(step)
        return [
            (position, name)
            for position, name in enumerate(step.inputs)
            if name and str(position) not in values and not self._is_constant(name)
        ]

    def _is_constant(self, name: str) -> bool:
        one, other = self.first.known.get(name), self.second.known.get(name)
        if one is None or other is None:
            return False
        return one is other or (one.shape == other.shape and torch.equal(one, other))

    def _emit(self, one: Step, other: Step) -> None:
        name = self._unique(one.name)
        streams = dict(self._streams(one))
        if varying := [tensor for tensor in streams.values() if not self._is_made(tensor)]:
            raise InputError(
                f"The operator {one.operator} ({one.name}) cannot be imported: it computes with the size of "
                f"the batch, {varying[0]}."
            )
        inputs = tuple(streams.get(position, "") for position in range(len(one.inputs)))
        self.result.sources[name] = (one.proto.op_type if one.proto else one.operator, one.name, one.reason)
        self.result.nodes.append(
            self._runtime_node(name, one, inputs) if one.by_runtime else self._node(name, one, other, inputs)
        )

    def _is_made(self, tensor: str) -> bool:
        return tensor == self.result.input or any(tensor in step.outputs for step in self.first.steps)

    def _node(self, name: str, one: Step, other: Step, inputs: tuple[str, ...]) -> Node:
        node = self.first.node(one)
        values, later = self.first.values(one), self.second.values(other)
        constants: dict[str, Constant] = {
            key: constant for key, constant in node.constants.items() if not inputs[int(key)]
        }
        for key in constants:
            position = int(key)
            operator = one.operator if is_layer(one.operator, node.constants) else ""
            self.result.tensors[f"{name}.{tensor_name(operator, position)}"] = self.first.known[
                one.inputs[position]
            ]
        if is_layer(one.operator, node.constants) and one.operator == "BatchNormalization":
            self.result.tensors[f"{name}.num_batches_tracked"] = torch.tensor(0)
        return Node(
            name=name,
            operator=one.operator,
            inputs=inputs,
            outputs=tuple(output for output in one.outputs),
            attributes=one.attributes,
            constants=constants,
            values={key: _merged(value, later[key]) for key, value in values.items()},
            shape=node.shape,
        )

    def _runtime_node(self, name: str, step: Step, inputs: tuple[str, ...]) -> Node:
        examples = [
            (
                tensor,
                None if inputs[i] else self.first.known[tensor] if tensor else None,
                self._example(inputs[i]),
            )
            for i, tensor in enumerate(step.inputs)
        ]
        content = part(step.proto, examples, self.file.opset)
        self.result.tensors[f"{name}.model"] = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        outputs = [output for output in step.outputs if output]
        shapes = {
            f"shape_{i}": _merged(
                *(Value(tuple(run.data[output].shape)) for run in (self.first, self.second))
            )
            for i, output in enumerate(outputs)
        }
        types = [str(self.first.data[output].dtype).removeprefix("torch.") for output in outputs]
        return Node(
            name=name,
            operator=ONNX_RUNTIME,
            inputs=inputs,
            outputs=tuple(outputs),
            attributes={"operator": step.proto.op_type, "types": list(types)},
            constants={"0": Constant((len(content),), "uint8")},
            values=shapes,
        )

    def _example(self, name: str) -> torch.Tensor | None:
        return None if not name else self.first.data.get(name, self.first.known.get(name))

    def _unique(self, name: str) -> str:
        name = f"{name}_" if name in _RESERVED else name
        self.names[name] += 1
        unique = name if self.names[name] == 1 else f"{name}_{self.names[name]}"
        return unique if unique == name or unique not in self.names else self._unique(unique)

    def _join_bias(self) -> None:
        """Give a fully connected layer the bias that a node behind it adds, as tf2onnx writes it."""
        result = self.result
        for node in [
            node for node in result.nodes if node.operator == "Linear" and "2" not in node.constants
        ]:
            users = result.users(node.outputs[0])
            if len(users) != 1 or users[0].operator != "Add" or node.outputs[0] in result.outputs:
                continue
            (add,) = users
            width = node.constants["1"].shape[0]
            bias = [key for key, constant in add.constants.items() if constant.shape == (width,)]
            if len(bias) != 1:
                continue
            tensor = result.tensors.pop(f"{add.name}.{tensor_name('', int(bias[0]))}")
            result.tensors[f"{node.name}.bias"] = tensor
            joined = Node(
                name=node.name,
                operator="Linear",
                inputs=node.inputs,
                outputs=add.outputs,
                constants=node.constants | {"2": add.constants[bias[0]]},
            )
            result.nodes[result.nodes.index(node)] = joined
            result.nodes.remove(add)
            result.sources.pop(add.name)


def _merged(one: Value, other: Value) -> Value:
    """Return numbers that are equal for both batches, or what is added to them for each row."""
    if one == other:
        return one
    if len(one.numbers) != len(other.numbers):
        raise InputError("The file cannot be imported: the rank of a tensor depends on the batch.")
    slopes = tuple(b - a for a, b in zip(one.numbers, other.numbers, strict=True))
    if not all(isinstance(slope, int) for slope in slopes):
        raise InputError("The file cannot be imported: it computes with the size of the batch.")
    numbers = tuple(a - ROWS[0] * slope for a, slope in zip(one.numbers, slopes, strict=True))
    return Value(numbers, slopes, one.is_number)  # pyright: ignore[reportArgumentType]  (whole numbers, as seen)


def graph_of(conversion: Conversion, *, output: str, shape: tuple[int, ...], **fields: Any) -> Graph:
    """Return the graph of a conversion with one of its outputs."""
    return Graph(
        input=conversion.input,
        shape=shape,
        output=output,
        nodes=tuple(conversion.nodes),
        input_type=conversion.input_type,  # pyright: ignore[reportArgumentType]
        **fields,
    )
