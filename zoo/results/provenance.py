"""Where vectors come from: a record that travels with them, and whether two records allow a comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import msgspec
import numpy as np
from msgspec import Meta, Struct

from zoo.core.errors import InputError
from zoo.core.spec import Task

KEY = "zoo"  # of the metadata of a Parquet file, and of the entry of an npz
LAYOUT = 1  # raised when a field goes or changes its meaning, so that an older zoo reports it
MAX_BYTES = 4 << 20  # of a record as JSON; one with vectors of `MAX_NUMBERS` takes 0.4 MB
MAX_VECTORS, MAX_NUMBERS = 3, 8192  # of the canaries, and of each of their vectors

# How far the vectors of canaries may move, as a part of their largest number. Between engines on a CPU the
# bundled networks move by 2e-6 in float32, and to reduced precision by 8e-3 and 8e-2 at most; GPUs round
# products in float32 to 11 bits (TF32).
TOLERANCES = {"fp32": 2e-3, "fp16": 3e-2, "bf16": 0.2}
_MAX_DEPTH = 8  # of preprocessing; a record of the catalog has 2
_RECIPE = ("overlap",)  # options that change the preprocessing, which is compared itself

Dtype = Literal["fp32", "bf16", "fp16"]
Text = Annotated[str, Meta(max_length=4096)]
Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Size = Annotated[int, Meta(ge=0, le=10**9)]
Vector = Annotated[tuple[float | None, ...], Meta(max_length=MAX_NUMBERS)]


class Canary(Struct, frozen=True, kw_only=True):
    """Inputs that `zoo.core.canaries` makes, and what a network made of them.

    Attributes
    ----------
    recipe : {"pictures", "sound"}
    version : int
        Of the recipe.
    sha256 : str
        Of the inputs.
    width : int
        Length of a vector.
    vectors : tuple of tuple of float or None
        Of the first, the middle and the last row (a picture, or a window) that the inputs give; of a vector
        longer than `MAX_NUMBERS`, that many evenly spaced numbers. None stands for what is not finite.
    """

    recipe: Literal["pictures", "sound"]
    version: Size
    sha256: Hash
    width: Size
    vectors: Annotated[tuple[Vector, ...], Meta(min_length=1, max_length=MAX_VECTORS)]

    def __post_init__(self) -> None:
        if {len(vector) for vector in self.vectors} != {min(self.width, MAX_NUMBERS)}:
            raise ValueError(f"vectors are not as long as a width of {self.width} says")
        largest = max((abs(x) for vector in self.vectors for x in vector if x is not None), default=0.0)
        if largest > float(np.finfo(np.float32).max):
            raise ValueError("a number is larger than float32 allows")

    def array(self) -> np.ndarray:
        """Return the vectors, shape (rows, numbers), float32; NaN for None."""
        return np.array(self.vectors, np.float32)


class Provenance(Struct, frozen=True, kw_only=True):
    """What made some vectors or scores.

    Attributes
    ----------
    layout : int
    task : str
        What the network did: ``"embed"``, ...
    network, title, architecture : str
        Name and title of its record, and the key of its builder.
    weights : str
        SHA-256 of the tensors, see `zoo.inference.provenance.hash_weights`.
    preprocessing : dict
        ``type`` and settings, as they were used.
    options : dict
        Of the task. Of `embed`: ``layer``, ``pool``, ``overlap`` as it was asked for, and ``mean``: whether a
        row is the mean of the windows of an input.
    engine, dtype, device : str
        What ran the network: ``"onnxruntime"``, ``"fp32"``, ``"cpu"``.
    versions : dict of str
        Of the zoo, Python, NumPy, PyTorch, and the engine.
    license : str
        Of the weights.
    date : str
        When the canaries were computed, in UTC (ISO 8601).
    canary : Canary
    """

    layout: Size = LAYOUT
    task: Task
    network: Text
    title: Text
    architecture: Text
    weights: Hash
    preprocessing: dict[Text, Any]
    options: dict[Text, bool | float | Text | tuple[Text, ...] | None]
    engine: Text
    dtype: Dtype
    device: Text
    versions: dict[Text, Text]
    license: Text
    date: Text
    canary: Canary

    def __post_init__(self) -> None:
        if self.layout != LAYOUT:
            raise ValueError(f"layout {self.layout} is not {LAYOUT}")
        _flat(self.preprocessing)

    def with_options(self, **changes: bool | float | str | None) -> Self:
        """Return the record with other values of some options."""
        return msgspec.structs.replace(self, options=self.options | changes)

    def to_json(self) -> bytes:
        """Return the record as JSON, numbers in as few digits as float32 needs."""
        return msgspec.json.encode(self)


@dataclass(frozen=True)
class Drift:
    """How far the vectors of canaries moved.

    Attributes
    ----------
    largest : float
        The largest difference of two numbers; infinite where only one of them is finite.
    cosine : float
        The smallest cosine of the angle between two vectors.
    allowed : float
        The largest difference that the data types allow.
    """

    largest: float
    cosine: float
    allowed: float

    @property
    def difference(self) -> str | None:
        """Say that they moved too far; None if they did not."""
        if self.largest <= self.allowed:
            return None
        return f"the vectors of the canaries moved by {self.largest:.1e}, {self.allowed:.1e} allowed"


def from_json(content: bytes, name: str) -> Provenance:
    """Read a record that a stranger may have written.

    Parameters
    ----------
    content : bytes
    name : str
        What to call its file in errors.

    Raises
    ------
    InputError
        If that is not a record.
    """
    try:
        if len(content) > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES >> 20} MB")
        return msgspec.json.decode(content, type=Provenance)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"The provenance in {name} is damaged, or of another version of the zoo ({printable(error)})."
        ) from error


def difference(one: Provenance, other: Provenance) -> str | None:
    """Say what keeps the vectors of two records from being compared; None if nothing does.

    Names, dates, engines and versions never do: what they change, the canaries show.
    """
    if one is other:
        return None
    return setting_difference(one, other) or drift(one, other).difference


def setting_difference(one: Provenance, other: Provenance) -> str | None:
    """Say which setting of two records differs, without a look at their canaries' vectors."""
    if one.task != other.task:
        return f"the tasks differ: {one.task} and {other.task}"
    if one.weights != other.weights:
        return weights_difference(one.weights, other.weights)
    for what, differ in (("preprocessing", "differs"), ("options", "differ")):
        values = [_flat(getattr(record, what)) for record in (one, other)]
        for key in dict.fromkeys([*values[0], *values[1]]):
            pair = [own.get(key) for own in values]
            if pair[0] != pair[1] and not (what == "options" and key in _RECIPE):
                return (
                    f"the {what} {differ}: {printable(key)} is {printable(pair[0])} and {printable(pair[1])}"
                )
    inputs = [(own.recipe, own.version, own.sha256, own.width) for own in (one.canary, other.canary)]
    if inputs[0] != inputs[1] or len(one.canary.vectors) != len(other.canary.vectors):
        return "their canaries are of different inputs or widths"
    return None


