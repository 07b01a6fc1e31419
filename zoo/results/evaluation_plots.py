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

    shown = _most_confused(evaluation, count("most", most))
    whole = evaluation.confusion().to_numpy()
    counts = whole[np.ix_(shown, shown)]
    support = np.maximum(whole[shown].sum(axis=1, keepdims=True), 1)
    names = [plain(evaluation.classes[i]) for i in shown]
    places = np.arange(len(shown))  # and not the labels: two may look alike once shortened
    hover = [
        [f"{true}<br>taken for {guess}: {n} of {total}" for guess, n in zip(names, row, strict=True)]
        for true, row, total in zip(names, counts, support[:, 0], strict=True)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=counts / support,
            x=places,
            y=places,
            text=np.where(counts, counts, "") if len(shown) <= 20 else None,
            texttemplate="%{text}",
            hovertext=hover,
            hovertemplate="%{hovertext}<extra></extra>",
            colorscale=[[0, "#ffffff"], [1, COLOUR]],
            zmin=0,
            zmax=1,
            xgap=1,
            ygap=1,
            colorbar={"title": "share", "thickness": 10, "tickformat": ".0%"},
        )
    )
    ticks = {
        "tickvals": places,
        "ticktext": [plain(shortened(evaluation.classes[i], 18)) for i in shown],
        "automargin": True,
        "showgrid": False,
        "zeroline": False,
        "tickfont": {"size": 12 if len(shown) <= 20 else 9},
    }
    figure.update_xaxes(title="predicted", tickangle=-60 if len(shown) > 5 else 0, **ticks)
    figure.update_yaxes(title="true", autorange="reversed", **ticks)
    figure.update_layout(height=int(np.clip(220 + 22 * len(shown), 320, 900)), margin=_MARGIN)
    return figure


def _most_confused(evaluation: Evaluation, most: int) -> np.ndarray:
    met = evaluation.met
    if len(met) <= most:
        return met
    wrong = evaluation.answers.targets != evaluation.answers.predictions
    both = [evaluation.answers.targets[wrong], evaluation.answers.predictions[wrong]]
    size = len(evaluation.classes)
    mistakes = np.bincount(np.concatenate(both), minlength=size)
    support = np.bincount(evaluation.targets, minlength=size)
    return np.sort(met[np.lexsort((-support[met], -mistakes[met]))[:most]])


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
