"""Stored features: those of the network, computed once, whatever happens in between."""

import numpy as np
import pytest
import torch

import zoo
from zoo.core.errors import InputError
from zoo.training.data.dataset import Dataset
from zoo.training.fit import features as module
from zoo.training.fit.features import FeatureStore, features


def pictures(count: int = 70) -> Dataset:
    rng = np.random.default_rng(0)
    inputs = [rng.integers(0, 255, (40, 50, 3), np.uint8) for _ in range(count)]
    return Dataset("noise", "image", inputs, np.arange(count) % 2, ("a", "b"))


def weights_here(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path)


@pytest.fixture
def passes(monkeypatch):
    """How many examples went through a body."""
    sizes = []
    compute = zoo.Network.batches

    def batches(self, x, **options):
        sizes.append(len(x))
        return compute(self, x, **options)

    monkeypatch.setattr(zoo.Network, "batches", batches)
    return sizes


@pytest.mark.parametrize("name", ["squeezenet", "efficientnet_lite0"])
def test_they_are_what_the_head_sees(net, name, monkeypatch, tmp_path):
    weights_here(monkeypatch, tmp_path)
    network, data = net(name), pictures(5)
    rows = features(network, data)
    head = network.module.get_submodule(network.spec.head_layer)
    logits, _ = network.engine(network.preprocess(data.inputs))
    x = torch.from_numpy(rows.values)
    with torch.no_grad():
        if name == "squeezenet":  # whose rectifier comes between the head and the mean
            rectified = network.embed(data.inputs, layer=network.spec.head_layer, pool=False)
            maps = rectified.values.reshape(5, 1000, -1)
            np.testing.assert_allclose(head(x[:, :, None, None]).flatten(1), maps.mean(axis=2), atol=2e-4)
        else:
            np.testing.assert_allclose(head(x), logits, atol=2e-4)


def test_other_padding_has_features_of_its_own(net):
    network = net("crepe.tiny")
    padded = network.with_preprocessor(network.preprocessor.padded())
    assert padded.preprocessor.describe() == network.preprocessor.describe()
    assert FeatureStore(padded).path != FeatureStore(network).path
    assert FeatureStore(network.with_preprocessor(network.preprocessor)).path == FeatureStore(network).path


def test_nothing_is_computed_twice(net, monkeypatch, tmp_path, passes):
    weights_here(monkeypatch, tmp_path)
    data, reports = pictures(), []
    first = features(net("squeezenet"), data, progress=lambda *step: reports.append(step))
    assert sum(passes) == 70
    assert reports[-1] == (70, 70)
    again = features(net("squeezenet"), data.take([5, 3]))
    assert sum(passes) == 70
    np.testing.assert_array_equal(again.values, first.values[[5, 3]])
    features(net("efficientnet_lite0"), data.take([5, 3]))
    assert sum(passes) == 72


def test_a_run_that_was_killed_goes_on(net, monkeypatch, tmp_path, passes):
    weights_here(monkeypatch, tmp_path)

    def kill(done, total):
        if done >= module._CHUNK:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        features(net("squeezenet"), pictures(), progress=kill)
    assert sum(passes) == module._CHUNK
    features(net("squeezenet"), pictures())
    assert sum(passes) == 70


def test_a_damaged_store_is_made_anew(net, monkeypatch, tmp_path, passes):
    weights_here(monkeypatch, tmp_path)
    data = pictures(3)
    first = features(net("squeezenet"), data)
    (store,) = (tmp_path / "features").glob("*.sqlite")
    store.write_bytes(b"no database" * 100)
    np.testing.assert_array_equal(features(net("squeezenet"), data).values, first.values)
    assert sum(passes) == 6


def test_recordings_have_a_row_a_window(net, monkeypatch, tmp_path):
    weights_here(monkeypatch, tmp_path)
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal(n).astype(np.float32) * 0.1 for n in (8000, 40000)]
    data = Dataset("noise", "audio", inputs, np.array([0, 1]), ("a", "b"), sample_rate=16000)
    rows = features(net("yamnet"), data)
    assert rows.example.tolist() == [0, 1, 1, 1, 1, 1]
    expected = net("yamnet").embed(inputs[1], sample_rate=16000).values
    np.testing.assert_allclose(rows.values[1:], expected, atol=1e-4)
    second = rows.take(np.array([1]))
    assert second.example.tolist() == [0] * 5
    np.testing.assert_array_equal(second.values, rows.values[1:])


def test_an_encoder_has_no_features_for_a_head(net):
    network = net("squeezenet").replace_head(2, kind="kernel", vectors=3)
    with pytest.raises(InputError, match="no head"):
        features(network, pictures(2))
