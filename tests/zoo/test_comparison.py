"""Networks side by side: real measurements of real processes."""

import json

import numpy as np
import pytest

import zoo
from zoo.comparison import Comparison, Measurement
from zoo.errors import InputError, UnknownNameError


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
        assert row.file_mb == pytest.approx(zoo.describe(row.network).size_mb, rel=0.02)
        assert row.engine == "onnxruntime"
    assert comparison.rows[0].answers[0] == "n02124075"
    for word in ("cpu", "fp32", "onnxruntime", "batch 1 and 4", "threads"):
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
    with pytest.raises(UnknownNameError, match="measured or published"):
        comparison.plot("guessed")


def row(network: str, *answers: str) -> Measurement:
    return Measurement(network, network, "torch", 1, 1, 1, 1, 1, 1, None, None, None, answers)


def test_agreement_is_the_share_of_equal_answers():
    rows = (row("a", "x", "y", "z", "z"), row("b", "x", "y", "y", "z"), row("c", "q", "q", "q", "q"))
    result = Comparison(rows, "cpu", "fp32", 1, 1, 1, ("1", "2", "3", "4"))
    assert result.agreement().to_numpy().tolist() == [[1, 0.75, 0], [0.75, 1, 0], [0, 0, 1]]


def test_untrained_networks_and_networks_of_sound_are_measured_too():
    result = zoo.compare(["crepe.tiny"], pretrained=False, batch=2, repeats=2, device="cpu")
    assert result.rows[0].engine == "spectral"
    assert result.to_dict()["agreement"] == {}


@pytest.mark.parametrize(
    ("names", "options", "error"),
    [
        ([], {}, InputError),
        (["squeezenett"], {}, UnknownNameError),
        (["squeezenet"], {"batch": 0}, InputError),
        (["squeezenet"], {"engine": "steam"}, UnknownNameError),
        (["squeezenet"], {"x": "no-such-file.png"}, InputError),
        (["squeezenet"], {"x": "x.png", "pretrained": False}, InputError),
        (["crepe.tiny"], {"x": "x.wav"}, InputError),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_sentence(names, options, error):
    with pytest.raises(error):
        zoo.compare(names, **options)
