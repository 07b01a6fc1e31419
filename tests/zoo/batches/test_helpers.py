"""Helper processes and locks that the threads of a Dask worker share."""

import subprocess
import sys
import threading

import pytest

import zoo
from tests.zoo.batches.dask_cluster import wait_for
from zoo.batches import helpers
from zoo.batches.helpers import FolderLocks, HelperPool

TRY = """
import sys
from pathlib import Path
from zoo.batches.parts import ShardLocks
sys.exit(not ShardLocks(Path(sys.argv[1])).acquire(int(sys.argv[2])))
"""


class Helper:
    """A helper without a process."""

    stopped = closed = False

    def stop(self):
        self.stopped = True

    def close(self):
        self.closed = True


def test_a_pool_gives_one_helper_to_a_task_at_a_time_and_keeps_it():
    pool = HelperPool()
    with pool.helper("run", Helper) as one, pool.helper("run", Helper) as two:
        assert one is not two
    with pool.helper("run", Helper) as again:
        assert again in (one, two)
    with pool.helper("another run", Helper) as other:
        assert other not in (one, two)


def test_a_pool_ends_the_helpers_of_a_run_and_starts_none_for_it_again():
    pool = HelperPool()
    with pool.helper("run", Helper) as busy:
        with pool.helper("run", Helper) as idle:
            pass
        pool.end("run")
        assert busy.stopped
        assert idle.closed
        assert not busy.closed
    assert busy.closed
    with pytest.raises(zoo.ClusterError, match="The run has ended"), pool.helper("run", Helper):
        pass


def test_a_pool_ends_helpers_that_no_task_uses(monkeypatch):
    monkeypatch.setattr(helpers, "IDLE_SECONDS", 0.05)
    pool = HelperPool()
    with pool.helper("run", Helper) as helper:
        threading.Event().wait(0.2)
        assert not helper.closed
    wait_for(lambda: helper.closed)
    with pool.helper("run", Helper) as fresh:
        assert fresh is not helper


def test_locks_of_threads_hold_while_another_shard_is_unlocked(tmp_path):
    def is_free(shard: int) -> bool:
        return subprocess.run([sys.executable, "-c", TRY, tmp_path, str(shard)], check=False).returncode == 0

    locks = FolderLocks()
    with locks.shard(tmp_path, 1) as first:
        with locks.shard(tmp_path, 1) as again, locks.shard(tmp_path, 2) as second:
            assert (first, again, second) == (True, False, True)
        assert not is_free(1)
        assert is_free(2)
    assert is_free(1)
