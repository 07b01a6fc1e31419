"""Lists of files: class folders, and folders whose file names contain the class."""

from __future__ import annotations

from pathlib import Path

from zoo.core.errors import InputError
from zoo.core.inputs import name_of
from zoo.core.paths import files_below, is_litter
from zoo.results.problem import Problem
from zoo.training.data.file_list import Listing
from zoo.training.data.splitting import compiled, match_name

_SPLITS = {"train", "training", "val", "valid", "validation", "test", "testing", "dev"}


def listed(folder: Path, name: str, *, split: str | None = None, label: str | None = None) -> Listing:
    """List the files of a folder with their labels.

    Parameters
    ----------
    folder : Path
        Of class folders. One lonely folder around them is looked through.
    name : str
        How to call the source in errors.
    split : str, optional
        The folder of `folder` that counts.
    label : str, optional
        A regular expression on the name of each file, in place of class folders.

    Raises
    ------
    InputError
        If there is nothing to list, or the splits are not told from the classes.
    """
    folder = _around_classes(folder)
    if split is not None:
        folder = _split_of(folder, name, split)
    return _by_name(folder, name, label) if label is not None else _by_folder(folder, name)


def _inside(folder: Path) -> tuple[list[Path], list[Path]]:
    """Folders and files in a folder, sorted."""
    try:
        entries = sorted(path for path in folder.iterdir() if not is_litter(path.name))
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}.") from error
    return [path for path in entries if path.is_dir()], [path for path in entries if not path.is_dir()]


def _around_classes(folder: Path) -> Path:
    folders, files = _inside(folder)
    while len(folders) == 1 and not files and _inside(folders[0])[0]:
        folder = folders[0]
        folders, files = _inside(folder)
    return folder


def _split_of(folder: Path, name: str, split: str) -> Path:
    folders = [path.name for path in _inside(folder)[0]]
    if split not in folders:
        raise InputError(
            f"{name} has no split {split!r}; it has the folders {', '.join(folders) or '(none)'}."
        )
    return folder / split


def _by_folder(folder: Path, name: str) -> Listing:
    folders, beside = _inside(folder)
    names = [path.name for path in folders]
    if len(names) > 1 and {text.lower() for text in names} <= _SPLITS:
        raise InputError(f"{name} holds the splits {', '.join(names)}; say which with split=.")
    if not folders:
        raise InputError(
            f"{name} has no class folders; put the examples of each class into a folder of its name, "
            "or say with label= how file names tell the class."
        )
    problems = ()
    if beside:
        more = f" and {len(beside) - 1} more" if len(beside) > 1 else ""
        problems = (Problem(str(folder), f"{beside[0].name}{more} are outside the class folders."),)
    files = [(path, name_of(one.name)) for one in folders for path in files_below(one)]
    return Listing(
        name=name,
        files=[path for path, _ in files],
        labels=[label for _, label in files],
        classes=tuple(name_of(text) for text in names),
        problems=problems,
    )


def _by_name(folder: Path, name: str, pattern: str) -> Listing:
    expression = compiled("label", pattern)
    files = list(files_below(folder))
    if not files:
        raise InputError(f"{name} has no files.")
    labels = [match_name(name_of(path.name), expression) for path in files]
    problems = [
        Problem(name_of(path), f"The name {path.name!r} does not match label={pattern!r}.")
        for path, label in zip(files, labels, strict=True)
        if label is None
    ]
    if len(problems) == len(files):
        raise InputError(f"label={pattern!r} matches no name in {name}, such as {files[0].name!r}.")
    return Listing(
        name=name,
        files=[path for path, label in zip(files, labels, strict=True) if label is not None],
        labels=[label for label in labels if label is not None],
        classes=tuple(sorted({label for label in labels if label is not None})),
        problems=tuple(problems),
    )
