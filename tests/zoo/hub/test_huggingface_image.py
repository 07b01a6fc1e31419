"""Any Hugging Face classifier by name: tiny ones, made here, through the path of the large ones."""

import json

import numpy as np
import pytest
import torch
from transformers import (
    AutoImageProcessor,
    AutoModelForImageClassification,
    BertConfig,
    ConvNextConfig,
    ConvNextForImageClassification,
    ConvNextImageProcessor,
    ViTConfig,
    ViTForImageClassification,
    ViTImageProcessor,
)
from transformers.utils import logging

import zoo
from zoo.core.errors import InputError, UnknownNameError, WeightsError
from zoo.vision.decoding import decode

PICTURE = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
LABELS = {0: "ant, emmet", 1: "bee", 2: "wasp"}


def vit(folder, **options):
    config = ViTConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=32,
        patch_size=8, id2label=LABELS, label2id={v: k for k, v in LABELS.items()}, **options,
    )  # fmt: skip
    ViTForImageClassification(config).save_pretrained(folder)
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)


def convnext(folder):
    config = ConvNextConfig(depths=[1, 1], hidden_sizes=[8, 16], num_stages=2, id2label=LABELS)
    ConvNextForImageClassification(config).save_pretrained(folder)
    ConvNextImageProcessor(size={"shortest_edge": 64}).save_pretrained(folder)


@pytest.fixture(params=[vit, convnext], ids=lambda make: make.__name__)
def checkpoint(request, tmp_path, empty_cache):
    torch.manual_seed(0)
    folder = tmp_path / "tiny-insects"
    request.param(folder)
    (folder / "README.md").write_text("---\nlicense: mit\n---\nTiny.\n")
    return folder


def test_it_is_the_network_and_the_processor_of_transformers(checkpoint):
    """1e-5: the same network on the same tensors."""
    net = zoo.load(f"hf:{checkpoint}", device="cpu")
    model = AutoModelForImageClassification.from_pretrained(checkpoint).eval()
    inputs = AutoImageProcessor.from_pretrained(checkpoint)(images=decode(PICTURE), return_tensors="pt")
    torch.testing.assert_close(net.preprocess(PICTURE), inputs["pixel_values"], atol=1e-5, rtol=0)
    with torch.inference_mode():
        theirs = torch.softmax(model(**inputs).logits, dim=1)[0].numpy()
    result = net.classify(PICTURE, top=3)
    np.testing.assert_allclose(result.all_scores, theirs, atol=1e-5)
    assert set(result.labels) == {"ant", "bee", "wasp"}
    assert net.embed(PICTURE).values.shape == (1, model.classifier.in_features)


def test_the_record_is_read_from_the_checkpoint(checkpoint):
    spec = zoo.describe(f"hf:{checkpoint}")
    assert (spec.classes, spec.license, spec.title) == (3, "mit", "tiny-insects")
    assert zoo.load(f"hf:{checkpoint}", weights=None).preprocessor.describe().endswith(".")
    assert json.loads(json.dumps(spec.to_dict()))["head_layer"] == "model.classifier"


def test_a_multi_label_head_has_independent_scores(tmp_path, empty_cache):
    vit(tmp_path / "many", problem_type="multi_label_classification")
    net = zoo.load(f"hf:{tmp_path / 'many'}", device="cpu")
    assert net.spec.activation == "sigmoid"
    assert net.classify(PICTURE, top=3).scores.sum() != pytest.approx(1, abs=0.05)


def test_a_layer_of_tokens_is_averaged_over_them(tmp_path, empty_cache):
    vit(tmp_path / "vit")
    net = zoo.load(f"hf:{tmp_path / 'vit'}", device="cpu")
    layer = next(name for name in net.layers().name if name.endswith("layernorm"))
    tokens = net.activations(PICTURE, layers=[layer])[layer]
    assert tokens.shape == (1, 17, 32)
    np.testing.assert_allclose(net.embed(PICTURE, layer=layer).values, tokens.mean(dim=1).numpy(), atol=1e-5)


def test_a_folder_that_changes_is_another_checkpoint(tmp_path, empty_cache):
    from zoo.hub.registry import _from_hub

    vit(tmp_path / "vit")
    before = zoo.load(f"hf:{tmp_path / 'vit'}", device="cpu").classify(PICTURE).all_scores
    vit(tmp_path / "vit")
    _from_hub.cache_clear()
    after = zoo.load(f"hf:{tmp_path / 'vit'}", device="cpu").classify(PICTURE).all_scores
    assert not np.allclose(before, after)


@pytest.mark.parametrize("bar", [True, False])
def test_the_logging_and_random_state_of_the_host_stay(tmp_path, empty_cache, bar):
    vit(tmp_path / "vit")
    was_on = logging.is_progress_bar_enabled()
    try:
        (logging.enable_progress_bar if bar else logging.disable_progress_bar)()
        level, state = logging.get_verbosity(), torch.get_rng_state()
        zoo.load(f"hf:{tmp_path / 'vit'}", device="cpu")
        assert (logging.is_progress_bar_enabled(), logging.get_verbosity()) == (bar, level)
        assert torch.get_rng_state().equal(state)
    finally:
        (logging.enable_progress_bar if was_on else logging.disable_progress_bar)()


def test_weights_that_are_missing_or_cut_short_are_refused(tmp_path, empty_cache):
    vit(tmp_path / "vit")
    weights = tmp_path / "vit" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    with pytest.raises(WeightsError, match="no complete network"):
        zoo.load(f"hf:{tmp_path / 'vit'}")
    weights.unlink()
    with pytest.raises(WeightsError):
        zoo.load(f"hf:{tmp_path / 'vit'}")


def test_what_is_no_image_classifier_is_refused(tmp_path, monkeypatch):
    BertConfig().save_pretrained(tmp_path / "bert")
    with pytest.raises(UnknownNameError, match="neither an image classifier"):
        zoo.describe(f"hf:{tmp_path / 'bert'}")
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    with pytest.raises(UnknownNameError, match=r"checkpoint hf:someone/something .*ZOO_OFFLINE=1"):
        zoo.describe("hf:someone/something")


def test_a_checkpoint_is_explained_as_far_as_it_has_maps(tmp_path):
    convnext(tmp_path / "convnext")
    net = zoo.load(f"hf:{tmp_path / 'convnext'}")
    explanation = net.explain(PICTURE, target="bee")
    assert explanation.values.shape == (8, 8)
    assert explanation.layer.startswith("model.")
    assert explanation.map.shape == PICTURE.shape[:2]
    vit(tmp_path / "vit")
    net = zoo.load(f"hf:{tmp_path / 'vit'}")
    with pytest.raises(InputError, match="does not end in maps"):
        net.explain(PICTURE)
    explanation = net.explain(PICTURE, method="occlusion")
    np.testing.assert_allclose(
        explanation.crop_box, (0, 0, 120, 90), atol=1.5
    )  # all of it, squeezed into a square
