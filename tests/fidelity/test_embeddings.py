"""VGGish and OpenL3 against the numbers of their originals, in every engine that runs them, with the
tolerances of the golden files.

The published weights are too large for that: the networks have weights that both sides compute.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

import zoo
from tests.fidelity.formula import batch_norm, bias, kernel
from tests.fidelity.test_audio import ENGINES, RATE, SOUNDS, TONES
from zoo.audio.openl3 import from_keras
from zoo.inference.build import preprocessor
from zoo.inference.engines import Engine

KINDS = ("mel128", "mel256", "linear")
# Of OpenL3: each kind, each size and each engine, but not each with each.
QUICK = (("mel128", 512, "onnxruntime"), ("mel256", 6144, "torch"), ("linear", 512, "torch"))


def test_the_formula_is_the_one_of_the_golden_files():
    first = kernel((3, 3, 1, 64), 0, 9)
    np.testing.assert_allclose(first.ravel()[:4], [0.3119284, -0.2036997, 0.7171281, 0.0820705], atol=1e-7)
    assert first.sum(dtype=np.float64) == pytest.approx(-2.5424020, abs=1e-6)


@pytest.mark.parametrize("sound", SOUNDS)
def test_vggish_sees_the_examples_of_the_original(golden, sound):
    file = np.load(golden / "vggish" / f"{sound}.npz")
    batches = preprocessor(zoo.describe("vggish")).batches(file["waveform16k"], sample_rate=RATE)
    examples = torch.cat([batch.data for batch in batches])[:, 0]
    atol = 3e-3 if sound in TONES else 3e-4
    np.testing.assert_allclose(examples, file["examples"], atol=atol, rtol=0)


@pytest.fixture(scope="module", params=ENGINES)
def vggish(request: pytest.FixtureRequest) -> zoo.Network:
    net = zoo.load("vggish", weights=None, device="cpu", engine=request.param)
    layers = [layer for layer in net.module.modules() if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear)]
    with torch.no_grad():
        for number, layer in enumerate(layers):
            out, *rest = layer.weight.shape  # (out, in, height, width) or (out, in)
            inputs = int(np.prod(rest))
            values = torch.from_numpy(kernel((*rest[1:], rest[0], out), number, inputs))
            layer.weight.copy_(values.movedim((-1, -2), (0, 1)))
            layer.bias.copy_(torch.from_numpy(bias(out, number)))
    return net


def test_vggish_is_the_network_of_the_original(vggish, golden):
    file = np.load(golden / "vggish" / "network_formula.npz")
    pools = {f"pool{i}": f"features.{place}" for i, place in enumerate((2, 5, 10, 15), start=1)}
    patches = torch.from_numpy(file["input"]).unsqueeze(1)
    _, recorded = vggish.engine(patches, list(pools.values()))  # which PyTorch gives in any engine
    embedding, _ = vggish.engine(patches)
    for pool, layer in pools.items():
        np.testing.assert_allclose(recorded[layer].mean((2, 3)), file[f"{pool}_mean"], atol=5e-4, rtol=0)
    maps = recorded[pools["pool4"]].permute(0, 2, 3, 1)
    np.testing.assert_allclose(maps, file["pool4"], atol=5e-4, rtol=0)
    np.testing.assert_allclose(embedding, file["embedding"], atol=5e-4, rtol=0)
    assert (embedding < 0).float().mean() > 0.3


def test_vggish_from_the_waveform(vggish, golden):
    """Examples 0 and 3 of the file are those of a recording."""
    file = np.load(golden / "vggish" / "network_formula.npz")
    waveform = np.load(golden / "vggish" / "baby_5000ms.npz")["waveform16k"]
    result = vggish.embed(waveform, sample_rate=RATE)
    np.testing.assert_allclose(result.values[[0, 3]], file["embedding"], atol=2e-3, rtol=0)
    np.testing.assert_allclose(result.times[3], [2.88, 3.84])


@pytest.mark.parametrize("kind", KINDS)
def test_openl3_sees_the_spectrograms_of_the_original(golden, kind):
    """The scale is so deep that float32 shows: looser further down, and the lowest only in the mean."""
    file = np.load(golden / "openl3" / "spectrograms.npz")
    frontend = preprocessor(zoo.describe(f"openl3.{kind}_music_512"))
    actual, expected = frontend.spectrograms(torch.from_numpy(file["frames"])).numpy(), file[kind]
    assert actual.shape == expected.shape
    difference = np.abs(actual - expected)
    for level, tolerance in ((-30, 3e-3), (-40, 2e-2), (-50, 0.2), (-60, 0.8)):
        assert difference[expected > level].max() <= tolerance
    assert difference.mean() <= (0.3 if kind == "linear" else 5e-2)


def openl3(kind: str, size: int, engine: str) -> Engine:
    """With weights by the formula, in the order of Keras, through the converter of Keras's files."""
    net = zoo.load(f"openl3.{kind}_env_{size}", weights=None, device="cpu", engine=engine)
    tensors, inputs = {}, 1
    for i, filters in enumerate((64, 64, 128, 128, 256, 256, 512, 512)):
        norm = batch_norm(inputs, i)
        tensors |= {f"batch_normalization_{i}/{j}": array for j, array in enumerate(norm)}
        tensors[f"conv2d_{i}/kernel"] = kernel((3, 3, inputs, filters), 100 + i, 9 * inputs)
        tensors[f"conv2d_{i}/bias"] = bias(filters, 100 + i)
        inputs = filters
    state = {name: torch.from_numpy(array.copy()) for name, array in from_keras(tensors).items()}
    net.module.load_state_dict(state)
    return net.engine


