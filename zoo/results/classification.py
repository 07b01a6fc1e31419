"""Classes of one input."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.results.common import COLOUR, shortened

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


@dataclass(frozen=True, eq=False)
class Classification:
    """The best classes of one input, best first.

    Attributes
    ----------
    network, input : str
    indices : ndarray of int, shape (top,)
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
        """The same result with no more than the `top` best classes."""
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

        columns = {"index": self.indices, "id": self.ids, "label": self.labels, "score": self.scores}
        groups = {"group": self.groups} if any(self.groups) else {}
        return pd.DataFrame({**columns, "name": self.names, **groups})

    def plot(self) -> go.Figure:
        """The classes as bars, best on top."""
        import plotly.graph_objects as go

        figure = go.Figure(
            go.Bar(
                x=self.scores,
                y=[shortened(label) for label in self.labels],
                orientation="h",
                text=[f"{score:.1%}" if score >= 0.001 else "<0.1%" for score in self.scores],
                textposition="outside",
                cliponaxis=False,
                marker={"color": COLOUR},
                customdata=self.ids,
                hovertemplate="%{y} (%{customdata}): %{x:.4f}<extra></extra>",
            )
        )
        figure.update_xaxes(
            title=f"score of {self.network}", range=[0, 1.3], tickvals=[0, 0.5, 1], tickformat=".0%"
        )
        figure.update_yaxes(autorange="reversed", automargin=True)
        figure.update_layout(height=90 + 32 * len(self.labels), margin={"l": 8, "r": 8, "t": 8, "b": 8})
        return figure

    def to_dict(self) -> dict[str, Any]:
        predictions = self.table().to_dict("records")
        return {"input": self.input, "network": self.network, "predictions": predictions}
