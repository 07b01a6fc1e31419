"""The command batch: what it prints, its exit codes, and how it goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import zoo
from tests.zoo.batches import stand_in
from zoo.batches import workers

ROOT = Path(__file__).parents[3]
OPTIONS = ("--task", "classify", "--network", "squeezenet", "--workers", "1")


@pytest.fixture(autouse=True)
def quick_workers(monkeypatch):
    """Work in processes that have no network."""
    monkeypatch.setattr(workers, "MODULE", stand_in.MODULE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos").mkdir()
    for i in range(40):
        (tmp_path / "photos" / f"{i:02}.jpg").write_text(f"{i}")
    return tmp_path / "photos"


def test_a_dry_run_says_what_would_be_done_and_how_long_and_writes_nothing(run, folder, tmp_path):
    out = tmp_path / "out"
    code, stdout, err = run("batch", folder, *OPTIONS, "--out", out, "--dry-run")
    assert (code, stdout) == (0, "")
    first, second = err.splitlines()
    assert first == "40 files (40 new, 0 changed, 0 gone); 0 done, 40 left"
    assert second.startswith("this would take about ")
    assert not out.exists()
    run("batch", folder, *OPTIONS, "--out", out)
    (folder / "40.jpg").write_text("40")
    (folder / "00.jpg").unlink()
    before = (out / "manifest.parquet").read_bytes()
    _, _, err = run("batch", folder, *OPTIONS, "--out", out, "--dry-run")
    assert err.splitlines()[0] == "40 files (1 new, 0 changed, 1 gone); 39 done, 1 left"
    assert (out / "manifest.parquet").read_bytes() == before


def test_json_lines_tell_the_progress_and_the_report(run, folder, tmp_path):
    (folder / "link.jpg").symlink_to(tmp_path / "absent")
    code, stdout, err = run("batch", folder, *OPTIONS, "--out", tmp_path / "out", "--json")
    *progress, last = map(json.loads, stdout.splitlines())
    assert (code, err) == (2, "")
    assert progress[-1]["progress"] | {"files_per_second": 0, "seconds_left": 0} == {
        "done": 41, "total": 41, "failed": 1, "files_per_second": 0, "seconds_left": 0,
    }  # fmt: skip
    assert last["report"]["failed"] == 1
    assert last["report"]["folder"] == str(tmp_path / "out")


def test_a_plan_is_written_once_and_its_parts_are_done_by_many(run, folder, tmp_path):
    out = tmp_path / "out"
    assert run("batch", folder, *OPTIONS, "--out", out, "--plan", "--shard-files", "16")[0] == 0
    assert not list(out.glob("*/part-*"))
    for shard in ("1/2", "2/2"):
        assert run("batch", folder, *OPTIONS, "--out", out, "--shard", shard)[0] == 0
    assert len(zoo.open_batch(out).table()) == 40


def test_bad_usage_is_one_line(run, folder, tmp_path):
    out = tmp_path / "out"
    for arguments, match in (
        (("--hop", "0.1"), "zoo: The task classify has no option hop; it has overlap, top."),
        (("--shard", "4/3"), "zoo: shard='4/3' is not a part such as 3/64: from 1/64 to 64/64."),
    ):
        code, _, err = run("batch", folder, *OPTIONS, "--out", out, *arguments)
        assert (code, err.strip()) == (2, match)
    run("batch", folder, *OPTIONS, "--out", out)
    code, _, err = run("batch", folder, *OPTIONS, "--out", out, "--top", 3)
    assert code == 2
    assert err.startswith(
        f"zoo: {out} holds results of other settings: top was 5 and is 3 now. Choose another"
    )


def test_ctrl_c_says_how_to_go_on(folder, tmp_path):
    out = tmp_path / "out"
    (folder / "hang.jpg").write_text("hang")
    script = f"""
from tests.zoo.batches import stand_in
from zoo import cli
from zoo.batches import workers
workers.MODULE = stand_in.MODULE
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # processes in the background may ignore it
sys.argv = ["zoo", "batch", {str(folder)!r}, *{OPTIONS!r}, "--out", {str(out)!r}]
cli.main()
"""
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(out.glob("*/part-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert f"of 41 files; what is finished is in {out}, and the same command goes on." in err
