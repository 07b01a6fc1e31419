"""Classes of one input."""

from __future__ import annotations

from dataclasses import dataclass, replace
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.plotting import notebook
from zoo.plotting.theme import COLOR, percent, plain, shortened
from zoo.results.display import ShortRepr

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_WIDEST = 32  # characters of a title in a narrow column


@dataclass(frozen=True, eq=False, repr=False)
class Classification(ShortRepr):
    """The best classes of one input, best first.

    Attributes
    ----------
    network, input : str
        Names of the network and of the input.
    indices : ndarray of int, shape (top,)
        Of the classes, in the order of the network's outputs.
    ids : tuple of str
        wnid (ImageNet), mid (AudioSet) or path (Places365) of each class.
    labels, names : tuple of str
        Short and full names.
    groups : tuple of str
        ``"indoor"`` or ``"outdoor"`` for scenes; empty texts where classes have no groups.
    scores : ndarray of float32, shape (top,)
        From 0 to 1. They sum to 1 over all classes where the classes exclude each other (pictures);
        for sounds they are independent of each other and not calibrated.
    all_scores : ndarray of float32, shape (classes,)
        Of all classes, in the order of the outputs.
    """

    network: str
    input: str
    indices: np.ndarray
    ids: tuple[str, ...]
    labels: tuple[str, ...]
    names: tuple[str, ...]
    groups: tuple[str, ...]
    scores: np.ndarray
    all_scores: np.ndarray

    def best(self, top: int) -> Classification:
        """Return the same result with at most the `top` best classes."""
        return replace(
            self,
            indices=self.indices[:top],
            ids=self.ids[:top],
            labels=self.labels[:top],
            names=self.names[:top],
            groups=self.groups[:top],
            scores=self.scores[:top],
        )

    def table(self) -> pd.DataFrame:
        """One row a class: index, id, label, score, name and, where classes have groups, group."""
        import pandas as pd

        return pd.DataFrame(self._columns())

    def plot(self) -> go.Figure:
        """Draw the classes as bars, best on top, each below its label: they fit a column of 250 pixels."""
        import plotly.graph_objects as go

        places = list(range(len(self.labels)))  # and not the labels: two classes may share one
        figure = go.Figure(
            go.Bar(
                x=self.scores,
                y=places,
                orientation="h",
                width=0.4,
                text=[percent(score) for score in self.scores],
                textposition="outside",
                textfont={"size": 13},
                cliponaxis=False,
                marker={"color": COLOR},
                customdata=[*zip(map(plain, self.labels), map(plain, self.ids), strict=True)],
                hovertemplate="%{customdata[0]} (%{customdata[1]}): %{text}<extra></extra>",
            )
        )
        for place, label in zip(places, self.labels, strict=True):
            figure.add_annotation(
                x=0,
                y=place - 0.2,
                text=plain(shortened(label)),
                font={"size": 14},
                showarrow=False,
                xanchor="left",
                yanchor="bottom",
                xshift=-2,
                borderpad=0,
            )
        lines = wrap(f"score of {self.network}", _WIDEST)[:2]
        figure.update_xaxes(
            title="<br>".join(map(plain, lines)), range=[0, 1.3], tickvals=[0, 0.5, 1], tickformat=".0%"
        )
        figure.update_yaxes(range=[len(places) - 0.6, -0.9], showticklabels=False, showgrid=False)
        height = 70 + 20 * len(lines) + 42 * len(places)
        return figure.update_layout(height=height, margin={"l": 16, "r": 8, "t": 8, "b": 8})

    def _repr_html_(self) -> str:
        """Return the classes as bars for a notebook."""
        rows = [(label, score, percent(score)) for label, score in zip(self.labels, self.scores, strict=True)]
        bars = notebook.bars(rows[: notebook.MAX_ROWS])
        return notebook.card(self.input, f"by {self.network}", bars, notebook.more_rows(len(rows)))

    def to_dict(self) -> dict[str, Any]:
        columns = self._columns()
        values = [v.tolist() if isinstance(v, np.ndarray) else v for v in columns.values()]
        predictions = [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]
        return {"input": self.input, "network": self.network, "predictions": predictions}

    def _columns(self) -> dict[str, Any]:
        columns = {"index": self.indices, "id": self.ids, "label": self.labels, "score": self.scores}
        groups = {"group": self.groups} if any(self.groups) else {}
        return {**columns, "name": self.names, **groups}
