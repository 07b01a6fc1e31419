"""Advice: the rules on probes that are made up, and what is measured on data whose answer is known."""

import json
from dataclasses import FrozenInstanceError
from functools import partial

import numpy as np
import pytest

import zoo
from zoo.core.errors import InputError
from zoo.results.problem import Problem
from zoo.training.advice import advice, layer_probe
from zoo.training.advice.advice import advise, best_embedded
from zoo.training.advice.depth import layer_at
from zoo.training.advice.layer_probe import Probe, probe, sample
from zoo.training.data.dataset import Dataset
from zoo.training.fit.features import FeatureStore, count_missing, features


def probed(deep, earlier, *, error=0.03, classes=2, examples=100):
    return Probe(examples, classes, deep, earlier, earlier - deep, error, seconds=0.02, unreadable=0)


SUITS, UNLIKE, EASY = probed(0.8, 0.6), probed(0.6, 0.8), probed(0.97, 0.7)


def blocks(counts, size=64, **more):
    """Pictures of one color a class, with some noise."""
    random = np.random.default_rng(0)
    targets = np.repeat(np.arange(len(counts)), counts)
    colors = random.integers(0, 200, (len(counts), 3))
    inputs = [(colors[i] + random.integers(0, 50, (size, size, 3))).astype(np.uint8) for i in targets]
    classes = tuple(f"class {i}" for i in range(len(counts)))
    return Dataset("blocks", "image", inputs, targets, classes, **more)


def keep_features_in(folder, monkeypatch):
    monkeypatch.setattr("zoo.training.fit.features.cache_folder", lambda: folder)


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path, monkeypatch):
    keep_features_in(tmp_path, monkeypatch)


@pytest.fixture
def ask(net, monkeypatch):
    """The advice on so many examples a class, given what a probe has seen."""

    def call(result, *counts, **more):
        monkeypatch.setattr(advice, "probe", lambda *_, **__: result)
        return advise(blocks(counts, size=8, **more), network=net("squeezenet"))

    return call


@pytest.mark.parametrize(
    ("probe_result", "each", "method", "depth"),
    [
        (SUITS, 19, "features", None),
        (UNLIKE, 19, "features", 0.5),
        (None, 5, "features", None),
        (SUITS, 20, "head", None),
        (EASY, 30, "head", None),
        (UNLIKE, 20, "finetune", 0.5),
        (SUITS, 100, "finetune", 0.75),
        (UNLIKE, 100, "finetune", 0.5),
        (EASY, 100, "head", None),
    ],
)
def test_the_rules(ask, net, probe_result, each, method, depth):
    advised = ask(probe_result, each, each)
    assert advised.method == method
    assert advised.layer == (depth and layer_at(net("squeezenet"), depth))
    assert advised.network == "squeezenet.caffe"
    assert f"{each} examples" in advised.reasons[0]


def test_reasons_say_what_was_measured(ask):
    assert (
        "80% have a nearest neighbor of their class by the embedding, and 60%"
        in ask(SUITS, 30, 30).reasons[1]
    )
    assert "unlike" in ask(UNLIKE, 30, 30).reasons[1]
    assert "was not measured" in ask(None, 30, 30).reasons[1]
    chance = probed(0.55, 0.52)
    assert chance.hardly_tells
    assert not SUITS.hardly_tells
    assert "chance" in ask(chance, 30, 30).reasons[1]


def test_an_earlier_layer_must_be_clearly_better():
    assert probed(0.6, 0.67, error=0.03).earlier_is_better
    assert not probed(0.6, 0.65, error=0.03).earlier_is_better


