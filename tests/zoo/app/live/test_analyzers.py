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
    analyzer, samples: np.ndarray, begin: float = 0.0, sample_rate: int = RATE, length: float = 0.1
) -> None:
    """Let an analyzer process samples in blocks; `begin`: how much sound had arrived before, in s."""
    n = round(length * sample_rate)
    for i in range(0, len(samples), n):
        piece = samples[i : i + n]
        end = begin + (i + len(piece)) / sample_rate
        analyzer.process(Block(piece, sample_rate, end, end, follows=i > 0))


def test_a_tone_has_its_note(net):
    analyzer = PitchAnalyzer(net("crepe.tiny"))
    assert analyzer.snapshot() is None
    listen(analyzer, tone(1))
    snapshot = tone_of(analyzer.snapshot())
    assert snapshot.note == "A4"
    assert abs(snapshot.cents) < 5
    assert snapshot.frequency == pytest.approx(440, rel=0.003)
    assert snapshot.confidence > 0.8
    assert 0.9 < analyzer.processed_until <= 1.0


def test_notes_follow_what_instruments_are_tuned_to(net):
    analyzer = PitchAnalyzer(net("crepe.tiny"))
    listen(analyzer, tone(0.5))
    assert tone_of(analyzer.snapshot(), a4=466.16).note == "G#4"
    assert tone_of(analyzer.snapshot(), a4=444).cents == pytest.approx(1200 * np.log2(440 / 444), abs=5)


def test_silence_has_no_note(net):
    analyzer = PitchAnalyzer(net("crepe.tiny"))
    listen(analyzer, np.zeros(RATE, np.float32))
    assert len(analyzer.snapshot()) > 40
    assert tone_of(analyzer.snapshot()) is None


def test_a_note_that_has_ended_is_not_shown_on(net):
    analyzer = PitchAnalyzer(net("crepe.tiny"))
    listen(analyzer, np.concatenate([tone(0.5), np.zeros(RATE // 2, np.float32)]))
    assert tone_of(analyzer.snapshot()) is None
    assert analyzer.snapshot().voiced.sum() > 15


def test_pitch_is_that_of_the_recording(net):
    analyzer = PitchAnalyzer(net("crepe.tiny"))
    melody = read_mono(zoo.sample("melody.wav"), RATE)[: 5 * RATE]
    listen(analyzer, melody)
    snapshot = analyzer.snapshot()
    whole = zoo.pitch(melody, network=net("crepe.tiny"), sample_rate=RATE, hop=analyzers.HOP_PITCH)[
        : len(snapshot)
    ]
    np.testing.assert_allclose(snapshot.time + analyzer.processed_until, whole.time, atol=1e-6)
    np.testing.assert_allclose(snapshot.frequency, whole.frequency, rtol=1e-3)


def test_a_bell_is_heard_while_it_rings(net):
    analyzer = SoundAnalyzer(net("yamnet"))
    bell = read_mono(zoo.sample("bicycle-bell.wav"), RATE)
    listen(analyzer, bell[: 9 * RATE])  # which rings from 6.9 s on
    snapshot = analyzer.snapshot()
    assert snapshot.now.labels[0] == "Bicycle bell"
    rings = snapshot.scores[:, snapshot.labels.index("Bicycle bell")]
    assert rings[snapshot.times < -2].max() < 0.1 < 0.9 < rings[-2:].max()
    assert snapshot.now.scores[0] == pytest.approx(rings[-3:].mean())
    assert analyzer.processed_until == pytest.approx(9, abs=analyzers.HOP_SOUNDS + 0.1)
    assert np.diff(snapshot.times) == pytest.approx(analyzers.HOP_SOUNDS)
    assert snapshot.times[-1] == 0


@pytest.mark.parametrize(
    ("make", "max_columns"),
    [
        (lambda net: SoundAnalyzer(net("yamnet")), analyzers.KEPT_SOUNDS / analyzers.HOP_SOUNDS),
        (lambda net: PitchAnalyzer(net("crepe.tiny")), analyzers.KEPT_PITCH / analyzers.HOP_PITCH),
    ],
    ids=["sounds", "pitch"],
)
def test_only_the_last_seconds_are_kept(net, make, max_columns):
    analyzer = make(net)
    for minute in range(2):
        listen(analyzer, np.tile(tone(1), 30), begin=30.0 * minute, length=0.5)
        snapshot = analyzer.snapshot()
        times = snapshot.times if isinstance(snapshot, analyzers.Sounds) else snapshot.time
        assert max_columns - 2 <= len(times) <= max_columns
        assert analyzer.processed_until == pytest.approx(30 * (minute + 1), abs=0.3)


def test_after_a_gap_times_go_on_where_sound_does(net):
    pitch, sounds = PitchAnalyzer(net("crepe.tiny")), SoundAnalyzer(net("yamnet"))
    for analyzer in (pitch, sounds):
        listen(analyzer, tone(2, 220))
        listen(analyzer, tone(2, 330), begin=5.0)
        assert 6.7 < analyzer.processed_until <= 7.0
    track = pitch.snapshot()
    time = track.time + pitch.processed_until
    assert not ((time > 2.05) & (time < 4.95)).any()
    assert np.nanmedian(track.frequency[time < 2]) == pytest.approx(220, rel=0.01)
    assert np.nanmedian(track.frequency[time > 5]) == pytest.approx(330, rel=0.01)
    assert np.diff(sounds.snapshot().times).max() == pytest.approx(5 - 2 + 0.96, abs=0.3)


def test_what_is_older_than_is_kept_goes_after_a_gap_too(net):
    pitch, sounds = PitchAnalyzer(net("crepe.tiny")), SoundAnalyzer(net("yamnet"))
    for analyzer in (pitch, sounds):
        listen(analyzer, tone(2))
        listen(analyzer, tone(2), begin=100.0)
    assert pitch.snapshot().time[0] > -2.1
    assert sounds.snapshot().times[0] > -2.1


def test_a_network_of_pictures_does_not_listen(net):
    with pytest.raises(InputError, match="takes no sound"):
        SoundAnalyzer(zoo.load("squeezenet", weights=None, engine="torch"))
    with pytest.raises(InputError, match="does not support the task pitch"):
        PitchAnalyzer(net("yamnet"))
