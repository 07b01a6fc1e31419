"""YAMNet and CREPE against the numbers of their originals. Tolerances are those that come with the golden
files: twice to ten times the largest difference that independent float32 and float64 rebuilds have shown."""

import numpy as np
import pytest
import torch

import zoo

RATE = 16000
CAPACITIES = [name.partition(".")[2] for name in zoo.networks(task="pitch")]
TONES = ("crepe_sweep", "openl3_chirp_44k")
SOUNDS = ("baby_5000ms", "dog_975ms", "miaow_16k", "torchcrepe_test", *TONES)


@pytest.mark.parametrize("sound", SOUNDS)
def test_yamnet_from_the_waveform(net, golden, sound):
    """Tones are looser: far from a strong tone only rounding is left, and the logarithm shows it."""
    file = np.load(golden / "yamnet" / f"{sound}.npz")
    network, waveform = net("yamnet"), file["waveform16k"]
    loose = sound in TONES
    patches = network.preprocess(waveform, rate=RATE)
    log_mel = torch.cat([patches[0, 0], *patches[1:, 0, 48:]]).numpy()
    np.testing.assert_allclose(log_mel, file["log_mel"], atol=3e-2 if loose else 1e-3, rtol=0)
    np.testing.assert_allclose(network.scores(patches), file["scores"], atol=2e-3 if loose else 2e-4, rtol=0)
    vectors = network.embed(waveform, rate=RATE).values
    np.testing.assert_allclose(vectors, file["embeddings"], atol=5e-3 if loose else 5e-4, rtol=0)


@pytest.mark.parametrize("sound", SOUNDS)
def test_yamnet_from_the_original_log_mel(net, golden, sound):
    file = np.load(golden / "yamnet" / f"{sound}.npz")
    patches = torch.from_numpy(file["log_mel"]).unfold(0, 96, 48).transpose(1, 2).unsqueeze(1)
    np.testing.assert_allclose(net("yamnet").scores(patches), file["scores"], atol=2e-5, rtol=0)


def assert_cents(found, expected):
    np.testing.assert_allclose(1200 * np.log2(found / expected), 0, atol=0.02)


@pytest.mark.parametrize("engine", ["torch", "spectral"])
@pytest.mark.parametrize("capacity", CAPACITIES)
def test_crepe_on_speech(golden, capacity, engine):
    """Centring the whole array gives 63 frames; the golden file stops where the 60th ends."""
    file = np.load(golden / "crepe" / "torchcrepe_test.npz")
    network = zoo.load(f"crepe.{capacity}", device="cpu", engine=engine)
    frames = network.preprocess(file["waveform16k"], rate=RATE)[:60]
    np.testing.assert_allclose(frames, file["frames"], atol=1e-5, rtol=0)
    np.testing.assert_allclose(network.scores(frames), file[f"activation_{capacity}"], atol=2e-5, rtol=0)
    track = zoo.pitch(file["waveform16k"], rate=RATE, network=network, threshold=0, silence=None)
    assert_cents(track.frequency[:60], file[f"frequency_{capacity}"])


@pytest.mark.parametrize("decoder", ["local-average", "viterbi"])
@pytest.mark.parametrize("capacity", ["tiny", "full"])
def test_crepe_on_the_sweep(net, golden, capacity, decoder):
    file = np.load(golden / "crepe" / "crepe_sweep.npz")
    track = zoo.pitch(
        file["waveform16k"],
        rate=RATE,
        network=net(f"crepe.{capacity}"),
        decoder=decoder,
        threshold=0,
        silence=None,
        keep_activations=True,
    )
    np.testing.assert_allclose(track.activations, file[f"activation_{capacity}"], atol=2e-5, rtol=0)
    assert_cents(track.frequency, file[f"frequency_{'viterbi_' if decoder == 'viterbi' else ''}{capacity}"])


@pytest.mark.parametrize("engine", ["torch", "spectral"])
@pytest.mark.parametrize("capacity", ["tiny", "full"])
def test_crepe_on_the_frames_of_its_peers_tests(golden, capacity, engine):
    file = np.load(golden / "crepe" / "frames_reference.npz")
    scores = zoo.load(f"crepe.{capacity}", device="cpu", engine=engine).scores(
        torch.from_numpy(file["frames"])
    )
    np.testing.assert_allclose(scores, file[f"activation_{capacity}"], atol=2e-5, rtol=0)
