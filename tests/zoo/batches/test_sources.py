"""Which files a batch works on."""

import io
import sys
import tarfile
import zipfile
from pathlib import Path

import fsspec
import pandas as pd
import pytest

import zoo
from zoo.batches.contents import open_content
from zoo.batches.remote import read_remote
from zoo.batches.sources import list_files

SUFFIXES = {".jpg"}


def paths(*sources: object) -> list[str]:
    return list_files(list(sources), SUFFIXES)["path"].to_pylist()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b/2.jpg", "a/1.JPG", "a/notes.txt", ".hidden/3.jpg", "Thumbs.db"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "photos"


def test_a_folder_stands_for_its_files_with_size_and_time(folder):
    table = list_files(folder, SUFFIXES)
    assert table["path"].to_pylist() == [str(folder / "a/1.JPG"), str(folder / "b/2.jpg")]
    status = (folder / "b/2.jpg").stat()
    assert table["size"][1].as_py(), table["modified"][1].as_py() == (status.st_size, status.st_mtime_ns)


def test_a_file_that_several_sources_hold_is_listed_once(folder):
    first = str(folder / "b/2.jpg")
    assert paths(first, str(folder / "**/*.*"), folder) == [first, str(folder / "a/1.JPG")]


def test_a_source_without_files_is_an_error(folder, tmp_path):
    with pytest.raises(zoo.InputError, match="no files of the right kind"):
        paths(str(folder / "*.png"))
    with pytest.raises(zoo.InputError, match="does not exist"):
        paths(tmp_path / "absent")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_names_files_beside_it_and_keeps_its_columns(folder, suffix):
    table = pd.DataFrame({"file": ["b/2.jpg", "absent.jpg"], "site": ["north, left", "south"]})
    manifest = folder / f"list.{suffix}"
    (table.to_csv if suffix == "csv" else table.to_parquet)(manifest, index=False)
    listed = list_files([manifest, folder], SUFFIXES).to_pylist()
    assert [Path(row["path"]).name for row in listed] == ["2.jpg", "absent.jpg", "1.JPG"]
    assert [row["site"] for row in listed] == ["north, left", "south", None]
    assert listed[1]["size"] == -1


def test_a_table_that_cannot_be_used_is_an_error(tmp_path):
    for content, match in (
        ("name\nx.jpg\n", "no column 'file' or 'path'; it has 'name'"),
        ("file,size\nx.jpg,3\n", "a column 'size'"),
        ("file,x\n,3\n", "a row without a file"),
        ("", "is empty"),
        ("file\nx,y,z\n", "cannot be read as a table"),
    ):
        manifest = tmp_path / "list.csv"
        manifest.write_text(content)
        with pytest.raises(zoo.InputError, match=match):
            list_files(manifest, SUFFIXES)


def test_standard_input_lists_files(folder, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{folder}/b/2.jpg\n\n{folder}/absent.png\n"))
    assert paths("-") == [f"{folder}/b/2.jpg", f"{folder}/absent.png"]


def test_members_of_archives_are_read_where_they_are(tmp_path):
    packed, tape = tmp_path / "photos.zip", tmp_path / "photos.TAR"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a/1.jpg", b"one")
        archive.writestr("__MACOSX/a/1.jpg", b"litter")
    with tarfile.open(tape, "w") as archive:
        entry = tarfile.TarInfo("a/2.jpg")
        entry.size, entry.mtime = 3, 1000
        archive.addfile(entry, io.BytesIO(b"two"))
    listed = list_files([packed, tape], SUFFIXES).to_pylist()
    assert [row["path"] for row in listed] == [f"zip://a/1.jpg::{packed}", f"tar://a/2.jpg::{tape}"]
    assert [row["size"] for row in listed] == [3, 3]
    assert listed[1]["modified"] == 1000 * 10**9
    assert [read_remote(row["path"]).read() for row in listed] == [b"one", b"two"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos.TAR", "photos.zip"]


def test_a_compressed_tar_is_refused(tmp_path):
    (tmp_path / "photos.tar.gz").write_bytes(b"x")
    with pytest.raises(zoo.InputError, match=r"unpack it, or pack it as \.zip or \.tar"):
        paths(tmp_path / "photos.tar.gz")


def test_urls_are_listed_and_read(tmp_path):
    store = fsspec.filesystem("memory")
    for name in ("/bucket/x/1.jpg", "/bucket/x/2.jpg", "/bucket/notes.txt"):
        store.pipe(name, name.encode())
    assert paths("memory://bucket") == ["memory://bucket/x/1.jpg", "memory://bucket/x/2.jpg"]
    assert paths("memory://bucket/x/2*.jpg") == ["memory://bucket/x/2.jpg"]
    sha256, stream = open_content("memory://bucket/x/1.jpg")
    assert (stream.read(), stream.name, len(sha256)) == (b"/bucket/x/1.jpg", "memory://bucket/x/1.jpg", 64)
    with pytest.raises(zoo.InputError, match="memory://bucket/absent does not exist"):
        open_content("memory://bucket/absent")
    (tmp_path / "3.jpg").write_bytes(b"3")
    assert paths(f"file://{tmp_path}") == [str(tmp_path / "3.jpg")]


@pytest.mark.parametrize(
    ("scheme", "library", "package"), [("s3a", "s3fs", "'zoo-pretrained[s3]'"), ("gs", "gcsfs", "gcsfs")]
)
def test_a_url_that_needs_a_library_names_it(scheme, library, package, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(zoo.MissingLibraryError) as caught:
        paths(f"{scheme}://bucket/photos")
    assert str(caught.value) == f"{scheme}:// needs {library}; run: pip install {package}."
