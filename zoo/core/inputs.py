"""Inputs: one of them -> a name and a binary stream; several of them -> a flat list."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Container, Generator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import responses
from itertools import islice
from numbers import Number
from typing import IO, Any, TypeVar

from zoo.core.environment import offline
from zoo.core.errors import InputError
from zoo.core.paths import STDIN, files_of, is_group, is_pattern, is_url, resolve

MAX_DOWNLOAD_BYTES = 1 << 30  # and of standard input
_CHUNK = 1 << 20
T = TypeVar("T")

Failures = dict[int, InputError]
"""Why inputs of a list were left out, by their positions."""


def ahead(items: Generator[T, None, None]) -> Generator[T, None, None]:
    """Pass on the same items, each made by another thread while the one before is in use.

    An error is raised in the place of its item. Closing early waits for one item at most, and
    what makes the items is closed.
    """
    with closing(items), ThreadPoolExecutor(1) as pool:
        coming = pool.submit(_take_one, items)
        while block := coming.result():
            coming = pool.submit(_take_one, items)
            yield from block


def name_of(x: Any, index: int = 0) -> str:
    """How to call an input in a result: its path, URL or file name, else its kind and position."""
    if isinstance(x, (str, os.PathLike)):
        return os.fsencode(x).decode("utf-8", "replace")
    if isinstance(name := getattr(x, "name", None) or getattr(x, "filename", None), str):
        return name
    return f"{type(x).__name__} {index + 1}"


def distinct(names: Iterable[str]) -> list[str]:
    """Return the names, with a number after those that occurred before."""
    unique: dict[str, None] = {}
    for name in names:
        number, own = 1, name
        while own in unique:
            number += 1
            own = f"{name} ({number})"
        unique[own] = None
    return list(unique)


def is_file(x: Any) -> bool:
    """Whether `x` is something that `open_input` opens."""
    return isinstance(x, (str, os.PathLike, bytes, bytearray, memoryview)) or hasattr(x, "read")


def is_column(x: Any) -> bool:
    """Tell whether `x` is a column of inputs: a Series, Index or array of strings or objects."""
    return getattr(getattr(x, "dtype", None), "kind", None) in ("O", "U", "T") and len(x.shape) == 1


def flat_list(x: Any, suffixes: Container[str], kind: str) -> list[Any]:
    """List the single inputs that several inputs stand for.

    One rule for all verbs: a folder stands for the files below it, and a glob pattern for the files that it
    matches, sorted, if their names end in one of `suffixes`. Within a list, the files take its place. All
    else stands for itself, and so does a folder or pattern without such files: opening it raises the error.

    Parameters
    ----------
    x : folder, glob pattern, or iterable of inputs
        An iterable may be empty.
    suffixes : container of str
        As of `zoo.core.paths.files_of`.
    kind : str
        What an input is, for errors: ``"an image"``.

    Returns
    -------
    list
        Files of folders and patterns are `Path` objects, which are taken literally from then on. Standard
        input is a stream that is read already, so that it can be opened again.

    Raises
    ------
    InputError
        If `x` is not iterable, or is a list of numbers or of lists.
    """
    if is_group(x):
        return files_of(x, suffixes) or [x]
    if not isinstance(x, Iterable) or isinstance(x, Mapping):
        raise InputError(f"An object of type {type(x).__name__} is not {kind}, nor a list of inputs.")
    items = list(x)
    if _is_nested(items):
        raise InputError(
            f"A list of numbers or of lists cannot be used: pass a flat list, and {kind} made of numbers as "
            "a NumPy array."
        )
    flat: list[Any] = []
    for item in items:
        if is_group(item):
            flat.extend(files_of(item, suffixes) or [item])
        else:
            flat.append(_standard_input() if isinstance(item, str) and item == STDIN else item)
    return flat


def open_input(x: Any) -> IO[bytes]:
    """Open an input for reading.

    Parameters
    ----------
    x : str, path, bytes or binary file
        A string that begins with ``http://`` or ``https://`` is downloaded, and one that begins with
        ``file://`` is the URL of a path. ``"-"`` is standard input. A leading ``~`` is the home folder.

    Returns
    -------
    binary file
        Seekable; the caller closes it.

    Raises
    ------
    InputError
        If the file does not exist, it is a folder, it may not be read, it is empty or cannot be downloaded.
    """
    if isinstance(x, (bytes, bytearray, memoryview)):
        stream: IO[bytes] = io.BytesIO(x)
    elif hasattr(x, "read"):
        content = x.getvalue() if hasattr(x, "getvalue") else x.read()
        if not isinstance(content, bytes):
            raise InputError(f"{name_of(x)} is open as text; open it in binary mode.")
        stream = io.BytesIO(content)
    elif is_url(x):
        stream = _download(x)
    elif isinstance(x, str) and x == STDIN:
        stream = _standard_input()
    else:
        stream = _open_path(x)
    if not stream.seekable():  # a pipe
        stream = io.BytesIO(stream.read())
    if not stream.read(1):
        stream.close()
        raise InputError(f"{name_of(x)} is empty.")
    stream.seek(0)
    return stream


def _take_one(items: Iterator[T]) -> list[T]:
    return list(islice(items, 1))


def _is_nested(items: list[Any]) -> bool:
    if any(isinstance(item, (list, tuple)) for item in items):
        return True
    return bool(items) and all(isinstance(item, Number) for item in items)


def _standard_input() -> IO[bytes]:
    """Read all of standard input into a stream that can be read again."""
    try:
        content = sys.stdin.buffer.read(MAX_DOWNLOAD_BYTES + 1)
    except (AttributeError, OSError, ValueError) as error:  # there is none, or it is closed
        raise InputError("Standard input cannot be read here; pass a path or bytes.") from error
    if len(content) > MAX_DOWNLOAD_BYTES:
        raise InputError(f"Standard input is larger than {MAX_DOWNLOAD_BYTES >> 20} MB; pass a file.")
    stream = io.BytesIO(content)
    stream.name = STDIN
    return stream


def _open_path(x: str | os.PathLike[str]) -> IO[bytes]:
    path = resolve(x)
    if os.path.isdir(path):
        raise InputError(f"{path} is a folder, not a file, or holds no files of the right kind.")
    try:
        return path.open("rb")
    except FileNotFoundError:
        if is_pattern(x, path):
            raise InputError(f"{path} does not exist, and no file of the right kind matches it.") from None
        if isinstance(x, str) and "://" in x:
            raise InputError(
                f"{x} cannot be read; pass a path, or a URL that begins with http://, https:// or file://."
            ) from None
        raise InputError(f"{path} does not exist.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def _download(url: str) -> IO[bytes]:
    import requests

    if offline():
        raise InputError(f"{url} cannot be downloaded: downloads are disabled (ZOO_OFFLINE=1).")

    stream = tempfile.SpooledTemporaryFile(max_size=64 << 20)
    try:
        with requests.get(url, stream=True, timeout=(10, 60)) as response:
            response.raise_for_status()
            for chunk in response.iter_content(_CHUNK):
                stream.write(chunk)
                if stream.tell() > MAX_DOWNLOAD_BYTES:
                    stream.close()
                    raise InputError(f"{url} is larger than {MAX_DOWNLOAD_BYTES >> 20} MB.")
    except InputError:
        raise
    except (OSError, ValueError) as error:  # requests' and urllib3's own errors, and a full disk
        stream.close()
        raise InputError(f"{url} cannot be downloaded: {_reason(error)}.") from error
    stream.seek(0)
    return stream


def _reason(error: Exception) -> str:
    """Name the status of an HTTP response, or the type of any other error."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return f"{status} {responses.get(status, '')}".strip() if status else type(error).__name__
