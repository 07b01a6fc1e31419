"""The folders of `zoo batch` that the app shows: those that its owner names.

The environment variable ``ZOO_APP_BATCHES`` holds their paths, separated as in ``PATH``, for example
``/data/photos-vectors:/data/bird-vectors``. A browser chooses among their names and never sends a path.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cachetools import TTLCache, cached

from zoo.batches.contents import open_content
from zoo.batches.folder import BatchFolder, open_batch
from zoo.batches.rows import times_of, vectors_of
from zoo.core.errors import InputError, ZooError
from zoo.core.inputs import distinct, open_input
from zoo.inference.tasks.embed_files import Collection
from zoo.results import Embedding, Problem
from zoo.results.embedding_files import read_provenance
from zoo.results.provenance import Provenance

VARIABLE = "ZOO_APP_BATCHES"
RETRY = 600  # s, after which folders are opened again
_log = logging.getLogger("zoo")


def batches(modality: str) -> dict[str, BatchFolder]:
    """Return the folders with vectors of a modality, by name."""
    opened = _opened(os.environ.get(VARIABLE, ""))
    return {name: folder for name, folder in opened.items() if folder.settings.modality == modality}


@cached(TTLCache(maxsize=1, ttl=RETRY), condition=threading.Condition())
def _opened(paths: str) -> Mapping[str, BatchFolder]:
    folders: list[BatchFolder] = []
    for path in filter(None, map(str.strip, paths.split(os.pathsep))):
        try:
            folder = open_batch(Path(path).expanduser())
            if folder.settings.task != "embed":
                raise InputError(f"It holds results of {folder.settings.task}, and not vectors.")
            folders.append(folder)
        except ZooError as error:
            _log.warning("%s names %s, which is not offered: %s", VARIABLE, path, error)
    return dict(zip(distinct(folder.path.name for folder in folders), folders, strict=True))


def sampled(
    folder: BatchFolder, network: str, *, max_files: int, max_bytes: int
) -> tuple[list[tuple[str, bytes]], Collection]:
    """Take files from all over a batch, with the vectors that it has of them.

    Parameters
    ----------
    folder : BatchFolder
    network : str
    max_files : int
    max_bytes : int
        Of all files; those beyond are left out.

    Returns
    -------
    list of (str, bytes)
        Name and content of each file: the name has one folder, which may be a group.
    Collection
        One vector a file; of a recording the mean of its windows.

    Raises
    ------
    InputError
        If the batch cannot be read, or none of the files can be used.
    """
    rows, provenance = _rows(folder, network, max_files)
    files, parts, problems, left = [], [], [], max_bytes
    for number in pc.unique(rows["number"]).to_pylist():
        own = rows.filter(pc.equal(rows["number"], number))
        path = own["path"][0].as_py()
        name = shown_name(path)
        try:
            if error := own["error"][0].as_py():
                raise InputError(error)
            content = content_of(path, left)
        except InputError as error:
            problems.append(Problem(name, str(error).replace(path, name)))  # folders are the owner's business
            continue
        left -= len(content)
        files.append((name, content))
        parts.append(own)
    if not files:
        raise InputError(f"None of the files of {folder.path.name} can be used.")
    names = distinct(name for name, _ in files)
    embedding = _embedding(pa.concat_tables(parts), np.repeat(names, list(map(len, parts))), provenance)
    files = [(name, data) for name, (_, data) in zip(names, files, strict=True)]
    return files, Collection(embedding.by_input(), tuple(range(len(files))), tuple(problems))


def _rows(folder: BatchFolder, network: str, max_files: int) -> tuple[pa.Table, Provenance]:
    """Read the rows of files from all over a batch, and what made them."""
    every = folder.manifest.numbers
    numbers = every[np.linspace(0, len(every) - 1, min(len(every), max_files)).astype(int)]
    try:
        dataset = folder.rows_of(numbers, network)
        return dataset.to_table(), read_provenance(dataset.files[0])
    except (InputError, pa.ArrowException) as error:
        _log.warning("%s names %s, which cannot be read: %s", VARIABLE, folder.path, error)
        raise InputError(f"The batch {folder.path.name} cannot be read now.") from error


def shown_name(path: str) -> str:
    """Return the name of a file with one folder: where the others are is the owner's business."""
    return "/".join(path.partition("::")[0].split("/")[-2:])


def content_of(path: str, max_bytes: int) -> bytes:
    """Read a file of a batch.

    Raises
    ------
    InputError
        If it is gone, or larger than `max_bytes`.
    """
    _, content = open_content(path)
    with open_input(content) as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise InputError(f"{path} is too large to be shown beside the others.")
    return data


def _embedding(rows: pa.Table, names: np.ndarray, provenance: Provenance) -> Embedding:
    return Embedding(
        network=provenance.network,
        layer=str(provenance.options["layer"]),
        values=vectors_of(rows["vector"].combine_chunks()),
        times=times_of(rows),
        inputs=tuple(map(str, names)),
        provenance=provenance,
    )
