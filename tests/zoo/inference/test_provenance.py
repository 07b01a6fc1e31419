"""What networks say of themselves: it follows their weights, preprocessing and options, and nothing else."""

import numpy as np
import pytest
import torch

import zoo
from zoo.core import canaries
from zoo.core.errors import InputError
from zoo.hub import weights
from zoo.inference.provenance import hash_tensors, hash_weights, provenance
from zoo.results import Embedding
from zoo.results.provenance import MAX_NUMBERS, difference, drift

PICTURE = canaries.pictures()[0]
SOUND, RATE = canaries.sound(2), canaries.SAMPLE_RATE


def loaded(name: str, **options):
    return zoo.load(name, device="cpu", **options)


def test_an_embedding_says_what_made_it(net):
    origin = net("squeezenet").embed(PICTURE).provenance
    assert (origin.task, origin.network, origin.architecture) == ("embed", "squeezenet.caffe", "squeezenet")
    assert (origin.license, origin.dtype, origin.device) == (net("squeezenet").spec.license, "fp32", "cpu")
    assert origin.options == {"layer": "features", "pool": True, "mean": False, "overlap": None}
    assert origin.preprocessing["type"] == "resize_crop"
    assert origin.preprocessing["crop"] == 227
    assert set(origin.versions) >= {"zoo", "python", "numpy", "torch"}
    assert ("onnxruntime" in origin.versions) == (origin.engine == "onnxruntime")


@pytest.mark.parametrize("name", ["squeezenet", "yamnet", "crepe.tiny"])
def test_canaries_are_embedded_as_anything_else_is(net, name):
    origin, sound = provenance(net(name)), net(name).spec.modality == "audio"
    inputs = [canaries.sound()] if sound else canaries.pictures()
    rows = net(name).embed(inputs, sample_rate=RATE if sound else None).values
    rows = rows[[0, round((len(rows) - 1) / 2), -1]]
    assert origin.canary.sha256 == canaries.sha256(inputs)
    np.testing.assert_allclose(origin.canary.array(), rows, atol=1e-5 * abs(rows).max())


@pytest.mark.parametrize("name", ["squeezenet", "yamnet", "crepe.tiny"])
def test_engines_and_precisions_are_comparable(net, name):
    origin = provenance(net(name))
    for engine in ("torch", "onnxruntime"):
        other = provenance(loaded(name, engine=engine))
        assert other.engine == engine
        assert difference(origin, other) is None
        assert drift(origin, other).largest < 1e-5 * abs(origin.canary.array()).max()
    assert difference(origin, provenance(loaded(name, dtype="bf16"))) is None


def test_changed_weights_have_another_hash_and_vectors():
    net = loaded("squeezenet")
    before = net.embed(PICTURE)
    assert net.embed(PICTURE).provenance is before.provenance
    with torch.no_grad():
        net.module.features[0].weight.mul_(1.001)
    after = net.embed(PICTURE)
    with pytest.raises(InputError, match="the weights differ"):
        Embedding.joined([before, after])
    with torch.no_grad():
        net.module.features[0].weight.div_(1.001).mul_(1.001)
    assert net.embed(PICTURE).provenance is not after.provenance


def test_a_layer_that_is_exchanged_shows_in_the_canaries():
    net = loaded("squeezenet", engine="torch")
    before = provenance(net)
    net.module.features[1] = torch.nn.Sigmoid()  # which has no weights
    after = provenance(net)
    assert after.weights == before.weights
    assert "the canaries moved" in str(difference(before, after))


def test_the_hash_is_that_of_the_tensors_alone(net, tmp_path):
    network = net("squeezenet")
    state = network.module.state_dict()
    digest = hash_weights(network)
    assert digest == hash_tensors(dict(reversed(state.items())))
    assert digest == hash_tensors(
        {
            name: tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor
            for name, tensor in state.items()
        }
    )
    assert digest == hash_weights(zoo.load(network.save(tmp_path / "saved"), device="cpu"))
    assert digest != hash_tensors({f"{name}.": tensor for name, tensor in state.items()})
    assert hash_tensors({"a": torch.zeros(4)}) != hash_tensors({"a": torch.zeros(2, 2)})
    assert hash_tensors({"a": torch.zeros(())}) != hash_tensors({"a": torch.zeros((), dtype=torch.int32)})
    assert hash_tensors({"a": torch.zeros(2, dtype=torch.bfloat16)})


def test_the_hash_of_a_cached_file_is_computed_once(empty_cache, monkeypatch):
    weights.fetch("crepe.tiny")
    digest = hash_weights(loaded("crepe.tiny"))
    calls = []
    monkeypatch.setattr("zoo.inference.provenance.hash_tensors", lambda _: calls.append(1) or "c" * 64)
    assert hash_weights(loaded("crepe.tiny")) == digest
    assert not calls
    changed = loaded("crepe.tiny")
    with torch.no_grad():
        changed.module.classifier.bias += 1
    assert hash_weights(changed) == "c" * 64
    assert hash_weights(loaded("crepe.tiny")) == digest, "what was changed in memory is not of the file"
    assert weights.is_cached(zoo.describe("crepe.tiny"), rehash=True)


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("squeezenet", {"layer": "features.3"}, "layer is features and features.3"),
        ("squeezenet", {"pool": False}, "pool is True and False"),
        ("yamnet", {"overlap": 0}, "framing.hop is 7680 and 15360"),
    ],
)
def test_other_options_are_refused_by_name(net, name, options, sentence):
    sample, rate = (PICTURE, None) if name == "squeezenet" else (SOUND, RATE)
    default = net(name).embed(sample, sample_rate=rate)
    with pytest.raises(InputError, match=sentence):
        default.require_comparable(net(name).embed(sample, sample_rate=rate, **options))


def test_an_overlap_that_is_the_default_is_no_difference(net):
    default = net("yamnet").embed(SOUND, sample_rate=RATE)
    default.require_comparable(net("yamnet").embed(SOUND, sample_rate=RATE, overlap=0.5))


def test_a_stream_says_what_made_its_vectors(net):
    stream = net("yamnet").stream(RATE, task="embed")
    parts = [part for part in (stream.feed(SOUND), stream.finish()) if len(part)]
    Embedding.joined(parts).require_comparable(net("yamnet").embed(SOUND, sample_rate=RATE))


def test_long_vectors_are_thinned_out(net):
    origin = provenance(net("squeezenet"), layer="features.3", pool=False)
    flat = net("squeezenet").embed(canaries.pictures(), layer="features.3", pool=False).values
    assert origin.canary.width == flat.shape[1] > MAX_NUMBERS
    assert origin.canary.array().shape == (3, MAX_NUMBERS)
    np.testing.assert_allclose(origin.canary.array()[:, [0, -1]], flat[:, [0, -1]], rtol=1e-4, atol=1e-4)


def test_other_tasks_have_scores_of_canaries(net):
    origin = provenance(net("yamnet"), "events", threshold=0.3)
    assert origin.canary.width == 521
    assert origin.options == {"overlap": None, "threshold": 0.3}
    with pytest.raises(InputError, match="does not support the task pitch"):
        provenance(net("yamnet"), "pitch")
