"""Uploads become examples, under the names that their owner knows; bad ones are one sentence."""

import io
import zipfile
from pathlib import Path

import pytest

from tests.zoo.training.examples import png
from zoo.app.services import uploads
from zoo.app.services.uploads import from_files, from_zip, parts, require_enough, store, unzipped
from zoo.core.errors import InputError
from zoo.training.data.dataset import Dataset
from zoo.vision.decoding import decode, several


def files(*names: str) -> list[tuple[str, bytes]]:
    return [(name, png(f"{name} {i}")) for i, name in enumerate(names)]


def read_files(uploaded: list[tuple[str, bytes]], folder: Path, **options) -> Dataset:
    return from_files(store(uploaded, folder), folder, **options)


def read_zip(name: str, data: bytes, folder: Path, **options) -> Dataset:
    (path,) = store([(name, data)], folder)
    return from_zip(path, folder, **options)


def zipped(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, png(name))
    return stream.getvalue()


def test_files_become_examples_whatever_they_are_called(tmp_path):
    names = ["1.png", "1.png", "../../2.png", "C:\\pictures\\3.png", ".."]
    data = read_files(files(*names), tmp_path, label="a/../b", progress=lambda *_: None)
    assert (data.classes, data.modality) == (("a/../b",), "image")
    assert [path.name for path in data.inputs] == ["1.png", "1.png", "2.png", "3.png", "file"]
    assert all(path.resolve().is_relative_to(tmp_path / "files") for path in data.inputs)


@pytest.mark.parametrize(
    ("name", "stored_name"),
    [
        ("雁" * 255 + ".png", "雁" * 66 + ".png"),
        ("a" * 255, "a" * 200),
        ("a\0b\n.png", "ab.png"),
        ("one.two " + "a" * 250, "one.two " + "a" * 192),
    ],
    ids=["wide", "no suffix", "control characters", "no real suffix"],
)
def test_names_are_kept_as_far_as_every_file_system_takes_them(tmp_path, name, stored_name):
    data = read_files(files(name), tmp_path)
    assert [path.name for path in data.inputs] == [stored_name]


def test_problems_name_the_file_and_no_path(tmp_path):
    good = files("1.png", "2.png")
    data = read_files([*good, ("bad.png", b"text"), ("twin.png", good[0][1])], tmp_path)
    reasons = dict(data.problems)
    assert reasons["bad.png"].startswith("bad.png is not a picture")
    assert reasons["twin.png"].startswith("twin.png has the same content as 1.png")
    assert str(tmp_path) not in str(data.problems)


def test_files_that_cannot_be_used_are_refused(tmp_path):
    with pytest.raises(InputError, match="your upload holds neither") as caught:
        read_files([("a.png", b""), ("b.png", b"x")], tmp_path)
    assert str(tmp_path) not in str(caught.value)


def test_a_project_of_pictures_takes_no_sound(tmp_path):
    with pytest.raises(InputError, match="is not a sound file"):
        read_files(files("1.png"), tmp_path, modality="audio")


def test_too_much_is_refused_before_anything_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_EXAMPLES", 2)
    with pytest.raises(InputError, match="holds 3 files, and 2 are allowed"):
        read_files(files("1.png", "2.png", "3.png"), tmp_path)
    with pytest.raises(InputError, match=r"pets.zip holds 3 files"):
        read_zip("pets.zip", zipped("a/1.png", "b/2.png", "b/3.png"), tmp_path)
    monkeypatch.setattr(uploads, "MAX_BYTES", 10)
    with pytest.raises(InputError, match=r"pets.zip holds 0 MB, and 0 are allowed"):
        read_zip("pets.zip", zipped("a/1.png", "b/2.png"), tmp_path)


