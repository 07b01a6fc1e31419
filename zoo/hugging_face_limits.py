"""What the files of a checkpoint of transformers may ask for, checked before transformers reads them.

Their numbers become layers, tables and arrays: a configuration of 50 bytes could ask for a billion labels.
The limits are several times what the largest published image and audio checkpoints have.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.errors import UnknownNameError

# Read whole by transformers.
FILES = ("config.json", "preprocessor_config.json", "processor_config.json", "README.md")
MAX_FILE_BYTES = 16 << 20
# The first pattern that a key matches says the largest number under it. Fields with a table of labels are
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


def require_sane_files(checkpoint: str | Path) -> None:
    """Raise an `UnknownNameError` if a folder has a description of more than `MAX_FILE_BYTES`."""
    for name in FILES:
        path = Path(checkpoint) / name
        if path.is_file() and path.stat().st_size > MAX_FILE_BYTES:
            raise UnknownNameError(
                f"{name} of hf:{checkpoint} has more than the {MAX_FILE_BYTES >> 20} MB of a description."
            )


def require_sane_values(values: Any, where: str) -> None:
    """Raise an `UnknownNameError` if a configuration asks for more than any network needs."""
    if not isinstance(values, dict):
        raise UnknownNameError(f"{where} is not a configuration.")
    for key, value in _numbers(values):
        limit = next(limit for pattern, limit in LIMITS if pattern.search(key))
        if not math.isfinite(value) or abs(value) > limit:
            raise UnknownNameError(f"{where} says {key}={value:.4g}; at most {limit} is allowed.")
    for key in ("id2label", "label2id"):
        if len(values.get(key) or ()) > MAX_LABELS:
            raise UnknownNameError(f"{where} has more than {MAX_LABELS} labels.")


def _numbers(value: Any, key: str = "") -> Iterator[tuple[str, float]]:
    """The numbers of a parsed JSON value, each with the key that it, or the list around it, stands under."""
    if isinstance(value, dict):
        for inner, one in value.items():
            yield from _numbers(one, inner)
    elif isinstance(value, list):
        for one in value:
            yield from _numbers(one, key)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield key, value
