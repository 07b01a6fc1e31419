"""Runs on a real scheduler and real workers, some of which are killed."""

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import zoo
from tests.zoo.batches import stand_in
from tests.zoo.batches.conftest import names, rows
from tests.zoo.batches.dask_cluster import DaskCluster, dask_cluster, wait_for
from zoo.batches import cluster as clusters
from zoo.batches import connection
from zoo.batches.cluster import ClusterExecutor
from zoo.batches.connection import scheduler_address
from zoo.batches.folder import open_batch
from zoo.batches.provenance import part_records
from zoo.batches.report import BatchProgress
from zoo.batches.workers import Limits

GOOD = [f"{letter}{i}.jpg" for i in range(10) for letter in "abcde"]  # four shards of 16


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        # A task whose second worker has ended is not tried again.
        patch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "1")
        with dask_cluster(tmp_path_factory.mktemp("dask")) as cluster:
            yield cluster


def executor(cluster: DaskCluster, seconds: float = 60) -> ClusterExecutor:
    return ClusterExecutor(cluster.address, Limits(seconds, 1), device="cpu", trust=False)


def helpers(cluster: DaskCluster) -> list[psutil.Process]:
    """List the helper processes of the workers."""
    alive = [worker.pid for worker in cluster.workers if worker.poll() is None]
    return [child for pid in alive for child in psutil.Process(pid).children() if is_helper(child)]


def is_helper(process: psutil.Process) -> bool:
    try:
        return stand_in.MODULE in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def test_a_scheduler_without_workers_is_a_sentence(run, files, cluster, monkeypatch):
    monkeypatch.setattr(connection, "WORKER_SECONDS", 0.5)
    files("a.jpg")
    with pytest.raises(zoo.ClusterError, match=rf"at {cluster.address} has had no worker for 0\.5 s; start"):
        run(executor=executor(cluster))


def test_a_run_whose_worker_is_killed_ends_with_the_rows_of_this_machine(run, files, cluster, tmp_path):
    files(*GOOD, *(f"slow{i:02}.jpg" for i in range(30)))
    cluster.add_workers(2)
    seen: list[BatchProgress] = []

    def kill(progress: BatchProgress) -> None:
        if not seen:
            cluster.workers[0].kill()
        seen.append(progress)

    run(executor=executor(cluster), progress=kill)
    on_cluster = rows(tmp_path / "out")
    assert not list((tmp_path / "out" / "one").glob(".part*"))
    assert len(part_records(tmp_path / "out" / "one")) == 1
    assert (seen[-1].done, seen[-1].total, seen[-1].failed) == (80, 80, 0)
    assert len(seen) == 5
    wait_for(lambda: not helpers(cluster))
    (tmp_path / "out").rename(tmp_path / "of the cluster")
    run(workers=1)
    assert on_cluster.equals(rows(tmp_path / "out"))


def test_bad_files_end_helper_processes_and_no_worker(run, files, cluster, tmp_path):
    bad = {
        "crash.jpg": "ended the process (SIGSEGV, signal 11).",
        "hang.jpg": "took more than 3 s.",
        "raise.jpg": "failed: ZeroDivisionError: division by zero.",
        "link.jpg": "does not exist.",
    }
    files(*GOOD, *list(bad)[:3])
    (tmp_path / "files" / "link.jpg").symlink_to(tmp_path / "absent")
    cluster.add_workers(2)
    run(executor=executor(cluster, seconds=3))
    failures = open_batch(tmp_path / "out").failures.to_pylist()
    assert {Path(row["path"]).name: row["error"] for row in failures} == {
        name: f"{tmp_path / 'files' / name} {text}" for name, text in bad.items()
    }
    good = open_batch(tmp_path / "out").table()
    assert sorted(Path(path).name for path in good["path"].to_pylist()) == sorted(GOOD)
    assert all(worker.poll() is None for worker in cluster.workers)


def test_a_shard_that_ends_its_workers_is_named_and_the_rest_is_done(run, files, cluster, tmp_path):
    files(*(f"a{i:02}.jpg" for i in range(32)), "parent.jpg")  # in a shard of its own
    cluster.add_workers(3)
    with pytest.raises(zoo.ClusterError, match=r"Shard 2 ended several workers .* files are .*parent\.jpg"):
        run(executor=executor(cluster))
    assert names(tmp_path / "out") == [f"a{i:02}.jpg" for i in range(32)]
    assert [worker.poll() for worker in cluster.workers].count(None) == 1


