"""Decoding of pitch activations: definitions, and the streamed path against a plain one."""

import librosa
import numpy as np
import pytest
import torch

from zoo.audio import pitch
from zoo.core.errors import InputError


def bump(bins: np.ndarray, width: float = 1.5) -> np.ndarray:
    return np.exp(-0.5 * ((np.arange(360) - np.asarray(bins)[:, None]) / width) ** 2).astype(np.float32)


def plain_viterbi(observations: np.ndarray) -> np.ndarray:
    """The original's model with full matrices and the whole recording at once."""
    n = 360
    matrix = np.maximum(12 - np.abs(np.subtract.outer(np.arange(n), np.arange(n))), 0).astype(float)
    with np.errstate(divide="ignore"):
        transition = np.log(matrix / matrix.sum(axis=1, keepdims=True))
    emission = np.log(0.1 * np.eye(n) + 0.9 / n)
    score, back = emission[:, observations[0]], []
    for observed in observations[1:]:
        ways = score[:, None] + transition
        back.append(ways.argmax(axis=0))
        score = ways.max(axis=0) + emission[:, observed]
    path = [int(score.argmax())]
    for step in reversed(back):
        path.append(int(step[path[-1]]))
    return np.array(path[::-1])


def test_the_bins_span_six_octaves_from_c1():
    assert pitch.to_hertz(pitch.BIN_CENTS[0]) == pytest.approx(31.7, abs=0.1)
    assert pitch.to_hertz(pitch.BIN_CENTS[-1]) == pytest.approx(2005.5, abs=1)


@pytest.mark.parametrize("center", [0, 2, 100.4, 357.7, 359])
def test_the_local_average_lies_between_bins(center):
    cents = pitch.local_average(bump([center], width=1.0))[0]
    assert abs(cents - np.interp(center, np.arange(360), pitch.BIN_CENTS)) < 20


