"""A network that was trained with the zoo, as a folder that `zoo.load` takes.

The folder holds ``network.json`` (the parent by its name, the head by its kind, the classes, and how it was
trained), ``weights.safetensors`` and a ``README.md`` for people. Nothing in it is code or names any. It is
written beside its place and renamed, so it is whole or not there.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from zoo.core.errors import CatalogError, InputError, WeightsError
from zoo.core.hashing import digest
from zoo.core.labels import Label
from zoo.core.spec import Count, Head, Parent, Source, Spec, Text, validate

if TYPE_CHECKING:
    import torch

RECORD, WEIGHTS = "network.json", "weights.safetensors"
LAYOUT = 2  # raised when the folder's files change, so that an older zoo reports it
MAX_RECORD_BYTES = 16 << 20  # ImageNet-22k's classes take 2 MB


class SavedClass(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A class as the record has it, see `zoo.core.labels.Label`."""

    id: str
    label: Text
    synonyms: str = ""
    group: str = ""


class Saved(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``network.json`` holds.

    Attributes
    ----------
    layout : int
    sha256 : str
        Of ``weights.safetensors``.
    parent : Parent
        The network that this one was made from; everything that is not said here is as in its record.
    head : Head or None
        In the place of the parent's; None where that stayed.
    parameters : int
        Trainable ones.
    title, license, validation : str
        As of `zoo.core.spec.Spec`.
    classes : tuple of SavedClass
        In the order of the outputs; empty where these are not classes.
    training : dict
        How it was trained.
    """

    layout: int
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    parent: Parent
    head: Head | None = None
    parameters: Count
    title: Text
    license: Text
    validation: Text
    classes: tuple[SavedClass, ...] = ()
    training: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.layout != LAYOUT:
            raise ValueError(f"layout {self.layout} is not {LAYOUT}")
        if self.head and self.head.classes != len(self.classes):
            raise ValueError(f"{len(self.classes)} classes do not fit a head of {self.head.classes}")


def is_saved(folder: str | os.PathLike[str]) -> bool:
    """Whether a path is that of a folder that `save` wrote."""
    try:
        return (Path(folder) / RECORD).is_file()
    except (OSError, ValueError):
        return False


def save(
    folder: str | os.PathLike[str],
    spec: Spec,
    tensors: Mapping[str, torch.Tensor],
    labels: Sequence[Label],
    preprocessing: str,
) -> Path:
    """Write a network to a folder.

    Parameters
    ----------
    folder : path
        A new one, or one that an earlier `save` wrote, which is replaced.
    spec : Spec
    tensors : mapping of str to Tensor
        The module's state.
    labels : sequence of Label
        In the order of the outputs.
    preprocessing : str
        A sentence for people.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If there is something else in its place, or it cannot be written.
    """
    from safetensors.torch import save_file

    folder = Path(folder)
    if folder.exists() and not is_saved(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} exists and is not a saved network; choose another folder.")
    temporary = folder.with_name(f".{secrets.token_hex(8)}.{folder.name}")
    try:
        temporary.mkdir(parents=True)
        contiguous = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
        save_file(contiguous, temporary / WEIGHTS)
        record = _record(spec, labels, digest(temporary / WEIGHTS))
        (temporary / RECORD).write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1))
        (temporary / "README.md").write_text(_card(spec, labels, preprocessing), encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        temporary.replace(folder)
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def read(folder: str | os.PathLike[str]) -> Saved:
    """Read the record of a saved network from its folder.

    Raises
    ------
    WeightsError
        If it cannot be read, or holds what no record holds.
    """
    path = Path(folder) / RECORD
    try:
        with path.open("rb") as file:
            content = file.read(MAX_RECORD_BYTES + 1)
        if len(content) > MAX_RECORD_BYTES:
            raise WeightsError(f"{path} has more than the {MAX_RECORD_BYTES >> 20} MB of a record.")
        return msgspec.json.decode(content, type=Saved)
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, WeightsError):
            raise
        why = getattr(error, "strerror", None) or error
        raise WeightsError(f"{path} is damaged, or of another version of the zoo ({why}).") from error


def spec_of(folder: str | os.PathLike[str], saved: Saved, parent: Spec) -> Spec:
    """Return the record of a saved network, from its folder's content and the record of its parent.

    Raises
    ------
    CatalogError
        If they do not go together.
    """
    folder = Path(folder).absolute()
    spec = parent.with_head(saved.head, saved.parameters) if saved.head else parent
    if saved.classes and len(saved.classes) != spec.classes:
        raise CatalogError(f"{folder} names {len(saved.classes)} classes for {spec.classes} outputs.")
    return validate(
        spec.replace(
            name=os.fspath(folder),
            title=saved.title,
            license=saved.license,
            validation=saved.validation,
            parameters=saved.parameters,
            training=saved.training,
            labels=f"saved:{folder}" if saved.classes else None,
            sources=(Source(f"file:{folder / WEIGHTS}", "safetensors", checksum=f"sha256:{saved.sha256}"),),
            bundled=False,
            origin="saved",
            parent=saved.parent,
        )
    )


def labels(folder: str) -> tuple[Label, ...]:
    """Read the classes of a saved network."""
    return tuple(Label(*msgspec.structs.astuple(row)) for row in read(folder).classes)


def _record(spec: Spec, labels: Sequence[Label], sha256: str) -> Saved:
    return Saved(
        layout=LAYOUT,
        sha256=sha256,
        parent=spec.made_from,
        head=spec.new_head,
        parameters=spec.parameters,
        title=spec.title,
        license=spec.license,
        validation=spec.validation,
        classes=tuple(SavedClass(*label) for label in labels),
        training=spec.training,
    )


def _card(spec: Spec, labels: Sequence[Label], preprocessing: str) -> str:
    training, classes = spec.training, ", ".join(label.label for label in labels)
    lines = [
        f"# {spec.title}",
        f"Tells apart: {classes}.",
        f"Trained with the zoo from `{spec.made_from.name}`." if training else "",
        f"License of the weights it was made from: {spec.license}.",
        preprocessing,
        '```python\nimport zoo\n\nnet = zoo.load("this folder")\n```',
        f"```json\n{json.dumps(dict(training), ensure_ascii=False, indent=1)}\n```",
    ]
    return "\n\n".join(line for line in lines if line) + "\n"
