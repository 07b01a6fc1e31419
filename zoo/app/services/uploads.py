"""Examples that a visitor of the app uploads: into folders of their own, within limits."""

from __future__ import annotations

import os
import re
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice, zip_longest
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO

from zoo.core.errors import InputError
from zoo.core.progress import Progress
from zoo.results.problem import Problem
from zoo.training.data.archives import unpacked
from zoo.training.data.build import examined
from zoo.training.data.dataset import Dataset
from zoo.training.data.file_list import Listing
from zoo.training.data.load import dataset

MAX_EXAMPLES = 2000
MAX_BYTES = 200_000_000
MAX_SECONDS = 300  # to decode all examples
FEWEST = 3  # of a class: one to judge by, one to learn from, and one to see when to stop
_LONGEST = 200  # bytes of a name without its suffix; file systems take 255
_PARTS = {"train", "training", "val", "valid", "validation", "test", "testing", "dev"}


def store(files: Sequence[tuple[str, bytes]], folder: Path) -> list[Path]:
    """Write uploads, by their names, below a folder; return their paths."""
    paths = []
    for place, (name, data) in enumerate(files):
        path = folder / "files" / str(place) / base_name(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        paths.append(path)
    return paths


def from_files(
    paths: Sequence[Path],
    folder: Path,
    *,
    label: str = "examples",
    modality: str | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Read uploads of one class as labeled examples.

    Parameters
    ----------
    paths : sequence of Path
        Files from `store`.
    folder : Path
        Where they were stored.
    label : str
    modality : {"image", "audio"}, optional
        By default, what the first files turn out to be.
    progress : callable, optional
        Called with the files that were decoded, and all of them.

    Raises
    ------
    InputError
        If no file can be used, or they are too many or too large.
    """
    require_limits("Your upload holds", len(paths), sum(path.stat().st_size for path in paths))
    listing = Listing("your upload", list(paths), [label] * len(paths), (label,))
    return _for_people(
        lambda: examined(
            listing, modality=modality, classes=(label,), progress=in_time(progress, "Your examples")
        ),
        "your upload",
        folder,
    )


def from_zip(
    path: Path, folder: Path, *, part: str | None = None, progress: Progress | None = None
) -> Dataset:
    """Read a zip of class folders as labeled examples.

    Parameters
    ----------
    path : Path
        A file from `store`.
    folder : Path
        Where it is unpacked.
    part : str, optional
        Which of its `parts`.
    progress : callable, optional
        As of `from_files`.

    Raises
    ------
    InputError
        As of `zoo.dataset`, and if it is too large for the app.
    """
    name = path.name
    listed = entries(path, name)
    require_limits(f"{name} holds", len(listed), sum(entry.file_size for entry in listed))
    return _for_people(
        lambda: dataset(path, split=part, cache=folder, progress=in_time(progress, name)),
        name,
        folder,
        str(path),
    )


def unzipped(name: str, data: bytes, folder: Path, max_files: int) -> list[tuple[str, bytes]]:
    """Files of a zip, of any content.

    Parameters
    ----------
    name : str
        What its owner calls it.
    data : bytes
    folder : Path
        An empty one to unpack in; the caller removes it.
    max_files : int
        How many: of a larger zip, as many from each of its folders as can be.

    Returns
    -------
    list of (str, bytes)
        Sorted; names have their folders, without those that all files share.

    Raises
    ------
    InputError
        If it is no zip, is empty or too large for the app, or cannot be unpacked safely.
    """
    name = base_name(name)
    path = folder / "upload.zip"
    path.write_bytes(data)
    listed = entries(path, name)
    require_limits(f"{name} holds", len(listed), sum(entry.file_size for entry in listed))
    try:
        root = unpacked(path, folder)
    except InputError as error:
        raise InputError(str(error).replace(str(path), name)) from error
    by_folder: dict[Path, list[Path]] = {}
    for file in sorted(file for file in root.rglob("*") if file.is_file()):
        by_folder.setdefault(file.parent, []).append(file)
    if not by_folder:
        raise InputError(f"{name} holds no files.")
    common = Path(os.path.commonpath(by_folder))
    common = common.parent if len(by_folder) == 1 and common != root else common
    turns = (file for turn in zip_longest(*by_folder.values()) for file in turn if file)
    return [
        (file.relative_to(common).as_posix(), file.read_bytes()) for file in sorted(islice(turns, max_files))
    ]


def parts(file: BinaryIO) -> list[str]:
    """Return the folders train, val and the like that a zip has around its class folders; most have none."""
    try:
        names = [PurePosixPath(entry.filename).parts for entry in entries(file, "")]
    except InputError:  # which reading it will say
        return []
    while names and len({name[0] for name in names}) == 1 and all(len(name) > 3 for name in names):
        names = [name[1:] for name in names]
    outer = sorted({name[0] for name in names if len(name) > 2})
    return outer if len(outer) > 1 and {one.lower() for one in outer} <= _PARTS else []


def require_enough(data: Dataset, fewest: int = FEWEST) -> None:
    """Raise an `InputError` unless every class has examples to learn from and to judge by."""
    counts = data.counts()
    if len(few := counts[counts < fewest]):
        raise InputError(
            f"The class {few.index[0]!r} has {few.iloc[0]} examples; each class needs at least {fewest}, to "
            "train and to evaluate."
        )


def entries(file: Path | BinaryIO, name: str) -> list[zipfile.ZipInfo]:
    """Return the files of a zip, without what systems add to it."""
    try:
        with zipfile.ZipFile(file) as zipped:
            listed = zipped.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise InputError(f"{name} is not a complete zip file.") from error
    return [entry for entry in listed if not entry.is_dir() and not entry.filename.startswith("__MACOSX/")]


def require_limits(holder: str, examples: int, size: int) -> None:
    """Raise an `InputError` if there are too many examples, or too many bytes."""
    if examples > MAX_EXAMPLES:
        raise InputError(f"{holder} {examples} files, and {MAX_EXAMPLES} are allowed here.")
    if size > MAX_BYTES:
        raise InputError(f"{holder} {size / 1e6:.0f} MB, and {MAX_BYTES / 1e6:.0f} are allowed here.")


def in_time(progress: Progress | None, name: str) -> Progress:
    """Return the same report, which raises an `InputError` once that takes longer than `MAX_SECONDS`."""
    end = time.monotonic() + MAX_SECONDS

    def report(done: int, total: int) -> None:
        if time.monotonic() > end and done < total:
            raise InputError(
                f"{name} took more than {MAX_SECONDS / 60:g} minutes to decode; bring fewer or smaller files."
            )
        if progress:
            progress(done, total)

    return report


def base_name(name: str) -> str:
    """Return the name of a file from any system, without folders, in a form that every system accepts."""
    printable = "".join(c for c in name if c.isprintable())
    base = PureWindowsPath(PurePosixPath(printable).name).name.strip(". ") or "file"
    stem, dot, suffix = base.rpartition(".")
    if not dot or len(suffix) > 10:
        stem, dot, suffix = base, "", ""
    return stem.encode()[:_LONGEST].decode(errors="ignore") + dot + suffix


def _for_people(read: Callable[[], Dataset], name: str, folder: Path, archive: str | None = None) -> Dataset:
    """Replace paths on the server by the names of the uploaded files."""
    inner = re.compile(re.escape(f"{folder}/") + r"(?:zip-[0-9a-f]+/|files/\d+/)?")

    def plain(text: str) -> str:
        return inner.sub("", text.replace(archive, name) if archive else text)

    try:
        dataset = read()
    except InputError as error:
        raise InputError(plain(str(error))) from error
    problems = tuple(Problem(plain(input_), plain(reason)) for input_, reason in dataset.problems)
    return replace(dataset, name=name, problems=problems)
