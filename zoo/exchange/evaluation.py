"""Run an ONNX graph for a batch of so many rows, without the numbers: known tensors, and all shapes.

What does not depend on the input (weights, shapes, positions) is computed; everything else is on the device
"meta", where tensors have shapes only. `zoo.exchange.conversion` compares two such runs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import onnx
import torch
from onnx import helper

from zoo.core.errors import InputError, WeightsError, ZooError, reason
from zoo.exchange.onnx_file import OnnxFile
from zoo.exchange.onnx_nodes import Step, constant_of, layer_name, needs_shape, torch_type
from zoo.exchange.runtime_parts import constant_outputs, output_examples
from zoo.hub.imported import Node, Value
from zoo.inference.imported.graph import require_small
from zoo.inference.imported.layers import is_layer
from zoo.inference.imported.operators import FUNCTIONS, build_layer
from zoo.inference.imported.shapes import VALUE_POSITIONS

MAX_VALUES = 256  # numbers that a record keeps in the place of a tensor
_FAILURES = (RuntimeError, IndexError, KeyError, TypeError, ValueError, AttributeError, ArithmeticError)


@dataclass
class Evaluation:
    """A run of the graph.

    Attributes
    ----------
    file : OnnxFile
    rows : int
        In the batch.
    shape : tuple of int
        Of the input, without the batch axis, as the graph takes it.
    constants : dict of str to Tensor
        The file's, shared by all runs.
    """

    file: OnnxFile
    rows: int
    shape: tuple[int, ...]
    constants: dict[str, torch.Tensor]
    known: dict[str, torch.Tensor] = field(default_factory=dict)
    data: dict[str, torch.Tensor] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)

    def run(self) -> Evaluation:
        """Run all nodes.

        Raises
        ------
        WeightsError
            If the graph is damaged.
        InputError
            If an operator can be run neither here nor by ONNX Runtime.
        """
        (data,) = self.file.inputs()
        self.known.update(self.constants)
        kind = onnx.TensorProto.DataType.Name(data.type.tensor_type.elem_type)
        self.data[data.name] = torch.empty((self.rows, *self.shape), dtype=torch_type(kind), device="meta")
        self._graph(self.file.graph)
        return self

    def name(self, tensor: str) -> str:
        """Return the name under which a tensor is kept: nodes that change nothing are left out."""
        while tensor in self.aliases:
            tensor = self.aliases[tensor]
        return tensor

    def _graph(self, graph: Any) -> None:
        for node in graph.node:
            try:
                self._node(node)
            except ZooError:
                raise
            except _FAILURES as error:
                raise InputError(
                    f"The operator {node.op_type} ({node.name or node.output[0]}) of {self.file.path.name} "
                    f"cannot be imported: {reason(error)}. {self._advice()}"
                ) from error

    def _advice(self) -> str:
        sizes = self.file.inputs()[0].type.tensor_type.shape.dim
        if sizes and sizes[0].dim_value:
            return (
                "The file was made for a batch of "
                f"{sizes[0].dim_value}; export it with a batch of any size (dynamic_axes, dynamic_shapes)."
            )
        return "Export it with another opset, or with simplified shapes."

    def _node(self, node: Any) -> None:
        inputs = [self.name(name) for name in node.input]
        if missing := [name for name in inputs if name and name not in self.known and name not in self.data]:
            raise WeightsError(f"{self.file.path} is damaged: no node gives the tensor {missing[0]!r}.")
        attributes = {attribute.name: attribute for attribute in node.attribute}
        operator, outputs = node.op_type, list(node.output)
        if operator in ("Identity", "Dropout"):
            self.aliases[outputs[0]] = inputs[0]
        elif operator == "Constant":
            self.known[outputs[0]] = self._constant(attributes)
        elif operator in ("Shape", "Size"):
            self.known[outputs[0]] = self._size(operator, inputs[0], attributes)
        elif operator == "If":
            self._branch(inputs[0], attributes, outputs)
        else:
            step = Step(
                name=layer_name(node, len(self.steps)),
                operator=operator,
                inputs=inputs,
                outputs=outputs,
                attributes=self._attributes(node, attributes),
                proto=node,
            )
            self._normalize(step)
            self._compute(step)
            self.steps.append(step)

    def _constant(self, attributes: dict[str, Any]) -> torch.Tensor:
        if "value" in attributes:
            return self.file.tensor(attributes["value"].t)
        (attribute,) = attributes.values()
        value = helper.get_attribute_value(attribute)
        kind = torch.float32 if "float" in attribute.name else torch.int64
        return torch.tensor(value, dtype=kind)

    def _size(self, operator: str, name: str, attributes: dict[str, Any]) -> torch.Tensor:
        tensor = self.known[name] if name in self.known else self.data[name]
        if operator == "Size":
            return torch.tensor(tensor.numel())
        start = attributes["start"].i if "start" in attributes else 0
        end = attributes["end"].i if "end" in attributes else None
        return torch.tensor(list(tensor.shape)[start:end], dtype=torch.int64)

    def _branch(self, condition: str, attributes: dict[str, Any], outputs: list[str]) -> None:
        """Run the branch of an If whose condition is known."""
        if condition not in self.known:
            raise NotImplementedError("which branch runs depends on the input")
        graph = attributes["then_branch" if bool(self.known[condition].all()) else "else_branch"].g
        self.known.update({tensor.name: self.file.tensor(tensor) for tensor in graph.initializer})
        self._graph(graph)
        for output, inner in zip(outputs, graph.output, strict=True):
            if output != inner.name:
                self.aliases[output] = inner.name

    def _attributes(self, node: Any, attributes: dict[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, attribute in attributes.items():
            value = helper.get_attribute_value(attribute)
            if isinstance(value, bytes):
                value = value.decode("utf-8", "replace")
            elif isinstance(value, onnx.TensorProto):
                tensor = self.file.tensor(value)
                values["type"] = str(tensor.dtype).removeprefix("torch.")
                value = tensor.reshape(-1)[0].item()
            elif isinstance(value, list):
                value = [
                    item.decode("utf-8", "replace") if isinstance(item, bytes) else item for item in value
                ]
            values[name] = value
        if node.op_type == "Cast":
            values["to"] = str(torch_type(onnx.TensorProto.DataType.Name(values["to"]))).removeprefix(
                "torch."
            )
        return values

    def _normalize(self, step: Step) -> None:
        """Give an operator the form that the table has."""
        first = self.data.get(step.inputs[0]) if step.inputs else None
        if step.operator in ("Softmax", "LogSoftmax") and self.file.opset < 13 and first is not None:
            axis = step.attributes.setdefault("axis", 1) % first.ndim
            if axis != first.ndim - 1:
                if step.operator == "LogSoftmax":
                    raise NotImplementedError("it is taken over several axes")
                step.operator = "FlatSoftmax"
        elif step.operator == "Split" and "split" not in step.attributes and not step.inputs[1:]:
            step.attributes["num_outputs"] = len(step.outputs)
        elif step.operator == "CastLike":
            like = self.data.get(step.inputs[1], self.known.get(step.inputs[1]))
            step.operator, step.inputs = "Cast", step.inputs[:1]
            step.attributes = {"to": str(like.dtype).removeprefix("torch.")} if like is not None else {}
        elif step.operator == "Resize" and len(step.inputs) > 1:
            step.inputs[1] = ""  # the region of interest, which only cropping takes
            if self.file.opset < 11:
                step.inputs = [step.inputs[0], "", *step.inputs[1:2]]
        elif step.operator == "Gemm" and self._is_linear(step):
            self._linear(step, step.inputs[1], turned=not step.attributes.get("transB", 0))
        elif step.operator == "MatMul" and self._is_linear(step):
            self._linear(step, step.inputs[1], turned=True)
        elif step.operator == "Reshape" and first is not None:
            self._batch_axis(step, first)
        elif step.operator == "Concat":
            self._join_rows(step)

    def _is_linear(self, step: Step) -> bool:
        weight, first = self.known.get(step.inputs[1]), self.data.get(step.inputs[0])
        if (
            weight is None
            or first is None
            or weight.ndim != 2
            or first.ndim < 2
            or weight.dtype != torch.float32
        ):
            return False
        if step.operator == "MatMul":
            return True
        out = weight.shape[0 if step.attributes.get("transB", 0) else 1]
        bias = self.known.get(step.inputs[2]) if len(step.inputs) > 2 and step.inputs[2] else None
        plain = step.attributes.get("alpha", 1.0) == 1 and step.attributes.get("beta", 1.0) == 1
        known_bias = len(step.inputs) < 3 or not step.inputs[2] or (bias is not None and bias.numel() == out)
        return plain and known_bias and not step.attributes.get("transA", 0)

    def _linear(self, step: Step, weight: str, *, turned: bool) -> None:
        """Write a product with a constant matrix as PyTorch's fully connected layer has it."""
        step.operator, step.attributes = "Linear", {}
        if turned:
            name = f"{weight}\0T"
            if name not in self.constants:
                self.constants[name] = self.known[weight].T.contiguous()
            self.known[name] = self.constants[name]
            step.inputs[1] = name
        if len(step.inputs) > 2 and step.inputs[2] and self.known[step.inputs[2]].ndim != 1:
            name = f"{step.inputs[2]}\0flat"
            self.constants.setdefault(name, self.known[step.inputs[2]].reshape(-1))
            self.known[name] = self.constants[name]
            step.inputs[2] = name

    def _batch_axis(self, step: Step, first: torch.Tensor) -> None:
        """Free a shape from the batch of 1 that a file was exported for, and flatten where it flattens."""
        shape = self.known.get(step.inputs[1])
        if shape is None or first.shape[0] != self.rows:
            return
        sizes = [int(size) for size in shape.tolist()]
        if sizes and sizes[0] == 1 and math.prod(sizes) != first.numel():
            sizes[0] = self.rows
            name = f"{step.inputs[1]}\0{self.rows}"
            self.known[name] = torch.tensor(sizes)
            step.inputs[1] = name
        if len(sizes) == 2 and sizes[0] in (self.rows, 0, -1) and first.ndim > 1:
            width = first.numel() // self.rows
            if sizes[1] in (-1, width) and not (sizes[0] == -1 and sizes[1] == -1):
                step.operator, step.inputs, step.attributes = "Flatten", step.inputs[:1], {"axis": 1}

    def _join_rows(self, step: Step) -> None:
        """Repeat constants that a file exported for a batch of 1 joins with the rows of the input."""
        shapes = [self.data[name].shape for name in step.inputs if name in self.data]
        if not shapes or shapes[0][0] != self.rows or step.attributes.get("axis", 0) % len(shapes[0]) == 0:
            return
        for position, name in enumerate(step.inputs):
            tensor = self.known.get(name)
            if tensor is not None and tensor.ndim == len(shapes[0]) and tensor.shape[0] == 1:
                repeated, sizes = f"{name}\0rows", f"{name}\0shape"
                self.known[sizes] = torch.tensor([self.rows, *tensor.shape[1:]])
                extra = Step(f"{step.name}/Expand_{position}", "Expand", [name, sizes], [repeated], {}, None)
                self._compute(extra)
                self.steps.append(extra)
                step.inputs[position] = repeated

    def _compute(self, step: Step) -> None:
        """Compute the outputs of a step: as numbers if all inputs are known, else as shapes."""
        is_known = all(name in self.known for name in step.inputs if name)
        outputs: Any = None
        if is_known:
            outputs = self._numbers(step)
            self.known.update(zip(step.outputs, outputs, strict=False))
            return
        try:
            node = self.node(step)
            with torch.device("meta"):
                layer = build_layer(node)
            several = len([name for name in step.outputs if name]) > 1
            if several and is_layer(node.operator, node.constants) and node.operator != "BatchNormalization":
                raise NotImplementedError("it has a second output")
            streams = [
                self.data[name] if name in self.data else self.known[name].to("meta")
                for name in node.inputs
                if name
            ]
            outputs = layer.eval()(*streams)
        except (ZooError, *_FAILURES) as error:
            self._leave_to_runtime(step, reason(error))
            return
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        self._keep(step, outputs)

    def _keep(self, step: Step, outputs: Any) -> None:
        for name, output in zip(step.outputs, outputs, strict=False):
            require_small(output.shape, step.operator)
            self.data[name] = output.to("meta")

    def _leave_to_runtime(self, step: Step, why: str) -> None:
        if step.proto is None:
            raise NotImplementedError(why)
        step.by_runtime, step.reason = True, why
        step.operator, step.inputs = step.proto.op_type, [self.name(name) for name in step.proto.input]
        inputs = [(name, self.known.get(name), self.data.get(name)) for name in step.inputs]
        try:
            outputs = output_examples(step.proto, inputs, self.file.opset)
        except RuntimeError as error:
            raise NotImplementedError(why) from error
        self._keep(step, outputs)

    def _numbers(self, step: Step) -> Any:
        values = self.values(step)
        if step.operator in FUNCTIONS and (step.inputs or values):
            node = Node(
                name=step.name,
                operator=step.operator,
                inputs=tuple("" if str(i) in values else name for i, name in enumerate(step.inputs)),
                outputs=tuple(step.outputs),
                attributes=step.attributes,
                values=values,
            )
            streams = [self.known[name] for name in node.inputs if name]
            try:
                with torch.device("meta"):
                    shapes = build_layer(node)(*[stream.to("meta") for stream in streams])
            except (ZooError, *_FAILURES):
                if step.proto is None:
                    raise
            else:
                for tensor in shapes if isinstance(shapes, tuple) else (shapes,):
                    require_small(tensor.shape, step.operator)
                outputs = build_layer(node)(*streams)
                return outputs if isinstance(outputs, tuple) else (outputs,)
        names = [self.name(name) for name in step.proto.input]
        return constant_outputs(
            step.proto, [(name, self.known.get(name), None) for name in names], self.file.opset
        )

    def values(self, step: Step) -> dict[str, Value]:
        """Return the inputs of a step that are numbers, by position."""
        result: dict[str, Value] = {}
        for position in VALUE_POSITIONS.get(step.operator, ()):
            tensor = self.known.get(step.inputs[position]) if position < len(step.inputs) else None
            if tensor is not None and tensor.ndim < 2 and tensor.numel() <= MAX_VALUES:
                result[str(position)] = Value(tuple(tensor.reshape(-1).tolist()), is_number=tensor.ndim == 0)
        return result

    def node(self, step: Step) -> Node:
        """Return the node of a step for this number of rows."""
        values = self.values(step)
        constants = {
            str(position): constant_of(self.known[name])
            for position, name in enumerate(step.inputs)
            if name in self.known and str(position) not in values
        }
        streams = ("" if name in self.known else name for name in step.inputs)
        first = self.data.get(step.inputs[0]) if step.inputs else None
        return Node(
            name=step.name,
            operator=step.operator,
            inputs=tuple(streams),
            outputs=tuple(step.outputs),
            attributes=step.attributes,
            constants=constants,
            values=values,
            shape=tuple(first.shape[1:]) if needs_shape(step) and first is not None else None,
        )
