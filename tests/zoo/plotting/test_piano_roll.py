"""Notes as bars over time."""

import pandas as pd

from zoo.plotting.piano_roll import piano_roll


def test_a_piano_roll_has_a_bar_for_each_note_on_its_key():
    notes = pd.DataFrame(
        {"start": [0.0, 1.0], "end": [0.9, 2.0], "midi": [60, 69], "name": ["C4", "A4"], "cents": [3.0, -2.0]}
    )
    figure = piano_roll(notes, 2.5)
    bars = figure.data[0]
    assert list(zip(bars.base, bars.x, bars.y, strict=True)) == [(0.0, 0.9, 60), (1.0, 1.0, 69)]
    ticks = dict(zip(figure.layout.yaxis.ticktext, figure.layout.yaxis.tickvals, strict=True))
    assert (ticks["C4"], ticks["A4"]) == (60, 69)
    assert figure.layout.xaxis.range == (0, 2.5)
    assert len(piano_roll(notes.iloc[:0], 0).data[0].x) == 0


def test_a_piano_roll_names_notes_only_where_rows_are_high_enough():
    notes = pd.DataFrame({"start": [0.0, 1.0], "end": [0.9, 2.0], "name": ["C4", "A4"], "cents": [0.0, 0.0]})
    assert list(piano_roll(notes.assign(midi=[60, 69]), 2).data[0].text) == ["C4", "A4"]
    assert piano_roll(notes.assign(midi=[30, 69]), 2).data[0].text is None
