"""What the files of a checkpoint of transformers may ask for, checked before transformers reads them.

Their numbers become layers, tables and arrays: a configuration of 50 bytes could ask for a billion labels.
The limits are several times what the largest published image and audio checkpoints have.
"""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.core.errors import UnknownNameError, WeightsError
from zoo.formats import pytorch

# The tables that say which file holds which tensor.
INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
# Read whole by transformers.
FILES = ("config.json", "preprocessor_config.json", "processor_config.json", "README.md", *INDEXES)
MAX_FILE_BYTES = 16 << 20
# The first pattern that a key matches sets the largest number under it. Fields with a table of labels are
# checked by their length.
LIMITS = (
    (re.compile(r"layers|depth|blocks|stages|_heads$|groups"), 1000),
    (re.compile(r"num_labels"), 100_000),
    (re.compile(r"feature_size|mel_bins|height|width|_edge|crop_size|^size$|patch"), 4096),
    (re.compile(r"fft|win_length|window_size"), 16_384),
    (re.compile(r"sampling_rate"), 192_000),
    (re.compile(r"max_samples|n_samples"), 30_000_000),  # half an hour at 16 kHz
    (re.compile(r"chunk_length|max_length"), 10_000),
    (re.compile(r""), 10_000_000),
)
MAX_LABELS = 100_000
# Fields that make transformers or timm read files that are not the checkpoint's own.
ELSEWHERE = (
    "backbone",
    "backbone_checkpoint",
    "checkpoint_path",
    "configuration_files",
    "transformers_weights",
    "use_pretrained_backbone",
    "use_timm_backbone",
)


def require_sane_files(checkpoint: str | Path) -> None:
    """Raise an `UnknownNameError` if the descriptions in a folder are too large or ask for too much."""
    for name in FILES:
        path = Path(checkpoint) / name
        if path.is_file() and path.stat().st_size > MAX_FILE_BYTES:
            raise UnknownNameError(
                f"{name} of hf:{checkpoint} has more than the {MAX_FILE_BYTES >> 20} MB of a description."
            )
    config = Path(checkpoint) / "config.json"
    if config.is_file():  # transformers would follow it to another file, and show only that
        values = json.loads(config.read_text(encoding="utf-8"))
        require_sane_values(values, f"The configuration of hf:{checkpoint}")


def require_sane_values(values: Any, where: str) -> None:
    """Raise an `UnknownNameError` if a configuration asks for other files, or more than any network needs."""
    if not isinstance(values, dict):
        raise UnknownNameError(f"{where} is not a configuration.")
    for key, value in _fields(values):
        if isinstance(value, bool | str | list | dict):
            _require_own(key, value, where)
        elif isinstance(value, int | float):
            limit = next(limit for pattern, limit in LIMITS if pattern.search(key))
            if not math.isfinite(value) or abs(value) > limit:
                raise UnknownNameError(f"{where} says {key}={value:.4g}; at most {limit} is allowed.")
    for key in ("id2label", "label2id"):
        if len(values.get(key) or ()) > MAX_LABELS:
            raise UnknownNameError(f"{where} has more than {MAX_LABELS} labels.")


def require_sane_weights(folder: Path) -> None:
    """Check the weights of a folder before transformers reads them.

    Raises
    ------
    WeightsError
        If an index names a file that is not the folder's own, or a file unpacks to far more than its size.
    Exception
        Any other, if an index or a file of PyTorch is damaged or hostile, see `zoo.formats.pytorch.check`.
    """
    shards: set[Any] = set()
    for index in INDEXES:
        if (folder / index).is_file():
            shards |= set(json.loads((folder / index).read_text(encoding="utf-8"))["weight_map"].values())
    for name in shards:
        if not _is_own(folder, name):
            raise WeightsError(f"An index of {folder} names {name!r}; only files of this folder are allowed.")
    for name in shards | {"pytorch_model.bin"}:
        if not name.endswith(".safetensors") and (folder / name).is_file():
            pytorch.check(folder / name)


def _is_own(folder: Path, name: object) -> bool:
    """Whether it names a file of the folder; one of huggingface_hub's cache links to the blobs beside it."""
    if not isinstance(name, str) or Path(name).name != name:
        return False
    root = folder.resolve()
    places = [root, root.parents[1] / "blobs"] if root.parent.name == "snapshots" else [root]
    path = (root / name).resolve()
    return path.is_file() and path.parent in places


def _require_own(key: str, value: Any, where: str) -> None:
    """Raise an `UnknownNameError` if a field makes a network from files that are not the checkpoint's."""
    if key == "model_type" and value in ("timm_wrapper", "timm_backbone"):
        raise UnknownNameError(f"{where} is of timm; use timm:NAME, such as timm:resnet18.a1_in1k.")
    kernel = key.endswith("_implementation") and not re.fullmatch(r"\w*", str(value))  # owner/repository
    if kernel or (key in ELSEWHERE and value):
        raise UnknownNameError(f"{where} has {key}={value!r}, which loads other files; remove it.")


def _fields(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in a parsed JSON value, each with the key that it, or the list around it, stands under."""
    yield key, value
    if isinstance(value, dict):
        for inner, one in value.items():
            yield from _fields(one, inner)
    elif isinstance(value, list):
        for one in value:
            yield from _fields(one, key)
