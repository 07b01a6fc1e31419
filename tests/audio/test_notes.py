"""Notes, MIDI files and sound from pitch tracks that are made here, and so have a known answer."""

import io

import librosa
import mido
import numpy as np
import pytest

import zoo
from zoo.audio.notes import note_name
from zoo.core.errors import InputError
from zoo.results import PitchTrack

STEP = 0.01


def track(midi: np.ndarray, level: np.ndarray | float = -20.0) -> PitchTrack:
    midi = np.asarray(midi, float)
    return PitchTrack(
        network="n",
        input="i",
        time=np.arange(len(midi)) * STEP,
        frequency=440 * 2 ** ((midi - 69) / 12),
        confidence=np.ones(len(midi), np.float32),
        voiced=~np.isnan(midi),
        level=np.broadcast_to(np.float32(level), midi.shape),
    )


def held(note: float, seconds: float) -> np.ndarray:
    return np.full(round(seconds / STEP), float(note))


def vibrato(note: float, seconds: float, sample_rate: float, cents: float, phase: float = 0) -> np.ndarray:
    time = np.arange(round(seconds / STEP)) * STEP
    return note + cents / 100 * np.sin(2 * np.pi * sample_rate * time + phase)


def names(pitch: PitchTrack, **options: float) -> list[str]:
    return pitch.notes(**options).name.tolist()


def test_steps_are_notes_with_their_times_and_deviations():
    notes = track(np.concatenate([held(60.2, 0.5), held(62, 0.3), held(59.9, 0.7)])).notes()
    assert list(notes.columns) == ["start", "end", "midi", "name", "cents"]
    assert notes.name.tolist() == ["C4", "D4", "C4"]
    np.testing.assert_allclose(notes.start, [0, 0.5, 0.8])
    np.testing.assert_allclose(notes.end, [0.5, 0.8, 1.5])
    np.testing.assert_allclose(notes.cents, [20, 0, -10], atol=1e-6)


@pytest.mark.parametrize("phase", [0, 1.57, 3.14, 4.71])
@pytest.mark.parametrize("sample_rate", [4.5, 5.5, 7])
@pytest.mark.parametrize("cents", [20, 50, 80])
def test_vibrato_does_not_split_a_note(sample_rate, cents, phase):
    notes = track(
        np.concatenate([vibrato(64, 1.5, sample_rate, cents, phase), vibrato(65, 1.5, sample_rate, cents)])
    ).notes()
    assert notes.name.tolist() == ["E4", "F4"]
    assert abs(notes.start[1] - 1.5) < 0.12
    assert notes.cents.abs().max() < 15


def test_a_glide_ends_a_note_and_short_notes_are_dropped():
    glide = np.linspace(60, 67, 12)
    assert names(track(np.concatenate([held(60, 0.5), glide, held(67, 0.5)]))) == ["C4", "G4"]
    brief = np.concatenate([held(60, 0.5), held(64, 0.2), held(60, 0.5)])
    assert names(track(brief), min_duration=0.3) == ["C4", "C4"]


def test_silence_parts_two_notes_and_a_dropout_does_not():
    for frames, expected in ((3, ["A4"]), (10, ["A4", "A4"])):
        assert (
            names(track(np.concatenate([held(69, 0.5), np.full(frames, np.nan), held(69, 0.5)]))) == expected
        )


def test_a_dip_of_the_level_parts_two_notes_of_one_pitch_and_a_tremolo_does_not():
    level = np.full(100, -20.0)
    level[48:53] = [-24, -28, -31, -28, -24]
    assert names(track(held(69, 1), level)) == ["A4", "A4"]
    tremolo = -20 + 2 * np.sin(2 * np.pi * 6 * np.arange(100) * STEP)
    assert names(track(held(69, 1), tremolo)) == ["A4"]


@pytest.mark.parametrize("pitch", [[np.nan] * 20, [60.0]])
def test_no_note_is_an_empty_table_and_a_valid_file(pitch):
    nothing = track(pitch)
    assert len(nothing.notes()) == 0
    assert [m.type for m in mido.MidiFile(file=io.BytesIO(nothing.to_midi()))] == ["end_of_track"]
    assert nothing.synthesize(8000).dtype == np.float32


