"""What a string or path stands for: a file, or the files of a folder or pattern."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zoo.core.errors import InputError
from zoo.core.paths import files_of, is_group, resolve

SUFFIXES = {".jpg"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A tree of files, which is the working directory and the home folder."""
    for name in ("b.jpg", "a.JPG", "notes.txt", ".hidden.jpg", "Thumbs.db", "sub/c.jpg", "sub/deep/d.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "sub" / "__MACOSX").mkdir()
    (tmp_path / "sub" / "__MACOSX" / "._c.jpg").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def names(group):
    return [path.as_posix() for path in files_of(group, SUFFIXES)]


def test_a_folder_is_the_files_of_a_kind_below_it(folder):
    (folder / "sub" / "round").symlink_to(folder)
    below = ["a.JPG", "b.jpg", "sub/c.jpg", "sub/deep/d.jpg"]
    assert names(".") == below
    assert names(Path("sub")) == below[2:]
    assert names("~") == names(folder.as_uri()) == [f"{folder}/{name}" for name in below]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", ["a.JPG", "b.jpg"]),
        ("?.jpg", ["b.jpg"]),
        ("[a-b].*", ["a.JPG", "b.jpg"]),
        ("**/*.jpg", ["b.jpg", "sub/c.jpg", "sub/deep/d.jpg"]),
        ("*.txt", []),
        ("sub*", []),
    ],
)
def test_a_pattern_is_the_files_of_a_kind_that_it_matches(folder, pattern, expected):
    assert is_group(pattern)
    assert names(pattern) == expected
    assert names(f"~/{pattern}") == [f"{folder}/{name}" for name in expected]


def test_a_file_of_that_name_comes_before_a_pattern_and_the_home_folder(folder):
    for name in ("[ab].jpg", "~"):
        Path(name).write_bytes(b"x")
        assert not is_group(name)
        assert resolve(name) == Path(name)
    assert names(".")[0] == "[ab].jpg"


def test_a_path_object_is_no_pattern(folder):
    assert is_group("*.jpg")
    assert not is_group(Path("*.jpg"))


@pytest.mark.parametrize("x", ["", "-", "http://host/?a=*", "https://host/[1].jpg", "b.jpg", b"*", 3, None])
def test_all_else_is_one(folder, x):
    assert not is_group(x)


def test_urls_of_files(folder):
    path = folder / "with space #1.jpg"
    path.write_bytes(b"x")
    assert resolve(path.as_uri()) == path
    assert resolve(f"file://localhost{folder}/b.jpg") == folder / "b.jpg"
    assert names(f"file://{folder}/*.jpg") == [f"{folder}/b.jpg", f"{folder}/with space #1.jpg"]
    with pytest.raises(InputError, match="another machine"):
        resolve("file://server/share/b.jpg")
    with pytest.raises(InputError, match="not a valid URL"):
        resolve("file://[/b.jpg")


@given(st.text(max_size=50).filter(lambda text: "**" not in text))
@example("*\0")
@example("~\0")
@example("file://\0/*")
@example("file:///%00*")
@example("[" * 50)
def test_any_string_can_be_asked_about_and_listed(text):
    try:
        paths = files_of(text, SUFFIXES) if is_group(text) else []
    except InputError:
        paths = []
    assert all(path.suffix == ".jpg" for path in paths)