def test_a_zip_is_called_what_its_owner_calls_it(tmp_path):
    data = read_zip("pets.zip", zipped("cat/1.png", "cat/2.png", "dog/1.png"), tmp_path)
    assert (data.name, data.classes) == ("pets.zip", ("cat", "dog"))
    with pytest.raises(InputError) as caught:
        read_zip("pets.zip", zipped("../cat/1.png", "dog/1.png"), tmp_path)
    assert str(caught.value) == "pets.zip holds '../cat/1.png', which leads out of it."
    with pytest.raises(InputError, match=r"^pets.zip is not a complete zip file.$"):
        read_zip("pets.zip", b"text", tmp_path)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["cat/1.png", "dog/1.png"], []),
        (["pets/cat/1.png", "pets/dog/1.png"], []),
        (["train/cat/1.png", "val/cat/1.png"], ["train", "val"]),
        (["pets/train/cat/1.png", "pets/test/cat/1.png", "__MACOSX/pets/x"], ["test", "train"]),
        (["train/cat/1.png", "train/dog/1.png"], []),
    ],
)
def test_the_parts_of_a_zip_are_seen(names, expected, tmp_path):
    content = zipped(*names)
    assert parts(io.BytesIO(content)) == expected
    assert parts(io.BytesIO(b"text")) == []


def test_a_part_of_a_zip_can_be_read(tmp_path):
    content = zipped("train/cat/1.png", "train/dog/1.png", "val/cat/2.png", "val/dog/2.png")
    assert len(read_zip("pets.zip", content, tmp_path, part="train")) == 2


def test_a_class_needs_examples_for_all_that_is_done_with_them(tmp_path):
    names = [f"cat/{i}.png" for i in range(3)] + [f"dog/{i}.png" for i in range(2)]
    few = read_zip("pets.zip", zipped(*names), tmp_path)
    with pytest.raises(InputError, match=r"'dog' has 2 examples; each class needs at least 3"):
        require_enough(few)


def unzip(data: bytes, folder, max_files: int = 100) -> list[str]:
    return [name for name, _ in unzipped("mine.zip", data, folder, max_files)]


def test_a_zip_gives_its_files_with_their_folders(tmp_path):
    data = zipped("all/ants/1.png", "all/bees/2.png", "__MACOSX/all/bees/._2.png", "all/bees/.DS_Store")
    assert unzipped("mine.zip", data, tmp_path, 100) == [
        ("ants/1.png", png("all/ants/1.png")),
        ("bees/2.png", png("all/bees/2.png")),
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["1.png", "2.png"], ["1.png", "2.png"]),
        (["ants/1.png", "ants/2.png"], ["ants/1.png", "ants/2.png"]),
        (["ants/1.png", "2.png"], ["2.png", "ants/1.png"]),
        (["a/b/ants/1.png", "a/b/ants/2.png"], ["ants/1.png", "ants/2.png"]),
    ],
)
def test_folders_that_all_files_share_say_nothing_but_the_last(tmp_path, names, expected):
    assert unzip(zipped(*names), tmp_path) == expected


def test_of_a_large_zip_each_folder_gives_as_many(tmp_path):
    data = zipped(*[f"ants/{i}.png" for i in range(9)], *[f"bees/{i}.png" for i in range(3)])
    assert unzip(data, tmp_path, 4) == ["ants/0.png", "ants/1.png", "bees/0.png", "bees/1.png"]
    assert len(unzip(data, tmp_path, 8)) == 8


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"this is text", "mine.zip is not a complete zip file"),
        (zipped(), "mine.zip holds no files"),
        (zipped("../out.png"), "mine.zip holds '../out.png', which leads out of it"),
    ],
    ids=["text", "empty", "outside"],
)
def test_a_zip_that_cannot_be_unpacked_is_one_sentence(tmp_path, data, sentence):
    with pytest.raises(InputError, match=sentence):
        unzip(data, tmp_path)


def test_examples_that_take_too_long_to_decode_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_SECONDS", 0)
    with pytest.raises(InputError, match=r"^Your examples took more than 0 minutes to decode;"):
        read_files(files("1.png", "2.png"), tmp_path)
    with pytest.raises(InputError, match=r"^pets\.zip took more than 0 minutes to decode;"):
        read_zip("pets.zip", zipped("cat/1.png", "dog/1.png"), tmp_path)


@pytest.mark.parametrize("name", ["-", "~", "*.png", "[a].png", "~root.png"])
def test_a_name_is_never_a_pattern_a_home_folder_or_standard_input(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    data = read_zip("zip.zip", zipped(f"cat/{name}", "cat/a.png", f"dog/{name}", "dog/a.png"), tmp_path)
    assert several(data.inputs) == list(data.inputs)
    assert [path.name for path in data.inputs].count(name) == 2
    assert all(decode(path).size for path in data.inputs)
