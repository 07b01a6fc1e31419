"""Paths as people write them: ``~``, ``file://`` URLs, folders and glob patterns."""

from __future__ import annotations

import glob
import os
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from zoo.core.errors import InputError

STDIN = "-"
# What systems put beside the files of people.
_LITTER = {"thumbs.db", "desktop.ini", "__macosx"}


def is_url(x: Any) -> bool:
    """Tell whether `x` is the address of a file to download."""
    return isinstance(x, str) and x.startswith(("http://", "https://"))


def resolve(x: str | os.PathLike[str]) -> Path:
    """Return the path that a string or path object means.

    An existing path is meant literally. Otherwise, a leading ``~`` is the home folder, and a string that
    begins with ``file://`` is a URL.

    Raises
    ------
    InputError
        If the string is empty or has a null byte, or the URL is malformed or names another machine.
    """
    text = os.fspath(x)
    if not _is_path(text):
        raise InputError(f"{text!r} cannot be read: it is not a path.")
    if isinstance(x, str) and text.startswith("file://") and not os.path.exists(text):
        return _path_of_url(text)
    if text.startswith("~") and not os.path.exists(text):
        return Path(os.path.expanduser(text))
    return Path(text)


def is_group(x: Any) -> bool:
    """Tell whether `x` is a folder or a glob pattern, which stand for several files.

    Only a string can be a pattern, and only if no file has that very name. A path object never is: a file of
    a folder keeps its meaning, even if its name is ``[1].jpg``.
    """
    if not isinstance(x, (str, os.PathLike)) or x == STDIN or is_url(x) or not _is_path(os.fspath(x)):
        return False
    path = resolve(x)
    return os.path.isdir(path) or is_pattern(x, path)


def is_pattern(x: Any, path: Path) -> bool:
    """Tell whether `x`, which `resolve` takes for `path`, is a glob pattern."""
    return isinstance(x, str) and any(sign in x for sign in "*?[") and not os.path.exists(path)


def files_of(group: str | os.PathLike[str], suffixes: Container[str]) -> list[Path]:
    """List the files that a folder or a glob pattern stands for.

    Parameters
    ----------
    group : str or path
        A folder, with all folders below it, or a pattern of `glob.glob`, in which ``**`` matches any folders.
    suffixes : container of str
        How the names of the files end, in lower case, with a dot.

    Returns
    -------
    list of Path
        Sorted; empty if there are none.
    """
    path = resolve(group)
    if os.path.isdir(path):
        files = files_below(path)
    else:
        files = map(Path, sorted(glob.glob(str(path), recursive=True)))
    return [file for file in files if file.suffix.lower() in suffixes and file.is_file()]


def files_below(folder: Path) -> Iterator[Path]:
    """Yield all files below a folder, sorted within each folder.

    Links to files are followed, links to folders are not. Files that `is_litter` names are left out.
    """
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(one for one in folders if not is_litter(one))
        yield from (Path(here, file) for file in sorted(files) if not is_litter(file))


def is_litter(name: str) -> bool:
    """Tell whether a file or folder is hidden, or was left there by a system."""
    return name.startswith(".") or name.lower() in _LITTER


def _is_path(text: str) -> bool:
    return text != "" and "\0" not in text


def _path_of_url(url: str) -> Path:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise InputError(f"{url} is not a valid URL: {error}.") from error
    if parts.netloc not in ("", "localhost"):
        raise InputError(f"{url} names a file of another machine; write file:///path for a file of this one.")
    return resolve(Path(url2pathname(parts.path)))
