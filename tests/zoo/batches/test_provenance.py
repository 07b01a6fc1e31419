"""Parts say what made their rows, can be read alone, and do not mix with rows that other networks make."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import zoo
from tests.zoo.batches import stand_in
from tests.zoo.results.provenances import with_vectors
from zoo.batches.parts import PartWriter, part_files
from zoo.batches.provenance import FILE, describe_part
from zoo.results.provenance import KEY, Provenance

NAMES = [f"{letter}{i}.jpg" for i in range(10) for letter in "abcde"]  # four shards of 16


def rewrite(part: Path, record: Provenance) -> None:
    """Give a part another record."""
    table = pq.read_table(part).replace_schema_metadata(None)
    with PartWriter(part, table.schema, describe_part(record)) as writer:
        for batch in table.to_batches():
            writer.add(batch)


def test_all_parts_of_a_run_have_the_same_record(run: Callable[..., None], files, tmp_path: Path):
    files(*NAMES)
    run(workers=2)
    parts = part_files(tmp_path / "out" / "one")
    assert len({pq.read_metadata(part).metadata[KEY.encode()] for part in parts}) == 1
    (record,) = zoo.open_batch(tmp_path / "out").provenance()
    assert record.network == "one"


def test_a_network_that_computes_something_else_adds_no_rows(run, files, tmp_path):
    files(*NAMES)
    run()
    first, second, *_ = part_files(tmp_path / "out" / "one")
    rewrite(first, with_vectors((9.0, 0.5), (0.25, 0.0), (0.0, 1.0)))
    second.unlink()
    with pytest.raises(zoo.InputError, match="cannot be compared with: the vectors of the canaries moved"):
        run()
    assert not second.exists()


def test_jobs_that_begin_at_once_and_compute_something_else_do_not_mix(run, files, tmp_path, monkeypatch):
    files(*NAMES)
    run(shard="1/2")
    for part in part_files(tmp_path / "out" / "one"):  # as if the first job had only begun
        part.unlink()
    monkeypatch.setenv(stand_in.WEIGHTS, "1" * 64)
    match = r"Another run has begun to write rows into \S+/one .*: the weights differ.* Choose another folder"
    with pytest.raises(zoo.InputError, match=match):
        run(shard="2/2")
    assert part_files(tmp_path / "out" / "one") == []
    (tmp_path / "out" / "one" / FILE).write_bytes(b"{")
    with pytest.raises(zoo.InputError, match=r"provenance\.json is damaged"):
        run(shard="2/2")
    (tmp_path / "out" / "one" / FILE).unlink()
    run(shard="2/2")
    assert len(part_files(tmp_path / "out" / "one")) == 2


def test_a_part_is_read_and_verified_like_a_file_of_vectors(tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(zoo.sample("rocket.jpg").read_bytes()[:2000])
    photos = [str(zoo.sample("cat.png")), str(bad), str(zoo.sample("rocket.jpg"))]
    out = tmp_path / "out"
    zoo.batch(photos, task="embed", network="squeezenet", out=out, workers=1, device="cpu")
    (part,) = part_files(out / "squeezenet.caffe")
    stored, fresh = zoo.read_embedding(part), zoo.embed([photos[0], photos[2]], network="squeezenet")
    assert (stored.network, stored.layer, stored.inputs) == (fresh.network, fresh.layer, fresh.inputs)
    np.testing.assert_allclose(stored.values, fresh.values, rtol=1e-4, atol=1e-5)
    stored.require_comparable(fresh)
    assert stored.provenance.license == zoo.describe("squeezenet").license
    assert zoo.verify_vectors(part).comparable
    assert [check.comparable for check in zoo.verify_batch(out)] == [True]
    other = part.with_name("part-00000001.parquet")
    shutil.copy(part, other)
    rewrite(other, with_vectors((1.0, 0.5), (0.25, 0.0), (0.0, 1.0)))
    (check,) = zoo.verify_batch(out)
    assert check.difference.startswith("its parts cannot be compared with each other: the weights differ")


def test_a_part_of_recordings_has_times(tmp_path):
    melody = str(zoo.sample("melody.wav"))
    zoo.batch(melody, task="embed", network="crepe.tiny", out=tmp_path / "out", workers=1, device="cpu")
    (part,) = part_files(tmp_path / "out" / "crepe.tiny")
    stored, fresh = zoo.read_embedding(part), zoo.embed(melody, network="crepe.tiny")
    np.testing.assert_array_equal(stored.times, fresh.times)
    stored.require_comparable(fresh)
