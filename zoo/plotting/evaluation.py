"""Figures of how good a classifier is: confusion matrix and reliability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.core.validation import count
from zoo.plotting.theme import COLOR, INK, plain, shortened

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_MARGIN = {"l": 8, "r": 8, "t": 8, "b": 8}


def confusion(counts: np.ndarray, classes: Sequence[str], max_classes: int) -> go.Figure:
    """Draw a confusion matrix: colors are fractions of a row, texts are numbers of examples.

    Parameters
    ----------
    counts : ndarray of int, shape (classes, classes)
        Examples by true (row) and predicted class (column).
    classes : sequence of str
    max_classes : int
        Classes to show: those that are confused most. Other predicted classes become one column.
    """
    import plotly.graph_objects as go

    rows, columns = _select_cells(counts, count("max_classes", max_classes))
    support = counts[rows].sum(axis=1, keepdims=True)
    counts, labels = counts[np.ix_(rows, columns)], [str(classes[i]) for i in columns]
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
            textfont={"color": INK},
            hovertext=hover,
            hovertemplate="%{hovertext}<extra></extra>",
            colorscale=[[0, "#f1f4f2"], [1, COLOR]],
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


def _select_cells(counts: np.ndarray, max_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose the true classes for the rows, and more for the columns: the most confused of each."""
    support, mistaken = counts.sum(axis=1), counts.sum(axis=0) - counts.diagonal()
    missed = support - counts.diagonal()
    rows = np.flatnonzero(support)
    rows = np.sort(rows[np.argsort(-(missed + mistaken)[rows], kind="stable")[:max_classes]])
    others = np.setdiff1d(np.flatnonzero(mistaken), rows)
    others = others[np.argsort(-mistaken[others], kind="stable")[: max_classes - len(rows)]]
    return rows, np.concatenate([rows, others])


def reliability(table: pd.DataFrame) -> go.Figure:
    """Draw accuracy in bins of confidence, beside the line on which calibrated scores would be.

    Parameters
    ----------
    table : DataFrame
        One row a bin of equal width: low, high, examples, confidence, accuracy.
    """
    from plotly.subplots import make_subplots

    middle, width = (table["low"] + table["high"]) / 2, 1 / len(table)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.75, 0.25], vertical_spacing=0.06)
    bars: dict[str, Any] = {"x": middle, "width": width * 0.95, "showlegend": False}
    figure.add_bar(
        **bars,
        y=table["accuracy"],
        marker={"color": COLOR},
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
        line={"dash": "dot", "color": "gray"},
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
