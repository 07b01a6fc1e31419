"""Helper processes that the threads of a Dask worker share."""

import threading

import pytest

import zoo
from tests.zoo.batches.dask_cluster import wait_for
from zoo.batches import helpers
from zoo.batches.helpers import HelperPool


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
