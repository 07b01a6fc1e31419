"""Data sets of Hugging Face: Parquet files that hold pictures or sounds, on the hub or in a folder.

Their layout is that of the package datasets: a column of {bytes, path}, whose kind and whose classes' names
are told by the schema's metadata.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from zoo.core.environment import setting
from zoo.core.errors import InputError
from zoo.core.hashing import digest
from zoo.results.problem import Problem
from zoo.training.data.archives import MAX_BYTES, fill_once
from zoo.training.data.columns import reading, rows
from zoo.training.data.file_list import Listing

MAX_TEXT = 10_000  # characters of a label
_SHARD = re.compile(r"(?P<split>.+)-\d{5}-of-(?P<of>\d{5})")


class _Columns(NamedTuple):
    """What each column is for; `names` are the classes of a label that is a number."""

    media: str
    label: str
    names: tuple[str, ...] | None
    group: str | None


def listed(
    files: Sequence[Path], name: str, cache: Path, *, label: str | None = None, group: str | None = None
) -> Listing:
    """List the examples of Parquet files, extracted into a folder of the cache.

    Training asks for examples in any order, which Parquet is slow at.

    Parameters
    ----------
    files : sequence of Path
        In order, of one schema.
    name : str
        How to call the source in errors.
    cache : Path
    label, group : str, optional
        Columns; by default the only one that is a class label or else ``label``, and none.

    Raises
    ------
    InputError
        If a file cannot be read, or has not these columns.
    WeightsError
        If the folder cannot be written.
    """
    with reading(name):
        schema = pq.read_schema(files[0])
        content = hashlib.sha256(" ".join(map(digest, files)).encode())
    columns = _columns(schema, name, label, group)
    content.update(columns.media.encode())
    folder = fill_once(
        cache / f"parquet-{content.hexdigest()}", lambda folder: _take_out(files, columns.media, folder, name)
    )
    labeled = [row for file in files for row in _read_rows(file, columns, name)]
    return _listing(labeled, columns, folder, name)


def shards(paths: Iterable[str], name: str, config: str | None, split: str | None) -> list[str]:
    """Which Parquet files hold a split of a configuration, in order.

    They are called ``config/split-00000-of-00002.parquet``, ``config/split/0000.parquet`` or
    ``split.parquet``; ``data`` and none are the default configuration.

    Raises
    ------
    InputError
        If the split or configuration is unknown, it is not clear which, or files are missing.
    """
    files: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(paths):
        if path.endswith(".parquet"):
            here, part = _place(PurePosixPath(path))
            files[here][part].append(path)
    if not files:
        raise InputError(f"{name} has no Parquet files.")
    splits = files[_choice("configuration", config, list(files), "default", name)]
    shard_paths = splits[_choice("split", split, list(splits), "train", name)]
    shard = _SHARD.match(PurePosixPath(shard_paths[0]).stem)
    if shard and len(shard_paths) != int(shard["of"]):
        raise InputError(
            f"{name} has {len(shard_paths)} of the {int(shard['of'])} files of {shard['split']!r}."
        )
    return shard_paths


def _place(path: PurePosixPath) -> tuple[str, str]:
    """Return the configuration and split of a file."""
    if shard := _SHARD.match(path.stem):
        folder, split = path.parent, shard["split"]
    elif path.stem.isdigit() and path.parent.name:
        folder, split = path.parent.parent, path.parent.name
    else:
        folder, split = path.parent, path.stem
    return (folder.as_posix() if folder.name not in ("", "data") else "default"), split


def _choice(kind: str, value: str | None, there: list[str], usual: str, name: str) -> str:
    if value is None:
        if usual in there or len(there) == 1:
            return usual if usual in there else there[0]
        how = "split=" if kind == "split" else f"{name}/CONFIGURATION"
        raise InputError(f"{name} has the {kind}s {', '.join(there)}; say which with {how}.")
    if value not in there:
        raise InputError(f"{name} has no {kind} {value!r}; it has {', '.join(there)}.")
    return value


def _columns(schema: pa.Schema, name: str, label: str | None, group: str | None) -> _Columns:
    features = _features(schema)
    media = [field.name for field in schema if _holds_files(field.type)]
    if not media:
        raise InputError(f"{name} has no column of pictures or sounds ({', '.join(schema.names)}).")
    if label is None:
        labels = [column for column, kind in features.items() if kind.get("_type") == "ClassLabel"]
        if len(labels) > 1 and "label" not in labels:
            raise InputError(f"{name} has the labels {', '.join(labels)}; say which with label=.")
        label = labels[0] if len(labels) == 1 else "label"
    for column in (label, group):
        if column is not None and column not in schema.names:
            raise InputError(f"{name} has no column {column!r}; it has {', '.join(schema.names)}.")
    names = features.get(label, {}).get("names")
    return _Columns(media[0], label, tuple(map(str, names)) if isinstance(names, list) else None, group)


def _features(schema: pa.Schema) -> dict[str, dict[str, Any]]:
    """Read the column types that the package datasets recorded; empty if there are none."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {column: kind for column, kind in features.items() if isinstance(kind, dict)}
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}