def test_what_is_wrong_with_the_data_is_mentioned(ask):
    problem = Problem("x.png", "x.png is the same as y.png.")
    text = " ".join(ask(SUITS, 30, 4, 0, problems=(problem,)).reasons)
    for words in (
        'No example of "class 2"',
        'Fewer than 5 examples of "class 1"',
        '"class 0" has 30 examples and "class 1" 4',
        "1 inputs were left out",
        "tiny, 8 pixels on their short side",
    ):
        assert words in text
    fine = " ".join(ask(SUITS, 30, 30).reasons)
    for words in ("No example", "Fewer than 5", "uneven", "left out", "the same as another"):
        assert words not in fine


def test_duplicates_are_counted(net, monkeypatch):
    monkeypatch.setattr(advice, "probe", lambda *_, **__: SUITS)
    data = blocks([20, 20])
    twice = Dataset(
        "d", "image", [*data.inputs, *data.inputs[:3]], np.append(data.targets, [0] * 3), data.classes
    )
    assert any(
        "3 examples are the same as another" in text
        for text in advise(twice, network=net("squeezenet")).reasons
    )


@pytest.mark.parametrize(
    ("method", "words"), [("features", "once"), ("head", "in seconds"), ("finetune", "3 min")]
)
def test_cost_in_words(method, words):
    assert words in advice._cost(method, 3000, SUITS)


def test_a_sample_is_stratified_bounded_and_the_same_again():
    data = blocks([200, 3, 1, 60], size=1)
    examples = sample(data)
    assert examples == sample(data)
    assert np.bincount(data.targets[examples], minlength=4).tolist() == [33, 3, 0, 33], (
        "one alone has no neighbor"
    )
    many = blocks([3] * 80, size=1)
    assert set(np.bincount(many.targets[sample(many)], minlength=80)) == {0, 2}
    assert len(sample(many)) == 100


def test_neighbors_by_hand():
    vectors = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1], [1, 0.05]])
    targets = np.array([0, 0, 1, 1, 1])
    assert layer_probe._neighbors(vectors, targets, None).tolist() == [0, 0, 1, 1, 0]
    groups = np.array(["p", "q", "r", "r", "q"])
    labels = layer_probe._neighbors(vectors, targets, groups)
    assert labels.tolist() == [0, 1, 0, 0, 0], "of one's own group nobody counts"
    alone = layer_probe._neighbors(vectors, targets, np.array(["p", "p", "r", "s", "t"]))
    assert np.isnan(alone[:2]).all(), "whose class is all in its group is not judged"


def test_a_probe_of_easy_data(net):
    result = probe(net("squeezenet"), blocks([6, 6, 6]), layer_at(net("squeezenet"), 0.5))
    assert result.examples == 18
    assert result.classes == 3
    assert result.chance == pytest.approx(1 / 3)
    assert max(result.deep, result.earlier) >= 0.9, "one color a class"
    assert result.seconds > 0


