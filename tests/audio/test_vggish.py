"""VGGish: how many examples a recording has, and what AudioSet's release makes of an embedding."""

import numpy as np
import pytest

import zoo
from zoo.audio.vggish import from_tensorflow, pca_parameters, postprocess
from zoo.core.errors import InputError, WeightsError
from zoo.inference.build import preprocessor

RATE = 16000


@pytest.fixture(scope="module")
def frontend():
    return preprocessor(zoo.describe("vggish"))


def examples(frontend, samples):
    return sum(len(batch.data) for batch in frontend.batches(np.ones(samples, np.float32), sample_rate=RATE))


@pytest.mark.parametrize(
    ("samples", "count"), [(15600, 1), (30959, 1), (30960, 2), (48000, 3), (192000, 12), (240000, 15)]
)
def test_incomplete_examples_are_dropped(frontend, samples, count):
    """The original drops frames of 10 ms first, then examples of 96 of them: the same."""
    assert frontend.framing.count(samples) == examples(frontend, samples) == count
    assert count == 1 + (1 + (samples - 400) // 160 - 96) // 96


@pytest.mark.parametrize(
    ("samples", "word"), [(0, "no samples"), (1, "0.975"), (160, "0.975"), (15599, r"0\.975 s.*padded")]
)
def test_less_than_an_example_is_refused_in_one_sentence(frontend, samples, word):
    with pytest.raises(InputError, match=word) as error:
        examples(frontend, samples)
    assert str(error.value).count(". ") == 0


@pytest.mark.parametrize(("samples", "count"), [(160, 1), (15599, 1), (15600, 1), (15601, 2), (48000, 4)])
def test_or_is_padded_on_demand(frontend, samples, count):
    assert examples(frontend.padded(), samples) == count
    assert "zeros" in frontend.padded().describe()


@pytest.mark.parametrize(("step", "count"), [(0.96, 12), (0.48, 23), (0.24, 46), (0.01, 1103), (0.333, 34)])
def test_any_overlap(frontend, step, count):
    """12 s; half overlapping they are the 23 that MATLAB documents. A step is a whole number of 10 ms."""
    assert frontend.with_hop(step).framing.count(192000) == count
    signal = np.random.default_rng(0).standard_normal(RATE * 3).astype(np.float32)
    hop = frontend.with_hop(step)
    batch = next(hop.batches(signal, sample_rate=RATE))
    start = hop.framing.hop
    alone = hop.log_mel(batch.data.new_tensor(signal[start : start + 15600]))
    np.testing.assert_allclose(batch.data[1, 0], alone, atol=1e-5)
    assert batch.times[1, 0] == start / RATE


@pytest.mark.parametrize("step", [0, 0.009, 0.97, "fast"])
def test_steps_that_make_no_sense(frontend, step):
    with pytest.raises(InputError, match="hop"):
        frontend.with_hop(step)


def test_a_network_with_other_preprocessing_shares_its_module():
    net = zoo.load("vggish", weights=None, device="cpu")
    other = net.with_preprocessor(net.preprocessor.with_hop(0.48).padded())
    assert other.module is net.module
    x = np.zeros(2 * RATE, np.float32)
    assert len(net.embed(x, sample_rate=RATE).values) == 2
    assert len(other.embed(x, sample_rate=RATE).values) == 4


SHAPES = [
    *[(3, 3, 1, 64), (3, 3, 64, 128), (3, 3, 128, 256), (3, 3, 256, 256), (3, 3, 256, 512), (3, 3, 512, 512)],
    *[(12288, 4096), (4096, 4096), (4096, 128)],
]
LAYERS = [
    *["conv1", "conv2", "conv3/conv3_1", "conv3/conv3_2", "conv4/conv4_1", "conv4/conv4_2"],
    *["fc1/fc1_1", "fc1/fc1_2", "fc2"],
]


def originals(layout):
    """Variables of VGGish under the names of an original: layer i has a kernel of i and a bias of -i."""
    tensors = {}
    for i, (layer, shape) in enumerate(zip(LAYERS, SHAPES, strict=True)):
        names = {
            "checkpoint": (f"vggish/{layer}/weights", f"vggish/{layer}/biases"),
            "SavedModel": (f"_variables/{2 * i}", f"_variables/{2 * i + 1}"),
        }
        kernel, bias = names[layout]
        tensors[kernel] = np.broadcast_to(np.float32(i), shape)
        tensors[bias] = np.broadcast_to(np.float32(-i), shape[-1:])
    return tensors


@pytest.mark.parametrize("layout", ["checkpoint", "SavedModel"])
def test_variables_of_tensorflow_find_their_layers_in_any_order(layout):
    tensors = originals(layout)
    if layout == "checkpoint":  # of somebody who trained on
        tensors |= {"mynet/fc1/weights": np.zeros((128, 100)), "mynet/fc1/biases": np.zeros(100)}
    state = from_tensorflow(dict(sorted(tensors.items())[::-1]))
    expected = zoo.load("vggish", weights=None, device="cpu").module.state_dict()
    assert {name: array.shape for name, array in state.items()} == {n: t.shape for n, t in expected.items()}
    for i, name in enumerate(name for name in expected if name.endswith("weight")):
        assert (state[name].flat[0], state[name.replace("weight", "bias")][0]) == (i, -i)


@pytest.mark.parametrize(("name", "shape"), [("_variables/3", (64,)), ("_variables/4", (3, 3, 128, 128))])
def test_variables_of_another_network_are_refused(name, shape):
    with pytest.raises(ValueError, match="of shape"):
        from_tensorflow(originals("SavedModel") | {name: np.zeros(shape)})
    with pytest.raises(ValueError, match="9 kernels and 10 biases"):
        from_tensorflow(originals("SavedModel") | {"_variables/18": np.zeros(3)})


def test_pca_is_applied_clipped_and_cut_off_not_rounded():
    vectors, means = np.eye(128)[::-1].copy(), np.linspace(0, 1, 128)
    components = np.linspace(-3, 3, 128)  # after PCA
    embedding = (components[::-1] + means)[None]
    quantized = postprocess(embedding, vectors, means[:, None])
    assert quantized.dtype == np.uint8
    assert quantized.shape == (1, 128)
    np.testing.assert_array_equal(quantized[0], np.floor((np.clip(components, -2, 2) + 2) * 255 / 4))
    assert (quantized[0] != np.round((np.clip(components, -2, 2) + 2) * 255 / 4)).any()
    assert quantized[0, 0] == 0
    assert quantized[0, -1] == 255


def test_the_order_of_pca_is_the_originals():
    """``vectors @ (embeddingᵀ - means)``: a component a row."""
    rng = np.random.default_rng(0)
    vectors, means = rng.normal(0, 0.1, (128, 128)), rng.normal(0, 1, (128, 1))
    embeddings = rng.normal(0, 1, (5, 128))
    whitened = (vectors @ (embeddings.T - means)).T
    expected = ((np.clip(whitened, -2, 2) + 2) * (255 / 4)).astype(np.uint8)
    np.testing.assert_array_equal(postprocess(embeddings, vectors, means), expected)


@pytest.mark.parametrize(
    "shapes", [((128,), (128, 128), (128,)), ((2, 128), (128, 64), (128,)), ((2, 128), (128, 128), (1, 128))]
)
def test_other_shapes_are_refused(shapes):
    with pytest.raises(InputError, match="PCA"):
        postprocess(*map(np.zeros, shapes))


def test_pca_parameters_come_from_a_file(tmp_path):
    path = tmp_path / "pca.npz"
    np.savez(path, pca_eigen_vectors=np.eye(128), pca_means=np.ones((128, 1)))
    vectors, means = pca_parameters(path)
    assert (vectors.shape, means.shape) == ((128, 128), (128, 1))
    np.savez(path, other=np.eye(2))
    with pytest.raises(WeightsError, match="PCA"):
        pca_parameters(path)
