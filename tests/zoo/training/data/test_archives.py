"""Zips are unpacked whole or not at all, within limits, and nowhere but in the cache."""

import contextlib
import os
import shutil
import signal
import stat
import struct
import subprocess
import sys
import zipfile

import pytest

import zoo
from tests.zoo.training.examples import png, tree
from zoo.core.errors import InputError
from zoo.training.data import archives


@pytest.fixture
def zipped(pets, tmp_path, empty_cache):
    """A zip of class folders, in a folder of its own."""
    (tmp_path / "given").mkdir()
    return shutil.make_archive(tmp_path / "given" / "pets", "zip", pets)


def write_zip(path, entries, **options):
    """A zip of {name or ZipInfo: content}."""
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def pair():
    return [("a/0.png", png("a")), ("b/0.png", png("b"))]


def refused(path, tmp_path, match):
    """The archive is refused in a sentence, and nothing but the lock of its place is new on the disk."""
    before = tree(tmp_path)
    with pytest.raises(InputError, match=match) as caught:
        zoo.dataset(path, cache=tmp_path / "cache" / "here")
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).endswith(".")
    new = {name for name in set(tree(tmp_path)) - set(before) if not name.endswith(".lock")}
    assert new <= {"cache", "cache/here"}
    assert {name: tree(tmp_path)[name] for name in before} == before


def test_a_zip_is_the_folder_that_it_was_made_from(zipped, pets, empty_cache):
    data = zoo.dataset(zipped)
    assert data.fingerprint == zoo.dataset(pets).fingerprint
    assert all((empty_cache / "datasets") in path.parents for path in data.inputs)


def test_a_zip_is_unpacked_once_for_each_content(zipped, tmp_path, monkeypatch):
    first = zoo.dataset(zipped)
    shutil.copy(zipped, tmp_path / "other name.zip")
    monkeypatch.setattr(archives, "_unpack", lambda *_: pytest.fail("unpacked again"))
    assert list(zoo.dataset(tmp_path / "other name.zip").inputs) == list(first.inputs)


def test_the_folder_around_and_litter_of_a_mac(tmp_path):
    entries = [(f"my pets/{name}", content) for name, content in pair()]
    entries += [("__MACOSX/my pets/a/._0.png", b"litter"), ("my pets/.DS_Store", b"x"), ("my pets/a/", b"")]
    data = zoo.dataset(write_zip(tmp_path / "given" / "x.zip", entries), cache=tmp_path / "cache")
    assert data.classes == ("a", "b")
    assert data.problems == ()


def test_backslashes_are_folders_as_some_windows_programs_write_them(tmp_path):
    entries = [(name.replace("/", "\\"), content) for name, content in pair()]
    assert zoo.dataset(write_zip(tmp_path / "x.zip", entries), cache=tmp_path / "cache").classes == ("a", "b")


def test_labels_of_any_characters(tmp_path):
    entries = [("日本/0.png", png("a")), ("a b é'\"/0.png", png("b"))]
    data = zoo.dataset(write_zip(tmp_path / "x.zip", entries), cache=tmp_path / "cache")
    assert data.classes == ("a b é'\"", "日本")


@pytest.mark.parametrize(
    "name",
    [
        "../evil.png",
        "a/../../evil.png",
        "a/..",
        "/tmp/evil.png",
        "//evil.png",
        "..\\evil.png",
        "C:\\evil.png",
        "c:evil.png",
        "\\\\server\\evil.png",
    ],
)
def test_entries_that_lead_out(tmp_path, name):
    refused(write_zip(tmp_path / "x.zip", [*pair(), (name, b"evil")]), tmp_path, "leads out of it")


@pytest.mark.parametrize("name", ["", ".", "./."])
def test_entries_without_a_name(tmp_path, name):
    entry = zipfile.ZipInfo("x")
    entry.filename = name
    refused(
        write_zip(tmp_path / "x.zip", [*pair(), (entry, b"x")]), tmp_path, "leads out of it|not the name of a"
    )


@pytest.mark.parametrize("name", ["雁" * 86, "/".join(["a" * 200] * 11)], ids=["name", "path"])
def test_names_that_no_file_system_takes(tmp_path, name):
    refused(write_zip(tmp_path / "x.zip", [*pair(), (f"{name}.png", b"x")]), tmp_path, "name is too long, ")


def test_also_among_litter(tmp_path):
    refused(
        write_zip(tmp_path / "x.zip", [*pair(), ("__MACOSX/../../evil", b"x")]), tmp_path, "leads out of it"
    )


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices(tmp_path, kind):
    link = zipfile.ZipInfo("a/link.png")
    link.external_attr = (kind | 0o777) << 16
    refused(write_zip(tmp_path / "x.zip", [*pair(), (link, b"/etc/passwd")]), tmp_path, "link or a device")


