"""Networks side by side: real measurements of real processes."""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo.benchmark import compare as comparing
from zoo.benchmark import worker
from zoo.benchmark.compare import Comparison, Measurement
from zoo.core.errors import InputError, UnknownNameError, WeightsError


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    photos = [zoo.sample("cat.png"), np.zeros((64, 64, 3), np.uint8)]
    return zoo.compare(["squeezenet", "efficientnet_lite0"], photos, batch=4, repeats=4, device="cpu")


def test_everything_is_measured(comparison):
    assert [row.network for row in comparison.rows] == ["squeezenet.caffe", "efficientnet_lite0.tf"]
    for row in comparison.rows:
        assert 0 < row.latency_ms <= row.latency_p90_ms < row.input_ms * 10
        assert row.throughput > 1
        assert 100 < row.peak_memory_mb < 20000
        assert row.file_mb < row.memory_mb < 0.7 * row.peak_memory_mb  # without libraries
        assert 0 <= row.background_load <= 1
        assert row.file_mb == pytest.approx(zoo.describe(row.network).size_mb, rel=0.02)
        assert row.engine == "onnxruntime"
        assert (row.trained, row.metric) == (True, "top-1 %")
        assert 0 < min(row.scores) <= max(row.scores) <= 1
    assert comparison.rows[0].answers[0] == "n02124075"
    assert comparison.rows[0].labels[0] == "Egyptian cat"
    assert comparison.rows[0].classes == comparison.rows[1].classes
    for word in ("cpu", "fp32", "onnxruntime", "batch 1 and 4", "thread"):
        assert word in comparison.conditions


def test_it_becomes_a_table_a_chart_and_json(comparison):
    table = comparison.table()
    assert table["relative_time"].min() == 1
    assert json.loads(json.dumps(comparison.to_dict(), allow_nan=False))["rows"][0]["published_time"] == 1.1
    chart = comparison.plot()
    assert sorted(chart.data[0].y) == [55.16, 75.1]
    assert chart.layout.xaxis.type == "log"
    assert "onnxruntime" in chart.layout.xaxis.title.text
    assert list(comparison.plot("published").data[0].text) == ["squeezenet.caffe"], "others have no figure"
    with pytest.raises(InputError, match="measured, published"):
        comparison.plot("guessed")


def test_latency_and_memory_become_bars(comparison):
    latency, memory = comparison.bars().data
    assert sorted(latency.x) == sorted(row.latency_ms for row in comparison.rows)
    assert sorted(memory.x) == sorted(row.memory_mb for row in comparison.rows)
    slowest = max(comparison.rows, key=lambda row: row.latency_ms)
    assert latency.y[0] == memory.y[0] == slowest.network
    assert latency.x[0] + latency.error_x.array[0] == pytest.approx(slowest.latency_p90_ms)


def row(network: str, *answers: str, classes: str = "") -> Measurement:
    numbers = (1, 1, 1, 1, 1, 1, None, None, None)
    return Measurement(network, network, "torch", *numbers, answers, answers, classes=classes)


def test_agreement_is_the_share_of_equal_answers():
    rows = (row("a", "x", "y", "z", "z"), row("b", "x", "y", "y", "z"), row("c", "q", "q", "q", "q"))
    result = Comparison(rows, "cpu", "fp32", 1, 1, 1, ("1", "2", "3", "4"))
    assert result.agreement().to_numpy().tolist() == [[1, 0.75, 0], [0.75, 1, 0], [0, 0, 1]]
    assert result.answers().loc[2].tolist() == ["3", "z", "y", "q"]
    assert result.dissent().to_numpy().tolist() == [
        [False, False, True],
        [False, False, True],
        [True, True, True],  # nobody has most on its side
        [False, False, True],
    ]


def test_only_those_who_know_the_same_classes_and_were_asked_can_agree():
    rows = (row("a", "x", "y"), row("b", "x", "z"), row("c", "x", "y", classes="places"), row("d"))
    result = Comparison(rows, "cpu", "fp32", 1, 1, 1, ("1", "2"))
    assert result.groups() == [("a", "b")]
    shares = result.to_dict()["agreement"]
    assert json.loads(json.dumps(shares, allow_nan=False))["a"] == {"a": 1, "b": 0.5, "c": None, "d": None}
    assert list(result.dissent()) == list(result.answers())[1:] == ["a", "b", "c"]
    assert not result.dissent()["c"].any()


