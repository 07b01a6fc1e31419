"""Figures of an evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.inputs import count
from zoo.results.common import COLOUR, plain, shortened

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from zoo.results.evaluation import Evaluation

_MARGIN = {"l": 8, "r": 8, "t": 8, "b": 8}


def confusion(evaluation: Evaluation, most: int) -> go.Figure:
    """Rows true, columns predicted; colours are shares of a row, texts are numbers of examples."""
    import plotly.graph_objects as go

    rows, columns = _shown(evaluation, count("most", most))
    whole = evaluation.confusion().to_numpy()[rows]
    support = whole.sum(axis=1, keepdims=True)
    counts, labels = whole[:, columns], [evaluation.classes[i] for i in columns]
    if (others := support - counts.sum(axis=1, keepdims=True)).any():
        counts, labels = np.hstack([counts, others]), [*labels, "other classes"]
    hover = [
        [
            f"{plain(true)}<br>taken for {plain(label)}: {n} of {total}"
            for label, n in zip(labels, own, strict=True)
        ]
        for true, own, total in zip(labels, counts, support[:, 0], strict=False)
    ]
    small = len(labels) <= 20
    figure = go.Figure(
        go.Heatmap(
            z=counts / support,
            text=np.where(counts, counts, "") if small else None,
            texttemplate="%{text}",
            hovertext=hover,
            hovertemplate="%{hovertext}<extra></extra>",
            colorscale=[[0, "#f1f4f2"], [1, COLOUR]],
            zmin=0,
            zmax=1,
            xgap=1,
            ygap=1,
            colorbar={"title": "share", "thickness": 10, "tickformat": ".0%"},
        )
    )
    for axis, number in ((figure.layout.xaxis, len(labels)), (figure.layout.yaxis, len(rows))):
        axis.update(  # places, and not the labels: two may look alike once shortened
            tickvals=np.arange(number),
            ticktext=[plain(shortened(label, 20)) for label in labels[:number]],
            tickfont={"size": 12 if small else 10},
            automargin=True,
            showgrid=False,
            zeroline=False,
        )
    figure.update_xaxes(title="predicted", tickangle=-60 if len(labels) > 4 else 0)
    figure.update_yaxes(title="true", autorange="reversed")
    figure.update_layout(height=230 + max(20 * len(rows), 60), margin=_MARGIN)
    return figure


def _shown(evaluation: Evaluation, most: int) -> tuple[np.ndarray, np.ndarray]:
    """True classes for the rows, and the same and others for the columns: the most confused of each."""
    targets, predictions, *_ = evaluation.answers
    wrong, size = targets != predictions, len(evaluation.classes)
    support = np.bincount(targets, minlength=size)
    missed, taken = (np.bincount(column[wrong], minlength=size) for column in (targets, predictions))
    rows = np.flatnonzero(support)
    rows = np.sort(rows[np.argsort(-(missed + taken)[rows], kind="stable")[:most]])
    others = np.setdiff1d(np.flatnonzero(taken), rows)
    others = others[np.argsort(-taken[others], kind="stable")[: most - len(rows)]]
    return rows, np.concatenate([rows, others])


def reliability(evaluation: Evaluation, bins: int) -> go.Figure:
    """Bars of accuracy in bins of confidence, beside the line on which they would be if calibrated."""
    from plotly.subplots import make_subplots

    table = evaluation.reliability(bins)
    middle, width = (table["low"] + table["high"]) / 2, 1 / bins
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.75, 0.25], vertical_spacing=0.06)
    bars: dict[str, Any] = {"x": middle, "width": width * 0.95, "showlegend": False}
    figure.add_bar(
        **bars,
        y=table["accuracy"],
        marker={"color": COLOUR},
        customdata=table[["confidence", "examples"]],
        hovertemplate="accuracy %{y:.1%}, mean confidence %{customdata[0]:.1%}, "
        "%{customdata[1]} examples<extra></extra>",
        row=1,
        col=1,
    )
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"dash": "dot", "color": "grey"},
        hoverinfo="skip",
        showlegend=False,
        row=1,
        col=1,
    )
    figure.add_bar(
        **bars,
        y=table["examples"],
        marker={"color": "#9aa5a0"},
        hovertemplate="%{y} examples<extra></extra>",
        row=2,
        col=1,
    )
    figure.update_xaxes(range=[0, 1])
    figure.update_xaxes(title="confidence (score of the best class)", row=2, col=1)
    figure.update_yaxes(title="accuracy", range=[0, 1.02], automargin=True, row=1, col=1)
    figure.update_yaxes(title="examples", automargin=True, row=2, col=1)
    figure.update_layout(height=480, margin=_MARGIN)
    return figure
