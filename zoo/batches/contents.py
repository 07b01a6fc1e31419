"""The content of one file of a batch, with its hash."""

from __future__ import annotations

import io
from hashlib import sha256
from pathlib import Path

from zoo.batches.remote import is_remote, read_remote
from zoo.core.errors import InputError, reason
from zoo.core.hashing import digest
from zoo.core.inputs import open_input
from zoo.core.paths import is_url


def open_content(path: str) -> tuple[str, Path | io.BytesIO]:
    """Open a file of a batch.

    Returns
    -------
    str
        SHA-256 of the content.
    Path or BytesIO
        A file of this machine as its path, so that it can be read piece by piece; any other as a stream with
        its name.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if is_remote(path):
        stream = _downloaded(path) if is_url(path) else read_remote(path)
        return sha256(stream.getbuffer()).hexdigest(), stream
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{path} does not exist.")
    try:
        return digest(file), file
    except OSError as error:
        raise InputError(f"{path} cannot be read: {reason(error)}.") from error


def _downloaded(url: str) -> io.BytesIO:
    with open_input(url) as file:
        stream = io.BytesIO(file.read())
    stream.name = url
    return stream