def test_encrypted(tmp_path):
    path = write_zip(tmp_path / "x.zip", pair())
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\x01\x02")  # the first entry of the directory; its flags are 8 bytes on
    content[place + 8] |= 1
    path.write_bytes(content)
    refused(path, tmp_path, "is encrypted; unpack it")


def test_a_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "SMALL_BYTES", 1 << 20)
    zeros = ("a/zeros.png", bytes(4 << 20))
    path = write_zip(tmp_path / "x.zip", [*pair(), zeros], compression=zipfile.ZIP_DEFLATED)
    refused(path, tmp_path, "more than 100 times its size")


def test_a_bomb_of_the_real_size(tmp_path):
    """Many entries of the same zeros: 96 MB in 0.1 MB."""
    entries = [(f"a/{i}.png", bytes(8 << 20)) for i in range(12)]
    path = write_zip(tmp_path / "x.zip", entries, compression=zipfile.ZIP_DEFLATED)
    refused(path, tmp_path, "more than 100 times its size")


def test_limits_on_size_and_entries(tmp_path, monkeypatch):
    path = write_zip(tmp_path / "x.zip", pair())
    monkeypatch.setenv("ZOO_MAX_UNPACKED", "100")
    refused(path, tmp_path, "ZOO_MAX_UNPACKED")
    monkeypatch.delenv("ZOO_MAX_UNPACKED")
    monkeypatch.setattr(archives, "MAX_ENTRIES", 1)
    refused(path, tmp_path, "has 2 entries, and 1 are allowed")


def test_a_directory_that_lies_about_sizes(tmp_path):
    """No more is written than was declared, and then the check sum does not fit."""
    path = write_zip(
        tmp_path / "x.zip", [*pair(), ("b/1.png", bytes(100_000))], compression=zipfile.ZIP_DEFLATED
    )
    content = bytearray(path.read_bytes())
    place = content.rindex(b"PK\x01\x02")
    content[place + 24 : place + 28] = struct.pack("<I", 10)
    path.write_bytes(content)
    refused(path, tmp_path, "not a complete zip")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "names", [("a/0.png", "a/0.png"), ("a", "a/0.png"), ("a/0.png", "a"), ("a/0.png", "./a//0.png")]
)
def test_names_that_come_twice(tmp_path, names):
    path = write_zip(tmp_path / "x.zip", [*((name, png("a")) for name in names), ("b/0.png", png("b"))])
    refused(path, tmp_path, "more than once")


def test_damaged_zips(tmp_path):
    """Whatever is broken in a zip, a sentence says so, or the examples in it are whole."""
    path = write_zip(tmp_path / "x.zip", [*pair(), ("ü/0.png", b"x")], compression=zipfile.ZIP_BZIP2)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    refused(path, tmp_path, "complete zip")
    middle = bytearray(content)
    middle[60] ^= 0xFF
    path.write_bytes(middle)
    refused(path, tmp_path, "complete zip")
    begin = content.index(b"PK\x01\x02")
    for place in range(begin, len(content), 2):  # the directory
        broken = bytearray(content)
        broken[place] ^= 0x55
        path.write_bytes(broken)
        with contextlib.suppress(zoo.ZooError):
            assert len(zoo.dataset(path, cache=tmp_path / "cache"))


def test_a_compression_that_is_not_known(tmp_path):
    path = write_zip(tmp_path / "x.zip", pair())
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\x01\x02")
    content[place + 10] = 97  # WavPack
    path.write_bytes(content)
    refused(path, tmp_path, "cannot be read")


def test_an_archive_without_class_folders(tmp_path):
    path = write_zip(tmp_path / "x.zip", [("0.png", png("a")), ("1.png", png("b"))])
    with pytest.raises(InputError, match="has no class folders") as caught:
        zoo.dataset(path, cache=tmp_path / "cache")
    assert str(path) in str(caught.value)


def test_a_killed_unpacking_leaves_nothing_half(tmp_path):
    entries = [*pair(), *((f"b/{i}.bin", os.urandom(1 << 12)) for i in range(20))]
    path = write_zip(tmp_path / "x.zip", entries)
    code = (
        "import sys, time, zoo; from zoo.training.data import archives; read = archives._content\n"
        "archives._content = lambda *a: (print('one', flush=True), time.sleep(0.2), read(*a))[2]\n"
        "zoo.dataset(sys.argv[1], cache=sys.argv[2])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path), str(tmp_path / "cache")], stdout=subprocess.PIPE
    )
    for _ in range(3):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = [name for name in os.listdir(tmp_path / "cache") if not name.endswith(".lock")]
    assert all(name.startswith(".work-") for name in left), left
    assert len(zoo.dataset(path, cache=tmp_path / "cache", modality="image")) == 2
    now = [name for name in os.listdir(tmp_path / "cache") if not name.endswith(".lock")]
    assert len(now) == 1
    assert now[0].startswith("zip-")


def test_a_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(zoo.ZooError, match="cannot be kept"):
        zoo.dataset(write_zip(tmp_path / "x.zip", pair()), cache=tmp_path / "cache")
