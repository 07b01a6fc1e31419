"""Runs with a stand-in for the networks: second runs, bad files, and processes that are killed."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import zoo
from tests.zoo.batches import stand_in
from tests.zoo.batches.conftest import names, rows
from zoo.batches.folder import open_batch
from zoo.batches.report import BatchProgress, ShardChoice

GOOD = [f"{letter}{i}.jpg" for i in range(10) for letter in "abcde"]  # four shards of 16


def parts(out: Path) -> dict[str, int]:
    """When each part was written."""
    return {path.name: path.stat().st_mtime_ns for path in out.glob("*/part-*.parquet")}


def test_every_file_has_its_row(run, files, tmp_path):
    files(*GOOD)
    seen: list[BatchProgress] = []
    run(progress=seen.append)
    table = rows(tmp_path / "out")
    assert names(tmp_path / "out") == sorted(GOOD)
    labels = [predictions[0]["label"] for predictions in table["predictions"].to_pylist()]
    assert labels == [name[0] for name in sorted(GOOD)]
    assert table["error"].null_count == len(GOOD)
    assert (seen[-1].done, seen[-1].total, seen[-1].failed) == (50, 50, 0)


def test_a_second_run_does_what_is_new_or_changed_and_forgets_what_is_gone(run, files, tmp_path):
    files(*GOOD)
    run()
    before = parts(tmp_path / "out")
    assert len(before) == 4
    run()
    assert parts(tmp_path / "out") == before
    files("new.jpg")
    files("a1.jpg", content="changed")
    (tmp_path / "files" / "b1.jpg").unlink()
    run()
    after = parts(tmp_path / "out")
    assert {name: after[name] for name in before} == before
    assert len(after) == 5
    assert sorted(names(tmp_path / "out")) == sorted({*GOOD, "new.jpg"} - {"b1.jpg"})
    (tmp_path / "out" / "one" / "part-00000001.parquet").unlink()
    table = rows(tmp_path / "out")
    run()
    assert len(rows(tmp_path / "out")) == len(table) + 16 == 50


def test_another_network_does_its_own_parts_only(run, files, tmp_path):
    files(*GOOD)
    run()
    before = parts(tmp_path / "out" / "one" / "..")
    run(networks=("one", "two"))
    one, two = rows(tmp_path / "out"), rows(tmp_path / "out", "two")
    assert one.drop_columns(["predictions"]).equals(two.drop_columns(["predictions"]))
    assert two["predictions"][0].as_py()[0]["index"] == 0  # its position among what the workers have loaded
    assert parts(tmp_path / "out") == before | parts(tmp_path / "out")


def test_other_weights_do_not_mix(run, files, tmp_path):
    files(*GOOD)
    run()
    before = rows(tmp_path / "out")
    with pytest.raises(zoo.InputError, match="the weights of one were 00 and are 11 now"):
        run(weights="11")
    assert rows(tmp_path / "out").equals(before)


def test_parts_without_a_manifest_are_refused(run, files, tmp_path):
    files(*GOOD)
    run()
    (tmp_path / "out" / "manifest.parquet").unlink()
    with pytest.raises(zoo.InputError, match=r"has parts and no manifest\.parquet"):
        run()


def test_bad_files_are_named_and_the_rest_is_done(run, files, tmp_path):
    bad = {
        "crash.jpg": r"ended the process \(SIGSEGV, signal 11\)\.",
        "exit.jpg": r"ended the process\.",
        "greedy.jpg": r"needed more than 0\.2 GB of memory\.",
        "hang.jpg": r"took more than 3 s\.",
        "raise.jpg": r"failed: ZeroDivisionError: division by zero\.",
    }
    files(*GOOD, *bad)
    (tmp_path / "files" / "link.jpg").symlink_to(tmp_path / "absent")
    run(seconds=3, gigabytes=0.2)
    failures = open_batch(tmp_path / "out").failures.to_pylist()
    found = {Path(row["path"]).name: row["error"] for row in failures}
    assert found.keys() == {*bad, "link.jpg"}
    for name, match in bad.items():
        with pytest.raises(zoo.InputError, match=rf"/{name} {match}$"):
            raise zoo.InputError(found[name])
    good = open_batch(tmp_path / "out").table()
    assert sorted(Path(path).name for path in good["path"].to_pylist()) == sorted(GOOD)


def test_files_that_failed_are_done_again_on_request(run, files, tmp_path):
    files("a.jpg")
    (tmp_path / "files" / "link.jpg").symlink_to(tmp_path / "target")
    run()
    assert len(open_batch(tmp_path / "out").failures) == 1
    before = parts(tmp_path / "out")
    run()
    assert parts(tmp_path / "out") == before
    run(retry=True)
    assert len(parts(tmp_path / "out")) == 2
    assert len(open_batch(tmp_path / "out").failures) == 1
    (tmp_path / "target").write_text("link.jpg")
    run()
    assert names(tmp_path / "out") == ["a.jpg", "link.jpg"]
    assert len(open_batch(tmp_path / "out").failures) == 0


def test_parts_of_the_work_make_the_whole(run, files, tmp_path):
    files(*GOOD)
    for text in ("1/3", "2/3", "3/3"):
        files(f"new{text[0]}.jpg")  # a manifest that is there is taken as it is
        run(shard=text)
    assert names(tmp_path / "out") == sorted({*GOOD, "new1.jpg"})
    for text in ("0/3", "4/3", "3", "x/3", ""):
        with pytest.raises(zoo.InputError, match="is not a part such as 3/64"):
            ShardChoice.parse(text)


def start(tmp_path: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", stand_in.MODULE, str(tmp_path / "files"), str(tmp_path / "out")]
    return subprocess.Popen(command, stderr=subprocess.PIPE)


def test_a_run_that_is_killed_goes_on_and_ends_with_the_same_rows(run, files, tmp_path):
    slow = [f"slow{i}.jpg" for i in range(20)]
    files(*GOOD, *slow)
    run()
    whole = rows(tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / "undisturbed")
    generator = random.Random(0)
    for _ in range(3):
        process = start(tmp_path)
        deadline = time.monotonic() + 60
        while process.poll() is None and not (tmp_path / "out").is_dir() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(generator.uniform(0, 3))
        process.kill()
        process.communicate()
    run()
    assert rows(tmp_path / "out").equals(whole)
    assert not list((tmp_path / "out" / "one").glob(".part*"))


def test_two_processes_on_one_folder_share_the_work(run, files, tmp_path):
    files(*GOOD, *(f"slow{i}.jpg" for i in range(20)))
    processes = [start(tmp_path) for _ in range(2)]
    for process in processes:
        assert process.communicate()[1] == b""
        assert process.returncode == 0
    assert names(tmp_path / "out") == sorted([*GOOD, *(f"slow{i}.jpg" for i in range(20))])


def test_ctrl_c_ends_at_once_and_keeps_what_is_finished(run, files, tmp_path):
    files(*GOOD, "hang.jpg")
    process = start(tmp_path)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("out/one/part-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    assert b"KeyboardInterrupt" in process.communicate(timeout=30)[1]
    assert parts(tmp_path / "out")
    assert not list((tmp_path / "out" / "one").glob(".part*"))
