"""What the page Sort works with: features of offered batches, answers that a project keeps, zips of files."""

from __future__ import annotations

import io
import re
import threading
import zipfile
from contextlib import suppress
from typing import cast

import pandas as pd
from cachetools import LRUCache, cached

from zoo.app.services import offered_batches
from zoo.app.services.project import Project
from zoo.app.services.project_settings import keep_setting, setting_of
from zoo.batches.file_features import FileFeatures, file_features
from zoo.batches.folder import BatchFolder
from zoo.batches.manifest import FILE
from zoo.batches.parts import part_files
from zoo.batches.sort_answers import Answer, Reason, State
from zoo.batches.sort_estimate import Threshold
from zoo.batches.sorted_files import file_names
from zoo.batches.sorter import Sorter
from zoo.core.errors import InputError
from zoo.results import to_csv

MAX_ANSWERS = 1000  # as many texts as a kept setting has
MAX_ZIP_FILES, MAX_ZIP_BYTES = 1000, 200_000_000
_HASH = 12  # digits of the hash of a file, by which an answer is told from one to another file
_ANSWER = re.compile(rf"(\d{{1,12}}) ([0-9a-f]{{{_HASH}}}) (yes|no) (example|likely|unsure|check) ([\d.]*)")


def _version(folder: BatchFolder, network: str) -> tuple[object, ...]:
    """Return what tells the vectors of a batch from those after another run."""
    parts = part_files(folder.path / folder.network_settings(network).folder)
    return str(folder.path), network, *(path.stat().st_mtime_ns for path in [folder.path / FILE, *parts])


@cached(LRUCache(3), key=_version, condition=threading.Condition())
def features_of(folder: BatchFolder, network: str) -> FileFeatures:
    """Return the features of a batch, computed once for all sessions; the last three stay in memory."""
    try:
        return file_features(folder, network)
    except InputError as error:
        raise InputError(str(error).replace(str(folder.path), folder.path.name)) from error


def restored(project: Project, name: str, folder: BatchFolder, network: str, label: str | None) -> Sorter:
    """Return a sorter with the answers that a project keeps for a batch.

    Answers to files that are gone or have changed are left out; so is what a stranger's project holds instead
    of answers.
    """
    features = features_of(folder, network)
    hashes = dict(zip(features.numbers.tolist(), features.hashes, strict=True))
    answers = []
    kept = setting_of(project, _key(name, network))
    for text in kept if isinstance(kept, list) else []:
        if found := _ANSWER.fullmatch(text):
            number, sha256, answer, reason, expected = found.groups()
            with suppress(ValueError):
                chance = min(1.0, float(expected)) if expected else None
                if hashes.get(int(number), "").startswith(sha256):
                    answers.append(Answer(int(number), answer == "yes", cast("Reason", reason), chance))
    state = State(network, answers, label)
    return Sorter.restore(folder, state, features=features)


def keep_answers(project: Project, name: str, sorter: Sorter) -> None:
    """Keep the answers of a sorter in a project."""
    features = sorter.features
    hashes = dict(zip(features.numbers.tolist(), features.hashes, strict=True))
    texts = [
        f"{one.number} {hashes[one.number][:_HASH]} {'yes' if one.yes else 'no'} {one.reason} "
        f"{'' if one.expected is None else format(one.expected, '.4f')}"
        for one in sorter.answers[:MAX_ANSWERS]
    ]
    keep_setting(project, _key(name, sorter.network), texts)


def _key(name: str, network: str) -> str:
    return f"sort-answers-{network}-{name}"[:300]


def listed_csv(sorter: Sorter, threshold: Threshold | None = None) -> str:
    """Return the table of a sorter as CSV, with names in the place of the owner's paths."""
    table = sorter.table(threshold).drop(columns="number")
    table["path"] = table["path"].map(offered_batches.shown_name)
    return to_csv(table)


def zipped(sorter: Sorter, threshold: Threshold) -> bytes:
    """Return the files of a list as a zip: the first `MAX_ZIP_FILES`, while they fit in `MAX_ZIP_BYTES`.

    The zip has ``list.csv``, and says in ``left-out.csv`` which files it lacks, and why.
    """
    table, stream, left = sorter.table(threshold), io.BytesIO(), MAX_ZIP_BYTES
    problems: list[tuple[str, str]] = []
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:  # photos and recordings hardly shrink
        paths = table["path"].tolist()
        for place, (path, name) in enumerate(zip(paths, file_names(paths), strict=True)):
            try:
                if place >= MAX_ZIP_FILES:
                    raise InputError(f"A zip has at most {MAX_ZIP_FILES} files.")
                content = offered_batches.content_of(path, left)
            except InputError as error:
                problems.append((offered_batches.shown_name(path), str(error).replace(path, name)))
                continue
            left -= len(content)
            archive.writestr(f"files/{name}", content)
        archive.writestr("list.csv", listed_csv(sorter, threshold))
        if problems:
            archive.writestr("left-out.csv", to_csv(pd.DataFrame(problems, columns=["file", "why"])))
    return stream.getvalue()
