"""Decoding of pitch activations: definitions, and the streamed path against a plain one."""

import numpy as np
import pytest
import torch

from audio import pitch


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


@pytest.mark.parametrize("centre", [0, 2, 100.4, 357.7, 359])
def test_the_local_average_lies_between_bins(centre):
    found = pitch.local_average(bump([centre], width=1.0))[0]
    assert abs(found - np.interp(centre, np.arange(360), pitch.BIN_CENTS)) < 20


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


def test_the_path_comes_out_as_it_becomes_certain():
    """So what is held stays short: after 3000 frames of a held note, nearly all are out."""
    decoder = pitch.Viterbi()
    out = sum(len(decoder.feed(np.full(100, 180))) for _ in range(30))
    assert out > 2900


def test_no_frame_at_all_is_an_empty_path():
    assert len(pitch.Viterbi().finish()) == 0


@pytest.mark.parametrize(("hertz", "weight"), [(1000, 0.0), (100, -19.1), (4000, 1.0)])
def test_the_level_of_a_sine_is_a_weighted(hertz, weight):
    """Weights of IEC 61672; a full-scale sine has a mean square of -3 dB."""
    sine = np.sin(2 * np.pi * hertz * np.arange(1024) / 16000).astype(np.float32)
    found = pitch.level(torch.from_numpy(sine)[None])[0]
    assert found == pytest.approx(weight - 3.01, abs=0.6)


def test_silence_has_a_finite_level():
    assert pitch.level(torch.zeros(1, 1024))[0] == pytest.approx(-200)
