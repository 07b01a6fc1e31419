"""`zoo advise` and `zoo evaluate` as another program would use them."""

import json
import sys
import types

import numpy as np
import pytest

from zoo import cli
from zoo.results.problem import Problem
from zoo.training.advice import advice
from zoo.training.advice.advice import Advice
from zoo.training.data.dataset import Dataset


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run the command line on some pictures, the last of which is none: (exit code, stdout, stderr)."""
    (tmp_path / "text.png").write_text("this is text")
    noise = np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3), np.uint8)

    def dataset(source):
        inputs = [*noise] if source == "good" else [*noise, tmp_path / "text.png"]
        problems = (Problem("old.png", "old.png is the same as new.png."),)
        targets = np.arange(len(inputs)) % 2
        return Dataset(source, "image", inputs, targets, ("tabby", "tiger"), problems=problems)

    reading = types.ModuleType("zoo.training.data.load")
    reading.dataset = dataset
    monkeypatch.setitem(sys.modules, "zoo.training.data.load", reading)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        return stop.value.code or 0, out, err

    return call


def test_evaluate_prints_figures_and_says_what_was_left_out(run):
    code, out, err = run("evaluate", "squeezenet", "good")
    assert code == 0
    assert "squeezenet.caffe on good: 3 examples" in out
    for word in ("accuracy", "top5", "calibration error", " to "):
        assert word in out
    assert "zoo: old.png is the same as new.png." in err


def test_evaluate_prints_json_writes_a_page_and_fails_where_an_input_cannot_be_used(run, tmp_path):
    page = tmp_path / "report.html"
    code, out, err = run("evaluate", "squeezenet", "bad", "--json", "--report", page)
    assert code == 2
    assert "text.png is not a picture" in err
    record = json.loads(out)
    assert record["examples"] == 3
    assert len(record["problems"]) == 2
    assert "data:image/jpeg" in page.read_text(encoding="utf-8")


def test_bad_usage_is_said_in_one_line(run, tmp_path):
    for arguments in (
        ("squeezenet", "good", "--report", tmp_path / "report.pdf"),
        ("no such network", "good"),
        ("yamnet", "good"),
    ):
        code, out, err = run("evaluate", *arguments)
        assert code == 2
        assert out == ""
        assert err.count("\n") == 1


def test_advise(run, monkeypatch):
    result = Advice("features", "squeezenet.caffe", "features.5", ("Few examples.",), "Cheap.")
    monkeypatch.setattr(advice, "advise", lambda data, network, progress: result)
    code, out, _ = run("advise", "good")
    assert code == 0
    assert out.splitlines() == ["features: squeezenet.caffe, features.5", "- Few examples.", "- Cheap."]
    assert json.loads(run("advise", "good", "--json")[1])["reasons"] == ["Few examples."]


def test_advise_asks_the_network_that_is_named(run):
    code, out, _ = run("advise", "good", "--network", "squeezenet", "--json")
    assert code == 0
    record = json.loads(out)
    assert record["method"] == "features"
    assert record["network"] == "squeezenet.caffe"
