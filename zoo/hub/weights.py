"""The weights of a checkpoint: fetched once, converted once, verified when they have changed.

The cache (``ZOO_CACHE``, else the user's cache folder) holds ``weights/<name>.safetensors`` and beside it
``<name>.json``, which says where the tensors came from, what the hashes were at first use, and the size and
time of the file that was hashed. Files are written under a temporary name and renamed, one process at a time,
so a cache is never half written.
"""

import contextlib
import errno
import json
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoo import formats
from zoo.core import components
from zoo.core.errors import WeightsError, reason
from zoo.core.hashing import digest, stamp
from zoo.core.progress import Progress
from zoo.core.spec import Source, Spec
from zoo.hub import saved, sources
from zoo.hub.registry import describe, networks

_MAX_NAMES = 5  # networks that an error names
_log = logging.getLogger("zoo")
LAYOUT = 1  # raised when a converter changes what it writes, so that older caches are made anew
_SUFFIXES = {
    ".safetensors": "safetensors",
    ".h5": "keras",
    ".pkl": "pickle",
    ".pth": "torch",
    ".pt": "torch",
    ".caffemodel": "caffe",
    ".ckpt": "checkpoint",
    ".weights": "darknet",
    ".onnx": "onnx",
    ".tflite": "tflite",
}


def cache_folder() -> Path:
    """Where fetched files are kept: ``ZOO_CACHE``, else ``zoo`` in the user's cache folder."""
    if folder := os.environ.get("ZOO_CACHE"):
        return Path(os.path.expanduser(folder))
    import platformdirs

    return platformdirs.user_cache_path("zoo", appauthor=False)


def path_of(spec: Spec) -> Path:
    """Where the converted weights of a checkpoint are kept, whether they are there or not.

    Those of a saved network stay in its folder.
    """
    if spec.origin == "saved":
        return Path(spec.name) / saved.WEIGHTS
    name = spec.name.replace(":", "--").replace("/", "--")
    return cache_folder() / "weights" / f"{name}.safetensors"


def record_of(spec: Spec) -> dict[str, Any]:
    """Return what is recorded about fetched weights; empty before the first time.

    Returns
    -------
    dict
        ``source``, ``layout``, ``sha256`` and ``stamp`` (of the converted file, see `stamp`),
        ``sources`` ({url: SHA-256 at first use}), and ``tensors`` (the SHA-256 of a file, and that of its
        tensors, see `zoo.inference.provenance.hash_weights`).
    """
    if spec.origin == "saved":
        source = spec.sources[0]
        sha256 = str(source.checksum).removeprefix("sha256:")
        return {"source": source.url, "layout": LAYOUT, "sha256": sha256, "sources": {source.url: sha256}}
    record = read_record(path_of(spec))
    return record if isinstance(record.get("sources"), dict) else {}


def checksum_of(source: Source, record: dict[str, Any]) -> str:
    """Describe a source's checksum in words: from its publisher, or since its first use here."""
    if source.url in record.get("sources", {}):
        return f"sha256 {record['sources'][source.url]}"
    if source.checksum:
        return source.checksum.replace(":", " ")
    return "no checksum is known before first use"


def is_cached(spec: Spec, *, rehash: bool = False) -> bool:
    """Whether the weights are on this machine, unbroken.

    They are hashed when the size or time of the file has changed, or when `rehash` asks for it; those of a
    saved network, which may come from a stranger, every time.

    Raises
    ------
    WeightsError
        If they are there and may not be read.
    """
    path, record = path_of(spec), record_of(spec)
    try:
        if record.get("layout") != LAYOUT or not path.is_file():
            return False
        if rehash or spec.origin == "saved":
            return digest(path) == record.get("sha256")
        return is_intact(path, record)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {reason(error)}.") from error


def fetch(name: str, *, trust: bool = False, progress: Progress | None = None) -> Path:
    """Make sure that the weights of a network are in the cache.

    Parameters
    ----------
    name : str
    trust : bool
        As of `zoo.describe`.
    progress : callable, optional
        Called with the bytes done and the bytes in all while something is downloaded; without one, a
        terminal shows a bar.

    Returns
    -------
    Path
        The converted weights, a safetensors file.

    Raises
    ------
    UnknownNameError
        If the network is unknown.
    WeightsError
        If no source gives them, or they cannot be kept; the message names the ways out.
    """
    return ensure(describe(name, trust=trust), progress)


def ensure(spec: Spec, progress: Progress | None = None, *, rehash: bool = False) -> Path:
    """Make sure that the weights of a checkpoint are in the cache, see `fetch` and `is_cached`."""
    path = path_of(spec)
    if is_cached(spec, rehash=rehash):
        return path
    if spec.origin == "saved":
        raise WeightsError(f"{path} is missing or damaged; save the network again.")
    with locked(path):
        if is_cached(spec, rehash=rehash):  # another process was faster
            return path
        if path.exists():
            _log.warning(
                "The cached weights of %s are damaged or outdated, and are fetched again.", spec.name
            )
        _fetch(spec, path, progress)
    return path


