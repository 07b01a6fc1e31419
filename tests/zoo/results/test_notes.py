"""Notes as a table, as JSON and as a MIDI file that is read back."""

import io
import json

import mido
import numpy as np

from zoo.results import Note, Notes

BENDS = np.zeros(4, np.float32)
NOTES = Notes(
    network="n",
    input="i",
    notes=(
        Note(0.0, 1.0, 60, 1.0, BENDS),
        Note(0.5, 1.5, 64, 0.5, BENDS + 1 / 3),
        Note(1.0, 2.0, 60, 0.001, BENDS),
    ),
    duration=2.5,
)


def read_back(content: bytes) -> list[tuple[float, float, int, int]]:
    now, sounding, notes = 0.0, {}, []
    for message in mido.MidiFile(file=io.BytesIO(content)):
        now += message.time  # mido gives seconds here
        if message.type == "note_on":
            assert message.note not in sounding
            sounding[message.note] = now, message.velocity
        elif message.type == "note_off":
            start, velocity = sounding.pop(message.note)
            notes.append((start, now, message.note, velocity))
    assert not sounding
    return sorted(notes)


def test_a_midi_file_has_notes_that_overlap_and_repeat():
    notes = read_back(NOTES.to_midi())
    assert [note[2:] for note in notes] == [(60, 127), (64, 64), (60, 1)]
    np.testing.assert_allclose([note[:2] for note in notes], [(0, 1), (0.5, 1.5), (1, 2)], atol=1e-3)
    assert read_back(Notes("n", "i", (), 0.0).to_midi()) == []


def test_table_and_json_name_the_same_notes():
    table, record = NOTES.table(), json.loads(json.dumps(NOTES.to_dict(), allow_nan=False))
    assert list(table.columns) == ["start", "end", "midi", "name", "cents", "amplitude", "velocity"]
    assert table.name.tolist() == [note["name"] for note in record["notes"]] == ["C4", "E4", "C4"]
    assert table.cents.round().tolist() == [0, 33, 0]
    assert record["notes"][1] | {"cents": 33} == {
        **{"start": 0.5, "end": 1.5, "midi": 64, "name": "E4"},
        **{"cents": 33, "amplitude": 0.5, "velocity": 64},
    }
    assert len(NOTES) == 3
    assert repr(NOTES.notes[0]) == "Note(start=0.000, end=1.000, midi=60, amplitude=1.00)"


def test_a_piano_roll_has_the_notes():
    (bars,) = NOTES.plot().data
    assert list(bars.y) == [60, 64, 60]
    assert not len(Notes("n", "i", (), 0.0).plot().data[0].x)