@pytest.mark.parametrize(
    ("kind", "size", "engine"),
    [
        pytest.param(
            kind, size, engine, marks=[] if (kind, size, engine) in QUICK else [pytest.mark.exhaustive]
        )
        for kind in KINDS
        for size in (512, 6144)
        for engine in ENGINES
    ],
)
def test_openl3_is_the_network_of_the_original(golden, kind, size, engine):
    file = np.load(golden / "openl3" / f"network_formula_{kind}.npz")
    frames = np.load(golden / "openl3" / "spectrograms.npz")["frames"][file["frame_index"]]
    run, expected = openl3(kind, size, engine), file[f"embedding_{size}"]
    vectors, _ = run(torch.from_numpy(file["spectrogram"]).unsqueeze(1))
    np.testing.assert_allclose(vectors, expected, atol=3e-4, rtol=0)
    frontend = preprocessor(zoo.describe(f"openl3.{kind}_env_{size}"))
    from_frames, _ = run(frontend.spectrograms(torch.from_numpy(frames)).unsqueeze(1))
    np.testing.assert_allclose(from_frames, expected, atol=0.6 if kind == "linear" else 0.1, rtol=0)
    assert torch.cosine_similarity(from_frames, torch.from_numpy(expected)).min() > 0.9999


def test_openl3_hears_the_first_frame_half_silent(golden):
    """Centring: frame 2 of the file is half a second of zeros before the start of frame 0."""
    file = np.load(golden / "openl3" / "spectrograms.npz")
    frontend = preprocessor(zoo.describe("openl3.mel256_music_512"))
    batch = next(frontend.batches(file["frames"][0], sample_rate=48000))
    expected = file["mel256"][2]
    assert np.abs(batch.data[0, 0].numpy() - expected)[expected > -40].max() <= 2e-2
    np.testing.assert_allclose(batch.times[:2], [[0, 0.5], [0, 0.6]])


@pytest.mark.parametrize("kind", KINDS)
def test_the_other_front_end_is_that_of_openl3_with_librosa(golden, kind):
    """``openl3/core.py`` 0.4.2: ``_librosa_linear_frontend`` and ``_librosa_mel_frontend``."""
    import librosa

    frames = np.load(golden / "openl3" / "spectrograms.npz")["frames"]
    frontend = replace(preprocessor(zoo.describe(f"openl3.{kind}_music_512")), variant="librosa")
    spectrograms = frontend.spectrograms(torch.from_numpy(frames)).numpy()
    for frame, spectrogram in zip(frames, spectrograms, strict=True):
        if kind == "linear":
            amplitude = np.abs(librosa.stft(frame, n_fft=512, hop_length=242, center=False))
        else:
            amplitude = librosa.feature.melspectrogram(
                y=frame, sr=48000, n_mels=int(kind[3:]), n_fft=2048, hop_length=242, center=True, power=1.0
            )
        expected = librosa.power_to_db(amplitude, ref=1.0, amin=1e-10, top_db=80.0)
        expected -= expected.max()
        assert np.abs(spectrogram - expected)[expected > -40].max() <= 2e-2
        assert np.abs(spectrogram - expected).mean() <= (0.3 if kind == "linear" else 5e-2)
