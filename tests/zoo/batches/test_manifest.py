"""Numbers of files, and what a second listing changes."""

import numpy as np
import pyarrow as pa
import pytest

import zoo
from zoo.batches.manifest import FILE, Changes, Manifest, read_manifest, updated, write_manifest


def listing(**modified: int) -> pa.Table:
    paths = list(modified)
    return pa.table({"path": paths, "size": [1] * len(paths), "modified": list(modified.values())})


def numbers(manifest: Manifest) -> dict[str, int]:
    return dict(zip(manifest.table["path"].to_pylist(), manifest.numbers.tolist(), strict=True))


@pytest.fixture
def manifest() -> Manifest:
    return updated(None, listing(a=1, b=1, c=1), 2)[0]


def test_files_are_numbered_in_their_order(manifest):
    assert numbers(manifest) == {"a": 0, "b": 1, "c": 2}
    assert manifest.shards(2).tolist() == [0, 1]
    assert [file.path for file in manifest.files(0, 2)] == ["a", "b"]
    assert manifest.count([1], 2) == 1


def test_the_same_listing_in_another_order_changes_nothing(manifest):
    again, changes = updated(manifest, listing(c=1, a=1, b=1), 2)
    assert changes == Changes()
    assert again.table.equals(manifest.table)


def test_new_and_changed_files_begin_a_new_shard_and_files_that_are_gone_leave_theirs(manifest):
    again, changes = updated(manifest, listing(b=2, c=1, d=1), 2)
    assert changes == Changes(new=1, changed=1, gone=1)
    assert numbers(again) == {"c": 2, "b": 4, "d": 5}
    assert again.shards(2).tolist() == [1, 2]


def test_no_number_is_given_twice(manifest):
    fewer, _ = updated(manifest, listing(a=1), 2)
    assert numbers(updated(fewer, listing(a=1, c=1), 2)[0]) == {"a": 0, "c": 4}


def test_files_to_do_again_get_new_numbers(manifest):
    again, _ = updated(manifest, listing(a=1, b=1, c=1), 2, np.array([1]))
    assert numbers(again) == {"a": 0, "c": 2, "b": 4}


def test_columns_of_the_user_follow_the_newest_listing(manifest):
    table = listing(a=1, b=1, c=1).append_column("site", pa.array(["x", "y", None]))
    again, changes = updated(manifest, table, 2)
    assert changes == Changes()
    assert again.table["site"].to_pylist() == ["x", "y", None]


def test_a_manifest_is_read_as_it_was_written(manifest, tmp_path):
    assert read_manifest(tmp_path) is None
    write_manifest(tmp_path, manifest)
    stored = read_manifest(tmp_path)
    assert stored.table.equals(manifest.table)
    assert stored.next_number == 3
    (tmp_path / FILE).write_bytes(b"no Parquet")
    with pytest.raises(zoo.InputError, match="cannot be read"):
        read_manifest(tmp_path)
