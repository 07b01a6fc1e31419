"""Notes of several voices over time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zoo.plotting import notebook
from zoo.results.display import ShortRepr
from zoo.results.recording import Recording

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_MAX_LINES = 25  # keys of a piano roll in a notebook


class Note(NamedTuple):
    """One note.

    Attributes
    ----------
    start, end : float
        In s.
    midi : int
        Number of its key: A4 is 69.
    amplitude : float
        From 0 to 1: how sure the network is of the key over the note, which is not its loudness.
    bends : ndarray of float32, shape (frames,)
        Semitones by which the pitch is above the key, at even distances from start to end, in thirds.
    """

    start: float
    end: float
    midi: int
    amplitude: float
    bends: np.ndarray

    def __repr__(self) -> str:
        """Return all but the bends."""
        times = f"start={self.start:.3f}, end={self.end:.3f}"
        return f"Note({times}, midi={self.midi}, amplitude={self.amplitude:.2f})"

    @property
    def name(self) -> str:
        """Return its name, for example ``"A4"``."""
        from zoo.audio.notes import note_name

        return note_name(self.midi)

    @property
    def velocity(self) -> int:
        """Return the amplitude as MIDI has it, from 1 to 127."""
        return min(max(round(127 * self.amplitude), 1), 127)

    @property
    def cents(self) -> float:
        """Return the mean of the bends, in cents."""
        return 100 * float(self.bends.mean()) if len(self.bends) else 0.0


@dataclass(frozen=True, eq=False, repr=False)
class Notes(ShortRepr):
    """Notes of one recording; several may sound at once.

    Attributes
    ----------
    network, input : str
    notes : tuple of Note
        By start, then by end and key.
    duration : float
        Of the recording, in s.
    recording : Recording or None
        What was analyzed, for the player of a notebook; None if it cannot be opened again.
    """

    network: str
    input: str
    notes: tuple[Note, ...]
    duration: float
    recording: Recording | None = field(default=None, repr=False)

    def __len__(self) -> int:
        """Return the number of notes."""
        return len(self.notes)

    def table(self) -> pd.DataFrame:
        """One row a note: start, end, midi, name, cents, amplitude, velocity."""
        import pandas as pd

        columns = ["start", "end", "midi", "name", "cents", "amplitude", "velocity"]
        return pd.DataFrame([[getattr(note, key) for key in columns] for note in self.notes], columns=columns)

    def to_midi(self) -> bytes:
        """Return the notes as a standard MIDI file of one track, without their bends."""
        from zoo.audio.notes import midi_file

        return midi_file((note.start, note.end, note.midi, note.velocity) for note in self.notes)

    def plot(self) -> go.Figure:
        """Draw a piano roll: bars over time, one row a key."""
        from zoo.plotting.piano_roll import piano_roll

        return piano_roll(self.table(), self.duration)

    def _repr_html_(self) -> str:
        """Return a player, a piano roll of the keys that sound longest and a table for a notebook."""
        keys: dict[int, list[tuple[float, float]]] = {}
        for note in self.notes:
            keys.setdefault(note.midi, []).append((note.start, note.end))
        longest = sorted(keys, key=lambda key: sum(start - end for start, end in keys[key]))[:_MAX_LINES]
        names = {note.midi: note.name for note in self.notes}
        rows = {names[key]: keys[key] for key in sorted(longest, reverse=True)}
        left_out = f", {_MAX_LINES} drawn" if len(keys) > _MAX_LINES else ""
        count = f"{notebook.quantity(len(self), 'note')} of {notebook.quantity(len(keys), 'key')}"
        player = self.recording.player() if self.recording else ""
        roll = notebook.timeline(rows, self.duration)
        table = notebook.table(self.table(), ["start", "end", "name", "velocity"]) if self.notes else ""
        return notebook.card(self.input, f"{count}{left_out}, by {self.network}", player, roll, table)

    def to_dict(self) -> dict[str, Any]:
        return {
            "input": self.input,
            "network": self.network,
            "notes": [
                {
                    "start": round(note.start, 6),
                    "end": round(note.end, 6),
                    "midi": note.midi,
                    "name": note.name,
                    "cents": round(note.cents, 3),
                    "amplitude": note.amplitude,
                    "velocity": note.velocity,
                }
                for note in self.notes
            ],
        }