def _holds_files(kind: pa.DataType) -> bool:
    if not pa.types.is_struct(kind) or kind.get_field_index("bytes") < 0:
        return False
    content = kind.field("bytes").type
    return pa.types.is_binary(content) or pa.types.is_large_binary(content)


def _take_out(files: Sequence[Path], column: str, folder: Path, name: str) -> None:
    """Write each row's bytes to a file named by its number."""
    bytes_left = max_bytes = setting("ZOO_MAX_UNPACKED", MAX_BYTES)
    cells = (cell for file in files for (cell,) in rows(file, [column], name))
    for row, cell in enumerate(cells):
        if not cell or not cell["bytes"]:
            continue
        bytes_left -= len(cell["bytes"])
        if bytes_left < 0:
            raise InputError(
                f"{name} would unpack to more than {max_bytes / 1e6:.0f} MB; "
                "ZOO_MAX_UNPACKED sets another limit, in bytes."
            )
        suffix = PurePosixPath(cell.get("path") or "").suffix
        suffix = suffix.lower() if re.fullmatch(r"\.\w{1,5}", suffix, re.ASCII) else ""
        (folder / f"{row:08d}{suffix}").write_bytes(cell["bytes"])


def _read_rows(file: Path, columns: _Columns, name: str) -> Iterator[tuple[str | None, str]]:
    """Label and group of each row; "" where there are no groups."""
    for row in rows(file, [column for column in (columns.label, columns.group) if column], name):
        label, group = _label(row[0], columns.names), "" if columns.group is None else str(row[1])
        if max(len(label or ""), len(group)) > MAX_TEXT:
            raise InputError(f"{name} has a label or group of more than {MAX_TEXT} characters.")
        yield label, group


def _listing(
    labeled: Sequence[tuple[str | None, str]], columns: _Columns, folder: Path, name: str
) -> Listing:
    paths = {int(path.stem): path for path in folder.iterdir()}
    problems = []
    for row, (label, _) in enumerate(labeled):
        if row not in paths or label is None:
            lacks = "label" if row in paths else f"bytes in {columns.media!r}"
            problems.append(Problem(f"row {row + 1}", f"Row {row + 1} of {name} has no {lacks}."))
    usable = [row for row, (label, _) in enumerate(labeled) if row in paths and label is not None]
    labels = [str(labeled[row][0]) for row in usable]
    return Listing(
        name=name,
        files=[paths[row] for row in usable],
        labels=labels,
        classes=columns.names or tuple(sorted(set(labels))),
        groups=[labeled[row][1] for row in usable] if columns.group else None,
        problems=tuple(problems),
    )


def _label(value: Any, names: tuple[str, ...] | None) -> str | None:
    """None where there is none, for which the package datasets writes -1."""
    if value is None or value == "":
        return None
    if names is None:
        return str(value)
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else None
