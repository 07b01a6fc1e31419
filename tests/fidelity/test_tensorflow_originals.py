"""VGGish in the two forms in which its authors published it, written by TensorFlow, against golden numbers.

The published files are not reached. These have their names and layouts (vggish_slim.py,
vggish_export_tfhub.py) and the weights that both sides compute; tolerances are those of
tests/fidelity/test_embeddings.py.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

import zoo
from tests.audio.test_vggish import LAYERS, SHAPES
from tests.fidelity.formula import bias, kernel
from tests.zoo.formats.test_formats import write_checkpoint
from zoo.benchmark import verify
from zoo.core.errors import InputError
from zoo.hub import registry, weights

RATE = 16000
POOLS = (0, 1, 3, 5)  # the convolutions before them


@cache
def variables():
    """Kernel and bias of each layer, layer by layer, under the names of the checkpoint."""
    by_name = {}
    for i, (layer, shape) in enumerate(zip(LAYERS, SHAPES, strict=True)):
        by_name[f"vggish/{layer}/weights"] = kernel(shape, i, int(np.prod(shape[:-1])))
        by_name[f"vggish/{layer}/biases"] = bias(shape[-1], i)
    return by_name


def write_savedmodel(folder: Path) -> None:
    """The graph that VGGish's export makes: from a waveform, by TensorFlow's own signal processing."""
    import tensorflow as tf

    class VGGish(tf.Module):
        def __init__(self):
            super().__init__()
            self._variables = [tf.Variable(array, trainable=False) for array in variables().values()]

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
        def __call__(self, waveform):
            magnitude = tf.abs(tf.signal.stft(waveform, 400, 160, 512))
            mel = magnitude @ tf.signal.linear_to_mel_weight_matrix(64, 257, RATE, 125.0, 7500.0)
            x = tf.signal.frame(tf.math.log(mel + 0.01), 96, 96, axis=0)[..., None]
            for i in range(len(SHAPES)):
                weights, biases = self._variables[2 * i : 2 * i + 2]
                if i == 6:
                    x = tf.reshape(x, [-1, 12288])
                x = (tf.nn.conv2d(x, weights, 1, "SAME") if i < 6 else x @ weights) + biases
                x = tf.nn.relu(x) if i < 8 else x
                x = tf.nn.max_pool2d(x, 2, 2, "SAME") if i in POOLS else x
            return x

    tf.saved_model.save(VGGish(), str(folder))


def source_of(scheme):
    spec = zoo.describe("vggish")
    return spec, next(source for source in spec.sources if source.url.startswith(scheme))


def network(tensors):
    net = zoo.load("vggish", weights=None, device="cpu", engine="torch")
    net.module.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in tensors.items()})
    return net


def assert_golden(net, golden):
    file = np.load(golden / "vggish" / "network_formula.npz")
    embedding, _ = net.engine(torch.from_numpy(file["input"]).unsqueeze(1))
    np.testing.assert_allclose(embedding, file["embedding"], atol=5e-4, rtol=0)


def test_the_checkpoint_of_tensorflow(internet, golden, tmp_path):
    spec, source = source_of("https://storage")
    write_checkpoint(tmp_path / "vggish_model.ckpt", variables())
    assert_golden(network(internet.load(spec, source, tmp_path / "vggish_model.ckpt")), golden)
    assert weights.record_of(spec)["source"] == source.url


def test_the_savedmodel_of_tf_hub_as_weights_and_as_it_is(internet, golden, tmp_path, monkeypatch):
    """2e-3 from the waveform, as in test_embeddings.py: values have a standard deviation of 5."""
    spec, source = source_of("tfhub")
    write_savedmodel(tmp_path / "vggish")
    ours = network(internet.load(spec, source, tmp_path / "vggish"))
    assert_golden(ours, golden)

    registry._from_hub.cache_clear()
    net = zoo.load("tfhub:google/vggish/1", device="cpu")  # where it was put for the address
    assert (net.spec.tasks, net.spec.parameters, net.spec.classes) == (("embed",), 72141184, 128)
    waveform = np.load(golden / "vggish" / "baby_5000ms.npz")["waveform16k"]
    actual, expected = (each.embed(waveform, sample_rate=RATE) for each in (net, ours))
    golden_rows = np.load(golden / "vggish" / "network_formula.npz")["embedding"]
    np.testing.assert_allclose(actual.values[[0, 3]], golden_rows, atol=2e-3, rtol=0)
    np.testing.assert_allclose(actual.values, expected.values, atol=2e-3, rtol=0)
    np.testing.assert_array_equal(actual.times, expected.times)
    with pytest.raises(InputError, match="does not support the task classify"):
        net.classify(waveform, sample_rate=RATE)
    assert len(net.replace_head(3).module.head.weight) == 3

    monkeypatch.setattr(verify, "_kinds", lambda spec: ("melody",))  # the sample that is made here
    (held,) = verify.differences(ours, net)
    assert held.passed
    assert held.text.startswith("melody.wav: embeddings within")
