"""What a sorter writes: the list of its files as CSV, and copies of them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from zoo.batches.contents import open_content
from zoo.batches.durable import temporary, write_durably
from zoo.batches.file_features import FileFeatures
from zoo.batches.sort_estimate import Threshold
from zoo.core.errors import InputError, reason
from zoo.core.inputs import open_input
from zoo.results import to_csv
from zoo.results.problem import Problem

if TYPE_CHECKING:
    import pandas as pd


def sorted_table(
    files: FileFeatures, scores: np.ndarray, answers: Mapping[int, bool], threshold: Threshold | None
) -> pd.DataFrame:
    """Return the files, see `Sorter.table`."""
    import pandas as pd

    rank = np.array([{True: 0, None: 1, False: 2}[answers.get(int(own))] for own in files.numbers])
    order = np.lexsort([files.numbers, -scores, rank])
    if threshold:
        order = order[(rank[order] == 0) | ((rank[order] == 1) & (scores[order] >= threshold.score))]
    names = np.array(["yes", "", "no"], object)
    return pd.DataFrame(
        {
            "number": files.numbers[order],
            "path": [files.paths[place] for place in order],
            "score": scores[order],
            "answer": names[rank[order]],
        }
    )


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table of `sorted_table` as CSV."""
    text = to_csv(table.drop(columns="number"))
    try:
        write_durably(path, lambda written: written.write_text(text, encoding="utf-8", newline=""))
    except OSError as error:
        raise InputError(f"{path} cannot be written: {reason(error)}.") from error


def file_names(paths: list[str]) -> list[str]:
    """Return the names of files without their folders, each once."""
    names = [PurePosixPath(path.partition("::")[0]).name or "file" for path in paths]
    numbers: dict[str, int] = {}
    taken = set(names)
    for place, name in enumerate(names):
        numbers[name] = numbers.get(name, 0) + 1
        while numbers[name] > 1 and names[place] in taken:
            own = PurePosixPath(name)
            names[place] = f"{own.stem} ({numbers[name]}){own.suffix}"
            if names[place] in taken:
                numbers[name] += 1
        taken.add(names[place])
    return names


def read_unchanged(files: FileFeatures, number: int) -> bytes:
    """Return the content of a file that is as it was when it was embedded.

    Raises
    ------
    InputError
        If it is gone, cannot be read, or has changed.
    """
    place = int(np.searchsorted(files.numbers, number))
    sha256, content = open_content(files.paths[place])
    if sha256 != files.hashes[place]:
        raise InputError(f"{files.paths[place]} has changed since it was embedded; run the batch again.")
    with open_input(content) as stream:
        return stream.read()


def copy_files(files: FileFeatures, table: pd.DataFrame, to: Path) -> tuple[Problem, ...]:
    """Copy the files of a table into a new folder, see `Sorter.copy`."""
    if to.exists():
        raise InputError(f"{to} exists; choose a new folder.")
    written, problems = temporary(to), list[Problem]()
    paths = table["path"].tolist()
    try:
        written.mkdir(parents=True)
        for own, path, name in zip(table["number"], paths, file_names(paths), strict=True):
            try:
                content = read_unchanged(files, int(own))
            except InputError as error:
                problems.append(Problem(path, str(error)))
                continue
            (written / name).write_bytes(content)
        written.rename(to)
    except OSError as error:
        raise InputError(f"{to} cannot be written: {reason(error)}.") from error
    finally:
        shutil.rmtree(written, ignore_errors=True)
    return tuple(problems)
