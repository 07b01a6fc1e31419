"""Unpacking what others packed: whole or not at all, within limits, and nowhere else."""

from __future__ import annotations

import contextlib
import lzma
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from zoo.core.environment import setting
from zoo.core.errors import InputError, reason
from zoo.core.hashing import digest
from zoo.core.paths import is_litter
from zoo.hub import weights
from zoo.hub.sources import parts_of

MAX_ENTRIES = 1_000_000
MAX_BYTES = 32 << 30
# Pictures and sound shrink to a third at best; 100 times is a bomb, unless it is a small one.
MAX_RATIO = 100
SMALL_BYTES = 64 << 20
MAX_NAME, MAX_PATH = 255, 2000  # bytes; file systems take 255 and, with the folder that it is put in, 4096
_CHUNK = 1 << 20


def unpacked(archive: Path, cache: Path) -> Path:
    """Unpack a zip into a folder, once for each content.

    Parameters
    ----------
    archive : Path
    cache : Path
        The folder is made in it, and named by the archive's SHA-256.

    Raises
    ------
    InputError
        If it is not a zip, damaged, encrypted, too large (``ZOO_MAX_UNPACKED`` bytes, by default 32 GiB), or
        an entry is a link or leads out of it; nothing is kept then.
    WeightsError
        If the folder cannot be written.
    """
    with contextlib.ExitStack() as stack:
        with _reading(archive):
            zipped = stack.enter_context(zipfile.ZipFile(archive))
            content = digest(archive)
        entries = _safe(zipped, archive)
        return fill_once(cache / f"zip-{content}", lambda folder: _unpack(zipped, entries, folder, archive))


@contextlib.contextmanager
def _reading(archive: Path) -> Iterator[None]:
    """Whatever Python's readers of zips raise becomes a sentence."""
    try:
        yield
    except (NotImplementedError, RuntimeError) as error:
        raise InputError(f"{archive} is compressed in a way that cannot be read: {reason(error)}.") from error
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, UnicodeDecodeError, OSError) as error:
        raise InputError(f"{archive} is not a complete zip file: {reason(error)}.") from error


def fill_once(target: Path, fill: Callable[[Path], None]) -> Path:
    """Fill a folder of the cache under another name and rename it: it is complete, or absent."""
    with weights.locked(target):
        if not target.is_dir():
            with weights.workspace(target) as work:
                (work / "whole").mkdir()
                fill(work / "whole")
                (work / "whole").replace(target)
    return target


def _safe(zipped: zipfile.ZipFile, archive: Path) -> list[tuple[zipfile.ZipInfo, list[str]]]:
    """Return the files of a zip with their paths, all of them checked before any is written."""
    entries = zipped.infolist()
    if len(entries) > MAX_ENTRIES:
        raise InputError(f"{archive} has {len(entries)} entries, and {MAX_ENTRIES} are allowed.")
    total, max_bytes = sum(entry.file_size for entry in entries), setting("ZOO_MAX_UNPACKED", MAX_BYTES)
    if total > max_bytes:
        raise InputError(
            f"{archive} would unpack to {total / 1e6:.0f} MB, and {max_bytes / 1e6:.0f} are allowed; "
            "ZOO_MAX_UNPACKED sets another limit, in bytes."
        )
    if total > SMALL_BYTES and total > MAX_RATIO * archive.stat().st_size:
        raise InputError(
            f"{archive} would unpack to more than {MAX_RATIO} times its size, as no pictures and sounds do."
        )
    paths = [_path(entry, archive) for entry in entries]  # also of what is not unpacked
    files = [
        (entry, path)
        for entry, path in zip(entries, paths, strict=True)
        if not entry.is_dir() and not any(map(is_litter, path))
    ]
    folders = {tuple(path[:end]) for _, path in files for end in range(1, len(path))}
    for entry, path in files:
        if tuple(path) in folders:
            raise InputError(f"{archive} holds {entry.filename!r} more than once.")
        folders.add(tuple(path))
    return files


def _path(entry: zipfile.ZipInfo, archive: Path) -> list[str]:
    """Return the parts of an entry's path below the target."""
    name = entry.filename
    parts = parts_of(name)
    if parts is None:
        raise InputError(f"{archive} holds {name!r}, which leads out of it.")
    if not parts and not entry.is_dir():
        raise InputError(f"{archive} holds {name!r}, which is not the name of a file.")
    if max(map(_length, parts), default=0) > MAX_NAME or _length(name) > MAX_PATH:
        raise InputError(f"{archive} holds a file whose name is too long, {name[:60] + '…'!r}.")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise InputError(f"{archive} holds {name!r}, which is a link or a device, not a file.")
    if entry.flag_bits & 1:
        raise InputError(f"{archive} is encrypted; unpack it, and pass the folder.")
    return parts


def _length(name: str) -> int:
    return len(name.encode(errors="replace"))


def _unpack(
    zipped: zipfile.ZipFile, entries: list[tuple[zipfile.ZipInfo, list[str]]], folder: Path, archive: Path
) -> None:
    for entry, parts in entries:
        path = folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as sink:
            sink.writelines(_content(zipped, entry, archive))


def _content(zipped: zipfile.ZipFile, entry: zipfile.ZipInfo, archive: Path) -> Iterator[bytes]:
    """Read an entry in pieces, at most as many bytes as the directory states."""
    with _reading(archive), zipped.open(entry) as source:
        while chunk := source.read(_CHUNK):
            yield chunk
