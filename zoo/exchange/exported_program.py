"""An exported program of PyTorch as a graph of ONNX, and the program itself to compare with."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from zoo.core.errors import InputError, WeightsError, reason
from zoo.exchange.aten import ATEN, FOLDED, SIZES, STATEMENTS, Size
from zoo.exchange.exported_archive import TYPES, Archive, read_archive

OPSET = 20
MAX_SIZE = 2**62
MAX_FOLDED = 1 << 26  # elements of all tensors that are computed once
_VIEWS = ("slice.Tensor", "reshape.default", "view.default", "permute.default")  # take no memory
_PREFIX = "torch.ops.aten."
_DAMAGED = (LookupError, TypeError, ValueError, AttributeError, RuntimeError, ArithmeticError, MemoryError)


class ExportedProgram:
    """A program that was read, with what `zoo.exchange.onnx_file.OnnxFile` needs of it.

    Attributes
    ----------
    model : onnx.ModelProto
    format, runtime : str
        For the report.
    source : str
        Key of the format of weights.
    size_origin : str
        Empty: the file says the size of the input.
    guess, is_rounded
        None and false, as `zoo.exchange.onnx_file.Foreign` describes them.
    """

    runtime = "PyTorch"
    source = "torch"
    guess = None
    is_rounded = False
    size_origin = ""

    def __init__(self, path: Path):
        self.archive = read_archive(path)
        self.format = f"an exported program of PyTorch {self.archive.version}"
        _require_known(self.archive)
        try:
            self.model = _Converter(self.archive).model()
        except (InputError, WeightsError):
            raise
        except _DAMAGED as error:
            raise WeightsError(
                f"{path} is damaged: its nodes contradict themselves ({reason(error)})."
            ) from error

    def gives(self, tensors: Sequence[str]) -> bool:
        """Tell whether the program has these tensors: it names all."""
        return True

    def outputs(self, batch: np.ndarray, tensors: Sequence[str]) -> dict[str, np.ndarray]:
        """Run the operators of the program in PyTorch, and return some of its tensors.

        Raises
        ------
        InputError
            If PyTorch does not run it.
        """
        archive = self.archive
        (name,) = archive.inputs
        try:
            rows = archive.shapes[name][0] or len(batch)
            with torch.no_grad():
                runs = [
                    _run(archive, torch.from_numpy(np.ascontiguousarray(batch[i : i + rows])), tensors)
                    for i in range(0, len(batch), rows)
                ]
            return {key: np.concatenate([run[key] for run in runs]) for key in runs[0]}
        except _DAMAGED as error:
            raise InputError(f"PyTorch cannot run {archive.path.name}: {reason(error)}.") from error


def _require_known(archive: Archive) -> None:
    unknown = {
        node["target"]
        for node in archive.nodes
        if node["target"] not in SIZES and _key(node["target"])[0] not in {*ATEN, *FOLDED, *STATEMENTS}
    }
    if unknown:
        names = ", ".join(sorted(str(name).removeprefix("torch.ops.")[:80] for name in unknown)[:5])
        raise InputError(
            f"{archive.path.name} has operators that are not imported: {names}; write ONNX with "
            "torch.onnx.export."
        )


def _key(target: str) -> tuple[str, bool]:
    """Return the key of an operator in the table, and whether it changes its first tensor in place."""
    if not target.startswith(_PREFIX):
        return "", False
    name, _, overload = target.removeprefix(_PREFIX).partition(".")
    in_place = name.endswith("_")
    return f"{name.rstrip('_') if in_place else name}.{overload}", in_place


def _arguments(node: dict[str, Any], tensor: Any, size: Any) -> dict[str, Any]:
    """Return the arguments of a node by name.

    Parameters
    ----------
    tensor, size : callable
        From the name of a tensor, and of a size that is not fixed, to its value.
    """
    return {entry["name"]: _argument(entry["arg"], tensor, size) for entry in node["inputs"]}


def _argument(value: dict[str, Any], tensor: Any, size: Any) -> Any:
    ((kind, content),) = value.items()
    if kind == "as_tensor":
        return tensor(content["name"])
    if kind == "as_tensors":
        return [tensor(entry["name"]) for entry in content]
    if kind == "as_sym_int":
        return _size(content, size)
    if kind == "as_sym_ints":
        return [_size(entry, size) for entry in content]
    if kind == "as_scalar_type":
        return TYPES[content]
    if kind in ("as_int", "as_ints", "as_float", "as_floats", "as_bool", "as_bools", "as_string"):
        return content
    if kind in ("as_none", "as_device", "as_layout", "as_memory_format"):
        return None
    raise NotImplementedError(f"an argument of the kind {kind[:40]}")


def _size(value: dict[str, Any], size: Any) -> Any:
    return size(value["as_name"]) if "as_name" in value else value["as_int"]


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("a size is no whole number")
    return value


def _results(node: dict[str, Any]) -> list[str]:
    """Return the names of what a node computes."""
    names: list[str] = []
    for output in node["outputs"]:
        ((kind, content),) = output.items()
        if kind == "as_tensors":
            names += [entry["name"] for entry in content]
        else:
            names.append(content["as_name"] if kind == "as_sym_int" else content["name"])
    return names


class _Converter:
    """Writes the nodes of an archive as nodes of ONNX."""

    def __init__(self, archive: Archive):
        self.archive = archive
        self.nodes: list[Any] = []
        self.constants: dict[str, torch.Tensor] = dict(archive.tensors)
        self.names: dict[str, str] = {}  # of tensors that are others in the graph
        self.shapes = dict(archive.shapes)
        self.makers = {name: node for node in archive.nodes for name in _results(node)}
        self.folded = 0  # elements
        self.scope = ""

    def model(self) -> Any:
        """Return the graph.

        Raises
        ------
        InputError
            If an operator cannot be converted.
        """
        from onnx import TensorProto, helper, numpy_helper

        archive = self.archive
        for node in archive.nodes:
            self._convert(node)
        used = {name for node in self.nodes for name in node.input}
        kinds = {torch.float32: TensorProto.FLOAT, torch.uint8: TensorProto.UINT8}
        inputs = [
            helper.make_tensor_value_info(
                name, kinds.get(archive.types[name], TensorProto.FLOAT), archive.shapes[name]
            )
            for name in archive.inputs
        ]
        outputs = [
            helper.make_empty_tensor_value_info(self.names.get(name, name)) for name in archive.outputs
        ]
        tensors = [
            numpy_helper.from_array((t.float() if t.dtype == torch.bfloat16 else t).numpy(), name)
            for name, t in self.constants.items()
            if name in used
        ]
        graph = helper.make_graph(self.nodes, "program", inputs, outputs, tensors)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])

    def _convert(self, node: dict[str, Any]) -> None:
        target = node["target"]
        key, in_place = _key(target)
        if key in STATEMENTS:
            return
        self.scope = _scope(node)
        results = _results(node)
        arguments = _arguments(node, lambda name: self.names.get(name, name), Size)
        try:
            if key in FOLDED:
                self._fold(node, arguments, results)
                return
            if target in SIZES:
                made: Any = self.node(SIZES[target], [self._whole(side) for side in arguments.values()])
            else:
                made = ATEN[key](self, arguments)
        except NotImplementedError as error:
            raise InputError(
                f"The operator {key} ({self.scope or 'the network itself'}) of {self.archive.path.name} "
                f"cannot be imported: {reason(error)}."
            ) from error
        for name, own in zip(results, made if isinstance(made, list) else [made], strict=True):
            self._name(name, own.name if isinstance(own, Size) else own)
        if in_place:
            self.names[node["inputs"][0]["arg"]["as_tensor"]["name"]] = self.names.get(results[0], results[0])

    def _name(self, name: str, own: str) -> None:
        """Give what a node computes its name in the program, or remember which tensor it is."""
        made = reversed(self.nodes) if own.startswith("#") else ()
        if (node := next((node for node in made if own in node.output), None)) is None:
            self.names[name] = own
        else:
            node.output[list(node.output).index(own)] = name

    def _whole(self, value: Any) -> str:
        return value.name if isinstance(value, Size) else self.constant(torch.tensor([_whole(value)]))

    def _fold(self, node: dict[str, Any], arguments: dict[str, Any], results: list[str]) -> None:
        source = arguments["self"] if "self" in arguments else arguments["input"]
        if arguments.get("dtype") is not None and self.dtype(source) == arguments["dtype"]:
            self.names[results[0]] = source
            return
        values = _arguments(node, lambda name: self._known(name), Size)
        self._count(_call(node, values, meta=True))
        self.constants[results[0]] = _call(node, values).contiguous()

    def _count(self, tensor: torch.Tensor) -> None:
        self.folded += tensor.numel()
        if self.folded > MAX_FOLDED:
            raise NotImplementedError(f"more than {MAX_FOLDED} elements of weights would be computed")

    def _known(self, name: str) -> torch.Tensor:
        """Return a tensor that does not depend on the input, computed if nodes were written for it."""
        name = self.names.get(name, name)
        if name not in self.constants:
            node = self.makers.get(name)
            if node is None or _key(node["target"])[0] not in _VIEWS:
                raise NotImplementedError("it depends on the input")
            view = _call(node, _arguments(node, self._known, Size))
            self._count(view)
            self.constants[name] = view.contiguous()
        return self.constants[name]

    def node(self, kind: str, inputs: Sequence[str], count: int = 1, **attributes: Any) -> Any:
        """Write a node, and return the names of its outputs."""
        from onnx import helper

        position = len(self.nodes)
        outputs = [f"#{position}:{i}" for i in range(count)]
        name = f"{self.scope}/{kind}" if self.scope else kind
        self.nodes.append(helper.make_node(kind, list(inputs), outputs, name=name, **attributes))
        return outputs if kind == "Split" else outputs[0]

    def constant(self, value: torch.Tensor) -> str:
        name = f"constant:{len(self.constants)}"
        self.constants[name] = value.contiguous()
        return name

    def tensor(self, name: str) -> torch.Tensor | None:
        return self.constants.get(name)

    def shape(self, name: str) -> tuple[int | None, ...]:
        """Return the sizes that the program states; those of the batch are None."""
        if name in self.constants:
            return tuple(self.constants[name].shape)
        return self.shapes[name]

    def dtype(self, name: str) -> torch.dtype:
        return self.constants[name].dtype if name in self.constants else self.archive.types[name]


def _scope(node: dict[str, Any]) -> str:
    """Return the module that a node is of, as in ``layer1/0/conv1``."""
    stack = str(node.get("metadata", {}).get("nn_module_stack", "")).split(";")[-1].split(",")
    return stack[1].replace(".", "/") if len(stack) > 2 else ""


def _call(node: dict[str, Any], arguments: dict[str, Any], *, meta: bool = False) -> Any:
    """Call an operator of PyTorch that is in the closed table."""
    name, _, overload = node["target"].removeprefix(_PREFIX).partition(".")
    function = getattr(getattr(torch.ops.aten, name), overload)
    if meta:
        arguments = {k: v.to("meta") if isinstance(v, torch.Tensor) else v for k, v in arguments.items()}
    return function(**arguments)


def _run(archive: Archive, batch: torch.Tensor, tensors: Sequence[str]) -> dict[str, np.ndarray]:
    """Run a program for a batch; a tensor is recorded before another operator changes it in place."""
    values: dict[str, Any] = {**archive.tensors, archive.inputs[0]: batch.clone()}
    recorded: dict[str, np.ndarray] = {}
    for node in archive.nodes:
        target = node["target"]
        if _key(target)[0] in STATEMENTS:
            continue
        arguments = _arguments(node, values.__getitem__, values.__getitem__)
        if target in SIZES:
            sides = [_whole(side) for side in arguments.values()]
            made = getattr(operator, target.removeprefix("_operator."))(*sides)
            if abs(made) > MAX_SIZE:
                raise ValueError("a size is too large")
        else:
            made = _call(node, arguments)
        for name, value in _pairs(_results(node), made):
            values[name] = value
            if name in tensors:
                recorded[name] = value.detach().numpy().copy()
    return recorded


def _pairs(names: list[str], made: Any) -> Iterator[tuple[str, Any]]:
    yield from zip(names, made if isinstance(made, list | tuple) else [made], strict=True)
