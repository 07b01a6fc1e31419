"""Search by example: the exact nearest files, by an index that follows the parts."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace
from sklearn.metrics.pairwise import cosine_similarity

import zoo
from tests.zoo.batches.vector_folder import OPTIONS, SHARD_FILES, clustered, make_folder, write_part
from zoo.batches import index, segments
from zoo.batches.parts import part_path
from zoo.batches.segments import read_segments
from zoo.inference.provenance import provenance


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return clustered(1000)


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory, vectors: np.ndarray) -> zoo.BatchFolder:
    """A folder of 1,000 files, of which one failed."""
    return make_folder(tmp_path_factory.mktemp("batch") / "out", vectors, failed=[5])


def nearest(vectors: np.ndarray, query: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray]:
    similarities = cosine_similarity(vectors.astype(float), query[None].astype(float))[:, 0]
    order = np.argsort(-similarities, kind="stable")[:top]
    return order, similarities[order]


@pytest.mark.parametrize("exact", [False, True])
def test_search_equals_all_cosines(tmp_path, vectors, exact, monkeypatch):
    monkeypatch.setattr(index, "SEGMENT_VECTORS", 300)  # several segments
    batch = make_folder(tmp_path / "out", vectors)
    found = 0
    for row in range(0, 1000, 50):
        matches = batch.search(vectors[row], top=10, exact=exact)
        numbers, _ = nearest(vectors, vectors[row], 10)
        found += len(set(matches.numbers) & set(numbers))
        rank = dict(zip(*nearest(vectors, vectors[row], 1000), strict=True))
        np.testing.assert_allclose(matches.similarities, [rank[i] for i in matches.numbers], atol=1e-12)
        assert (np.diff(matches.similarities) <= 0).all()
        if exact:
            np.testing.assert_array_equal(matches.numbers, numbers)
    assert found >= (200 if exact else 198)  # of 200: recall at 10 is 99 % or more
    assert (tmp_path / "out" / "net" / segments.FILE).exists() is not exact


def test_a_file_of_the_batch_finds_others_and_a_failed_one_is_refused(batch, vectors):
    matches = batch.search("file-7", top=3)
    np.testing.assert_array_equal(matches.numbers, nearest(vectors, vectors[7], 4)[0][1:])
    assert matches.input == "file-7"
    assert matches.paths[0] == f"file-{matches.numbers[0]}"
    assert matches.to_dict()["matches"][0]["sha256"] == f"{matches.numbers[0]:064x}"
    assert 5 not in batch.search(vectors[5], top=1000).numbers
    with pytest.raises(zoo.InputError, match=r"no vector of this file: It is damaged\.$"):
        batch.search("file-5")


def test_recordings_are_found_once_with_their_best_window(tmp_path, vectors):
    batch = make_folder(tmp_path / "out", vectors, windows=4)
    for exact in (False, True):
        matches = batch.search(vectors[42], top=5, exact=exact)
        order = nearest(vectors, vectors[42], 1000)[0]
        files = list(dict.fromkeys(order // 4))[:5]
        np.testing.assert_array_equal(matches.numbers, files)
        windows = [next(row for row in order if row // 4 == file) % 4 for file in files]
        np.testing.assert_array_equal(matches.times[:, 0], windows)
    mean = batch.search("file-3", top=1)
    np.testing.assert_allclose(
        mean.similarities[0],
        cosine_similarity(vectors[[*range(12), *range(16, 1000)]], vectors[12:16].mean(axis=0)[None]).max(),
        atol=1e-6,
    )


def test_the_index_goes_on_with_new_parts_and_leaves_out_changed_ones(tmp_path, vectors, monkeypatch):
    monkeypatch.setattr(index, "SEGMENT_VECTORS", 300)
    out = tmp_path / "out"
    batch = make_folder(out, vectors)
    last = out / "net" / "part-00000015.parquet"
    content = last.read_bytes()
    last.unlink()
    steps = []
    batch.search(vectors[0], progress=lambda done, total: steps.append((done, total)))
    before = read_segments(out / "net")
    assert steps[-1] == (15, 15)
    assert [len(segment.parts) for segment in before] == [5, 5, 5]
    last.write_bytes(content)
    batch.search(vectors[0])
    assert read_segments(out / "net")[:3] == before  # full ones stay
    assert list(read_segments(out / "net")[3].parts) == [15]
    write_part(out, 0, {i: -vectors[i : i + 1] for i in range(SHARD_FILES)})
    assert batch.search(-vectors[3], top=1).numbers.tolist() == [3]
    assert before[0].file not in [segment.file for segment in read_segments(out / "net")]
    files = {path.name for path in (out / "net").glob("*.usearch")}
    assert files == {segment.file for segment in read_segments(out / "net")}


def test_files_that_are_gone_are_not_found(batch, vectors):
    batch.search(vectors[0], top=1)
    gone = zoo.BatchFolder(
        batch.path, batch.settings, type(batch.manifest)(batch.manifest.table.slice(100), 1000)
    )
    found = gone.search(vectors[0], top=900)
    assert found.numbers.min() == 100
    assert len(found) >= 890


def test_an_index_that_cannot_be_written_is_one_sentence(tmp_path, vectors, monkeypatch):
    def full(path: Path, save: Callable[[Path], object]) -> None:
        raise OSError(28, "No space left on device")

    batch = make_folder(tmp_path / "out", vectors)
    monkeypatch.setattr(index, "write_durably", full)
    with pytest.raises(zoo.InputError, match=r"cannot be written: No space left on device. Search exactly"):
        batch.search(vectors[0])
    assert batch.search(vectors[0], exact=True).numbers[0] == 0


def test_a_query_that_does_not_fit_is_refused(batch, vectors, tmp_path):
    for wrong in (vectors[0][:5], vectors[0] > 0):
        with pytest.raises(zoo.InputError, match="vectors of the batch have 32 numbers, and not"):
            batch.search(wrong)
    for wrong in (np.full(32, np.nan), np.zeros(32)):
        with pytest.raises(zoo.InputError, match="The vector of the example is zero or not finite"):
            batch.search(wrong)
    with pytest.raises(zoo.InputError, match="several files"):
        batch.search(str(tmp_path))
    with pytest.raises(zoo.InputError, match="top=0"):
        batch.search(vectors[0], top=0)


def test_parts_without_vectors_are_one_sentence(tmp_path, vectors):
    batch = make_folder(tmp_path / "out", vectors[:10])
    pq.write_table(pa.table({"number": [0], "error": [None]}), part_path(tmp_path / "out" / "net", 0))
    for exact in (False, True):
        with pytest.raises(zoo.InputError, match=r"parts of .*out cannot be read: .* has no vectors"):
            batch.search(vectors[0], exact=exact)


def test_a_file_from_outside_is_embedded_as_the_batch_was(tmp_path, net, monkeypatch):
    monkeypatch.setattr("zoo.inference.api.loaded", lambda name, *_: net(name))
    cat, rocket = (Path(shutil.copy(zoo.sample(name), tmp_path)) for name in ("cat.png", "rocket.jpg"))
    vectors = net("squeezenet").embed([cat, rocket], **OPTIONS).values
    record = provenance(net("squeezenet"), "embed", **OPTIONS)
    options = {"paths": [str(cat), str(rocket)], "record": record}
    batch = make_folder(tmp_path / "out", vectors, **options)
    copy = shutil.copy(cat, tmp_path / "copy.png")
    matches = batch.search(copy)
    assert matches.paths == (str(cat), str(rocket))
    assert matches.similarities[0] == pytest.approx(1)
    assert batch.search(cat).paths == (str(rocket),)
    os.utime(rocket)
    assert batch.search(rocket).paths == (str(rocket), str(cat))  # it may have changed since
    options["record"] = replace(record, weights="0" * 64)
    write_part(tmp_path / "out", 0, {0: vectors[:1], 1: vectors[1:]}, **options)
    with pytest.raises(zoo.InputError, match=r"cannot be compared .* the weights differ: SHA-256 0000"):
        batch.search(copy)
    assert batch.search(cat).paths == (str(rocket),)  # needs no network


def test_batches_yield_the_rows_of_the_table_piece_by_piece(tmp_path, vectors):
    labels = [f"label {i}" for i in range(1000)]
    batch = make_folder(tmp_path / "out", vectors, failed=[0, 70], labels=labels)
    pieces = list(batch.batches(size=50))
    assert max(map(len, pieces)) <= 50
    assert pa.Table.from_batches(pieces).equals(batch.table())
    assert pieces[0]["label"].to_pylist()[:2] == ["label 1", "label 2"]
    assert sum(map(len, pieces)) == len(batch.vectors()) == 998
    with pytest.raises(zoo.InputError, match="results of embed, which have no sound events"):
        batch.events()
