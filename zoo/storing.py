"""A network that was trained with the zoo, as a folder that `zoo.load` takes.

The folder holds ``network.json`` (the record, with the classes and how it was trained),
``weights.safetensors`` and a ``README.md`` for people. It is written beside its place and renamed, so it is
whole or not there.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import InputError, WeightsError
from zoo.sources import digest
from zoo.spec import Spec, parse

if TYPE_CHECKING:
    from zoo.labels import Label
    from zoo.network import Network

RECORD, WEIGHTS = "network.json", "weights.safetensors"
_OF_THE_PLACE = ("name", "labels", "sources", "size_mb")
LAYOUT = 1  # raised when the folder's files change, so that an older zoo says so


def is_saved(name: str | os.PathLike[str]) -> bool:
    """Whether a name is the path of a folder that `save` wrote."""
    try:
        return (Path(name) / RECORD).is_file()
    except (OSError, ValueError):
        return False


def save(net: Network, folder: str | os.PathLike[str]) -> Path:
    """Write a network to a folder.

    Parameters
    ----------
    net : Network
    folder : path
        A new one, or one that an earlier `save` wrote, which is replaced.

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
        raise InputError(f"{folder} is there already and is no saved network; choose another place.")
    temporary = folder.with_name(f".{secrets.token_hex(8)}.{folder.name}")
    try:
        temporary.mkdir(parents=True)
        tensors = {key: value.detach().cpu().contiguous() for key, value in net.module.state_dict().items()}
        save_file(tensors, temporary / WEIGHTS)
        record = {
            "layout": LAYOUT,
            "sha256": digest(temporary / WEIGHTS),
            "spec": {key: value for key, value in net.spec.to_dict().items() if key not in _OF_THE_PLACE},
            "classes": [label._asdict() for label in net.labels],
        }
        (temporary / RECORD).write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
        (temporary / "README.md").write_text(_card(net), encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        temporary.replace(folder)
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def describe(folder: str | os.PathLike[str]) -> Spec:
    """The record of a saved network.

    Raises
    ------
    WeightsError
        If its file cannot be read.
    """
    folder = Path(folder)
    spec = _read(folder)["spec"]
    source = {"url": f"file:{(folder / WEIGHTS).absolute()}", "format": "safetensors"}
    return parse(str(folder), {**spec, "labels": f"saved:{folder.absolute()}", "sources": [source]})


def labels(folder: str) -> tuple[Label, ...]:
    """The classes of a saved network."""
    from zoo.labels import Label

    return tuple(Label(**row) for row in _read(Path(folder))["classes"])


def weights_of(folder: str | os.PathLike[str]) -> Path:
    """The file of a saved network's tensors.

    Raises
    ------
    WeightsError
        If it is not what was saved.
    """
    path = Path(folder) / WEIGHTS
    if not path.is_file() or digest(path) != _read(Path(folder))["sha256"]:
        raise WeightsError(f"{path} is missing or damaged; save the network again.")
    return path


def _read(folder: Path) -> dict[str, Any]:
    path = folder / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["layout"] == LAYOUT and isinstance(record["spec"], dict) and record["classes"]:
            return record
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise WeightsError(f"{path} is damaged, or of another version of the zoo.")


def _card(net: Network) -> str:
    spec, training = net.spec, net.spec.training
    classes = ", ".join(label.label for label in net.labels)
    lines = [
        f"# {spec.title}",
        f"Tells apart: {classes}.",
        f"Trained with the zoo from `{training['parent']}`." if training else "",
        f"Licence of the weights it was made from: {spec.licence}.",
        net.preset.describe(),
        '```python\nimport zoo\n\nnet = zoo.load("this folder")\n```',
        f"```json\n{json.dumps(dict(training), ensure_ascii=False, indent=1)}\n```",
    ]
    return "\n\n".join(line for line in lines if line) + "\n"