def test_without_fetching_what_is_not_here_is_measured_untrained(empty_cache):
    result = zoo.compare(["squeezenet"], zoo.sample("cat.png"), fetch=False, batch=2, repeats=2)
    assert (result.rows[0].trained, result.rows[0].answers, result.inputs) == (False, (), ())
    assert result.rows[0].latency_ms > 0
    assert not (empty_cache / "weights").exists()


def test_a_network_that_cannot_be_fetched_costs_only_itself(monkeypatch):
    def measured(request, poll):
        if request["name"] == "resnet18":
            raise WeightsError("The weights are not available.")
        return {"row": asdict(row(request["name"])), "device": "cpu", "threads": 2, "inputs": ()}

    monkeypatch.setattr(comparing, "measured", measured)
    with pytest.raises(WeightsError, match=r"^The weights are not available\.$"):
        zoo.compare(["resnet18"])
    result = zoo.compare(["resnet18", "resnet50"])
    assert [row.network for row in result.rows] == ["resnet50"]
    assert result.problems == (("resnet18", "The weights are not available."),)
    problems = json.loads(json.dumps(result.to_dict()))["problems"]
    assert problems == [{"input": "resnet18", "reason": "The weights are not available."}]


def test_a_busy_machine_is_part_of_the_conditions():
    quiet, busy = (
        Comparison((replace(row("a"), background_load=load),), "cpu", "fp32", 1, 1, 1) for load in (0.1, 0.11)
    )
    assert quiet.to_dict()["busy"] is False
    assert "other programs" not in quiet.conditions
    assert busy.to_dict()["busy"] is True
    assert busy.conditions.endswith(", beside other programs on 11% of the processors")


class Stop(Exception):
    """Raised by a progress callable."""


def test_a_progress_that_raises_ends_the_process_at_once_and_leaves_nothing(tmp_path, monkeypatch):
    started, reports = [], []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(
        worker.subprocess,
        "Popen",
        lambda *arguments, **options: started.append(subprocess_popen(*arguments, **options)) or started[-1],
    )

    def progress(done, total):
        reports.append((done, total))
        if len(reports) == 10:
            raise Stop

    with pytest.raises(Stop):
        zoo.compare(["squeezenet"], pretrained=False, repeats=10**6, progress=progress)
    assert set(reports) == {(0, 1)}
    assert [process.returncode for process in started] == [-9]
    assert not list(tmp_path.iterdir())


subprocess_popen = subprocess.Popen

PARENT = """
import subprocess, zoo.benchmark.worker
begin = subprocess.Popen
def popen(*arguments, **options):
    process = begin(*arguments, **options)
    print(process.pid, flush=True)
    return process
zoo.benchmark.worker.subprocess.Popen = popen
zoo.benchmark.worker._run(__import__("pathlib").Path({folder!r}), lambda: None)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="looks processes up in /proc")
def test_the_process_ends_when_the_one_that_started_it_is_killed(tmp_path):
    options = {"device": "cpu", "engine": "torch", "dtype": "fp32"}
    request = {"name": "squeezenet.caffe", "pretrained": False, "x": None, "sample_rate": None, "batch": 1}
    folder = tmp_path / "measuring"
    folder.mkdir()
    (folder / "request").write_bytes(worker.pickle.dumps(request | {"repeats": 10**6, "options": options}))
    program = PARENT.format(folder=str(folder))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        child = Path("/proc") / parent.stdout.readline().decode().strip() / "stat"
        time.sleep(3)
        assert running(child)
        parent.kill()
    end = time.monotonic() + 30
    while running(child) and time.monotonic() < end:
        time.sleep(0.1)
    assert not running(child)
    assert not folder.exists()


def running(process: Path) -> bool:
    """Whether a process is there and no mere remainder."""
    try:
        return process.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_untrained_networks_and_networks_of_sound_are_measured_too():
    result = zoo.compare(["crepe.tiny"], pretrained=False, batch=2, repeats=2, device="cpu")
    assert result.rows[0].engine == "fft"
    assert result.to_dict()["agreement"] == {}


@pytest.mark.parametrize(
    ("names", "options", "error"),
    [
        ([], {}, InputError),
        (["squeezenett"], {}, UnknownNameError),
        (["squeezenet"], {"batch": 0}, InputError),
        (["squeezenet"], {"engine": "steam"}, InputError),
        (["squeezenet"], {"x": "no-such-file.png"}, InputError),
        (["squeezenet"], {"x": "x.png", "pretrained": False}, InputError),
        (["crepe.tiny"], {"x": "x.wav"}, InputError),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_sentence(names, options, error):
    with pytest.raises(error):
        zoo.compare(names, **options)
