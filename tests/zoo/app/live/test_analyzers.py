"""What the networks make of a live sound."""

import numpy as np
import pytest

import zoo
from zoo.app.live import analyzers
from zoo.app.live.analyzers import PitchAnalyzer, SoundAnalyzer, tone_of
from zoo.app.live.audio_buffer import Block
from zoo.audio.signal import read_mono
from zoo.core.errors import InputError

RATE = 48000


def tone(seconds: float, hertz: float = 440.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return sum(0.3 / k * np.sin(2 * np.pi * k * hertz * time) for k in (1, 2, 3)).astype(np.float32)


def listen(
    sense, samples: np.ndarray, begin: float = 0.0, sample_rate: int = RATE, length: float = 0.1
) -> None:
    """Let a sense hear samples in blocks; `begin`: how much sound had arrived before, in s."""
    n = round(length * sample_rate)
    for i in range(0, len(samples), n):
        piece = samples[i : i + n]
        end = begin + (i + len(piece)) / sample_rate
        sense.hear(Block(piece, sample_rate, end, end, follows=i > 0))


def test_a_tone_has_its_note(net):
    sense = PitchAnalyzer(net("crepe.tiny"))
    assert sense.heard() is None
    listen(sense, tone(1))
    heard = tone_of(sense.heard())
    assert heard.note == "A4"
    assert abs(heard.cents) < 5
    assert heard.frequency == pytest.approx(440, rel=0.003)
    assert heard.confidence > 0.8
    assert 0.9 < sense.upto <= 1.0


def test_notes_follow_what_instruments_are_tuned_to(net):
    sense = PitchAnalyzer(net("crepe.tiny"))
    listen(sense, tone(0.5))
    assert tone_of(sense.heard(), a4=466.16).note == "G#4"
    assert tone_of(sense.heard(), a4=444).cents == pytest.approx(1200 * np.log2(440 / 444), abs=5)


def test_silence_has_no_note(net):
    sense = PitchAnalyzer(net("crepe.tiny"))
    listen(sense, np.zeros(RATE, np.float32))
    assert len(sense.heard()) > 40
    assert tone_of(sense.heard()) is None


def test_a_note_that_has_ended_is_not_shown_on(net):
    sense = PitchAnalyzer(net("crepe.tiny"))
    listen(sense, np.concatenate([tone(0.5), np.zeros(RATE // 2, np.float32)]))
    assert tone_of(sense.heard()) is None
    assert sense.heard().voiced.sum() > 15


def test_pitch_is_that_of_the_recording(net):
    sense = PitchAnalyzer(net("crepe.tiny"))
    melody = read_mono(zoo.sample("melody.wav"), RATE)[: 5 * RATE]
    listen(sense, melody)
    heard = sense.heard()
    whole = zoo.pitch(melody, network=net("crepe.tiny"), sample_rate=RATE, hop=analyzers.HOP_PITCH)[
        : len(heard)
    ]
    np.testing.assert_allclose(heard.time + sense.upto, whole.time, atol=1e-6)
    np.testing.assert_allclose(heard.frequency, whole.frequency, rtol=1e-3)


def test_a_bell_is_heard_while_it_rings(net):
    sense = SoundAnalyzer(net("yamnet"))
    bell = read_mono(zoo.sample("bicycle-bell.wav"), RATE)
    listen(sense, bell[: 9 * RATE])  # which rings from 6.9 s on
    heard = sense.heard()
    assert heard.now.labels[0] == "Bicycle bell"
    rings = heard.scores[:, heard.labels.index("Bicycle bell")]
    assert rings[heard.times < -2].max() < 0.1 < 0.9 < rings[-2:].max()
    assert heard.now.scores[0] == pytest.approx(rings[-3:].mean())
    assert sense.upto == pytest.approx(9, abs=analyzers.HOP_SOUNDS + 0.1)
    assert np.diff(heard.times) == pytest.approx(analyzers.HOP_SOUNDS)
    assert heard.times[-1] == 0


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (lambda net: SoundAnalyzer(net("yamnet")), analyzers.KEPT_SOUNDS / analyzers.HOP_SOUNDS),
        (lambda net: PitchAnalyzer(net("crepe.tiny")), analyzers.KEPT_PITCH / analyzers.HOP_PITCH),
    ],
    ids=["sounds", "pitch"],
)
def test_only_the_last_seconds_are_kept(net, make, most):
    sense = make(net)
    for minute in range(2):
        listen(sense, np.tile(tone(1), 30), begin=30.0 * minute, length=0.5)
        heard = sense.heard()
        times = heard.times if isinstance(heard, analyzers.Sounds) else heard.time
        assert most - 2 <= len(times) <= most
        assert sense.upto == pytest.approx(30 * (minute + 1), abs=0.3)


def test_after_a_gap_times_go_on_where_sound_does(net):
    pitch, sounds = PitchAnalyzer(net("crepe.tiny")), SoundAnalyzer(net("yamnet"))
    for sense in (pitch, sounds):
        listen(sense, tone(2, 220))
        listen(sense, tone(2, 330), begin=5.0)
        assert 6.7 < sense.upto <= 7.0
    track = pitch.heard()
    time = track.time + pitch.upto
    assert not ((time > 2.05) & (time < 4.95)).any()
    assert np.nanmedian(track.frequency[time < 2]) == pytest.approx(220, rel=0.01)
    assert np.nanmedian(track.frequency[time > 5]) == pytest.approx(330, rel=0.01)
    assert np.diff(sounds.heard().times).max() == pytest.approx(5 - 2 + 0.96, abs=0.3)


def test_what_is_older_than_is_kept_goes_after_a_gap_too(net):
    pitch, sounds = PitchAnalyzer(net("crepe.tiny")), SoundAnalyzer(net("yamnet"))
    for sense in (pitch, sounds):
        listen(sense, tone(2))
        listen(sense, tone(2), begin=100.0)
    assert pitch.heard().time[0] > -2.1
    assert sounds.heard().times[0] > -2.1


def test_a_network_of_pictures_does_not_listen(net):
    with pytest.raises(InputError, match="takes no sound"):
        SoundAnalyzer(zoo.load("squeezenet", weights=None, engine="torch"))
    with pytest.raises(InputError, match="does not support the task pitch"):
        PitchAnalyzer(net("yamnet"))
