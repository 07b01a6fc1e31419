"""From uploads to a network that was judged and saved, as the app does it."""

import importlib
import io
import re
import threading
import zipfile
from functools import partial

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.app.services.job_queue import JobQueue
from zoo.app.services.jobs import INSTANT, LONG, SHORT
from zoo.app.services.project_record import TrainingConfig
from zoo.app.services.training_job import curves, kind_of, packed, train_network, verdict
from zoo.app.services.uploads import from_zip, store
from zoo.training.evaluation.evaluation import Evaluation
from zoo.training.fit.features import features, forget


def color(rgb: tuple[int, int, int], seed: int) -> bytes:
    """A picture of noise around a color."""
    noise = np.random.default_rng(seed).normal(rgb, 30, (64, 64, 3)).clip(0, 255)
    stream = io.BytesIO()
    Image.fromarray(noise.astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def colors(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for label, rgb in (("red", (200, 40, 40)), ("blue", (40, 40, 200))):
            for i in range(6):
                archive.writestr(f"{label}/{label}{i}.png", color(rgb, 10 * rgb[0] + i))
    (path,) = store([("colors.zip", stream.getvalue())], tmp_path)
    return from_zip(path, tmp_path, progress=lambda *_: None)


def run(net, data, choices, folder):
    job = JobQueue().begin(partial(train_network, net, data, choices, folder), SHORT)
    assert job.wait(300)
    return job


@pytest.mark.parametrize("method", ["features", "head"])
def test_two_colors_are_learned_judged_and_saved(net, colors, tmp_path, method):
    parent = net("efficientnet_lite0")
    options = {"epochs": 20} if method == "head" else {"classifier": "logistic"}
    job = run(parent, colors, TrainingConfig(method, held=0.34, **options), tmp_path / "trained" / "network")
    assert (job.state, job.error) == ("done", "")
    trained = job.result
    assert trained.evaluation.accuracy == 1
    assert len(trained.evaluation) == len(trained.held) == 4
    assert trained.network.name == "blue or red"
    assert trained.network.spec.title == "EfficientNet-Lite0 taught blue or red"
    assert parent.name == "efficientnet_lite0.tf"
    fresh = zoo.load(str(trained.folder), device="cpu").classify(color((190, 50, 30), 7))
    assert fresh.labels[0] == "red"
    assert zipfile.ZipFile(io.BytesIO(packed(trained.folder))).namelist() == [
        "network/README.md",
        "network/network.json",
        "network/weights.safetensors",
    ]
    assert str(tmp_path) not in (trained.folder / "network.json").read_text()


def test_too_few_examples_are_a_sentence(net, colors, tmp_path):
    job = run(
        net("efficientnet_lite0"), colors.take([0, 1, 2, 6, 7]), TrainingConfig("head"), tmp_path / "network"
    )
    assert (job.state, job.result) == ("failed", None)
    assert "'red' has 2 examples" in job.error


def test_what_was_computed_of_examples_can_be_forgotten(net, colors, tmp_path, monkeypatch):
    parent, reports = net("efficientnet_lite0"), []
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    for part in (colors, colors.take(range(6))):
        features(parent, part)
    forget(colors.hashes[:6])
    features(parent, colors, progress=lambda done, total: reports.append((done, total)))
    assert reports == [(11, 12), (12, 12)]  # the first six anew, in one batch after the six that were kept
    (store,) = (tmp_path / "cache" / "features").glob("*.sqlite")
    assert colors.hashes[0].encode() in store.read_bytes()
    forget(colors.hashes)
    assert not any(content.encode() in store.read_bytes() for content in colors.hashes)


def test_stored_features_make_a_training_instant_and_many_missing_ones_make_it_long(
    net, colors, tmp_path, monkeypatch
):
    parent, head = net("efficientnet_lite0"), TrainingConfig("head", held=0.34)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    assert kind_of(parent, colors, head) is SHORT
    assert kind_of(parent, colors, TrainingConfig("finetune")) is LONG
    monkeypatch.setattr("zoo.app.services.training_job.SHORT_EXAMPLES", 7)
    assert kind_of(parent, colors, head) is LONG
    features(parent, colors.split(0.34)[0])
    assert kind_of(parent, colors, head) is INSTANT
    other = TrainingConfig("head", held=0.34, seed=1)  # holds out other examples
    assert kind_of(parent, colors, other) is SHORT


# Method and options of a training, and which call of which function begins a stage of it.
STAGES = {
    "features": ("features", {}, "zoo.inference.network.Network.batches", 1),
    "cross-validation": ("features", {}, "zoo.training.fit.classical._WatchedScore.__call__", 3),
    "head": ("head", {}, "zoo.training.fit.loop._Run.epoch", 3),
    "head on all examples": ("head", {"epochs": 2}, "zoo.training.fit.loop._Run.epoch", 3),
    "head before fine-tuning": ("finetune", {}, "zoo.training.fit.loop._Run.epoch", 2),
    "fine-tuning": ("finetune", {}, "zoo.training.fit.loaders.LazyExamples.batches", 1),
    "validation": ("finetune", {}, "zoo.training.fit.loaders.LazyExamples.batches", 2),
    "calibration": ("finetune", {"epochs": 1}, "zoo.training.fit.loaders.LazyExamples.batches", 3),
    "evaluation": ("features", {}, "zoo.inference.network.Network.classify", 1),
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_training_whose_owner_left_ends_in_every_stage(net, colors, tmp_path, monkeypatch, stage):
    """It is abandoned when a stage begins, and must end with the report of progress after that."""
    method, options, function, call = STAGES[stage]
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    owner, name = resolve(function)
    original, calls, later = getattr(owner, name), [], []

    def leaving(self, *arguments, **settings):
        calls.append(name)
        if len(calls) == call:
            running.abandon()
        later.extend([name] * (len(calls) > call))
        return original(self, *arguments, **settings)

    monkeypatch.setattr(owner, name, leaving)
    begin = threading.Event()

    def work(job):
        begin.wait(60)
        return train_network(
            net("squeezenet"),
            colors,
            TrainingConfig(method, held=0.34, **options),
            tmp_path / "network",
            job,
        )

    running = JobQueue().begin(work, SHORT)
    begin.set()
    assert running.wait(300)
    assert len(calls) >= call, "the stage was reached"
    assert later == [], "and nothing more of it was begun"
    assert (running.state, running.result) == ("stopped", None)
    assert not (tmp_path / "network").exists()


def resolve(path: str) -> tuple[type, str]:
    """The class and the name of a method, by its path."""
    module, owner, name = path.rsplit(".", 2)
    return getattr(importlib.import_module(module), owner), name


def judged(right: int, wrong: int) -> Evaluation:
    targets = np.zeros(right + wrong, int)
    scores = np.tile([0.9, 0.1], (right + wrong, 1)).astype(np.float32)
    scores[right:] = [0.2, 0.8]
    names = tuple(f"{i}.png" for i in range(right + wrong))
    return Evaluation("net", "data", ("a", "b"), names, targets, scores)


def test_a_verdict_says_how_little_is_known():
    assert verdict(judged(10, 0)).endswith("classified correctly; up to 30% of new ones may still be wrong.")
    text = verdict(judged(15, 5))
    assert text.startswith("15 of 20 held-out examples are classified correctly: expect ")
    low, high = (int(number) for number in re.findall(r"expect (\d+)% to (\d+)%", text)[0])
    assert low < 75 < high


def test_curves_have_a_line_for_each_split_and_measure():
    row = {"loss": 0.5, "accuracy": 0.75, "validation_loss": 0.6, "validation_accuracy": 0.7}
    figure = curves([{"epoch": 1, **row}, {"epoch": 2, **row}])
    assert [line.y[0] for line in figure.data] == [0.75, 0.7, 0.5, 0.6]
    assert list(figure.data[0].x) == [1, 2]