def load(spec: Spec, file: str | os.PathLike[str] | None = None) -> dict[str, np.ndarray]:
    """Named tensors of a checkpoint, from the cache or from a local file.

    Parameters
    ----------
    file : path, optional
        The zoo's own safetensors, or the original in one of the formats of the checkpoint's sources.

    Raises
    ------
    WeightsError
        If they cannot be obtained or read.
    """
    if file is None:
        return formats.read(ensure(spec), "safetensors")
    if not isinstance(file, (str, os.PathLike)) or not os.fspath(file):
        raise WeightsError(f"weights={file!r} is not a path.")
    path = Path(file)
    if not path.exists():
        raise WeightsError(f"{path} does not exist.")
    kind = "savedmodel" if path.is_dir() else _SUFFIXES.get(path.suffix)
    if kind is None:
        raise WeightsError(
            f"{path} has an unknown format; choose one of {', '.join(_SUFFIXES)} or a SavedModel."
        )
    tensors = formats.read(path, kind)
    converts = [source for source in spec.sources if source.format == kind and source.convert]
    return _convert(tensors, converts[0], str(path)) if converts else tensors


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time write `path`, and turn what the system refuses into a `WeightsError`."""
    from filelock import FileLock

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            for leftover in path.parent.glob(f".*.{path.stem}.*"):  # by a process that was killed
                leftover.unlink()
            yield
    except OSError as error:
        if isinstance(error, WeightsError):
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        why = "the disk is full" if full else reason(error)
        raise WeightsError(
            f"{path.name} cannot be kept in {path.parent} ({why}); "
            "make room, or set ZOO_CACHE to a folder that can be written."
        ) from error


@contextlib.contextmanager
def workspace(path: Path) -> Iterator[Path]:
    """Make a folder for work on `path`, while that is locked; it is deleted afterwards."""
    folder = path.with_name(f".work-{path.stem}")
    shutil.rmtree(folder, ignore_errors=True)  # of a process that was killed
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write(path: Path, save: Callable[[Path], object]) -> None:
    """Write a file under a temporary name and rename it, so that it is whole or not there."""
    temporary = path.with_name(f".{secrets.token_hex(8)}.{path.name}")
    try:
        save(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_record(path: Path) -> dict[str, Any]:
    """Read the record beside a file of the cache; empty if there is none that can be read."""
    try:
        record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Write the record beside a file of the cache."""
    write(path.with_suffix(".json"), lambda sidecar: sidecar.write_text(json.dumps(record, indent=1)))


def tensor_hash(spec: Spec, sha256: str) -> str | None:
    """Return the hash of the tensors in the cached file with that SHA-256, if it is recorded."""
    pair = record_of(spec).get("tensors")
    return pair[1] if isinstance(pair, list) and len(pair) == 2 and pair[0] == sha256 else None


def keep_tensor_hash(spec: Spec, sha256: str, tensors: str) -> None:
    """Record the hash of the tensors in the cached file with that SHA-256, if that file is still there."""
    path = path_of(spec)
    if spec.origin == "saved" or read_record(path).get("sha256") != sha256:
        return
    with contextlib.suppress(OSError):  # of a cache that can only be read
        write_record(path, read_record(path) | {"tensors": [sha256, tensors]})


def is_intact(path: Path, record: dict[str, Any]) -> bool:
    """Whether a file is the one of its record: by size and time, or else by its hash."""
    current = stamp(path)  # before hashing, so that a change meanwhile is found the next time
    if record.get("stamp") == current:
        return True
    intact = digest(path) == record.get("sha256")
    if intact:
        with contextlib.suppress(OSError):  # of a cache that can only be read
            write_record(path, record | {"stamp": current})
    return intact


def _fetch(spec: Spec, path: Path, progress: Progress | None) -> None:
    failures = []
    for source in spec.sources:
        try:
            tensors, sha256 = _acquire(spec, source, progress)
        except WeightsError as error:
            failures.append(error)
            continue
        _store(spec, path, source, sha256, tensors)
        return
    reasons = "; ".join(str(error).rstrip(".") for error in failures)
    raise WeightsError(
        f"The weights of {spec.name} are not available ({reasons}): put the original file into "
        "the folder ZOO_MIRROR, pass a file (--weights, in Python weights=), or choose "
        f"{_alternatives(spec)}."
    ) from ExceptionGroup("one error per source", failures)


def _alternatives(spec: Spec) -> str:
    """Name a few networks for the same task whose weights are cached, else those that are bundled."""
    names = networks(spec.modality, spec.tasks[0])
    if cached := [name for name in names if path_of(describe(name)).is_file()]:
        return f"a cached network, such as {', '.join(cached[:_MAX_NAMES])}"
    bundled = networks(spec.modality, spec.tasks[0], bundled=True)
    return f"a bundled network: {', '.join(bundled)}"


def _acquire(spec: Spec, source: Source, progress: Progress | None) -> tuple[dict[str, np.ndarray], str]:
    before = record_of(spec).get("sources", {}).get(source.url)
    with workspace(path_of(spec)) as folder:
        original = sources.get(source.url, folder, checksum=source.checksum, progress=progress)
        if not source.checksum and before:
            sources.check(original, f"sha256:{before}", source.url)
        sha256 = digest(original)
        tensors = formats.read(original, source.format)
    return _convert(tensors, source, source.url), sha256


def _convert(tensors: dict[str, np.ndarray], source: Source, origin: str) -> dict[str, np.ndarray]:
    if source.convert is None:
        return tensors
    convert = components.find(components.CONVERTERS, source.convert)
    try:
        return convert(tensors, **source.arguments)
    except (KeyError, ValueError, IndexError, RuntimeError) as error:
        raise WeightsError(f"{origin} does not hold the tensors of this network ({error}).") from error


def _store(spec: Spec, path: Path, source: Source, sha256: str, tensors: dict[str, np.ndarray]) -> None:
    from safetensors.numpy import save as serialize

    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in sorted(tensors.items())}
    record = record_of(spec)
    record.setdefault("sources", {})[source.url] = sha256
    record |= {"source": source.url, "layout": LAYOUT}

    def save(temporary: Path) -> None:
        temporary.write_bytes(serialize(contiguous))
        record.update(stamp=stamp(temporary), sha256=digest(temporary))
        write_record(path, record)

    write(path, save)
