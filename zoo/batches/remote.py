"""Files behind URLs of fsspec: object stores, hubs, and members of archives.

A member of an archive has a URL too, ``zip://photos/a.jpg::/data/photos.zip``: it is read where it is, and
nothing is unpacked.
"""

from __future__ import annotations

import contextlib
import datetime
import io
from collections.abc import Container, Iterator
from hashlib import sha256
from typing import Any

import fsspec

from zoo.core.errors import InputError, MissingLibraryError, reason
from zoo.core.extras import install_command
from zoo.core.inputs import MAX_DOWNLOAD_BYTES
from zoo.core.paths import is_litter

_ARCHIVES = {".zip": "zip", ".tar": "tar"}
_COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".7z", ".rar")
_LIBRARIES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "created", "date_time")  # by file system
_VERSIONS = ("blob_id", "ETag", "etag")  # of the content, where a file has no time, as on the hub


def is_remote(name: str) -> bool:
    """Tell whether a name is a URL, but of a file of this machine (``file://``)."""
    return "://" in name and not name.startswith("file://")


def is_archive(name: str) -> bool:
    """Tell whether a name is that of an archive whose members can be read where they are.

    Raises
    ------
    InputError
        If it is one whose members cannot.
    """
    lower = name.lower()
    if lower.endswith(_COMPRESSED):
        raise InputError(f"{name} cannot be read piece by piece; unpack it, or pack it as .zip or .tar.")
    return "::" not in name and lower.endswith(tuple(_ARCHIVES))


def archive_url(name: str) -> str:
    """Return the URL of all members of an archive."""
    kind = next(kind for suffix, kind in _ARCHIVES.items() if name.lower().endswith(suffix))
    return f"{kind}://::{name}"


def list_remote(url: str, suffixes: Container[str]) -> Iterator[tuple[str, int, int]]:
    """Yield URL, size and time of the files of a folder, pattern, file, or archive, sorted.

    Raises
    ------
    InputError
        If it cannot be listed.
    MissingLibraryError
        If a library for this kind of URL is not installed.
    """
    scheme, _, rest = url.partition("://")
    _, chain, container = rest.partition("::")
    system, root = _file_system(url, skip_instance_cache=True)  # one that has no older listing
    with _sentences(url):
        if any(sign in root for sign in "*?["):
            entries: Any = system.glob(root, detail=True)
        else:
            entries = system.find(root, detail=True)
            if not entries and not system.exists(root):
                raise FileNotFoundError(root)
    for path, info in sorted(entries.items()):
        name = path.rstrip("/").rpartition("/")[2]
        if info.get("type") == "directory" or any(map(is_litter, path.split("/"))):
            continue
        if f".{name.rpartition('.')[2].lower()}" in suffixes or path == root:
            plain = path.lstrip("/") if scheme in ("zip", "tar", "memory") else path
            yield f"{scheme}://{plain}{chain}{container}", *_state(info)


def state_of_remote(url: str) -> tuple[int, int]:
    """Return size and time of a file; of one that is not there, -1 and 0."""
    system, path = _file_system(url)
    try:
        return _state(system.info(path))
    except FileNotFoundError:
        return -1, 0
    except Exception as error:  # of any library behind fsspec
        raise InputError(f"{url} cannot be read: {reason(error)}.") from error


def read_remote(url: str) -> io.BytesIO:
    """Read a file into a stream that has its name.

    Raises
    ------
    InputError
        If it cannot be read, or has more than `MAX_DOWNLOAD_BYTES`.
    """
    system, path = _file_system(url)
    with _sentences(url), system.open(path, "rb") as file:
        content = file.read(MAX_DOWNLOAD_BYTES + 1)
    if len(content) > MAX_DOWNLOAD_BYTES:
        raise InputError(f"{url} is larger than {MAX_DOWNLOAD_BYTES >> 20} MB.")
    stream = io.BytesIO(content)
    stream.name = url
    return stream


def _file_system(url: str, **options: bool) -> tuple[Any, str]:
    scheme = url.partition("://")[0]
    try:
        with _sentences(url):
            return fsspec.core.url_to_fs(url, **options)
    except ImportError as error:
        library = _LIBRARIES.get(scheme, getattr(error, "name", None) or "its library")
        raise MissingLibraryError(f"{scheme}:// needs {library}; run: {install_command(library)}.") from error


@contextlib.contextmanager
def _sentences(url: str) -> Iterator[None]:
    """Turn what fsspec and the libraries behind it raise into a sentence."""
    try:
        yield
    except (ImportError, InputError):
        raise
    except FileNotFoundError:
        raise InputError(f"{url} does not exist.") from None
    except Exception as error:  # of any library behind fsspec
        raise InputError(f"{url} cannot be read: {reason(error)}.") from error


def _state(info: dict[str, Any]) -> tuple[int, int]:
    """Return size and time of a file, or a number made of its version where there is no time."""
    size = int(info.get("size") or 0)
    time = next((info[key] for key in _TIMES if info.get(key) is not None), None)
    if time is None:
        version = next((str(info[key]) for key in _VERSIONS if info.get(key)), None)
        return size, int(sha256(version.encode()).hexdigest()[:15], 16) if version else 0
    if isinstance(time, tuple):  # of a zip
        time = datetime.datetime(*time, tzinfo=datetime.UTC)
    if isinstance(time, str):
        time = datetime.datetime.fromisoformat(time)
    if isinstance(time, datetime.datetime):
        time = time.timestamp()
    return size, int(1e9 * float(time))
