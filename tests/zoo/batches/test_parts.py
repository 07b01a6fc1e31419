"""Parts are whole or not there, and one process at a time writes one."""

import errno
import fcntl
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zoo.batches.parts import LOCKS, PartWriter, ShardLocks, part_files, part_path, written_shards

ROWS = pa.record_batch({"number": [1, 2]})
LOCK = """
import sys
from pathlib import Path
from zoo.batches.parts import ShardLocks
with ShardLocks(Path(sys.argv[1])).shard(int(sys.argv[2])) as acquired:
    print(acquired)
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


def test_a_locked_shard_is_refused_to_threads_and_processes_until_it_is_released(tmp_path):
    def other(shard: int) -> str:
        command = [sys.executable, "-c", LOCK, str(tmp_path), str(shard)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    locks = ShardLocks(tmp_path)
    with locks.shard(7) as first:
        with locks.shard(7) as again, locks.shard(8) as second:
            assert (first, again, second) == (True, False, True)
        assert (other(7), other(8)) == ("False", "True")
    assert other(7) == "True"
    assert list((tmp_path / LOCKS).iterdir()) == []


def test_a_file_system_without_locks_lets_all_work(tmp_path, monkeypatch):
    def without(*_: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", without)
    with ShardLocks(tmp_path).shard(7) as first, ShardLocks(tmp_path).shard(7) as second:
        assert (first, second) == (True, True)


def test_a_batch_is_opened_where_python_has_no_fcntl():
    script = "import sys; sys.modules['fcntl'] = None; import zoo.batches.folder, zoo.batches.run"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_what_a_killed_process_left_is_deleted(tmp_path):
    network = tmp_path / "one"
    network.mkdir()
    left, busy = (network / f".part-{i:08d}.parquet.{'0' * 16}" for i in (3, 4))
    part = part_path(network, 3)
    for path in (left, busy, part):
        path.write_bytes(b"some")
    (tmp_path / LOCKS).mkdir()
    (tmp_path / LOCKS / "00000003.lock").touch()
    with ShardLocks(tmp_path).shard(4):
        ShardLocks(tmp_path).clean([network])
        assert [path.name for path in (tmp_path / LOCKS).iterdir()] == ["00000004.lock"]
    assert sorted(network.iterdir()) == sorted([busy, part])
