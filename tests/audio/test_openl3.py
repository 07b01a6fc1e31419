"""OpenL3: its windows, its representations, and Keras's file at its address becoming the network."""

import gzip

import numpy as np
import pytest
import torch

import zoo
from zoo import formats
from zoo.audio.openl3 import from_keras
from zoo.audio.spectrograms import DecibelSpectrograms
from zoo.core.errors import InputError, WeightsError
from zoo.inference.build import build, preprocessor

pytestmark = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras and NumPy 2

RATE = 48000
NAMES = [name for name in zoo.networks("audio") if name.startswith("openl3.")]
FILTERS = (64, 64, 128, 128, 256, 256, 512)
POOLS = {  # the published sizes of the last pool
    ("linear", 6144): (8, 8),
    ("linear", 512): (32, 24),
    ("mel128", 6144): (4, 8),
    ("mel128", 512): (16, 24),
    ("mel256", 6144): (8, 8),
    ("mel256", 512): (32, 24),
}


@pytest.mark.parametrize(
    ("samples", "hop", "windows"),
    [
        (1, 0.1, 1),
        (23999, 0.1, 1),
        (24000, 0.1, 1),
        (24001, 0.1, 2),
        (47999, 0.1, 6),
        (48000, 0.1, 6),
        (48001, 0.1, 7),
        (720000, 0.1, 146),
        (720000, 0.5, 30),
    ],
)
def test_windows_are_those_of_the_original(samples, hop, windows):
    """``openl3/core.py``; of 15 s, those that MATLAB documents for overlaps of 90 and 50 %."""
    framing = DecibelSpectrograms().with_hop(hop).framing
    assert framing.count(samples) == windows
    assert windows == 1 + max(0, -((24000 - samples) // framing.hop))


@pytest.mark.parametrize(("samples", "word"), [(0, "no samples"), (1, "too short"), (479, "too short")])
def test_less_than_10_ms_is_no_recording(samples, word):
    with pytest.raises(InputError, match=word):
        list(DecibelSpectrograms().batches(np.zeros(samples, np.float32), sample_rate=RATE))


@pytest.mark.parametrize("name", NAMES)
def test_the_front_end_gives_what_the_network_takes(name):
    spec = zoo.describe(name)
    batch = next(preprocessor(spec).batches(np.zeros(4800, np.float32), sample_rate=RATE))
    assert batch.data.shape == (1, *spec.input_shape)
    assert batch.data.eq(0).all()  # silence is as loud as its loudest value


@pytest.mark.parametrize("variant", ["original", "librosa"])
def test_the_size_of_a_batch_changes_nothing_and_is_bounded(variant):
    frontend = DecibelSpectrograms(variant=variant).with_hop(0.17)
    signal = np.random.default_rng(0).standard_normal(3 * RATE).astype(np.float32)
    one = torch.cat([batch.data for batch in frontend.batches(signal, sample_rate=RATE, size=1000)])
    many = [batch.data for batch in frontend.batches(signal, sample_rate=RATE)]
    assert max(map(len, many)) == frontend.batch_size
    torch.testing.assert_close(torch.cat(many), one, atol=1e-3, rtol=0)


@pytest.mark.parametrize("options", [{"kind": "mel64"}, {"variant": "kapre"}])
def test_representations_that_there_are_not(options):
    with pytest.raises(InputError, match="is not one of"):
        DecibelSpectrograms(**options)


def keras_model(library, spec):
    """The network of openl3/models.py up to ``audio_embedding_layer``, with random weights and statistics."""
    layers = library.layers
    channels, frequencies, times = spec.input_shape
    x = inputs = layers.Input((frequencies, times, channels))
    x = layers.BatchNormalization()(x)
    for number, filters in enumerate(FILTERS, start=1):
        x = layers.Conv2D(filters, 3, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
        if number % 2 == 0:
            x = layers.MaxPooling2D(2, strides=2)(x)
    x = layers.Conv2D(512, 3, padding="same", name="audio_embedding_layer")(x)
    model = library.Model(inputs, x)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        shapes = [array.shape for array in layer.get_weights()]
        if len(shapes) == 2:
            kernel, bias = shapes
            scale = np.sqrt(1.5 / np.prod(kernel[:3]))
            layer.set_weights([rng.normal(0, scale, kernel), rng.normal(0, 0.2, bias)])
        elif shapes:
            gamma, beta, mean, variance = shapes
            positive = rng.uniform(0.5, 1.5, gamma), rng.uniform(0.5, 1.5, variance)
            layer.set_weights([positive[0], rng.normal(0, 0.2, beta), rng.normal(0, 0.2, mean), positive[1]])
    return model


def spectrograms(spec):
    return np.random.default_rng(1).uniform(-3, 3, (2, *spec.input_shape)).astype(np.float32)


@pytest.mark.parametrize(
    "name", ["openl3.mel128_env_512", "openl3.mel256_music_6144", "openl3.linear_env_6144"]
)
def test_the_published_kind_of_file_becomes_the_network(name, internet, tmp_path):
    """A file of weights by Keras 2, zipped, at its address in the catalog, to the outputs."""
    import tf_keras

    spec = zoo.describe(name)
    model = keras_model(tf_keras, spec)
    model.save_weights(tmp_path / "weights.h5")
    packed = tmp_path / "weights.h5.gz"
    packed.write_bytes(gzip.compress((tmp_path / "weights.h5").read_bytes(), 1))
    tensors = internet.load(spec, spec.sources[0], packed)
    module = build(spec).eval()
    module.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})
    data = spectrograms(spec)
    kind, _, size = name.partition(".")[2].split("_")
    maps = model.predict_on_batch(data.transpose(0, 2, 3, 1))
    pool = tf_keras.layers.MaxPooling2D(POOLS[kind, int(size)], padding="same")
    expected = np.asarray(tf_keras.layers.Flatten()(pool(maps)))
    with torch.inference_mode():
        vectors = module(torch.from_numpy(data)).numpy()
    assert expected.shape == (2, spec.classes)
    assert np.abs(expected[0] - expected[1]).max() > 0.1
    np.testing.assert_allclose(vectors, expected, rtol=0, atol=1e-4)


def test_every_tag_names_the_file_of_its_representation_and_content():
    assert len(NAMES) == 12
    for name in NAMES:
        kind, content, size = name.partition(".")[2].split("_")
        spec = zoo.describe(name)
        assert spec.sources[0].url.endswith(f"/raw/models/openl3_audio_{kind}_{content}-v0_4_0.h5.gz")
        assert spec.preprocess["kind"] == kind
        assert spec.classes == spec.arguments["size"] == int(size)


@pytest.fixture(scope="module")
def tensors(tmp_path_factory):
    """By Keras 3."""
    import keras

    folder = tmp_path_factory.mktemp("keras")
    model = keras_model(keras, zoo.describe("openl3.mel128_env_512"))
    model.save(folder / "model.h5")
    model.save_weights(folder / "model.weights.h5")
    return [formats.read(folder / name, "keras") for name in ("model.h5", "model.weights.h5")]


def test_files_of_keras_3_hold_the_same(tensors):
    one, other = map(from_keras, tensors)
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_files_of_another_network_are_refused(tensors):
    old, _ = tensors
    spectrogram = {
        f"melspectrogram_1/{i}": np.zeros(shape) for i, shape in enumerate([(8, 1, 1, 5)] * 2 + [(5, 2)])
    }
    assert from_keras(spectrogram | old).keys() == from_keras(old).keys()  # of versions before 0.4.0
    for name in ("audio_embedding_layer/kernel", "audio_embedding_layer/bias"):
        with pytest.raises(ValueError, match="instead of 8"):
            from_keras({key: array for key, array in old.items() if key != name})
        with pytest.raises(ValueError, match="conv8"):
            from_keras(old | {name: old[name][..., :-1]})
    with pytest.raises(ValueError, match="instead of 8"):
        from_keras({})


def test_a_file_of_something_else_at_the_address(internet, tmp_path):
    spec = zoo.describe("openl3")
    path = tmp_path / "file.gz"
    path.write_bytes(b"no gzip")
    with pytest.raises(WeightsError):
        internet.load(spec, spec.sources[0], path)
