"""Any timm classifier by name, from a mirror folder that stands for its host."""

import json

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.data import create_transform, resolve_data_config

import zoo
from zoo.core.errors import UnknownNameError, WeightsError
from zoo.hub import weights
from zoo.vision.decoding import decode

NAME = "resnet10t.c3_in1k"


@pytest.fixture
def random_weights(tmp_path, empty_cache, monkeypatch):
    """timm's own network with random weights, as the file that its host would give."""
    torch.manual_seed(0)
    model = timm.create_model(NAME).eval()
    (tmp_path / "timm" / NAME).mkdir(parents=True)
    save_file(model.state_dict(), tmp_path / "timm" / NAME / "model.safetensors")
    monkeypatch.setenv("ZOO_MIRROR", str(tmp_path))
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    return model


def test_it_is_timms_network_with_timms_preprocessing(random_weights, monkeypatch):
    """Logits to 1e-4: the same network; its input differs by rounding only."""
    picture = np.random.default_rng(0).integers(0, 255, (300, 500, 3), np.uint8)
    net = zoo.load(f"timm:{NAME}", device="cpu")
    transform = create_transform(**resolve_data_config(pretrained_cfg=random_weights.pretrained_cfg))
    theirs = transform(decode(picture))[None]
    difference = (net.preprocess(picture) - theirs).abs()
    assert difference.max() < 1.01 / 255 / min(random_weights.pretrained_cfg["std"])  # one level of 255
    assert (difference > 1e-5).float().mean() < 0.01
    with torch.inference_mode():
        torch.testing.assert_close(net.module(theirs), random_weights(theirs), atol=1e-4, rtol=0)
        features = random_weights.forward_head(random_weights.forward_features(theirs), pre_logits=True)
    vectors = net.embed(picture)
    assert vectors.layer == "input of fc"
    np.testing.assert_allclose(vectors.values, features.numpy(), atol=1e-4)
    result = net.classify(picture)
    assert len(result.all_scores) == 1000
    assert result.ids[0].startswith("n0")


def test_the_record_is_read_from_timms_configuration():
    spec = zoo.describe(f"timm:{NAME}")
    assert (spec.classes, spec.input_shape, spec.license) == (1000, (3, 176, 176), "apache-2.0")
    assert spec.parameters == sum(p.numel() for p in timm.create_model(NAME).parameters())
    assert zoo.describe("timm:resnet10t").name == f"timm:{NAME}"
    assert json.loads(json.dumps(spec.to_dict()))["head_layer"] == "fc"


def test_timm_downloads_nothing_in_place_of_an_empty_file(tmp_path, monkeypatch):
    spec = zoo.describe(f"timm:{NAME}")
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: pytest.fail("timm was asked for weights"))
    save_file({}, tmp_path / "empty.safetensors")
    with pytest.raises(WeightsError, match=r"empty\.safetensors .* no tensors"):
        weights.load(spec, tmp_path / "empty.safetensors")


def test_a_fresh_head_on_a_transformer():
    net = zoo.load("timm:vit_tiny_patch16_224", weights=None, num_classes=4, device="cpu")
    picture = np.zeros((50, 50, 3), np.uint8)
    assert len(net.classify(picture).all_scores) == 4
    assert net.embed(picture).values.shape == (1, 192)
    assert net.embed(picture, layer="blocks.3").values.shape == (1, 192)


def test_classes_beyond_the_usual_thousand_have_labels_too():
    net = zoo.load("timm:vit_tiny_patch16_224.augreg_in21k", weights=None, device="cpu")
    assert len(net.labels) == net.spec.classes > 20000
    assert net.labels[0].label


@pytest.mark.parametrize("name", ["timm:nonsense", "timm:resnet18.nonsense", "timm:darknet17"])
def test_what_timm_has_no_weights_for(name):
    with pytest.raises(UnknownNameError, match="timm has no checkpoint"):
        zoo.describe(name)
