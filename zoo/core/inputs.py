"""Whatever a user hands over as a file: path, bytes, URL or open file -> name and binary stream."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from zoo.core.environment import offline
from zoo.core.errors import InputError

MAX_DOWNLOAD_BYTES = 1 << 30
_CHUNK = 1 << 20
T = TypeVar("T")


def ahead(items: Generator[T, None, None]) -> Iterator[T]:
    """The same items, each made by another thread while the one before is in use.

    An error is raised where its item would have come; who stops early waits for one item at the most, and
    what makes the items is closed.
    """
    end = object()
    with closing(items), ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = pool.submit(next, items, end)
            yield item


def name_of(x: Any, index: int = 0) -> str:
    """How to call an input in a result: its path, URL or file name, else its kind and position."""
    if isinstance(x, (str, os.PathLike)):
        return os.fsencode(x).decode("utf-8", "replace")
    if isinstance(name := getattr(x, "name", None) or getattr(x, "filename", None), str):
        return name
    return f"{type(x).__name__} {index + 1}"


def is_file(x: Any) -> bool:
    """Whether `x` is something that `open_input` opens."""
    return isinstance(x, (str, os.PathLike, bytes, bytearray, memoryview)) or hasattr(x, "read")


def open_input(x: Any) -> BinaryIO:
    """Open an input for reading.

    Parameters
    ----------
    x : str, path, bytes or binary file
        A string that begins with ``http://`` or ``https://`` is downloaded.

    Returns
    -------
    BinaryIO
        Seekable; the caller closes it.

    Raises
    ------
    InputError
        If there is no such file, it is a folder, it may not be read, it is empty or cannot be downloaded.
    """
    if isinstance(x, (bytes, bytearray, memoryview)):
        stream: BinaryIO = io.BytesIO(x)
    elif hasattr(x, "read"):
        content = x.getvalue() if hasattr(x, "getvalue") else x.read()
        if not isinstance(content, bytes):
            raise InputError(f"{name_of(x)} is open as text; open it in binary mode.")
        stream = io.BytesIO(content)
    elif isinstance(x, str) and x.startswith(("http://", "https://")):
        stream = _download(x)
    else:
        stream = _open_path(Path(x))
    if not stream.seekable():  # a pipe
        stream = io.BytesIO(stream.read())
    if not stream.read(1):
        stream.close()
        raise InputError(f"{name_of(x)} is empty.")
    stream.seek(0)
    return stream


def _open_path(path: Path) -> BinaryIO:
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder, not a file.")
        return path.open("rb")
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def _download(url: str) -> BinaryIO:
    import requests

    if offline():
        raise InputError(f"{url} is not on this machine, and ZOO_OFFLINE forbids to fetch it.")

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
        raise InputError(f"{url} cannot be downloaded: {type(error).__name__}.") from error
    stream.seek(0)
    return stream
