"""Figures of files that are sorted by a score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.plotting.theme import COLOR

if TYPE_CHECKING:
    import plotly.graph_objects as go

_BINS = 40
_NAMES = {"yes": "you said yes", "no": "you said no", "": "without an answer"}
_COLORS = {"yes": COLOR, "no": "#c8553d", "": "#8a8f98"}


def score_histogram(scores: np.ndarray, answers: list[str], line: float | None = None) -> go.Figure:
    """Draw how many files have which score, by their answers.

    Parameters
    ----------
    scores : ndarray, shape (n,)
        From 0 to 1.
    answers : list of {"yes", "no", ""}, length n
    line : float, optional
        The threshold.
    """
    import plotly.graph_objects as go

    edges = np.linspace(0, 1, _BINS + 1)
    kinds, figure = np.array(answers), go.Figure()
    for kind, name in _NAMES.items():
        counts, _ = np.histogram(scores[kinds == kind], edges)
        middles = (edges[1:] + edges[:-1]) / 2
        figure.add_bar(x=middles, y=counts, name=name, marker_color=_COLORS[kind], width=1 / _BINS)
    figure.update_layout(barmode="stack", bargap=0)
    figure.update_xaxes(title="score", range=[0, 1])
    figure.update_yaxes(title="files", type="log", dtick=1)
    if line is not None and line <= 1:
        figure.add_vline(line, line_dash="dash", line_color=COLOR)
    return figure