def test_a_probe_survives_what_cannot_be_read(net, tmp_path):
    data = blocks([4, 4])
    (tmp_path / "text.png").write_text("this is text")
    broken = Dataset("b", "image", [tmp_path / "text.png", *data.inputs[1:]], data.targets, data.classes)
    assert probe(net("squeezenet"), broken, "features.5").unreadable == 1
    assert probe(net("squeezenet"), blocks([4, 1]), "features.5") is None, (
        "of one class there is no telling apart"
    )
    nothing = Dataset("n", "image", [tmp_path / "text.png"] * 4, np.array([0, 0, 1, 1]), ("a", "b"))
    assert probe(net("squeezenet"), nothing, "features.5") is None


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Advice that tries as many examples on a busy machine as on a quiet one."""
    monkeypatch.setattr(advice, "probe", partial(probe, seconds=600))


@pytest.mark.usefixtures("patient")
def test_spoken_digits_ask_for_an_earlier_layer_than_the_embedding(net, media):
    """YAMNet was trained to hear that it is speech, and not which word."""
    files = sorted((media / "digits").glob("*_[01].wav"))  # two takes of ten digits by six speakers
    targets = np.array([int(file.name[0]) for file in files])
    groups = tuple(file.stem.split("_")[1] for file in files)
    advised = advise(
        Dataset("digits", "audio", files, targets, tuple("0123456789"), groups=groups), network=net("yamnet")
    )
    assert advised.method == "features"
    assert advised.layer == "layer7"


@pytest.mark.usefixtures("patient")
def test_ants_and_bees_suit_a_network_that_knows_insects(net, media):
    files = sorted((media / "ants-bees/train").rglob("*.jpg"))[::4]
    targets = np.array([int(file.parent.name == "bees") for file in files])
    advised = advise(
        Dataset("insects", "image", files, targets, ("ant", "bee")), network=net("efficientnet_lite0")
    )
    assert advised.method == "head"
    assert advised.layer is None
    assert "late layers suit the data" in advised.reasons[1]
    assert json.loads(json.dumps(advised.to_dict()))["method"] == "head"
    with pytest.raises(FrozenInstanceError):
        advised.method = "other"


def test_advice_is_a_table_and_shows_itself_in_a_notebook():
    example = advice.Advice(
        "finetune", "squeezenet.caffe", "features.7", ("Many <b>examples</b>.",), "An hour."
    )
    assert example.table().to_numpy().tolist() == [
        ["method", "finetune"],
        ["network", "squeezenet.caffe"],
        ["layer", "features.7"],
        ["reason", "Many <b>examples</b>."],
        ["cost", "An hour."],
    ]
    source = example._repr_html_()
    for text in ("Advice: finetune", "squeezenet.caffe at features.7", "Many &lt;b&gt;examples", "An hour."):
        assert text in source


def test_auto_takes_the_most_accurate_network_at_hand():
    assert best_embedded("image") == "efficientnet_lite2.tf"
    assert best_embedded("audio") == "yamnet.audioset"


def test_what_makes_no_sense_is_said(net):
    with pytest.raises(InputError, match="examples of 1 classes"):
        advise(blocks([3, 0]))
    with pytest.raises(InputError, match="takes recordings"):
        advise(blocks([3, 3]), network=net("yamnet"))
    assert zoo.Advice is advice.Advice


def test_slow_examples_are_fewer_and_of_all_classes(net):
    data, reports = blocks([80, 80]), []
    network = net("squeezenet")
    result = probe(
        network,
        data,
        layer_at(network, 0.5),
        seconds=0.0,
        progress=lambda done, total: reports.append((done, total)),
    )
    assert (result.examples, result.classes) == (layer_probe.MIN_EXAMPLES, 2)
    assert reports[:2] == [(0, 100), (8, 100)]
    assert reports[-1] == (100, 100)


def test_advice_can_be_stopped(net):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        advise(blocks([6, 6]), network=net("squeezenet"), progress=stop)


@pytest.mark.parametrize("modality", ["image", "audio"])
def test_a_training_after_the_advice_finds_the_features(net, tmp_path, monkeypatch, modality):
    """All of pictures and short recordings; a long recording was not tried to its end."""
    network = net("squeezenet" if modality == "image" else "yamnet")
    data = blocks([6, 6]) if modality == "image" else hums([1, 1, 1, 12])
    advise(data, network=network)
    assert count_missing(network, data) == (modality == "audio")
    stored = FeatureStore(network).read(data.hashes)
    keep_features_in(tmp_path / "other", monkeypatch)
    expected = features(network, data)
    for i, content in enumerate(data.hashes):
        if content in stored:
            rows = expected.values[expected.example == i]
            np.testing.assert_allclose(stored[content], rows, atol=1e-3 * np.abs(rows).max())


def hums(seconds):
    """Recordings of a hum, of two classes by turns."""
    targets = np.arange(len(seconds)) % 2
    times = [2 * np.pi * np.arange(16000 * n) / 16000 for n in seconds]
    inputs = [np.sin(110 * (1 + target) * t) for t, target in zip(times, targets, strict=True)]
    return Dataset("hums", "audio", inputs, targets, ("low", "high"), sample_rate=16000)
