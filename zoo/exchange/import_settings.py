"""What a graph does not say: its preprocessing, its labels, its activation, with where each was found."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from zoo.core.errors import InputError, UnknownNameError, reason
from zoo.core.labels import Label
from zoo.exchange.onnx_file import OnnxFile
from zoo.hub import imported_preprocessing, registry
from zoo.hub.labels import read as read_labels

MAX_LABEL_BYTES = 16 << 20
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
SIGNED = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
DEFAULT_SIDE = 224
_ARRANGING = ("Cast", "Identity", "Transpose")
_NORMALIZING = ("Sub", "Div", "Mul", "Add", "BatchNormalization")


class Setting(NamedTuple):
    """A value, and a sentence on where it was found or why it was guessed."""

    value: Any
    origin: str


def asked_for(choice: str | Mapping[str, Any] | None) -> Setting | None:
    """Return the preprocessing that the user asks for; None where nothing is asked for.

    Returns
    -------
    Setting or None
        Of a table that `zoo.hub.imported_preprocessing.resolve` takes.

    Raises
    ------
    InputError
        If it is invalid.
    """
    if choice is None:
        return None
    if isinstance(choice, Mapping):
        imported_preprocessing.resolve(dict(choice))
        return Setting(
            {"type": "resize_crop", **choice} if "network" not in choice else dict(choice), "As asked for."
        )
    imported_preprocessing.resolve({"network": choice})
    return Setting({"network": str(choice)}, f"That of {choice}, as asked for.")


def preprocessing(file: OnnxFile) -> Setting:
    """Choose the preprocessing of which nothing was said: what the file's metadata say, or a guess.

    Returns
    -------
    Setting
        As of `asked_for`.

    Raises
    ------
    InputError
        If there is nothing to guess from.
    """
    name = file.metadata.get("network", "")
    if name:
        try:
            imported_preprocessing.resolve({"network": name})
        except (InputError, UnknownNameError):
            pass
        else:
            return Setting({"network": name}, f"That of {name}, which the file's metadata name.")
    return _guess(file)


def _guess(file: OnnxFile) -> Setting:
    (field,) = file.inputs()
    sizes = [dim.dim_value for dim in field.type.tensor_type.shape.dim]
    shape = f"{field.name} ({' × '.join(str(size or '?') for size in sizes)})"
    if len(sizes) != 4 or (sizes[1] not in (1, 3) and sizes[3] not in (1, 3)):
        raise InputError(
            f"The input {shape} is not that of images; pass preprocess= with the name of a network that is "
            "preprocessed alike."
        )
    channels, *sides = (sizes[1], *sizes[2:]) if sizes[1] in (1, 3) else (sizes[3], *sizes[1:3])
    height, width = (side or DEFAULT_SIDE for side in sides)
    if height != width or height > 4096:
        raise InputError(
            f"The input {shape} is not a square of at most 4096 pixels, and only such images are imported."
        )
    table: dict[str, Any] = {"type": "resize_crop", "resize": height, "crop": height}
    if channels == 1:
        table |= {"channels": "gray", "mean": [0.0], "std": [1.0]}
        return Setting(
            table, "Guessed: gray from 0 to 1, for the input has one channel; pass preprocess= to change it."
        )
    if file.foreign and (guess := file.foreign.guess) is not None:
        return Setting(table | guess.fields, f"Guessed: {guess.reason}; pass preprocess= to change it.")
    first = _first_operator(file, field.name)
    if first is not None and first.op_type in _NORMALIZING:
        table |= {"scale": 255}
        reason_ = f"RGB from 0 to 255, for the graph normalizes its input itself ({first.op_type})"
    elif field.type.tensor_type.elem_type == 2:  # uint8
        table |= {"scale": 255}
        reason_ = "RGB from 0 to 255, for the graph takes bytes"
    elif file.foreign and file.foreign.source in ("keras", "tflite", "graph"):
        table |= SIGNED
        reason_ = "RGB from -1 to 1, as most networks of TensorFlow take them"
    else:
        table |= IMAGENET
        table["resize"] = round(height * 256 / 224)
        reason_ = (
            "RGB normalized by the mean and deviation of ImageNet, as most networks of PyTorch take them"
        )
    if file.foreign and file.foreign.size_origin:
        reason_ += f", of {height} × {width} pixels, {file.foreign.size_origin}"
    return Setting(table, f"Guessed: {reason_}; pass preprocess= to change it.")


def _first_operator(file: OnnxFile, tensor: str) -> Any:
    """Return the first node that computes with the input, behind those that only arrange it."""
    for node in file.graph.node:
        if tensor in node.input:
            if node.op_type not in _ARRANGING:
                return node
            tensor = node.output[0]
    return None


def labels(
    choice: str | os.PathLike[str] | Sequence[str] | None, file: OnnxFile, classes: int
) -> tuple[tuple[Label, ...], str]:
    """Choose the labels: a file, texts, those of a catalog's network, the file's metadata, or numbers.

    Raises
    ------
    InputError
        If they cannot be read, or are not as many as the outputs.
    """
    origin = "as asked for"
    if choice is None:
        values = _from_metadata(file)
        origin = "from the file's metadata"
        if values is None or len(values) != classes:
            numbers = tuple(Label(str(i), f"class {i}") for i in range(classes))
            return (
                numbers,
                f"{classes} classes, whose labels the file does not say; pass labels= to name them.",
            )
    elif not isinstance(choice, str | os.PathLike):
        values = tuple(Label(str(label), str(label)) for label in choice)
    elif Path(choice).is_file():
        values = read_label_file(Path(choice))
    else:
        values = _of_network(str(choice))
    if len(values) != classes:
        raise InputError(f"{len(values)} labels do not fit {classes} outputs.")
    if any(not label.label.strip() for label in values):
        raise InputError("A label is empty; every class needs one.")
    return values, f"{classes} classes, {origin}: {', '.join(label.label for label in values[:3])}, …"


def _from_metadata(file: OnnxFile) -> tuple[Label, ...] | None:
    try:
        values = json.loads(file.metadata.get("labels", "null"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, list) or not all(isinstance(value, str) and value.strip() for value in values):
        return None
    return tuple(Label(value, value) for value in values)


def _of_network(name: str) -> tuple[Label, ...]:
    try:
        spec = registry.describe(name)
    except UnknownNameError as error:
        raise InputError(
            f"labels={name!r} is neither a file nor the name of a network; see `zoo list`."
        ) from error
    if not spec.labels:
        raise InputError(f"labels={name!r} is a network without labels.")
    return read_labels(spec.labels)


def read_label_file(path: Path) -> tuple[Label, ...]:
    """Read labels from a file: CSV with the columns id and label, a JSON list, or one label a line.

    Raises
    ------
    InputError
        If it is none of these.
    """
    try:
        if path.stat().st_size > MAX_LABEL_BYTES:
            raise InputError(f"{path} has more than the {MAX_LABEL_BYTES >> 20} MB of a file of labels.")
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            values = json.loads(text)
            if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
                raise InputError(f"{path} is not a JSON list of labels.")
            return tuple(Label(value, value) for value in values)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if path.suffix == ".csv" and lines and "label" in lines[0].split(","):
            rows = list(csv.DictReader(lines))
            return tuple(Label(row.get("id") or row["label"], row["label"]) for row in rows)
        return tuple(Label(line, line) for line in lines)
    except InputError:
        raise
    except (OSError, ValueError, RecursionError, csv.Error, TypeError) as error:
        raise InputError(f"{path} cannot be read as labels: {reason(error)}.") from error


def activation(choice: str | None, in_graph: str, file: OnnxFile) -> Setting:
    """Choose the activation: what the user says, the end of the graph, the file's metadata, or softmax.

    Raises
    ------
    InputError
        If it is neither softmax nor sigmoid, or another one than that of the graph.
    """
    from zoo.core.validation import choice as one_of

    names = ("softmax", "sigmoid")
    if choice is not None:
        one_of("activation", choice, names)
        if in_graph and choice != in_graph:
            raise InputError(f"activation={choice!r} does not fit the graph, which ends with {in_graph}.")
        return Setting(choice, f"The activation is {choice}, as asked for.")
    if in_graph:
        return Setting(in_graph, f"The activation is {in_graph}, with which the graph ends.")
    if (stated := file.metadata.get("activation")) in names:
        return Setting(stated, f"The activation is {stated}, as the file's metadata say.")
    return Setting("softmax", "The activation is softmax: guessed, for classes that exclude each other.")
