"""From a list of files and their labels to a `Dataset`: every file is decoded, and none counts twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, zip_longest
from pathlib import Path
from typing import NamedTuple

from zoo.core.errors import InputError
from zoo.core.inputs import name_of
from zoo.core.machine import available_processors
from zoo.core.progress import Progress, reporter
from zoo.core.spec import MODALITIES
from zoo.core.validation import choice
from zoo.results.problem import Problem
from zoo.training.data.dataset import Dataset, content_hash
from zoo.training.data.file_list import Listing, drop_empty_classes, select_classes

_LOOKS = 12  # files that say what the others will be
_TRIES = 100  # files among which these must be found


class _Look(NamedTuple):
    """What a file turned out to be: its hash, or the reason why it cannot be used."""

    content: str | None
    reason: str | None


def examined(
    listing: Listing,
    *,
    modality: str | None = None,
    classes: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Look into every file; what cannot be used becomes a problem.

    Parameters
    ----------
    listing : Listing
    modality : {"image", "audio"}, optional
        By default, what the first files turn out to be.
    classes : sequence of str, optional
        See `zoo.dataset`.
    progress : callable, optional
        Called with the files done and the files in all; without one, a terminal shows a bar.

    Returns
    -------
    Dataset

    Raises
    ------
    InputError
        If nothing is left, or one class only.
    """
    if modality is not None:
        choice("modality", modality, MODALITIES)
    listing = select_classes(listing, classes)
    if not listing.files:
        raise InputError(f"{listing.name} has no examples.")
    modality = modality or _modality(listing, progress)
    looks = list(_examine_files(listing.files, _CHECKS[modality], progress))
    read = [look.content is not None for look in looks]
    unreadable = [
        Problem(name_of(file), look.reason)
        for file, look in zip(listing.files, looks, strict=True)
        if look.reason is not None
    ]
    if not any(read):
        raise InputError(f"No example in {listing.name} can be used; of the first: {looks[0].reason}")
    listing = listing.where(read, unreadable)
    hashes = [look.content for look in looks if look.content is not None]
    once, repeated = _unrepeated(listing, hashes)
    listing = drop_empty_classes(listing.where(once, repeated), keep_empty=classes is not None)
    contents = tuple(content for content, is_first in zip(hashes, once, strict=True) if is_first)
    return Dataset(
        name=listing.name,
        modality=modality,
        inputs=listing.files,
        targets=listing.targets(),
        classes=listing.classes,
        groups=None if listing.groups is None else tuple(listing.groups),
        problems=listing.problems,
        known=contents,
    )


def _check_picture(file: Path) -> None:
    from zoo.vision.decoding import check

    check(file)


def _check_sound(file: Path) -> None:
    from zoo.audio.signal import open_sound

    blocks = open_sound(file).blocks
    try:
        if next(blocks, None) is None:
            raise InputError(f"{name_of(file)} has no sound in it.")
    finally:
        blocks.close()  # and with it the file


_CHECKS: dict[str, Callable[[Path], None]] = {"image": _check_picture, "audio": _check_sound}


def _modality(listing: Listing, progress: Progress | None) -> str:
    """Detect the modality of the first files of every class; `progress` may end it."""
    by_class = defaultdict(list)
    for file, label in zip(listing.files, listing.labels, strict=True):
        by_class[label].append(file)
    turns = (file for turn in zip_longest(*by_class.values()) for file in turn if file is not None)
    examples: dict[str, Path] = {}
    looks, first = 0, ""
    for file in islice(turns, _TRIES):
        if progress:
            progress(0, len(listing.files))
        for modality, check in _CHECKS.items():
            try:
                check(file)
            except InputError as error:
                first = first or str(error)
            else:
                examples.setdefault(modality, file)
                looks += 1
                break
        if looks == _LOOKS:
            break
    if not examples:
        raise InputError(f"{listing.name} holds neither pictures nor sound that can be read; {first}")
    if len(examples) > 1:
        raise InputError(
            f"{listing.name} holds pictures ({name_of(examples['image'].name)}) and sound "
            f"({name_of(examples['audio'].name)}); "
            "say which with modality=."
        )
    return next(iter(examples))


def _examine_files(
    files: Sequence[Path], check: Callable[[Path], None], progress: Progress | None
) -> Iterator[_Look]:
    """Read and decode the files in order, with several threads."""

    def look(file: Path) -> _Look:
        try:
            content = content_hash(file)
            check(file)  # reads what the disk's cache still has
        except InputError as error:
            return _Look(None, str(error))
        except OSError as error:
            return _Look(None, f"{name_of(file)} cannot be read: {error.strerror or error}.")
        return _Look(content, None)

    pool = ThreadPoolExecutor(available_processors())
    try:
        with reporter(progress, "examples") as report:
            for done, one in enumerate(pool.map(look, files), 1):
                report(done, len(files))
                yield one
    finally:
        pool.shutdown(cancel_futures=True)


def _unrepeated(listing: Listing, hashes: Sequence[str]) -> tuple[list[bool], list[Problem]]:
    """Mark files with new content; files with the same content in two classes are all left out."""
    same = defaultdict(list)
    for i, content in enumerate(hashes):
        same[content].append(i)
    keep, problems = [True] * len(hashes), []

    def leave_out(i: int, twin: int, more: str = "") -> None:
        keep[i] = False
        name = name_of(listing.files[i])
        problems.append(
            Problem(name, f"{name} has the same content as {name_of(listing.files[twin])}{more}.")
        )

    for first, *later in same.values():
        other = next((i for i in later if listing.labels[i] != listing.labels[first]), None)
        if other is None:
            for i in later:
                leave_out(i, first)
            continue
        for i in (first, *later):
            twin = other if listing.labels[i] == listing.labels[first] else first
            leave_out(i, twin, f", which is of the class {listing.labels[twin]!r}, so neither is used")
    return keep, problems
