"""Figures of networks side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.plotting.theme import COLOR, INK, plain

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_CROWD = 15  # networks, from which on their names need all the room
_BAR, _GAP, _AROUND = 34, 70, 30  # pixels of height: for a network, between two charts, around them


def field(table: pd.DataFrame, accuracy: str, time: str, title: str) -> go.Figure:
    """Draw accuracy against prediction time; the area of a marker is the size of the network.

    Parameters
    ----------
    table : DataFrame
        With columns ``network``, ``file_mb`` and the two that are named; rows without a figure are left out.
    accuracy, time : str
        Columns of the axes.
    title : str
        Of the axis of time, which is logarithmic.
    """
    import numpy as np
    import plotly.graph_objects as go

    complete = table.dropna(subset=[accuracy, time]).sort_values(time)
    best = complete[accuracy] == complete[accuracy].cummax()  # no faster network is as good
    few = len(complete) < _CROWD
    above, below = ("top center", "bottom center") if few else ("top left", "bottom right")
    largest = complete["file_mb"].max() if len(complete) else 1.0
    figure = go.Figure(
        go.Scatter(
            x=complete[time],
            y=complete[accuracy],
            mode="markers+text",
            text=[plain(name) for name in complete["network"]],
            textposition=[above if front else below for front in best],
            textfont={"size": 11},
            cliponaxis=False,
            marker={
                "size": complete["file_mb"],
                "sizemode": "area",
                "sizeref": 2 * largest / 36**2,
                "sizemin": 4,
                "color": COLOR,
                "opacity": 0.65,
            },
            hovertemplate="%{text}: %{y:.1f} %, time %{x:.2f}, %{marker.size:.0f} MB<extra></extra>",
        )
    )
    ticks = [factor * 10**power for power in range(-1, 4) for factor in (1, 2, 5)]
    figure.update_xaxes(type="log", title=title, tickvals=ticks, automargin=True)
    if few and len(complete):  # room for names at the ends, also where the figure is narrow
        low, high = np.log10(complete[time].min()), np.log10(complete[time].max())
        margin = max(0.3 * (high - low), 0.1)
        figure.update_xaxes(range=[low - margin, high + margin])
    figure.update_yaxes(title="top-1 accuracy in %, as published", automargin=True)
    figure.update_layout(height=520, margin={"l": 8, "r": 8, "t": 8, "b": 8})
    return figure


def bars(table: pd.DataFrame) -> go.Figure:
    """Latency and memory as bars, the fastest network on top.

    Parameters
    ----------
    table : DataFrame
        With columns ``network``, ``latency_ms``, ``latency_p90_ms`` and ``memory_mb``.
    """
    from plotly.subplots import make_subplots

    table = table.sort_values("latency_ms", ascending=False)
    titles = ("latency in ms", "memory of the network in MB")
    height = 2 * (_BAR * len(table) + _AROUND) + _GAP
    figure = make_subplots(rows=2, cols=1, subplot_titles=titles, vertical_spacing=_GAP / height)
    above = table["latency_p90_ms"] - table["latency_ms"]
    for row, (column, unit) in enumerate({"latency_ms": "ms", "memory_mb": "MB"}.items(), 1):
        figure.add_bar(
            y=[plain(name) for name in table["network"]],
            x=table[column],
            orientation="h",
            marker_color=COLOR,
            text=[f"{value:.4g} {unit}" for value in table[column]],
            textposition="inside",
            insidetextanchor="start",
            insidetextfont={"color": INK},
            error_x={"array": above, "arrayminus": 0 * above, "color": "#9aa5a0"} if row == 1 else None,
            hovertemplate=f"%{{y}}: %{{x:.4g}} {unit}<extra></extra>",
            row=row,
            col=1,
        )
    figure.update_xaxes(rangemode="tozero", automargin=True)
    figure.update_yaxes(automargin=True)
    return figure.update_layout(height=height, showlegend=False, margin={"l": 8, "r": 8, "t": 30, "b": 8})