def test_ctrl_c_ends_the_command_and_its_helpers_and_the_same_call_goes_on(
    files, cluster, tmp_path, monkeypatch
):
    files(*GOOD, "zoo.jpg")
    hanging = tmp_path / "files" / "hang.jpg"
    hanging.write_text("hang")
    cluster.add_workers(2)
    script = """
import signal, sys
from zoo import cli
signal.signal(signal.SIGINT, signal.default_int_handler)  # processes in the background may ignore it
cli.main()
"""
    out = tmp_path / "out"
    settings = {"task": "classify", "network": "squeezenet", "out": out}
    command = [sys.executable, "-c", script, "batch", "files", "--cluster", cluster.address]
    command += [text for name, value in settings.items() for text in (f"--{name}", str(value))]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    wait_for(lambda: list(out.glob("*/part-*")))
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert re.search(rf"^zoo: Stopped.*; what is finished is in {out}, and the same command goes on\.$", err)
    assert "Traceback" not in err
    wait_for(lambda: not helpers(cluster))
    hanging.unlink()
    monkeypatch.chdir(tmp_path)  # from which the paths are relative
    monkeypatch.setenv("ZOO_CLUSTER", cluster.address)
    report = zoo.batch("files", **settings)
    assert (report.files, report.done, report.left, report.failed) == (51, 51, 0, 0)
    files_of_rows = [Path(path).name for path in rows(out, "squeezenet.caffe")["path"].to_pylist()]
    assert sorted(files_of_rows) == sorted([*GOOD, "zoo.jpg"])
    with pytest.raises(zoo.InputError, match="workers counts processes of this machine"):
        zoo.batch("files", **settings, workers=2)


@pytest.mark.parametrize("listening", [False, True], ids=["no server", "a server that does not answer"])
def test_no_scheduler_is_a_sentence_in_bounded_time(run, files, monkeypatch, listening):
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 1.0)
    files("a.jpg")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listening:
            server.listen()
        address = f"dask://127.0.0.1:{server.getsockname()[1]}"
        begin = time.monotonic()
        with pytest.raises(zoo.ClusterError, match=f"^No Dask scheduler answers at {address} .*; start one"):
            run(executor=ClusterExecutor(address, Limits(1, 1), device="cpu", trust=False))
        assert time.monotonic() - begin < 60


def test_a_scheduler_that_ends_is_a_sentence(run, files, tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 5.0)
    files("a.jpg")
    (tmp_path / "dask").mkdir()
    with dask_cluster(tmp_path / "dask") as cluster:
        monkeypatch.setattr(
            connection.Connection, "submit", ended_after(connection.Connection.submit, cluster.scheduler)
        )
        with pytest.raises(zoo.ClusterError, match=f"The connection to {cluster.address} was lost; finished"):
            run(executor=executor(cluster))


def ended_after(submit, process):
    """Kill a process once something is submitted."""

    def submit_and_kill(*arguments, **values):
        key = submit(*arguments, **values)
        process.kill()
        return key

    return submit_and_kill


def test_addresses_are_those_of_dask_or_refused():
    assert scheduler_address("dask://node1:8786") == "tcp://node1:8786"
    assert scheduler_address("dask+tls://node1:8786/") == "tls://node1:8786"
    assert scheduler_address("dask://[::1]:8786") == "tcp://[::1]:8786"
    for address in (
        "node1:8786",
        "tcp://node1:8786",
        "dask://node1",
        "dask://:8786",
        "dask://user@node1:8786",
    ):
        with pytest.raises(
            zoo.InputError, match=r"is not the address of a Dask scheduler, such as dask://host"
        ):
            scheduler_address(address)


def test_parts_that_a_worker_wrote_elsewhere_are_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(clusters, "_APPEAR_SECONDS", 0.1)
    one = ClusterExecutor("dask://node1:8786", Limits(1, 1), device="cpu", trust=False)
    with pytest.raises(zoo.ClusterError, match=r"node2:1 has written .*part, which is not here; choose"):
        one._require_parts([tmp_path / "part"], "tcp://node2:1")
