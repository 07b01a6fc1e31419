"""An index that a stranger made: its list is data, and no file is opened that the list does not describe."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace
from usearch.index import Index

import zoo
from tests.zoo.batches.vector_folder import SHARD_FILES, clustered, make_folder
from zoo.batches import segments
from zoo.batches.index import VectorIndex
from zoo.batches.segments import FileState, Segment, read_segments, write_segments
from zoo.core.hashing import digest

VECTORS = clustered(2 * SHARD_FILES)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two parts that has an index of one segment."""
    folder = tmp_path_factory.mktemp("segments") / "out"
    make_folder(folder, VECTORS).search(VECTORS[0])
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """The folder of the network, in a copy."""
    return Path(shutil.copytree(made, tmp_path / "copy")) / "net"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes of the segments that usearch opens, as they are at that moment."""
    hashes: list[str] = []
    view = Index.view
    monkeypatch.setattr(Index, "view", lambda self, path: hashes.append(digest(path)) or view(self, path))
    return hashes


def edited(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    """Change the only segment of a list."""

    def edit(folder: Path) -> None:
        (segment,) = msgspec.json.decode((folder / segments.FILE).read_bytes())
        change(segment)
        (folder / segments.FILE).write_bytes(msgspec.json.encode([segment]))

    return edit


def swapped(native: Index) -> Callable[[Path], object]:
    """Put another native index in the place of the segment, of which the list tells size and hash."""

    def swap(folder: Path) -> None:
        (segment,) = read_segments(folder)
        native.save(folder / segment.file)
        write_segments(folder, [replace(segment, state=FileState.of(folder / segment.file))])

    return swap


def linked(name: str) -> Callable[[Path], object]:
    """Put a link in the place of a file, to the same content outside of the folder."""

    def link(folder: Path) -> None:
        (path,) = folder.glob(name)
        (folder.parent / "outside").write_bytes(path.read_bytes())
        path.unlink()
        path.symlink_to(folder.parent / "outside")

    return link


def native(width: int = 32, count: int = 128, **options: Any) -> Index:
    made = Index(ndim=width, **({"metric": "cos", "dtype": "f16"} | options))
    made.add(np.arange(count, dtype=np.uint64), np.ones((count, width), np.float32))
    return made


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        *(
            (edited(lambda segment, name=name: segment.update(file=name)), "matching regex")
            for name in (
                "../index-0123456789abcdef.usearch",
                "/tmp/index-0123456789abcdef.usearch",
                "a/index-0123456789abcdef.usearch",
                "index-0123456789abcdef.usearch\n",
                "part-00000000.parquet",
                "",
            )
        ),
        (edited(lambda segment: segment.update(vectors=-1)), "Expected `int` >= 0"),
        (edited(lambda segment: segment.update(vectors=1.5)), "Expected `int`, got `float`"),
        (edited(lambda segment: segment.update(vectors=127)), "does not hold the vectors of its parts"),
        (edited(lambda segment: segment.update(parts={})), "length >= 1"),
        (edited(lambda segment: segment["parts"].update({"-1": segment["state"]})), "Expected `int` >= 0"),
        (edited(lambda segment: segment["state"].update(sha256="../..")), "matching regex"),
        (edited(lambda segment: segment.update(metric="l2")), "unknown field"),
        (lambda folder: (folder / segments.FILE).write_text("[1"), "Expected `object`"),
        (lambda folder: (folder / segments.FILE).write_text("[" * 100_000), "Expected `object`"),
        (linked(segments.FILE), "index.json is a link"),
        (linked("index-*.usearch"), "usearch is a link"),
        (swapped(native(width=31)), "does not hold the vectors of its parts"),
        (swapped(native(metric="l2sq")), "does not hold the vectors of its parts"),
        (swapped(native(dtype="f32")), "does not hold the vectors of its parts"),
        (swapped(native(count=127)), "does not hold the vectors of its parts"),
    ],
)
def test_an_index_that_does_not_fit_is_refused_and_can_be_built_anew(folder, opened, change, reason):
    change(folder)
    outside = folder.parent / "outside"
    content = outside.read_bytes() if outside.exists() else None
    with pytest.raises(zoo.InputError, match=rf"json is not an index of `zoo search`: .*{reason}.* anew"):
        VectorIndex(folder)
    assert not opened
    assert len(VectorIndex(folder, rebuild=True)) == len(VECTORS)
    assert len(opened) == 1
    assert content is None or outside.read_bytes() == content
    assert not any(path.is_symlink() for path in folder.iterdir())
    assert len(VectorIndex(folder)) == len(VECTORS)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:-1] + b"x", lambda data: b""])
def test_a_segment_of_another_content_is_not_opened_but_built_again(folder, opened, damage):
    (segment,) = read_segments(folder)
    path = folder / segment.file
    path.write_bytes(damage(path.read_bytes()))
    assert len(VectorIndex(folder)) == len(VECTORS)
    (now,) = read_segments(folder)
    assert opened == [now.state.sha256]


def test_a_copy_whose_times_differ_keeps_its_index(folder):
    before = read_segments(folder)
    for path in folder.iterdir():
        path.touch()
    VectorIndex(folder)
    (was,), (now,) = before, read_segments(folder)
    assert now.state.sha256 == was.state.sha256
    assert now.state.modified != was.state.modified


def test_keys_that_no_part_has_are_not_found(folder):
    lying = Index(ndim=32, metric="cos", dtype="f16")
    numbers = np.array([0, 1, 10**9, 70], np.uint64)  # of no file, and of one whose part is gone
    lying.add(numbers << np.uint64(24), np.stack([VECTORS[0]] * 4))
    (folder / "part-00000001.parquet").unlink()
    (segment,) = read_segments(folder)
    path = folder / segment.file
    lying.save(path)
    write_segments(folder, [Segment(path.name, 4, FileState.of(path), {0: segment.parts[0]})])
    matches = zoo.open_batch(folder.parent).search(VECTORS[0])
    assert set(matches.numbers) == {0, 1}
    assert matches.similarities[0] == pytest.approx(1)
    assert matches.similarities[1] < 0.99  # computed from the part, whatever the index holds
