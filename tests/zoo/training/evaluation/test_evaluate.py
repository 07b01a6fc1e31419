"""Networks judged on real and on made-up examples."""

import io

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.core.errors import InputError
from zoo.core.labels import Label
from zoo.results.problem import Problem
from zoo.training.data.dataset import Dataset
from zoo.training.evaluation.evaluate import class_names

RATE = 16000


def pictures(inputs, classes, targets=None, **more):
    targets = np.arange(len(inputs)) if targets is None else np.array(targets)
    return Dataset("some pictures", "image", inputs, targets, tuple(classes), **more)


def noise(seed, size=64):
    return np.random.default_rng(seed).integers(0, 255, (size, size, 3), np.uint8)


@pytest.fixture(scope="module")
def photos(media) -> Dataset:
    """The photos of ImageNet's classes, whose file names hold index and wnid."""
    files = sorted((media / "photos").glob("*.jpg"))
    return pictures(files, [file.name.split("_")[1] for file in files])


@pytest.fixture(scope="module")
def judged(photos, net):
    return zoo.evaluate(photos, network=net("efficientnet_lite0"))


def test_the_photos_are_known(photos, judged):
    assert len(judged) == 40
    assert [judged.classes[i] for i in judged.targets[:2]] == ["brambling", "ptarmigan"]
    assert judged.targets.tolist() == [int(file.name[:3]) for file in photos.inputs]
    assert judged.accuracy == 39 / 40  # as INSTALL.md of the shared files measured
    assert judged.top(5) == 1
    assert judged.scores.shape == (40, 1000)
    low, high = judged.interval("accuracy")
    assert low < 39 / 40 <= high


def test_scores_are_those_of_classify_and_conditions_are_told(photos, judged, net):
    alone = net("efficientnet_lite0").classify(photos.inputs[17])
    np.testing.assert_allclose(judged.scores[17], alone.all_scores, atol=1e-5)  # another size of batch
    assert judged.inputs[17] == str(photos.inputs[17])
    assert judged.conditions["data, SHA-256"] == photos.fingerprint
    assert "224" in judged.conditions["preprocessing"]


def test_classes_are_found_by_label_identifier_or_synonym_whatever_the_case(net):
    classes = ["TABBY", "n01530575", "Dandie Dinmont terrier", "crane (bird)"]
    data = pictures([noise(i) for i in range(4)], classes)
    result = zoo.evaluate(data, network=net("squeezenet"))
    assert result.targets.tolist() == [281, 10, 194, 134]
    assert len(result.classes) == 1000


def test_classes_that_the_network_lacks_are_named_at_once(net):
    data = pictures([noise(0)], ["tabby", "unicorn", "griffin", "sphinx", "hydra"])
    with pytest.raises(InputError, match='does not know "unicorn", "griffin", "sphinx" and 1 more'):
        zoo.evaluate(data, network=net("squeezenet"))
    with pytest.raises(InputError, match="n02012849 or n03126707"):
        zoo.evaluate(pictures([noise(0)], ["crane"]), network=net("squeezenet"))


def test_what_cannot_be_decoded_is_a_problem_and_the_rest_is_judged(net, tmp_path):
    (tmp_path / "text.jpg").write_text("this is text")
    good = io.BytesIO()
    Image.fromarray(noise(1)).save(good, "PNG")
    inputs = [noise(0), tmp_path / "text.jpg", good.getvalue(), tmp_path / "absent.jpg"]
    before = Problem("old.png", "old.png is the same as new.png.")
    data = pictures(inputs, ["tabby", "tiger"], [0, 0, 1, 0], groups=tuple("pqrs"), problems=(before,))
    result = zoo.evaluate(data, network=net("squeezenet"))
    assert result.positions.tolist() == [0, 2]
    assert result.targets.tolist() == [281, 292]
    assert result.groups == ("p", "r")
    assert [problem.input for problem in result.problems] == ["old.png", *map(str, inputs[1::2])]
    assert "does not exist" in result.problems[2].reason
    with pytest.raises(InputError, match="No example of"):
        zoo.evaluate(data.take([1]), network=net("squeezenet"))


def test_a_folder_is_read_and_the_network_loaded_for_a_device(tmp_path):
    for number, label in enumerate(("tabby", "tiger")):
        (tmp_path / label).mkdir()
        Image.fromarray(noise(number)).save(tmp_path / label / "0.png")
    result = zoo.evaluate(tmp_path, network="squeezenet", device="cpu", engine="torch")
    assert result.classes[281] == "tabby"
    assert sorted(result.targets) == [281, 292]
    with pytest.raises(InputError, match="tpu"):
        zoo.evaluate(str(tmp_path), network="squeezenet", device="tpu")
    with pytest.raises(InputError, match="tpu"):
        zoo.advise(tmp_path, network="squeezenet", device="tpu")


def test_sounds_are_judged_one_by_one(net, media):
    reports = []
    dog = media / "sounds/dog_975ms.wav"
    miaow = media / "sounds/miaow_16k.wav"
    data = Dataset("sounds", "audio", [miaow, dog, miaow], np.array([0, 1, 0]), ("animal", "speech"))
    result = zoo.evaluate(data, network=net("yamnet"), progress=lambda *done: reports.append(done))
    assert result.accuracy == 2 / 3, "a dog is no speech"
    np.testing.assert_allclose(result.scores[0], net("yamnet").classify(miaow).all_scores)
    assert reports == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_arrays_of_sound_come_with_their_rate(net):
    silence = np.zeros(RATE, np.float32)
    data = Dataset(
        "arrays", "audio", [silence, silence[:10]], np.array([0, 0]), ("Silence",), sample_rate=RATE
    )
    result = zoo.evaluate(data, network=net("yamnet"))
    assert result.accuracy == 1
    assert result.problems[0].input == "ndarray 2"


def test_what_makes_no_sense_is_said(net):
    data = pictures([noise(0)], ["tabby"])
    with pytest.raises(InputError, match="takes recordings"):
        zoo.evaluate(data, network=net("yamnet"))
    with pytest.raises(InputError, match="does not support the task classify"):
        zoo.evaluate(Dataset("s", "audio", ["x.wav"], np.array([0]), ("a",)), network=net("crepe.tiny"))
    with pytest.raises(InputError, match="holds no example"):
        zoo.evaluate(data.take([]), network="squeezenet")
    with pytest.raises(zoo.ZooError):
        zoo.evaluate(data, network="no such network")


def test_classes_of_one_label_are_told_apart():
    labels = [Label("1", "crane"), Label("2", "crane"), Label("3", "owl")]
    assert class_names(labels) == ("crane (1)", "crane (2)", "owl")
