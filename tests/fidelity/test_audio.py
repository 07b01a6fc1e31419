"""YAMNet and CREPE against the numbers of their originals, in every engine that runs them.

Tolerances are those that come with the golden files: twice to ten times the largest difference that
independent float32 and float64 rebuilds have shown.
"""

from functools import lru_cache

import numpy as np
import pytest
import torch

import zoo
from zoo.audio.pitch import Decoder, to_hertz

RATE = 16000
CAPACITIES = [name.partition(".")[2] for name in zoo.networks(task="pitch") if name.startswith("crepe.")]
TONES = ("crepe_sweep", "openl3_chirp_44k")
ENGINES = ("torch", "onnxruntime")
CREPE_ENGINES = (*ENGINES, "fft")
TINY_AND_FULL = ["tiny", pytest.param("full", marks=pytest.mark.exhaustive)]
SOUNDS = ("baby_5000ms", "dog_975ms", "miaow_16k", "torchcrepe_test", *TONES)


@lru_cache(maxsize=4)
def load(name: str, engine: str) -> zoo.Network:
    return zoo.load(name, device="cpu", engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("sound", SOUNDS)
def test_yamnet_from_the_waveform(golden, sound, engine):
    """Tones are looser: far from a strong tone only rounding is left, and the logarithm shows it."""
    file = np.load(golden / "yamnet" / f"{sound}.npz")
    network, waveform = load("yamnet", engine), file["waveform16k"]
    loose = sound in TONES
    patches = network.preprocess(waveform, sample_rate=RATE)
    log_mel = torch.cat([patches[0, 0], *patches[1:, 0, 48:]]).numpy()
    np.testing.assert_allclose(log_mel, file["log_mel"], atol=3e-2 if loose else 1e-3, rtol=0)
    np.testing.assert_allclose(network.scores(patches), file["scores"], atol=2e-3 if loose else 2e-4, rtol=0)
    vectors = network.embed(waveform, sample_rate=RATE).values
    np.testing.assert_allclose(vectors, file["embeddings"], atol=5e-3 if loose else 5e-4, rtol=0)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("sound", SOUNDS)
def test_yamnet_from_the_original_log_mel(golden, sound, engine):
    file = np.load(golden / "yamnet" / f"{sound}.npz")
    patches = torch.from_numpy(file["log_mel"]).unfold(0, 96, 48).transpose(1, 2).unsqueeze(1)
    np.testing.assert_allclose(load("yamnet", engine).scores(patches), file["scores"], atol=2e-5, rtol=0)


def assert_cents(actual, expected):
    np.testing.assert_allclose(1200 * np.log2(actual / expected), 0, atol=0.02)


@pytest.mark.parametrize(
    ("capacity", "engine"),
    [
        pytest.param(
            capacity,
            engine,
            marks=[] if capacity in ("tiny", "full") or engine == "fft" else [pytest.mark.exhaustive],
        )
        for capacity in CAPACITIES
        for engine in CREPE_ENGINES
    ],
)
def test_crepe_on_speech(golden, capacity, engine):
    """All capacities in the usual engine, the smallest and the largest in all engines.

    Centring the whole array gives 63 frames; the golden file stops where the 60th ends.
    """
    file = np.load(golden / "crepe" / "torchcrepe_test.npz")
    network = load(f"crepe.{capacity}", engine)
    frames = network.preprocess(file["waveform16k"], sample_rate=RATE)[:60]
    np.testing.assert_allclose(frames, file["frames"], atol=1e-5, rtol=0)
    np.testing.assert_allclose(network.scores(frames), file[f"activation_{capacity}"], atol=2e-5, rtol=0)
    track = zoo.pitch(file["waveform16k"], sample_rate=RATE, network=network, threshold=0, silence=None)
    assert_cents(track.frequency[:60], file[f"frequency_{capacity}"])


@pytest.mark.parametrize("engine", CREPE_ENGINES)
@pytest.mark.parametrize("capacity", TINY_AND_FULL)
def test_crepe_on_the_sweep(golden, capacity, engine):
    file = np.load(golden / "crepe" / "crepe_sweep.npz")
    track = zoo.pitch(
        file["waveform16k"],
        sample_rate=RATE,
        network=load(f"crepe.{capacity}", engine),
        threshold=0,
        silence=None,
        keep_activations=True,
    )
    np.testing.assert_allclose(track.activations, file[f"activation_{capacity}"], atol=2e-5, rtol=0)
    assert_cents(track.frequency, file[f"frequency_{capacity}"])
    smooth = Decoder("viterbi")
    cents = np.concatenate([smooth.feed(track.activations), smooth.finish()])
    assert_cents(to_hertz(cents), file[f"frequency_viterbi_{capacity}"])


@pytest.mark.parametrize("engine", CREPE_ENGINES)
@pytest.mark.parametrize("capacity", TINY_AND_FULL)
def test_crepe_on_the_frames_of_its_peers_tests(golden, capacity, engine):
    file = np.load(golden / "crepe" / "frames_reference.npz")
    scores = load(f"crepe.{capacity}", engine).scores(torch.from_numpy(file["frames"]))
    np.testing.assert_allclose(scores, file[f"activation_{capacity}"], atol=2e-5, rtol=0)
