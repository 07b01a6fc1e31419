"""An exported network gives elsewhere what it gives here."""

import json

import numpy as np
import onnxruntime
import pytest

import zoo
from zoo.core.errors import InputError


@pytest.mark.parametrize("name", ["squeezenet", "yamnet", "crepe.tiny"])
def test_an_exported_network_gives_the_same_elsewhere(tmp_path, name):
    net = zoo.load(name)
    path = zoo.export(net, tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(path)
    sample = {"image": "cat.png", "audio": "melody.wav"}[net.spec.modality]
    data = net.preprocess(zoo.sample(sample))[:4]
    outputs, layer = session.run(["outputs", "layer"], {"data": data.numpy()})
    expected = net.activations(zoo.sample(sample), layers=[net.spec.embedding_layer])[
        net.spec.embedding_layer
    ][:4]
    assert np.abs(layer - expected.numpy()).max() <= 1e-4 * np.abs(expected.numpy()).max()
    activate = {"softmax": lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True)}
    scores = activate.get(net.spec.activation, lambda x: 1 / (1 + np.exp(-x)))(outputs)
    assert np.abs(scores - net.scores(data)).max() <= 1e-4
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["labels"]) == [label.label for label in net.labels]
    assert about["preprocessing"] == net.preprocessor.describe()
    assert about["activation"] == net.spec.activation


def test_a_network_by_name_is_exported(tmp_path):
    assert zoo.export("squeezenet", tmp_path / "net.onnx").stat().st_size > 4e6


def test_other_formats_and_missing_folders_are_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        zoo.export("squeezenet", tmp_path / "absent" / "net.onnx")
    with pytest.raises(InputError, match=r"net\.pb is not the name of an \.onnx file"):
        zoo.export(zoo.load("crepe.tiny"), tmp_path / "net.pb")
    assert not list(tmp_path.iterdir())
