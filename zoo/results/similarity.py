"""Which vectors are like which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.core.errors import InputError
from zoo.core.validation import choice, count
from zoo.plotting import notebook
from zoo.plotting.theme import plain, shortened
from zoo.results.display import ShortRepr

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

METRICS = ("cosine", "euclidean")
_MAX_NAMES = 40  # beside a matrix; more cannot be read
_MAX_LEAVES = 300  # whose order is the best that the tree allows, which takes time that grows with the cube


@dataclass(frozen=True, eq=False, repr=False)
class Neighbors(ShortRepr):
    """The vectors nearest to one, the nearest first.

    Attributes
    ----------
    metric : {"cosine", "euclidean"}
    indices : ndarray of int, shape (k,)
        Their positions.
    distances : ndarray of float64, shape (k,)
        For ``"cosine"`` 1 minus the cosine of the angle between two vectors.
    labels : tuple of str, length k
        What each one is.
    """

    metric: str
    indices: np.ndarray
    distances: np.ndarray
    labels: tuple[str, ...]

    def __len__(self) -> int:
        """How many."""
        return len(self.indices)

    @property
    def similarities(self) -> np.ndarray:
        """Cosines, from -1 to 1, shape (k,).

        Raises
        ------
        InputError
            If the metric is another.
        """
        if self.metric != "cosine":
            raise InputError(f"Neighbors by the {self.metric} metric have distances and no similarities.")
        return 1 - self.distances

    def table(self) -> pd.DataFrame:
        """One row a neighbor: its position, input, and distance."""
        import pandas as pd

        return pd.DataFrame({"index": self.indices, "input": self.labels, "distance": self.distances})

    def plot(self) -> go.Figure:
        """Bars of the similarities, or of the distances."""
        import plotly.graph_objects as go

        cosine = self.metric == "cosine"
        figure = go.Figure(
            go.Bar(x=self.similarities if cosine else self.distances, y=np.arange(len(self)), orientation="h")
        )
        figure.update_xaxes(title="similarity (cosine)" if cosine else "distance")
        names = [plain(shortened(label)) for label in self.labels]
        return figure.update_yaxes(
            tickvals=np.arange(len(self)), ticktext=names, autorange="reversed", automargin=True
        )

    def _repr_html_(self) -> str:
        """Return the neighbors as a table for a notebook."""
        return notebook.card(
            "Neighbors",
            f"{notebook.quantity(len(self), 'vector')} by {self.metric} distance",
            notebook.table(self.table()),
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "neighbors": [
                {"index": int(i), "input": label, "distance": float(distance)}
                for i, label, distance in zip(self.indices, self.labels, self.distances, strict=True)
            ],
        }


@dataclass(frozen=True, eq=False, repr=False)
class Similarity(ShortRepr):
    """How alike all vectors are, each with each.

    Attributes
    ----------
    values : ndarray of float64, shape (n, n)
        Cosines, from -1 to 1; of a vector of zeros, 0.
    labels : tuple of str, length n
        What each row and column is.
    """

    values: np.ndarray
    labels: tuple[str, ...]

    def __len__(self) -> int:
        """Rows."""
        return len(self.values)

    def order(self, groups: Sequence[str] | None = None) -> np.ndarray:
        """Order the rows by similarity: the leaves of a tree of average linkage.

        Parameters
        ----------
        groups : sequence of str, optional
            What each row belongs to: rows of a group stay together, and the tree orders them within.

        Returns
        -------
        ndarray of int, shape (n,)
        """
        from scipy.cluster.hierarchy import leaves_list, linkage
        from scipy.spatial.distance import squareform

        leaves = np.arange(len(self))
        if len(self) > 2:
            apart = (1 - self.values).clip(min=0)
            np.fill_diagonal(apart, 0)
            tree = linkage(
                squareform(apart, checks=False), "average", optimal_ordering=len(self) <= _MAX_LEAVES
            )
            leaves = leaves_list(tree)
        if groups is not None:
            leaves = np.array(sorted(leaves, key=lambda row: groups[int(row)]), dtype=int)
        return leaves

    def ordered(self, groups: Sequence[str] | None = None) -> Similarity:
        """Return the same matrix with rows and columns in that order."""
        order = self.order(groups)
        return replace(
            self, values=self.values[np.ix_(order, order)], labels=tuple(self.labels[i] for i in order)
        )

    def table(self) -> pd.DataFrame:
        """Return the matrix as a table, with named rows and columns."""
        import pandas as pd

        return pd.DataFrame(self.values, index=list(self.labels), columns=list(self.labels))

    def plot(self, groups: Sequence[str] | None = None) -> go.Figure:
        """Draw the matrix as a heat map.

        Parameters
        ----------
        groups : sequence of str, optional
            What each row belongs to, rows of a group side by side: they are named in place of the rows.
        """
        import plotly.graph_objects as go

        places = np.arange(len(self))  # and not the labels: two may look alike
        names = np.array([plain(label) for label in self.labels], dtype=object)
        figure = go.Figure(
            go.Heatmap(
                z=self.values.astype(np.float32),
                x=places,
                y=places,
                customdata=np.stack(np.meshgrid(names, names), axis=-1),
                colorscale="Viridis",
                zmax=1,
                zmin=float(self.values.min(initial=1)) - 1e-6,  # also where all are alike
                colorbar={
                    "title": "cosine",
                    "thickness": 12,
                    "orientation": "h",
                    "y": 1,
                    "yanchor": "bottom",
                },
                hovertemplate="%{customdata[1]}<br>%{customdata[0]}<br>%{z:.2f}<extra></extra>",
            )
        )
        ticks, beside = places, self.labels
        if groups is not None:
            beside = tuple(dict.fromkeys(groups))
            ticks = [np.flatnonzero(np.array(groups) == group).mean() for group in beside]
        elif len(self) > _MAX_NAMES:
            ticks, beside = [], ()
        texts = [plain(shortened(name, 18)) for name in beside]
        figure.update_xaxes(tickvals=ticks, ticktext=texts, automargin=True, constrain="domain")
        return figure.update_yaxes(
            tickvals=ticks,
            ticktext=texts,
            automargin=True,
            constrain="domain",
            constraintoward="top",  # where the bar of colors is
            autorange="reversed",
            scaleanchor="x",
        )

    def _repr_html_(self) -> str:
        """Return one line for a notebook: how many vectors, and the range of their cosines."""
        others = self.values[~np.eye(len(self), dtype=bool)]
        cosines = f", cosines from {others.min():.2f} to {others.max():.2f}" if others.size else ""
        return notebook.card(
            "Similarity", f"{notebook.quantity(len(self), 'vector')}, each with each{cosines}"
        )

    def to_dict(self) -> dict[str, Any]:
        return {"labels": list(self.labels), "values": self.values.tolist()}


def nearest(
    values: np.ndarray,
    query: np.ndarray,
    labels: Sequence[str],
    k: int,
    *,
    metric: str = "cosine",
    candidates: np.ndarray | None = None,
) -> Neighbors:
    """Find the vectors nearest to another.

    Parameters
    ----------
    values : ndarray, shape (n, d)
    query : ndarray, shape (d,)
    labels : sequence of str, length n
    k : int
        How many, or all where there are fewer.
    metric : {"cosine", "euclidean"}
    candidates : ndarray of int, optional
        Positions of those that count; all by default.

    Raises
    ------
    InputError
        If an option cannot be used, or the widths differ.
    """
    from sklearn.neighbors import NearestNeighbors

    choice("metric", metric, METRICS)
    if query.shape != values.shape[1:]:
        raise InputError(f"The vector has the shape {query.shape}, and these {values.shape[1:]}.")
    rows = np.arange(len(values)) if candidates is None else np.asarray(candidates, dtype=int)
    k = min(count("k", k), len(rows))
    if not k:
        return Neighbors(metric, np.zeros(0, int), np.zeros(0), ())
    index = NearestNeighbors(n_neighbors=k, metric=metric, algorithm="brute").fit(values[rows].astype(float))
    distances, places = index.kneighbors(query[None].astype(float))
    indices = rows[places[0]]
    return Neighbors(metric, indices, distances[0], tuple(str(labels[i]) for i in indices))
