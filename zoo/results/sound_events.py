"""Sounds located in time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zoo.plotting import notebook
from zoo.plotting.theme import shortened
from zoo.results.classification import Classification
from zoo.results.display import ShortRepr
from zoo.results.recording import Recording

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_MAX_LINES = 10  # of a time line in a notebook


class SoundEvent(NamedTuple):
    """One sound located in time.

    Attributes
    ----------
    label, id : str
        Of a class of the network, or of the category that it is reported under.
    index : int
        The class of the network that had the score.
    start, end : float
        In s.
    score : float
        The largest of its patches, from 0 to 1.
    """

    label: str
    index: int  # pyright: ignore[reportIncompatibleMethodOverride]  (hides what tuples call so)
    id: str
    start: float
    end: float
    score: float


@dataclass(frozen=True, eq=False, repr=False)
class SoundEvents(ShortRepr):
    """Sound events of one recording, with the scores they come from.

    Attributes
    ----------
    network, input : str
    events : tuple of SoundEvent
        By start, then by score.
    scores : ndarray of float32, shape (patches, classes)
        From 0 to 1, of the network's classes, not of the categories that events are reported under.
        Independent of each other and not calibrated across classes: compare a class with itself.
    times : ndarray of float64, shape (patches, 2)
        Start and end of each patch in s.
    labels : tuple of str
        Of the columns of `scores`.
    duration : float
        Of the recording, in s.
    clip : Classification
        Of the whole recording: the mean over patches.
    recording : Recording or None
        What was analyzed, for the player of a notebook; None if it cannot be opened again.
    """

    network: str
    input: str
    events: tuple[SoundEvent, ...]
    scores: np.ndarray
    times: np.ndarray
    labels: tuple[str, ...]
    duration: float
    clip: Classification
    recording: Recording | None = field(default=None, repr=False)

    def table(self) -> pd.DataFrame:
        """One row an event: start, end, label, index, id, score."""
        import pandas as pd

        columns = ["start", "end", "label", "index", "id", "score"]
        return pd.DataFrame(self.events, columns=SoundEvent._fields)[columns]

    def plot(self, max_classes: int = 15) -> go.Figure:
        """Draw the events on a timeline, one row a class; the best `max_classes`."""
        import plotly.graph_objects as go

        best: dict[str, float] = {}
        for event in self.events:
            best[event.label] = max(best.get(event.label, 0.0), event.score)
        rows = sorted(best, key=best.__getitem__, reverse=True)[:max_classes]
        events = [event for event in self.events if event.label in rows]
        figure = go.Figure(
            go.Bar(
                base=[event.start for event in events],
                x=[event.end - event.start for event in events],
                y=[shortened(event.label) for event in events],
                orientation="h",
                marker={
                    "color": [event.score for event in events],
                    "cmin": 0,
                    "cmax": 1,
                    "colorscale": "Viridis",
                    "colorbar": {"title": "score", "thickness": 12, "tickformat": ".0%"},
                },
                customdata=[(event.start, event.end, event.score) for event in events],
                hovertemplate="%{y}: %{customdata[0]:.2f} to %{customdata[1]:.2f} s, "
                "score %{customdata[2]:.1%}<extra></extra>",
            )
        )
        figure.update_xaxes(title="time (s)", range=[0, self.duration])
        figure.update_yaxes(
            categoryorder="array", categoryarray=[shortened(r) for r in rows[::-1]], automargin=True
        )
        figure.update_layout(
            height=130 + 28 * len(rows), barmode="overlay", margin={"l": 8, "r": 8, "t": 8, "b": 8}
        )
        return figure

    def _repr_html_(self) -> str:
        """Return a player, a time line of the best classes and a table of the events for a notebook."""
        rows: dict[str, list[tuple[float, float]]] = {}
        for event in sorted(self.events, key=lambda event: -event.score):
            rows.setdefault(event.label, []).append((event.start, event.end))
        best = dict(list(rows.items())[:_MAX_LINES])
        line = notebook.timeline(best, self.duration)
        table = notebook.table(self.table(), ["start", "end", "label", "score"]) if self.events else ""
        left_out = f", {_MAX_LINES} drawn" if len(rows) > _MAX_LINES else ""
        events = notebook.quantity(len(self.events), "event")
        classes = notebook.quantity(len(rows), "class", "classes")
        note = f"{events} of {classes}{left_out}, by {self.network}"
        player = self.recording.player() if self.recording else ""
        return notebook.card(self.input, note, player, line, table)

    def to_audacity(self) -> str:
        """Return the events as labels of Audacity: lines of start, end and label, with tabs between them.

        Source: https://manual.audacityteam.org/man/importing_and_exporting_labels.html
        """
        rows = ((f"{event.start:.6f}", f"{event.end:.6f}", event.label) for event in self.events)
        return "".join("\t".join(" ".join(cell.split()) for cell in row) + "\n" for row in rows)

    def to_dict(self) -> dict[str, Any]:
        return {
            "input": self.input,
            "network": self.network,
            "events": [
                {
                    "label": event.label,
                    "index": event.index,
                    "id": event.id,
                    "start": round(event.start, 3),
                    "end": round(event.end, 3),
                    "score": event.score,
                }
                for event in self.events
            ],
            "clip": [
                {key: row[key] for key in ("label", "index", "id", "score")}
                for row in self.clip.to_dict()["predictions"]
            ],
        }
