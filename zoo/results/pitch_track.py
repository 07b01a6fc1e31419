"""Fundamental frequency over time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.audio.options import require_smoothing
from zoo.core.validation import count, number
from zoo.plotting import notebook
from zoo.results.display import ShortRepr
from zoo.results.recording import Recording

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


@dataclass(frozen=True, eq=False, repr=False)
class PitchTrack(ShortRepr):
    """Fundamental frequency over time.

    Attributes
    ----------
    network, input : str
    time : ndarray of float64, shape (frames,)
        Center of each frame in s.
    frequency : ndarray of float64, shape (frames,)
        Hz; NaN where unvoiced.
    confidence : ndarray of float32, shape (frames,)
        From 0 to 1.
    voiced : ndarray of bool, shape (frames,)
    level : ndarray of float32, shape (frames,)
        A-weighted, in dB relative to full scale.
    activations : ndarray of float32, shape (frames, 360), or None
        The network's outputs, where asked for.
    recording : Recording or None
        What was analyzed, for the player of a notebook; None if it cannot be opened again.
    """

    network: str
    input: str
    time: np.ndarray
    frequency: np.ndarray
    confidence: np.ndarray
    voiced: np.ndarray
    level: np.ndarray
    activations: np.ndarray | None = None
    recording: Recording | None = field(default=None, repr=False)

    def __getitem__(self, frames: slice) -> PitchTrack:
        """Return the same track between two frames."""
        columns = ("time", "frequency", "confidence", "voiced", "level", "activations")
        values = {name: getattr(self, name) for name in columns}
        return replace(self, **{name: v[frames] for name, v in values.items() if v is not None})

    def __len__(self) -> int:
        """Frames."""
        return len(self.time)

    def gated(self, *, threshold: float, silence: float | None) -> PitchTrack:
        """Return the same track, with fewer frames voiced.

        Parameters
        ----------
        threshold : float
            Confidence, from 0 to 1, below which a frame is unvoiced.
        silence : float or None
            Level in dB below which a frame is unvoiced; None: no frame is.
        """
        voiced = self.voiced & (self.confidence >= threshold)
        if silence is not None:
            voiced &= self.level >= silence
        return replace(self, voiced=voiced, frequency=np.where(voiced, self.frequency, np.nan))

    def smoothed(self, width: int, how: str = "median") -> PitchTrack:
        """Smooth the pitch of each voiced frame over its neighbors of the same stretch.

        Parameters
        ----------
        width : int
            Frames, an odd number: the frame itself and as many on either side.
        how : {"median", "mean"}
            Of the pitch in cents.

        Raises
        ------
        InputError
            If the width is not an odd number, or the mean is unknown.
        """
        require_smoothing(width, how)
        if width == 1 or not self.voiced.any():
            return self
        stretch = np.where(self.voiced, np.cumsum(~self.voiced), -1)  # a number for each run of voiced frames
        pitch, near = (
            np.lib.stride_tricks.sliding_window_view(np.pad(values, width // 2, constant_values=-1), width)[
                self.voiced
            ]
            for values in (self.midi, stretch)
        )
        windows = np.where(near == stretch[self.voiced, None], pitch, np.nan)
        frequency = self.frequency.copy()
        frequency[self.voiced] = _hertz((np.nanmean if how == "mean" else np.nanmedian)(windows, axis=1))
        return replace(self, frequency=frequency)

    @property
    def midi(self) -> np.ndarray:
        """Pitch as MIDI note numbers with fractions, shape (frames,); A4, 440 Hz, is 69, NaN is unvoiced."""
        return 69 + self.cents() / 100

    def cents(self, reference: float = 440.0) -> np.ndarray:
        """Pitch in cents above a reference in Hz, shape (frames,); NaN where unvoiced."""
        return 1200 * np.log2(self.frequency / reference)

    def notes(self, *, tolerance: float = 50.0, min_duration: float = 0.1) -> pd.DataFrame:
        """Return the notes that were played or sung.

        Parameters
        ----------
        tolerance : float
            A note lasts while its pitch stays this close, in cents, to the median of the note so far. Vibrato
            is averaged out first, over 0.2 s.
        min_duration : float
            Shorter notes, in s, are dropped.

        Returns
        -------
        DataFrame
            One row a note: start and end in s, midi (whole number), name, and cents, by which the note's
            median pitch lies above that of the name. Notes of one pitch are separate where 0.05 s are
            unvoiced, or the level dips by 6 dB.

        Raises
        ------
        InputError
            If an option cannot be used.
        """
        import pandas as pd

        from zoo.audio.notes import note_name, segment

        number("tolerance", tolerance, 1, 1200)
        number("min_duration", min_duration, 0)
        notes = segment(
            self.midi, self.level, self._step, tolerance=tolerance / 100, min_duration=min_duration
        )
        table = pd.DataFrame(notes, columns=["start", "end", "pitch"])
        table["midi"] = table.pitch.round().astype(int)
        table["name"] = [note_name(midi) for midi in table.midi]
        table["cents"] = 100 * (table.pitch - table.midi)
        return table.drop(columns="pitch")

    def to_midi(self, *, tolerance: float = 50.0, min_duration: float = 0.1) -> bytes:
        """Return the `notes` as a standard MIDI file of one track."""
        from zoo.audio.notes import VELOCITY, midi_file

        table = self.notes(tolerance=tolerance, min_duration=min_duration)
        return midi_file(table[["start", "end", "midi"]].assign(velocity=VELOCITY).itertuples(index=False))

    def synthesize(self, sample_rate: int = 44100, *, harmonics: int = 3) -> np.ndarray:
        """Synthesize the track.

        Parameters
        ----------
        sample_rate : int
            Hz.
        harmonics : int
            Sines at multiples of the pitch, each half as loud as the one before; 1: a sine alone.

        Returns
        -------
        ndarray of float32, shape (samples,)
            From -1 to 1, without breaks in its phase; silent where the track is unvoiced.

        Raises
        ------
        InputError
            If an option cannot be used.
        """
        from zoo.audio.notes import synthesize

        number("sample_rate", sample_rate, 1000, 1_000_000)
        count("harmonics", harmonics)
        return synthesize(self.time, self.frequency, int(sample_rate), harmonics)

    @property
    def _step(self) -> float:
        return float(self.time[1] - self.time[0]) if len(self.time) > 1 else 0.01

    def table(self) -> pd.DataFrame:
        """One row a frame: time, frequency, confidence, voiced."""
        import pandas as pd

        columns = ("time", "frequency", "confidence", "voiced")
        return pd.DataFrame({column: getattr(self, column) for column in columns})

    def note_names(self) -> list[str]:
        """Return the nearest note of each frame (``"A4"``), empty where unvoiced; A4 is 440 Hz."""
        from zoo.audio.notes import note_name

        return [
            note_name(midi) if voiced else ""
            for midi, voiced in zip(self.midi.round().tolist(), self.voiced, strict=True)
        ]

    def plot(self) -> go.Figure:
        """Frequency over time on a logarithmic axis, with gaps where unvoiced."""
        import plotly.graph_objects as go

        figure = go.Figure(
            go.Scatter(
                x=self.time,
                y=self.frequency,
                mode="lines",
                line={"width": 3},
                connectgaps=False,
                name="f0",
                customdata=np.stack([self.note_names(), self.confidence], axis=1),
                hovertemplate="%{x:.2f} s: %{y:.1f} Hz, %{customdata[0]}, "
                "confidence %{customdata[1]:.2f}<extra></extra>",
            )
        )
        figure.update_xaxes(title="time (s)")
        figure.update_yaxes(title="frequency (Hz)", type="log")
        figure.update_layout(margin={"l": 8, "r": 8, "t": 8, "b": 8})
        return figure

    def _repr_html_(self) -> str:
        """Return a player and the frequency over time as a curve for a notebook; its axis is logarithmic."""
        note = (
            f"{notebook.quantity(len(self), 'frame')}, {int(self.voiced.sum()):,} voiced, by {self.network}"
        )
        player = self.recording.player() if self.recording else ""
        if not np.isfinite(self.frequency).any():
            return notebook.card(self.input, note, player)
        semitone = 2 ** (1 / 12)  # of room below and above
        low, high = np.nanmin(self.frequency) / semitone, np.nanmax(self.frequency) * semitone
        marks = (f"{low:.0f} Hz", f"{high:.0f} Hz", f"{self.time[0]:.2f} s", f"{self.time[-1]:.2f} s")
        limits = (math.log2(low), math.log2(high))
        curve = notebook.curve(np.log2(self.frequency), limits, marks)
        return notebook.card(self.input, note, player, curve)

    def to_dict(self) -> dict[str, Any]:
        return {
            "input": self.input,
            "network": self.network,
            "time": self.time.round(6).tolist(),
            "frequency": [None if math.isnan(f) else f for f in self.frequency.tolist()],
            "confidence": self.confidence.tolist(),
            "voiced": self.voiced.tolist(),
        }


def _hertz(midi: np.ndarray) -> np.ndarray:
    return 440.0 * 2.0 ** ((midi - 69) / 12)