def test_the_local_average_around_another_bin_ignores_the_largest():
    two = bump([50]) + 0.5 * bump([200])
    assert pitch.local_average(two, np.array([200]))[0] == pytest.approx(pitch.BIN_CENTS[200], abs=1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("piece", [1, 16, 128, 1000])
def test_the_streamed_path_is_that_of_the_whole(seed, piece):
    rng = np.random.default_rng(seed)
    walk = (150 + np.cumsum(rng.integers(-4, 5, 400))).clip(0, 359)
    wrong = rng.random(400) < 0.2
    walk[wrong] = rng.integers(0, 360, wrong.sum())  # octave errors and the like
    decoder = pitch.Viterbi()
    parts = [decoder.feed(walk[i : i + piece]) for i in range(0, len(walk), piece)]
    np.testing.assert_array_equal(np.concatenate([*parts, decoder.finish()]), plain_viterbi(walk))


def plain_soft_viterbi(activations: np.ndarray) -> np.ndarray:
    """The same transitions; the likelihood of a bin is its activation + 0.1."""
    distance = np.abs(np.subtract.outer(np.arange(360), np.arange(360)))
    matrix = np.maximum(12 - distance, 0).astype(float)
    with np.errstate(divide="ignore"):
        transition = np.log(matrix / matrix.sum(axis=1, keepdims=True))
    emission = np.log(activations.astype(float) + 0.1)
    score, back = emission[0], []
    for scores in emission[1:]:
        ways = score[:, None] + transition
        back.append(ways.argmax(axis=0))
        score = ways.max(axis=0) + scores
    path = [int(score.argmax())]
    for step in reversed(back):
        path.append(int(step[path[-1]]))
    return np.array(path[::-1])


@pytest.mark.parametrize("piece", [1, 16, 1000])
def test_the_streamed_path_of_soft_decisions_is_that_of_the_whole(piece):
    rng = np.random.default_rng(0)
    walk = (150 + np.cumsum(rng.integers(-4, 5, 200))).clip(0, 290)
    scores = rng.random((200, 1)) * bump(walk) + rng.random((200, 1)) * bump(walk + 60)
    activations = (scores / 2).astype(np.float32)
    decoder = pitch.SoftViterbi()
    parts = [decoder.feed(activations[i : i + piece]) for i in range(0, len(walk), piece)]
    path = np.concatenate([*parts, decoder.finish()])
    np.testing.assert_array_equal(path, plain_soft_viterbi(activations))


def test_soft_decisions_keep_to_a_pitch_whose_octave_is_louder_for_most_of_the_time():
    """Its largest bin is wrong in most frames, and so is the path through the largest bins."""
    fundamental, octave = bump(np.full(40, 100)), bump(np.full(40, 160))
    activations = 0.5 * fundamental + 0.52 * octave
    activations[:15] = (0.9 * fundamental)[:15]
    for name, expected in (("viterbi", 160), ("soft-viterbi", 100)):
        decoder = pitch.Decoder(name)
        cents = np.concatenate([decoder.feed(activations), decoder.finish()])
        assert cents[-1] == pytest.approx(pitch.BIN_CENTS[expected], abs=1)


@pytest.mark.parametrize("considered", [slice(None), slice(150, 220)])
def test_the_path_comes_out_as_it_becomes_certain(considered):
    """So what is held stays short: after 3000 frames of a held note, nearly all are out."""
    decoder = pitch.Viterbi(considered)
    out = sum(len(decoder.feed(np.full(100, 180))) for _ in range(30))
    assert out > 2900


@pytest.mark.parametrize("name", pitch.DECODERS)
def test_bins_outside_the_range_count_for_nothing(name):
    """A fundamental at bin 100 below a stronger octave at bin 160, and more noise above."""
    activations = 0.4 * bump(np.full(50, 100)) + 0.9 * bump(np.full(50, 160)) + 0.8 * bump(np.full(50, 300))
    low, high = pitch.to_hertz(pitch.BIN_CENTS[[60, 130]])
    decoder = pitch.Decoder(name, fmin=low - 0.01, fmax=high + 0.01)
    cents = np.concatenate([decoder.feed(activations), decoder.finish()])
    np.testing.assert_allclose(cents, pitch.BIN_CENTS[100], atol=1)
    np.testing.assert_allclose(decoder.confidence(activations), 0.4, atol=1e-6)


@pytest.mark.parametrize("name", pitch.DECODERS)
def test_the_pitch_stays_in_a_range_that_cuts_a_peak(name):
    decoder = pitch.Decoder(name, fmin=pitch.to_hertz(pitch.BIN_CENTS[102]) - 0.01)
    cents = np.concatenate([decoder.feed(bump(np.full(5, 100))), decoder.finish()])
    assert (cents >= pitch.BIN_CENTS[102]).all()
    assert (cents < pitch.BIN_CENTS[104]).all()


def test_activations_of_nothing_at_all_are_the_lowest_bin_considered():
    decoder = pitch.Decoder("local-average", fmin=100, fmax=200)
    frequencies = pitch.to_hertz(decoder.feed(np.zeros((1, 360), np.float32)))
    assert 100 <= frequencies[0] < 102


def test_argmax_is_the_center_of_a_bin():
    decoder = pitch.Decoder("argmax")
    np.testing.assert_array_equal(decoder.feed(bump([7.4, 359])), pitch.BIN_CENTS[[7, 359]])


@pytest.mark.parametrize(
    ("fmin", "fmax"), [(2500, None), (None, 20), (300, 200), (100.1, 100.2), (-1, None), ("low", None)]
)
def test_a_range_without_a_bin(fmin, fmax):
    with pytest.raises(InputError, match=r"fmin|fmax"):
        pitch.bins_between(fmin, fmax)


def test_the_range_includes_its_ends_and_may_be_wider_than_the_bins():
    assert pitch.bins_between(0, 8000) == pitch.bins_between(None, None) == slice(0, 360)
    ends = pitch.to_hertz(pitch.BIN_CENTS[[5, 9]])
    assert pitch.bins_between(*ends) == slice(5, 10)


def test_no_frame_at_all_is_an_empty_path():
    assert len(pitch.Viterbi().finish()) == 0


@pytest.mark.parametrize(("hertz", "weight"), [(1000, 0.0), (100, -19.1), (4000, 1.0)])
def test_the_level_of_a_sine_is_a_weighted(hertz, weight):
    """Weights of IEC 61672; a full-scale sine has a mean square of -3 dB."""
    sine = np.sin(2 * np.pi * hertz * np.arange(1024) / 16000).astype(np.float32)
    level = pitch.level(torch.from_numpy(sine)[None])[0]
    assert level == pytest.approx(weight - 3.01, abs=0.6)


def test_silence_has_a_finite_level():
    assert pitch.level(torch.zeros(1, 1024))[0] == pytest.approx(-200)


def test_the_a_curve_is_librosas():
    frequencies = librosa.fft_frequencies(sr=16000, n_fft=1024).clip(min=1)
    expected = 10 ** (librosa.A_weighting(frequencies) / 10)
    np.testing.assert_allclose(pitch._a_weights(), expected, rtol=1e-5)
