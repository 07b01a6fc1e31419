"""Pitch of melodies whose frequency is known, by mir_eval's measures; `benchmarks/pitch.py` has more."""

import mir_eval
import numpy as np
import pytest

import zoo
from benchmarks.melodies import HIGHEST, LOWEST, RATE, STEP, hidden, melody


@pytest.fixture(scope="module")
def tune():
    """Seven registers from 34 to 1900 Hz, 9 s."""
    return melody(7, seed=3, seconds=9 / 7)


def measured(net, tune, sound, decoder):
    """Raw pitch accuracy within 50 cents, and octave errors."""
    track = zoo.pitch(
        sound, sample_rate=RATE, network=net("crepe.tiny"), decoder=decoder, threshold=0, silence=None
    )
    time = np.arange(len(tune.frequency)) * STEP / RATE
    np.testing.assert_allclose(track.time, time)
    values = mir_eval.melody.to_cent_voicing(time, tune.frequency, track.time, track.frequency)
    accuracy = mir_eval.melody.raw_pitch_accuracy(*values)
    return accuracy, mir_eval.melody.raw_chroma_accuracy(*values) - accuracy


def test_the_melody_is_what_it_says(tune):
    """In its range, with rests, and in as much noise as asked for."""
    voiced = tune.frequency > 0
    assert 0.5 < voiced.mean() < 0.98
    assert (tune.frequency[voiced] >= LOWEST).all()
    assert (tune.frequency[voiced] <= HIGHEST).all()
    sounding = np.repeat(voiced, STEP)[: len(tune.sound)]
    for color in ("white", "pink"):
        noise = hidden(tune, color, 10, seed=0) - tune.sound
        ratio = np.mean(tune.sound[sounding] ** 2) / np.mean(noise**2)
        assert 10 * np.log10(ratio) == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize(("noise", "bound"), [(None, 0.87), ("white", 0.87), ("pink", 0.78)])
def test_pitch_is_right_and_a_path_makes_fewer_octave_errors(net, tune, noise, bound):
    """Clean and at 10 dB. Notes are short here, and pink noise misleads the path of the original."""
    sound = hidden(tune, noise, 10, seed=7) if noise else tune.sound
    plain, jumps = measured(net, tune, sound, "local-average")
    for decoder in ("viterbi", "soft-viterbi"):
        accuracy, left = measured(net, tune, sound, decoder)
        assert accuracy > bound
        if decoder == "soft-viterbi" or noise != "pink":
            assert left < jumps
    assert plain > bound