def test_the_melody_is_written_down_and_read_back(net):
    melody = zoo.pitch(zoo.sample("melody.wav"), network=net("crepe.tiny"))
    notes = melody.notes()
    assert notes.name.tolist() == ["C4", "D4", "E4", "C4", "C4", "D4", "E4", "C4", "E4", "F4", "G4"]
    np.testing.assert_allclose(notes.start, np.arange(11) * 0.5, atol=0.04)
    assert notes.cents.abs().max() < 10
    now, read = 0.0, []
    for message in mido.MidiFile(file=io.BytesIO(melody.to_midi())):
        now += message.time  # mido gives seconds here
        if message.type == "note_on":
            read.append([now, None, message.note])
        elif message.type == "note_off":
            assert message.note == read[-1][2]
            read[-1][1] = now
    expected = notes[["start", "end", "midi"]].to_numpy(float)
    np.testing.assert_allclose(np.array(read, float), expected, atol=0.001)


@pytest.mark.parametrize("sample_rate", [16000, 44100])
def test_the_synthesized_sound_has_the_pitch_it_was_made_from(net, sample_rate):
    """A glide over two octaves and a trembling note, with a pause between."""
    pitch = np.concatenate([np.linspace(50, 74, 200), np.full(50, np.nan), vibrato(69, 1.5, 5, 50)])
    original = track(pitch)
    sound = original.synthesize(sample_rate)
    again = zoo.pitch(sound, sample_rate=sample_rate, network=net("crepe.small"))
    both = original.voiced & again.voiced[: len(pitch)]
    assert both.sum() > 0.95 * original.voiced.sum()
    off = np.abs(original.cents() - again.cents()[: len(pitch)])[both]
    assert np.percentile(off, 98) < 20
    assert np.abs(sound).max() <= 1
    assert not sound[round(2.02 * sample_rate) : round(2.48 * sample_rate)].any()
    assert not again.voiced[210:240].any()


def test_the_sound_has_no_break_where_its_blocks_meet():
    sound = track(held(69, 12)).synthesize(16000, harmonics=1)
    assert np.abs(np.diff(sound)).max() <= 2 * np.pi * 440 / 16000 * 0.8 * 1.001


def test_harmonics_above_half_the_rate_are_left_out():
    spectrum = np.abs(
        np.fft.rfft(track(held(93, 1)).synthesize(8000, harmonics=8)[800:4800] * np.hanning(4000))
    )
    peaks = np.flatnonzero(spectrum > 0.01 * spectrum.max()) * 2
    assert set(np.round(peaks / 1760).astype(int)) == {1, 2}


@pytest.mark.parametrize(
    ("verb", "options", "word"),
    [
        ("notes", {"tolerance": 0}, "tolerance"),
        ("notes", {"min_duration": -1}, "min_duration"),
        ("to_midi", {"tolerance": "x"}, "tolerance"),
        ("synthesize", {"sample_rate": 0}, "sample_rate"),
        ("synthesize", {"harmonics": 0}, "harmonics"),
        ("smoothed", {"width": 4}, "odd"),
        ("smoothed", {"width": 0}, "smooth"),
        ("smoothed", {"width": 3, "how": "mode"}, "median, mean"),
    ],
)
def test_options_that_make_no_sense(verb, options, word):
    with pytest.raises(InputError, match=word):
        getattr(track(held(69, 1)), verb)(**options)


def test_smoothing_is_over_voiced_frames_only():
    rough = track([60, 60, 72, 60, 60, np.nan, 64, 67])  # nor over a gap
    np.testing.assert_allclose(rough.smoothed(3).midi, [60, 60, 60, 60, 60, np.nan, 65.5, 65.5])
    mean = rough.smoothed(3, "mean").midi
    np.testing.assert_allclose(mean, [60, 64, 64, 64, 60, np.nan, 65.5, 65.5])
    assert rough.smoothed(1) is rough
    np.testing.assert_allclose(rough.cents(220.0)[:2], 300)


def test_names_of_notes_are_librosas():
    numbers = range(128)
    assert [note_name(midi) for midi in numbers] == [*librosa.midi_to_note(numbers, unicode=False)]
