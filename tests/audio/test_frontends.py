"""Framing by the published definitions, and front-ends that do not depend on how a stream is cut."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from zoo.audio.framing import Framing
from zoo.audio.frontends import LogMelPatches, NormalizedFrames, mel_matrix
from zoo.core.errors import InputError

RATE = 16000


@pytest.mark.parametrize(
    ("samples", "patches"),
    [(160, 1), (15599, 1), (15600, 1), (15601, 2), (16000, 2), (48000, 6), (160000, 20), (240000, 31)],
)
def test_yamnet_pads_to_whole_patches(samples, patches):
    assert LogMelPatches().framing.count(samples) == patches
    batches = list(LogMelPatches().batches(np.ones(samples, np.float32), sample_rate=RATE, size=4))
    assert sum(len(batch.data) for batch in batches) == patches
    assert batches[0].data.shape[1:] == (1, 96, 64)


@pytest.mark.parametrize(("samples", "frames"), [(160, 2), (319, 2), (320, 3), (16000, 101), (240000, 1501)])
def test_crepe_has_a_frame_centerd_on_every_step(samples, frames):
    framing = NormalizedFrames().framing
    assert framing.count(samples) == frames == 1 + samples // 160
    batches = list(NormalizedFrames().batches(np.ones(samples, np.float32), sample_rate=RATE))
    assert sum(len(batch.data) for batch in batches) == frames


@pytest.mark.parametrize("samples", [0, 1, 10, 11, 99, 100, 101, 1234])
@pytest.mark.parametrize("batch_size", [1, 3, 64])
@pytest.mark.parametrize("block", [1, 7, 5000])
@pytest.mark.parametrize(
    "framing",
    [
        Framing(10, 4),
        Framing(10, 4, pad=True),
        Framing(10, 10),
        Framing(10, 3, lead=5, trail=5),
        Framing(9, 2, lead=4, pad=True),
    ],
    ids=str,
)
def test_streamed_windows_are_those_of_the_whole(framing, samples, batch_size, block):
    signal = np.arange(1, samples + 1, dtype=np.float32)
    padded = np.concatenate([np.zeros(framing.lead), signal, np.zeros(framing.trail + 100)])
    expected = [
        padded[i * framing.hop : i * framing.hop + framing.window] for i in range(framing.count(samples))
    ]
    blocks = [signal[i : i + block] for i in range(0, samples, block)]
    windows, longest = [], 0
    for first, waveform, samples_read in framing.segments(blocks, batch_size):
        assert first == len(windows)
        assert samples_read <= samples
        k = 1 + (len(waveform) - framing.window) // framing.hop
        longest = max(longest, k)
        windows += [waveform[i * framing.hop : i * framing.hop + framing.window] for i in range(k)]
    assert len(windows) == len(expected)
    for window, other in zip(windows, expected, strict=True):
        np.testing.assert_array_equal(window, other)
    assert longest <= batch_size


@pytest.mark.parametrize("samples", [1, 9, 10, 11, 14, 15, 99, 100, 101, 1234])
@pytest.mark.parametrize("batch_size", [1, 3, 64])
@pytest.mark.parametrize("block", [1, 7, 5000])
@pytest.mark.parametrize("hop", [3, 5, 10])
def test_a_last_window_is_moved_back_until_it_is_full(hop, samples, batch_size, block):
    signal = np.arange(1, samples + 1, dtype=np.float32)
    framing = Framing(10, hop, back=True)
    frontend = replace(LogMelPatches(), framing=framing)
    last = max(samples - 10, 0)
    starts = [*range(0, last, hop), last]
    assert framing.count(samples) == len(starts)
    blocks = [signal[i : i + block] for i in range(0, samples, block)]
    windows, times = [], []
    for first, waveform, samples_read in framing.segments(blocks, batch_size):
        assert first == len(windows)
        cut = max(1, 1 + (len(waveform) - 10) // hop)
        assert cut <= batch_size
        windows += [waveform[i * hop : i * hop + 10] for i in range(cut)]
        times += (frontend.times(np.arange(first, first + cut), samples_read) * RATE).tolist()
    assert len(windows) == len(starts)
    for window, time, start in zip(windows, times, starts, strict=True):
        np.testing.assert_array_equal(window, signal[start : start + 10])
        assert time == pytest.approx([start, min(start + 10, samples)])


@pytest.mark.parametrize("frontend", [LogMelPatches(), NormalizedFrames()], ids=lambda f: type(f).__name__)
def test_the_size_of_a_batch_changes_nothing(frontend):
    signal = np.random.default_rng(0).standard_normal(5 * RATE).astype(np.float32)
    one = torch.cat([batch.data for batch in frontend.batches(signal, sample_rate=RATE, size=1000)])
    many = torch.cat([batch.data for batch in frontend.batches(signal, sample_rate=RATE, size=3)])
    torch.testing.assert_close(one, many, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("overlap", "hop"), [(0, 0.96), (0.5, 0.48), (0.75, 0.24), (0.9, 0.1), (0.9999, 0.01)]
)
def test_overlap_is_the_share_of_a_patch_that_the_next_one_repeats(overlap, hop):
    """Patches begin with a frame, so that the time between them is a multiple of 10 ms."""
    signal = np.random.default_rng(0).standard_normal(3 * RATE).astype(np.float32)
    frontend = LogMelPatches()
    other = frontend.with_overlap(overlap)
    assert (frontend.framing.hop, other.framing.hop) == (7680, round(hop * RATE))
    rows = list(other.batches(signal, sample_rate=RATE, size=5))
    times = np.concatenate([batch.times for batch in rows])
    np.testing.assert_allclose(times[:, 0], np.arange(len(times)) * hop)
    np.testing.assert_allclose(times[:, 1] - times[:, 0], 0.96)
    data = torch.cat([batch.data for batch in rows])
    for row, (start, _) in zip(data[::7], times[::7], strict=True):
        first = round(start * RATE)
        alone = frontend(torch.from_numpy(np.pad(signal, (0, RATE))[first : first + 15600]))[0]
        torch.testing.assert_close(row, alone, atol=1e-5, rtol=1e-5)


def test_normalized_frames_have_mean_0_and_deviation_1_and_silence_stays_0():
    signal = np.random.default_rng(0).standard_normal(RATE).astype(np.float32) * 0.01 + 0.3
    frames = NormalizedFrames()(torch.from_numpy(signal))
    torch.testing.assert_close(frames.mean(dim=1), torch.zeros(len(frames)), atol=1e-4, rtol=0)
    torch.testing.assert_close(frames.std(dim=1, correction=0), torch.ones(len(frames)), atol=1e-4, rtol=0)
    assert NormalizedFrames()(torch.zeros(2048)).eq(0).all()


def test_the_mel_matrix_is_tensorflows():
    import tensorflow as tf

    theirs = tf.signal.linear_to_mel_weight_matrix(64, 257, RATE, 125.0, 7500.0).numpy()
    np.testing.assert_allclose(mel_matrix(), theirs, atol=1e-5)  # theirs is computed in float32


def test_a_recording_shorter_than_a_window_that_is_not_padded():
    frontend = replace(LogMelPatches(), framing=Framing(15600, 15360))
    with pytest.raises(InputError, match=r"0\.975"):
        list(frontend.batches(np.zeros(1000, np.float32), sample_rate=RATE))


@pytest.mark.parametrize("frontend", [LogMelPatches(), NormalizedFrames()], ids=lambda f: type(f).__name__)
@pytest.mark.parametrize("samples", [1, 159])
def test_less_than_10_ms_is_no_recording(frontend, samples):
    with pytest.raises(InputError, match="too short"):
        list(frontend.batches(np.zeros(samples, np.float32), sample_rate=RATE))


def test_an_empty_list_gives_no_batches():
    assert list(LogMelPatches().batches([])) == []


def test_rows_know_their_input_and_time():
    signals = [np.zeros(RATE, np.float32), np.zeros(2 * RATE, np.float32)]
    batches = list(LogMelPatches().batches(signals, sample_rate=RATE))
    assert [batch.inputs[0] for batch in batches] == [0, 1]
    assert batches[1].times[1].tolist() == pytest.approx([0.48, 1.44])
    assert [batch.seconds for batch in batches] == [1.0, 2.0]
