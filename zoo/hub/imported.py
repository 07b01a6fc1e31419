"""The record of an imported network: its graph as data, and everything else that a network needs.

A graph is a list of nodes. A node names an operator of a closed table
(`zoo.inference.imported.operators`), never code, and the shapes of its constants, whose values are tensors of
the weights. `describe` makes of these arguments a record, as it does of a family of untrained networks, so a
saved network holds its graph in its own ``network.json``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from zoo.core.errors import CatalogError
from zoo.core.spec import Activation, Count, Parent, Spec, Task, Text, Width
from zoo.hub.imported_preprocessing import resolve

FAMILY = "imported"
HEAD = "head"  # the layer for a head of a network that has none of its own
MAX_NODES = 50_000

Size = Annotated[int, Meta(ge=0, le=10**9)]
Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
LayerName = Annotated[str, Meta(pattern=r"^[^.\s][^.]*$", max_length=500)]
ElementType = Literal["float32", "float64", "int64", "int32", "uint8", "int8", "bool"]
Attribute = Whole | float | str | list[Whole | float | str]


class Constant(Struct, frozen=True, forbid_unknown_fields=True):
    """A tensor that belongs to a node: its shape and the type of its elements."""

    shape: Annotated[tuple[Size, ...], Meta(max_length=8)]
    type: ElementType


class Value(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A small input of a node, such as a shape: a number or a list of them, which may grow with the batch.

    Attributes
    ----------
    numbers : tuple of int or float
    slopes : tuple of int
        What is added to each number for each row of a batch; empty where nothing is.
    is_number : bool
        Whether it is a number rather than a list of one.
    """

    numbers: tuple[Whole | float, ...]
    slopes: tuple[Whole, ...] = ()
    is_number: bool = False

    def __post_init__(self) -> None:
        if self.slopes and len(self.slopes) != len(self.numbers):
            raise ValueError(f"{len(self.slopes)} slopes do not go with {len(self.numbers)} numbers")
        if self.is_number and len(self.numbers) != 1:
            raise ValueError(f"{len(self.numbers)} numbers are not one")

    def resolve(self, rows: Any) -> Any:
        """Return the number or list for a batch of so many rows."""
        slopes = self.slopes or [0] * len(self.numbers)
        result = [
            number + slope * rows if slope else number
            for number, slope in zip(self.numbers, slopes, strict=True)
        ]
        return result[0] if self.is_number else result


class Node(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One operator of a graph, which becomes one layer.

    Attributes
    ----------
    name : str
        Of the layer: that of the node in the file, without dots.
    operator : str
        Key of `zoo.inference.imported.operators.OPERATORS`.
    inputs : tuple of str
        Names of tensors by position; empty where a constant or a value is.
    outputs : tuple of str
        Names of the tensors that it gives.
    attributes : mapping
        As ONNX defines them for the operator.
    constants : mapping of str to Constant
        Tensors by position.
    values : mapping of str to Value
        Small inputs by position that decide about shapes.
    shape : tuple of int or None
        Of the first input without the batch axis, where the layer depends on it.
    """

    name: LayerName
    operator: Text
    inputs: Annotated[tuple[str, ...], Meta(max_length=10_000)]
    outputs: Annotated[tuple[str, ...], Meta(min_length=1, max_length=10_000)]
    attributes: dict[str, Attribute] = field(default_factory=dict)
    constants: dict[str, Constant] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    shape: tuple[Size, ...] | None = None


class Graph(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A network from its input to its output.

    Attributes
    ----------
    input : str
        Name of the tensor that the network takes.
    shape : tuple of int
        Of the preprocessed input, without the batch axis.
    output : str
        Name of the tensor that is the network's output.
    nodes : tuple of Node
        In the order in which they run.
    channels_last : bool
        Whether the graph takes images as (n, height, width, channels).
    input_type : str
        What the elements of the input are.
    features : str
        Name of the tensor that a new head gets, of a network that has no head; empty for others.
    width : int or None
        Number of channels of `features`.
    """

    input: Text
    shape: Annotated[tuple[Count, ...], Meta(min_length=1, max_length=5)]
    output: Text
    nodes: Annotated[tuple[Node, ...], Meta(max_length=MAX_NODES)]
    channels_last: bool = False
    input_type: ElementType = "float32"
    features: str = ""
    width: Width | None = None


class Imported(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The arguments of the family: the graph, and the fields of `zoo.core.spec.Spec` that go with it."""

    graph: Graph
    title: Text
    tasks: Annotated[tuple[Task, ...], Meta(min_length=1)]
    parameters: Count
    depth: Count | None = None
    classes: Count
    preprocess: dict[str, Any]
    activation: Activation
    head_layer: Text
    embedding_layer: Text
    head_activation: str = ""
    pool: bool = True
    license: Text = "not stated"
    validation: Text = "Not compared with the original."


def describe(arguments: dict[str, Any]) -> Spec:
    """Return the record of an imported network from arguments, which may come from a stranger's file.

    Raises
    ------
    CatalogError
        If the arguments are not those of an imported network.
    InputError, UnknownNameError
        If its preprocessing cannot be had.
    """
    imported = convert(arguments, Imported)
    fields = {name: getattr(imported, name) for name in Imported.__struct_fields__ if name != "graph"}
    fields["modality"], fields["preprocess"] = resolve(imported.preprocess)
    if imported.preprocess.get("type") == "resize_crop":
        side, channels = fields["preprocess"]["crop"], len(fields["preprocess"]["mean"])
        if imported.graph.shape != (channels, side, side):
            raise CatalogError(
                f"The preprocessing of this network does not give the shape {imported.graph.shape}."
            )
    graph = msgspec.to_builtins(imported.graph)
    return Spec(
        name=FAMILY,
        builder=FAMILY,
        arguments={"graph": graph},
        input_shape=imported.graph.shape,
        citation="not stated",
        homepage="not stated",
        sources=(),
        origin="imported",
        parent=Parent(FAMILY, msgspec.to_builtins(imported) | {"graph": graph}),
        **fields,
    )


def convert(value: Any, kind: type[Any]) -> Any:
    """Check the types of data of a file and return it as one of the structures above."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise CatalogError(f"The graph of this network is damaged: {error}.") from error
