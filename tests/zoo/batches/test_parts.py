"""Parts are whole or not there, and one process at a time writes one."""

import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zoo.batches.parts import PartWriter, ShardLocks, part_files, part_path, written_shards

ROWS = pa.record_batch({"number": [1, 2]})
LOCK = """
import sys
from pathlib import Path
from zoo.batches.parts import ShardLocks
print(ShardLocks(Path(sys.argv[1])).acquire(int(sys.argv[2])))
"""


def test_a_part_is_there_when_it_is_finished_and_not_before(tmp_path):
    path = part_path(tmp_path, 12)
    with PartWriter(path, ROWS.schema, {b"zoo": b"{}"}) as writer:
        writer.add(ROWS)
        assert written_shards(tmp_path) == set()
    assert part_files(tmp_path) == [path]
    assert pq.read_table(path)["number"].to_pylist() == [1, 2]
    assert pq.read_metadata(path).metadata[b"zoo"] == b"{}"
    assert [file.name for file in tmp_path.iterdir()] == ["part-00000012.parquet"]


def test_an_error_leaves_nothing(tmp_path):
    other = pa.record_batch({"label": ["a"]})
    with (
        pytest.raises(ValueError, match="schema"),
        PartWriter(part_path(tmp_path, 1), ROWS.schema, {}) as part,
    ):
        part.add(other)
    assert list(tmp_path.iterdir()) == []


def test_another_process_cannot_lock_the_same_shard_until_it_is_released(tmp_path):
    def other(shard: int) -> str:
        command = [sys.executable, "-c", LOCK, str(tmp_path), str(shard)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    locks = ShardLocks(tmp_path)
    assert locks.acquire(7)
    assert (other(7), other(8)) == ("False", "True")
    locks.release(7)
    assert other(7) == "True"
    locks.close()


def test_what_a_killed_process_left_is_deleted(tmp_path):
    left, part = tmp_path / f".part-00000003.parquet.{'0' * 16}", part_path(tmp_path, 3)
    left.write_bytes(b"half")
    part.write_bytes(b"whole")
    locks = ShardLocks(tmp_path)
    locks.clean(tmp_path)
    locks.close()
    assert not left.exists()
    assert part.read_bytes() == b"whole"
