"""What an imported graph is: where its head is, what its embedding is, and which activation it ends with."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.core.errors import InputError
from zoo.exchange.conversion import Conversion
from zoo.hub.imported import HEAD, Node

# Operators behind a head that keep its classes apart.
_BEHIND = frozenset(
    [
        "AveragePool",
        "Cast",
        "Clip",
        "Flatten",
        "GlobalAveragePool",
        "LogSoftmax",
        "ReduceMean",
        "Relu",
        "Reshape",
        "Sigmoid",
        "Softmax",
        "Squeeze",
    ]
)
_ACTIVATIONS = ("Relu", "Clip")
_FINAL = {"Softmax": "softmax", "Sigmoid": "sigmoid"}


@dataclass(frozen=True)
class Structure:
    """How the zoo uses a graph.

    Attributes
    ----------
    output : str
        The tensor that is the network's output: scores before the activation.
    original_output : str
        The file's output.
    activation : str
        The activation that the graph ended with, which the zoo applies itself; empty where it has none.
    classes : int
        Width of the output.
    head_layer, embedding_layer, head_activation : str
        As of `zoo.core.spec.Spec`.
    features : str
        The tensor that a new head gets, where the graph has no head; empty where it has.
    width : int or None
        Its channels.
    """

    output: str
    original_output: str
    activation: str
    classes: int
    head_layer: str
    embedding_layer: str
    head_activation: str = ""
    features: str = ""
    width: int | None = None

    @property
    def is_classifier(self) -> bool:
        """Whether the output is one number for each class."""
        return not self.features


def structure_of(conversion: Conversion) -> Structure:
    """Describe the first output of a conversion.

    Raises
    ------
    InputError
        If there is nothing that embeds an input.
    """
    original = next(iter(conversion.outputs))
    shape, output, activation = conversion.outputs[original], original, ""
    last = conversion.node_of(original)
    if last and len(shape) == 1 and last.operator in _FINAL and last.attributes.get("axis", 1) in (1, -1):
        output, activation = last.inputs[0], _FINAL[last.operator]
    if len(shape) == 1 and (found := _head(conversion, output, shape[0])):
        head, behind = found
        return Structure(
            output=output,
            original_output=original,
            activation=activation,
            classes=shape[0],
            head_layer=head.name,
            embedding_layer=f"input of {head.name}",
            head_activation=behind,
        )
    features = original if len(shape) == 1 else _features(conversion)
    width = shape[0] if features == original else conversion.shapes[features][0]
    return Structure(
        output=original,
        original_output=original,
        activation="",
        classes=shape[-1] if shape else 1,
        head_layer=HEAD,
        embedding_layer=f"input of {HEAD}",
        features=features,
        width=width,
    )


def _head(conversion: Conversion, tensor: str, classes: int) -> tuple[Node, str] | None:
    """Return the layer that computes the classes, and the activation between it and the output."""
    behind = ""
    while node := conversion.node_of(tensor):
        if node.operator in ("Linear", "Conv"):
            is_last = "1" in node.constants and node.constants["1"].shape[0] == classes
            return (node, behind) if is_last and _can_be_replaced(node) else None
        if node.operator not in _BEHIND:
            return None
        if node.operator in _ACTIVATIONS:
            behind = node.name
        tensor = node.inputs[0]
    return None


def _can_be_replaced(node: Node) -> bool:
    if node.operator == "Linear":
        return True
    plain = node.attributes.get("group", 1) == 1 and node.attributes.get("auto_pad", "NOTSET") in (
        "NOTSET",
        "VALID",
    )
    lists = [node.attributes.get(name) or [] for name in ("pads", "dilations")]
    pads, dilations = (value if isinstance(value, list) else [value] for value in lists)
    return plain and not any(pads) and set(dilations) <= {1} and len(node.constants["1"].shape) == 4


def _features(conversion: Conversion) -> str:
    """Return the last of the maps with the fewest positions and the most channels: the end of the body."""
    ranked = []
    for position, node in enumerate(conversion.nodes):
        for tensor in node.outputs:
            shape = conversion.shapes.get(tensor, ())
            if len(shape) in (2, 3) and tensor not in conversion.outputs:
                positions = shape[1] * (shape[2] if len(shape) == 3 else 1)
                ranked.append(((len(shape), -positions, shape[0], position), tensor))
    ranked = [entry for entry in ranked if entry[0][1] < -1] or ranked
    if not ranked:
        raise InputError("The network cannot be imported: it has no layer whose output describes an input.")
    return max(ranked)[1]
