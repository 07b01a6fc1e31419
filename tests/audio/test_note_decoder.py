"""Notes from posteriors that are made here, and so have a known answer."""

import numpy as np
import pytest

from zoo.audio.basicpitch import LOWEST, Posteriors
from zoo.audio.note_decoder import NoteDecoder, key_range
from zoo.audio.options import NoteOptions
from zoo.core.errors import InputError

FRAMES = 400


def empty(frames: int = FRAMES) -> Posteriors:
    return Posteriors(*(np.zeros((frames, width), np.float32) for width in (88, 88, 264)))


def add(
    frames: Posteriors, midi: int, start: int, end: int, *, onset: bool = True, score: float = 0.8
) -> None:
    key = midi - LOWEST
    frames.notes[start:end, key] = score
    frames.contours[start:end, 3 * key + 1] = score
    if onset:
        frames.onsets[start, key] = 0.9


def decode(frames: Posteriors, **options) -> list[tuple[int, int, int]]:
    decoder = NoteDecoder(NoteOptions(**options))
    return [note[:3] for note in [*decoder.feed(frames), *decoder.finish(len(frames.notes))]]


def test_a_chord_is_several_notes_and_a_repeated_key_two():
    frames = empty()
    for midi in (60, 64, 67):
        add(frames, midi, 50, 100)
    add(frames, 60, 100, 150)
    assert decode(frames) == [(50, 100, 60), (50, 100, 64), (50, 100, 67), (100, 150, 60)]


@pytest.mark.parametrize(("pause", "count"), [(10, 1), (11, 2)])
def test_a_pause_of_eleven_frames_ends_a_note(pause, count):
    frames = empty()
    add(frames, 60, 50, 100)
    add(frames, 60, 100 + pause, 150, onset=False)
    assert len(decode(frames)) == count


def test_a_note_without_an_onset_is_found_if_it_lasts():
    frames = empty()
    add(frames, 60, 50, 90, onset=False)
    add(frames, 70, 50, 65, onset=False)
    assert decode(frames) == [(50, 90, 60)]
    assert decode(frames, min_duration=0.05) == [(50, 65, 70), (50, 90, 60)]


def test_short_and_faint_notes_are_dropped_and_neighbors_of_a_key_belong_to_it():
    frames = empty()
    add(frames, 60, 50, 100)
    add(frames, 61, 60, 100, onset=False, score=0.5)  # what a note leaves on the next key
    add(frames, 70, 50, 58)
    add(frames, 80, 50, 100, score=0.2)
    assert decode(frames) == [(50, 100, 60)]
    assert (50, 58, 70) in decode(frames, min_duration=0.05)
    assert (50, 100, 80) in decode(frames, threshold=0.1)


def test_bends_are_semitones_from_the_key_and_amplitude_is_the_mean():
    frames = empty()
    add(frames, 60, 50, 100)
    contours = frames.contours
    contours[75:100] = np.roll(contours[75:100], 1, axis=1)
    decoder = NoteDecoder(NoteOptions())
    (note,) = [*decoder.feed(frames), *decoder.finish(FRAMES)]
    assert note.amplitude == pytest.approx(0.8)
    np.testing.assert_allclose(note.bends, [0] * 25 + [1 / 3] * 25, atol=1e-6)


@pytest.mark.parametrize("midi", [21, 108])
def test_the_outermost_keys_have_notes_and_bends(midi):
    frames = empty()
    add(frames, midi, 50, 100)
    decoder = NoteDecoder(NoteOptions())
    (note,) = [*decoder.feed(frames), *decoder.finish(FRAMES)]
    assert note[:3] == (50, 100, midi)
    assert not note.bends.any()


def test_a_range_leaves_out_other_keys():
    frames = empty()
    for midi in (40, 60, 80):
        add(frames, midi, 50, 100)
    assert decode(frames, fmin=200, fmax=300) == [(50, 100, 60)]
    assert key_range(NoteOptions()) == slice(0, 88)
    assert key_range(NoteOptions(fmin=440, fmax=440)) == slice(69 - LOWEST, 70 - LOWEST)
    assert decode(frames, fmin=10_000) == []


def test_blocks_give_the_notes_of_the_whole():
    random = np.random.default_rng(0)
    frames, start = empty(6000), 20
    while start < 5900:
        add(frames, int(random.integers(30, 100)), start, start + int(random.integers(20, 60)))
        start += int(random.integers(10, 90))
    whole = decode(frames)
    decoder = NoteDecoder(NoteOptions(), block=500)
    notes = []
    for first in range(0, 6000, 142):
        notes += decoder.feed(Posteriors(*(array[first : first + 142] for array in frames)))
    assert len(notes) > len(whole) / 2  # most are there before the end
    assert sorted(note[:3] for note in [*notes, *decoder.finish(6000)]) == whole


def test_a_note_that_sounds_over_every_block_is_one_note():
    frames = empty(3000)
    add(frames, 60, 100, 2900)
    decoder = NoteDecoder(NoteOptions(), block=400)
    notes = []
    for first in range(0, 3000, 100):
        notes += decoder.feed(Posteriors(*(array[first : first + 100] for array in frames)))
    (note,) = [*notes, *decoder.finish(3000)]
    assert note[:3] == (100, 2900, 60)
    assert len(note.bends) == 2800
    assert note.amplitude == pytest.approx(0.8)


@pytest.mark.parametrize("frames", [0, 1, 5])
def test_nothing_and_almost_nothing_has_no_notes(frames):
    assert decode(empty(frames)) == []
    assert NoteDecoder(NoteOptions()).finish(0) == []


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"threshold": 2}, "threshold"),
        ({"onset_threshold": "0.5"}, "onset_threshold"),
        ({"min_duration": -1}, "min_duration"),
        ({"fmin": 0}, "fmin"),
        ({"fmin": 500, "fmax": 100}, "No pitch lies"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, match):
    with pytest.raises(InputError, match=match):
        NoteOptions(**options)