def weights_difference(one: str, other: str) -> str:
    """Say that two hashes of weights differ."""
    return f"the weights differ: SHA-256 {one[:12]}… and {other[:12]}…"


def drift(one: Provenance, other: Provenance) -> Drift:
    """Measure how far the vectors of the same canaries are apart, in records that differ in no setting."""
    first, second = (record.canary.array().astype(np.float64) for record in (one, other))
    finite = np.isfinite(first)
    alike = np.array_equal(finite, np.isfinite(second))
    first, second = np.nan_to_num(first), np.nan_to_num(second)
    lengths = [np.linalg.norm(vectors, axis=1) for vectors in (first, second)]
    product = lengths[0] * lengths[1]
    nothing = product == 0  # only two vectors of zeros point the same way
    cosines = np.where(
        nothing,
        lengths[0] == lengths[1],
        (first * second).sum(axis=1) / np.where(nothing, 1, product),
    )
    tolerance = max(TOLERANCES[one.dtype], TOLERANCES[other.dtype])
    return Drift(
        float(abs(first - second).max(initial=0)) if alike else math.inf,
        float(cosines.min().clip(-1, 1)),
        tolerance * float(abs(first).max(initial=0)),
    )


def printable(value: object, max_length: int = 60) -> str:
    """Return a value of a stranger's file for a message: one short line without control characters."""
    text = "".join(sign if sign.isprintable() else "�" for sign in str(value)[: max_length + 1])
    return text if len(text) <= max_length else f"{text[:max_length]}…"


def _flat(table: Mapping[str, Any], before: str = "", depth: int = 0) -> dict[str, Any]:
    """Flatten tables within a table: {"framing": {"hop": 1}} -> {"framing.hop": 1}.

    Raises
    ------
    ValueError
        If they are nested deeper than any record.
    """
    if depth > _MAX_DEPTH:
        raise ValueError(f"preprocessing is nested more than {_MAX_DEPTH} deep")
    flat: dict[str, Any] = {}
    for key, value in table.items():
        items = dict(enumerate(value)) if isinstance(value, (list, tuple)) else value
        if isinstance(items, Mapping) and items:
            own = {str(name): item for name, item in items.items()}
            flat |= _flat(own, f"{before}{key}.", depth + 1)
        else:
            flat[f"{before}{key}"] = value
    return flat
