"""What a project's ``project.json`` holds: names of classes and files, settings, and how attempts went.

It is data that may come from a stranger, in a file that is opened: every field is checked when it is read.
"""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from zoo.core.errors import InputError
from zoo.core.spec import Text
from zoo.hub.weights import write

RECORD = "project.json"
LAYOUT = 1  # raised when the files of a project change, so that an older app refuses them
MAX_RECORD_BYTES = 16 << 20
MAX_CLASSES = 200
MAX_ATTEMPTS = 20
MAX_FILE_NAME = 255  # bytes, as file systems allow
MAX_NAME = 60  # characters, of a project and of a class
MAX_UPLOADERS = 40  # widgets that take files
MAX_INPUTS = 100  # files of one of them
MAX_SETTINGS = 200

Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
Content = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Whole = Annotated[int, Meta(ge=0, le=1_000_000)]
Uploader = Annotated[str, Meta(pattern="^[a-z-]{1,40}$")]
"""Name of a widget of another page that takes files."""
SettingName = Annotated[str, Meta(min_length=1, max_length=300)]
SettingText = Annotated[str, Meta(max_length=300)]
Setting = bool | int | float | SettingText | Annotated[list[SettingText], Meta(max_length=1000)]


class TrainingConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How to train.

    Attributes
    ----------
    method : {"features", "head", "finetune"}
    held : float
        Fraction of the examples to hold out for the evaluation.
    seed : int
    classifier : str or None
        Of the method ``"features"``.
    epochs, learning_rate, batch_size : number or None
        Settings of `zoo.transfer`; None is its default.
    augment, freeze : str or None
        Options of `zoo.transfer`.
    """

    method: Literal["features", "head", "finetune"]
    held: Annotated[float, Meta(ge=0.05, le=0.5)] = 0.2
    seed: Annotated[int, Meta(ge=0, le=9999)] = 0
    classifier: str | None = None
    epochs: Annotated[int, Meta(ge=1, le=200)] | None = None
    learning_rate: Annotated[float, Meta(gt=0, le=1)] | None = None
    batch_size: Annotated[int, Meta(ge=1, le=64)] | None = None
    augment: str | None = None
    freeze: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """Options of `zoo.transfer` that were chosen."""
        names = ("classifier", "epochs", "learning_rate", "batch_size", "augment", "freeze")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


class StoredFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A file: the SHA-256 of its content, and its name."""

    content: Content
    name: Annotated[str, Meta(min_length=1)]

    def __post_init__(self) -> None:
        plain = "/" not in self.name and "\\" not in self.name and self.name.isprintable()
        if not plain or self.name.startswith(".") or len(self.name.encode()) > MAX_FILE_NAME:
            raise ValueError(f"{self.name[:60]!r} is not the name of a file")


Files = Annotated[list[StoredFile], Meta(max_length=MAX_INPUTS)]


class Example(StoredFile, frozen=True, forbid_unknown_fields=True):
    """A picture or recording of a class."""


class ExampleClass(Struct, forbid_unknown_fields=True):
    """A class: its number, which stays when it is renamed, its label and its examples."""

    number: Whole
    label: Annotated[str, Meta(max_length=MAX_NAME)]
    examples: list[Example] = field(default_factory=list)


