"""What a foreign file tells before it is imported: its input, and what an import would guess."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import Struct

from zoo.core.errors import InputError
from zoo.core.progress import Progress
from zoo.hub import registry


class Inspection(Struct, frozen=True, kw_only=True):
    """What is known of a file.

    Attributes
    ----------
    input : str
        Name and shape of the input.
    preprocess : dict or None
        The guess, as `zoo.import_network` takes it; None where there is nothing to guess from.
    preprocess_reason : str
        Why that is guessed, or why nothing is.
    activation : str
        The guess; empty where the outputs are not classes, or nothing is known of them.
    activation_reason : str
    classes : int
        Number of classes; 0 where the outputs are not classes, or nothing is known of them.
    has_labels : bool
        Whether the file names its classes.
    """

    input: str
    preprocess: dict[str, Any] | None
    preprocess_reason: str
    activation: str = ""
    activation_reason: str = ""
    classes: int = 0
    has_labels: bool = False


def inspect(path: Path, progress: Progress) -> Inspection:
    """Read a file and guess what an import needs to know.

    Parameters
    ----------
    path : Path
    progress : callable
        Called with the stages that are done, and with both: the file is read, and converted.

    Raises
    ------
    InputError
        If the file is of another format, or its operators cannot be imported.
    WeightsError
        If it is damaged.
    """
    from zoo.exchange import import_settings as settings
    from zoo.exchange.conversion import convert
    from zoo.exchange.foreign_format import opened
    from zoo.exchange.structure import structure_of

    file = opened(path)
    progress(1, 2)
    if len(file.inputs()) != 1:
        raise InputError(f"{path.name} takes {len(file.inputs())} inputs; networks of one are imported.")
    (field,) = file.inputs()
    sizes = [dim.dim_value for dim in field.type.tensor_type.shape.dim]
    taken = f"{field.name} ({' × '.join(str(size or '?') for size in sizes)})"
    try:
        prepared = settings.preprocessing(file)
    except InputError as error:
        return Inspection(input=taken, preprocess=None, preprocess_reason=_plain(str(error)))
    structure = structure_of(convert(file, _shape(prepared.value, sizes)))
    progress(2, 2)
    active = settings.activation(None, structure.activation, file)
    _, about = settings.labels(None, file, structure.classes)
    return Inspection(
        input=taken,
        preprocess=prepared.value,
        preprocess_reason=_plain(prepared.origin),
        activation=active.value if structure.is_classifier else "",
        activation_reason=active.origin if structure.is_classifier else "",
        classes=structure.classes if structure.is_classifier else 0,
        has_labels="from the file's metadata" in about,
    )


def _shape(table: dict[str, Any], sizes: list[int]) -> tuple[int, ...]:
    """Return the shape that the graph takes, without the batch axis; the guess fills what is open."""
    if "crop" not in table:
        return registry.describe(table["network"]).input_shape
    return tuple(size or table["crop"] for size in sizes[1:])


def _plain(sentence: str) -> str:
    """Return a sentence without its advice on arguments of Python."""
    return sentence.partition("; pass ")[0].removesuffix(".") + "."
