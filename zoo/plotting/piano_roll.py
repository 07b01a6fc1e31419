"""Notes as bars over time."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from zoo.audio.notes import note_name
from zoo.plotting.theme import COLOR, INK

_MAX_NAMES = 200  # notes; the names of more would be too small to read


def piano_roll(notes: pd.DataFrame, duration: float) -> go.Figure:
    """Draw notes as bars over time, one row a key.

    Parameters
    ----------
    notes : DataFrame
        Its columns start, end, midi, name and cents are drawn, as `PitchTrack.notes` and `Notes.table` give
        them.
    duration : float
        Of the recording, in s.
    """
    low, high = (int(notes["midi"].min()), int(notes["midi"].max())) if len(notes) else (60, 71)
    is_narrow = high - low < 25  # then a row is high enough for a name
    figure = go.Figure(
        go.Bar(
            base=notes["start"],
            x=notes["end"] - notes["start"],
            y=notes["midi"],
            orientation="h",
            width=0.9,
            marker={"color": COLOR},
            text=notes["name"] if is_narrow and len(notes) <= _MAX_NAMES else None,
            textposition="inside",
            insidetextanchor="middle",
            insidetextfont={"color": INK},
            textangle=0,
            customdata=notes[["start", "end", "name", "cents"]],
            hovertemplate="%{customdata[2]}: %{customdata[0]:.2f} to %{customdata[1]:.2f} s, "
            "%{customdata[3]:+.0f} cents<extra></extra>",
        )
    )
    keys = [key for key in range(low - 1, high + 2) if is_narrow or key % 12 == 0]
    figure.update_xaxes(title="time (s)", range=[0, max(duration, 0.1)])
    figure.update_yaxes(
        tickvals=keys,
        ticktext=[note_name(key) for key in keys],
        range=[low - 1.5, high + 1.5],
        title="note",
    )
    height, margin = min(160 + 18 * (high - low + 3), 600), {"l": 8, "r": 8, "t": 8, "b": 8}
    return figure.update_layout(height=height, margin=margin, barmode="overlay")