class Attempt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A network of the project: how it was trained or that it was imported, and how good it is.

    Attributes
    ----------
    number : str
        Names its folder.
    title : str
        Of the network.
    date : str
        In ISO format, UTC.
    network : str or None
        Name of the network that it was trained from; None where it was opened from a file, and so are the
        following ones, but for `classes`.
    config : TrainingConfig or None
    epochs : int or None
        That were done; None where the method has no epochs.
    stopped : bool
        Whether the user ended the training.
    accuracy, low, high : float or None
        On the examples that were held out, with its 95 % interval.
    tested : int
        Examples that were held out.
    seconds : float or None
    imported : bool
        Whether it came from a file of another program.
    """

    number: Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
    title: Text
    date: str
    classes: tuple[str, ...]
    network: str | None = None
    config: TrainingConfig | None = None
    epochs: Whole | None = None
    stopped: bool = False
    accuracy: Fraction | None = None
    low: Fraction | None = None
    high: Fraction | None = None
    tested: Whole = 0
    seconds: Annotated[float, Meta(ge=0, le=1e9)] | None = None
    imported: bool = False

    def __post_init__(self) -> None:
        if (self.network is None) != (self.config is None):
            raise ValueError("an attempt has a network without a configuration, or the reverse")


class UnfinishedTraining(Struct, frozen=True, forbid_unknown_fields=True):
    """A training that has no result yet: the end of the server, or of the visit, may have interrupted it.

    Attributes
    ----------
    network, config : as of `Attempt`
    """

    network: str
    config: TrainingConfig


class ProjectRecord(Struct, forbid_unknown_fields=True):
    """What a project holds, beside the files.

    Attributes
    ----------
    layout : int
    name : str
    modality : {"image", "audio"} or None
        Of the examples; None while there are none.
    classes : list of ExampleClass
    attempts : list of Attempt
        The oldest first.
    network, config : as of `Attempt`
        What was chosen last.
    unfinished : UnfinishedTraining or None
    inputs : dict of str to list of StoredFile
        What the user gave to uploaders, cameras and microphones of other pages.
    settings : dict of str to Setting
        What the user chose on other pages, by the keys of the widgets; the latest choices last.
    """

    layout: int = LAYOUT
    name: Name = "My project"
    modality: Literal["image", "audio"] | None = None
    classes: list[ExampleClass] = field(
        default_factory=lambda: [ExampleClass(number, f"Class {number}") for number in (1, 2)]
    )
    attempts: Annotated[list[Attempt], Meta(max_length=MAX_ATTEMPTS)] = field(default_factory=list)
    network: str | None = None
    config: TrainingConfig | None = None
    unfinished: UnfinishedTraining | None = None
    inputs: Annotated[
        dict[Uploader, Annotated[list[StoredFile], Meta(max_length=MAX_INPUTS)]],
        Meta(max_length=MAX_UPLOADERS),
    ] = field(default_factory=dict)
    settings: Annotated[dict[SettingName, Setting], Meta(max_length=MAX_SETTINGS)] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        if self.layout != LAYOUT:
            raise ValueError(f"layout {self.layout} is not {LAYOUT}")
        if len(self.classes) > MAX_CLASSES:
            raise ValueError(f"{len(self.classes)} classes are more than {MAX_CLASSES}")
        for values in (
            [one.number for one in self.classes],
            [example.content for example in self.examples],
            [attempt.number for attempt in self.attempts],
        ):
            if len(set(values)) < len(values):
                raise ValueError("a class, an example or an attempt is in it twice")

    @property
    def examples(self) -> list[Example]:
        """Examples of all classes."""
        return [example for one in self.classes for example in one.examples]

    def class_of(self, number: int) -> ExampleClass:
        """Return a class by its number.

        Raises
        ------
        InputError
            If it was removed.
        """
        for one in self.classes:
            if one.number == number:
                return one
        raise InputError("This class was removed from the project; choose one of those shown.")

    def classes_called(self, labels: Sequence[str]) -> list[ExampleClass]:
        """Return a class for each label, as far as it fits into `MAX_NAME`; those that are absent are added.

        Raises
        ------
        InputError
            If two labels would be one, or there would be too many classes.
        """
        labels = [label[:MAX_NAME].strip() for label in labels]
        if again := next((label for label in labels if labels.count(label) > 1), None):
            raise InputError(
                f"Several folders begin with {again!r}, and the name of a class has at most {MAX_NAME} "
                "characters; rename them."
            )
        by_label = {one.label.strip(): one for one in reversed(self.classes)}
        return [by_label.get(label) or self.add_class(label) for label in labels]

    def add_class(self, label: str | None = None) -> ExampleClass:
        """Append a class without examples, by default called ``Class`` and its number."""
        if len(self.classes) >= MAX_CLASSES:
            raise InputError(f"A project has at most {MAX_CLASSES} classes; remove one.")
        numbers = {one.number for one in self.classes}
        number = next(number for number in itertools.count(1) if number not in numbers)
        self.classes.append(ExampleClass(number, label or f"Class {number}"))
        return self.classes[-1]


def read(folder: Path) -> ProjectRecord | None:
    """Read the record in a folder; None if there is none.

    Raises
    ------
    InputError
        If it is damaged, or holds what no record holds.
    """
    try:
        with (folder / RECORD).open("rb") as file:
            content = file.read(MAX_RECORD_BYTES + 1)
        return _decoded(content)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        why = re.sub(r"\s+", " ", getattr(error, "strerror", None) or str(error))
        raise InputError(f"The project is damaged, or of another version of Zoo ({why}).") from error


def save(folder: Path, project: ProjectRecord) -> None:
    """Write the record aside and rename it, so that it is whole at any moment.

    Raises
    ------
    InputError
        If it holds what `read` would refuse; the file stays as it was.
    """
    content = msgspec.json.encode(project)
    try:
        _decoded(content)
    except ValueError as error:
        raise InputError(f"The project cannot hold this ({error}); nothing was changed.") from error
    write(folder / RECORD, lambda temporary: temporary.write_bytes(content))


def _decoded(content: bytes) -> ProjectRecord:
    if len(content) > MAX_RECORD_BYTES:
        raise ValueError(f"it has more than {MAX_RECORD_BYTES >> 20} MB")
    return msgspec.json.decode(content, type=ProjectRecord)


def new_number() -> str:
    """Return a number for an attempt, which no other one has."""
    return secrets.token_hex(8)
