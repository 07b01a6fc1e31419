"""Vectors laid out on a plane."""

from __future__ import annotations

import importlib
import sys
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.core.errors import InputError
from zoo.core.extras import require
from zoo.core.validation import choice
from zoo.plotting import notebook
from zoo.plotting.theme import COLOR, plain, shortened
from zoo.results.display import ShortRepr

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

METHODS = ("pca", "umap")
FEWEST = 4  # different vectors that UMAP can lay out: it needs a neighborhood smaller than the whole
NEIGHBORS = 15  # UMAP's own default
SEED = 0
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "triangle-up", "star", "pentagon", "hexagon")
# Functions that take UMAP most of the time to compile, and that it declares without Numba's cache on disk.
UNCACHED = (
    ("umap.utils", "fast_knn_indices"),
    ("umap.umap_", "smooth_knn_dist"),
    ("umap.umap_", "compute_membership_strengths"),
    ("umap.layouts", "_nb_optimize_layout_euclidean_single_epoch"),
)
_EXACT = 50  # vectors, or numbers in each, up to which LAPACK's whole decomposition costs nothing
_umap_lock = threading.Lock()


@dataclass(frozen=True, eq=False, repr=False)
class Projection(ShortRepr):
    """Vectors laid out on a plane.

    Attributes
    ----------
    method : {"pca", "umap"}
    points : ndarray of float64, shape (n, 2)
    explained_variance_ratio : tuple of float or None
        PCA's share of the variance along each axis, from 0 to 1; None where axes mean nothing.
    labels : tuple of str, length n
        What each point is.
    """

    method: str
    points: np.ndarray
    explained_variance_ratio: tuple[float, float] | None
    labels: tuple[str, ...]

    def __len__(self) -> int:
        """Points."""
        return len(self.points)

    def table(self) -> pd.DataFrame:
        """One row a point: input, x, y."""
        import pandas as pd

        return pd.DataFrame({"input": self.labels, "x": self.points[:, 0], "y": self.points[:, 1]})

    def plot(
        self,
        groups: Sequence[str] | None = None,
        *,
        shades: np.ndarray | None = None,
        shade: str = "",
        chosen: int | None = None,
        near: Sequence[int] = (),
    ) -> go.Figure:
        """Draw the points as a map; `customdata` of each is its position.

        Parameters
        ----------
        groups : sequence of str, optional
            What each point belongs to: a color and a sign for each.
        shades : ndarray, shape (n,), optional
            In place of groups, a number of each point that its color tells, and `shade`, what it is.
        chosen : int, optional
            A point to mark, and `near`, those to join to it by lines.
        """
        import plotly.graph_objects as go
        from plotly.colors import qualitative

        figure, colors = go.Figure(), qualitative.D3  # which show on white and on black
        if chosen is not None:
            _mark(figure, self.points, chosen, near)
        names = [""] * len(self) if groups is None else list(groups)
        for turn, name in enumerate(sorted(set(names))):
            rows = [i for i, one in enumerate(names) if one == name]
            marker: dict[str, Any] = {"size": 11, "symbol": SYMBOLS[turn % len(SYMBOLS)]}
            if shades is not None:
                bar = {"title": shade, "thickness": 12}
                marker |= {"color": shades[rows], "colorscale": "Viridis", "colorbar": bar}
            else:
                marker["color"] = COLOR if groups is None else colors[turn % len(colors)]
            figure.add_scatter(
                x=self.points[rows, 0],
                y=self.points[rows, 1],
                mode="markers",
                marker=marker,
                name=plain(shortened(name)),
                customdata=[[row] for row in rows],
                text=[plain(self.labels[i]) for i in rows],
                hovertemplate="%{text}<extra>" + plain(name) + "</extra>",
                showlegend=groups is not None and shades is None,
                selected={"marker": {"opacity": 1}},
                unselected={"marker": {"opacity": 1}},
            )
        for axis, update in enumerate((figure.update_xaxes, figure.update_yaxes)):
            title = self.method.upper() + f" {axis + 1}"
            if self.explained_variance_ratio is not None:
                title += f": {self.explained_variance_ratio[axis]:.0%} of the variance"
            update(title=title)
        figure.update_yaxes(scaleanchor="x")  # a distance means the same in every direction
        return figure

    def _repr_html_(self) -> str:
        """Return one line for a notebook: how many points, and how much of the variance they show."""
        text = notebook.quantity(len(self), "point")
        if self.explained_variance_ratio is not None:
            text += f", {sum(self.explained_variance_ratio):.0%} of the variance"
        return notebook.card(self.method.upper(), text)

    def to_dict(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "explained_variance_ratio": self.explained_variance_ratio and list(self.explained_variance_ratio),
            "points": [
                {"input": label, "x": x, "y": y}
                for label, (x, y) in zip(self.labels, self.points.tolist(), strict=True)
            ],
        }


def _mark(figure: go.Figure, points: np.ndarray, chosen: int, near: Sequence[int]) -> None:
    """Draw a ring around a point and lines from it to others, below what comes next."""
    ends = np.full((3 * len(near), 2), np.nan)  # a gap after each line
    ends[0::3], ends[1::3] = points[chosen], points[list(near)]
    quiet = {"hoverinfo": "skip", "showlegend": False}
    figure.add_scatter(
        x=ends[:, 0], y=ends[:, 1], mode="lines", line={"width": 1, "color": "#888888"}, **quiet
    )
    figure.add_scatter(
        x=points[[chosen], 0],
        y=points[[chosen], 1],
        mode="markers",
        marker={"symbol": "circle-open", "size": 22, "color": "#888888", "line": {"width": 3}},
        **quiet,
    )


def project(values: np.ndarray, labels: Sequence[str], method: str = "pca") -> Projection:
    """Lay out vectors on a plane, always in the same way.

    Parameters
    ----------
    values : ndarray, shape (n, d)
    labels : sequence of str, length n
    method : {"pca", "umap"}
        PCA keeps as much of the variance as two axes can. UMAP (McInnes, Healy and Melville, 2018, `arXiv
        1802.03426 <https://arxiv.org/abs/1802.03426>`_) keeps who is near whom, by the angle between the
        vectors; its axes mean nothing. Its first use on a machine compiles for up to half a minute.

    Returns
    -------
    Projection
        Its method is ``"pca"`` also where fewer than `FEWEST` vectors differ, which UMAP cannot lay out.

    Raises
    ------
    InputError
        If the method is unknown, there are no vectors, or a number is missing in them.
    """
    choice("method", method, METHODS)
    if not len(values):
        raise InputError("A projection needs at least one vector.")
    if not np.isfinite(values).all():
        raise InputError("Some of the vectors hold what is not a finite number, and have no place on a map.")
    points, ratio = _pca(values.astype(np.float64))
    if method == "umap":
        require("umap")
        different, place = np.unique(values, axis=0, return_inverse=True)
        if len(different) >= FEWEST:
            first = np.unique(place, return_index=True)[1]
            return Projection("umap", _umap(different, points[first])[place], None, tuple(labels))
    return Projection("pca", points, ratio, tuple(labels))


def _pca(values: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """Points (n, 2), and how much of the variance each axis explains; 0 where vectors have one dimension."""
    from sklearn.decomposition import PCA

    points, ratio = np.zeros((len(values), 2)), np.zeros(2)
    axes = min(2, *values.shape)
    if (values != values[0]).any():
        exact = min(values.shape) <= _EXACT
        pca = PCA(axes, svd_solver="full" if exact else "arpack", random_state=SEED)
        points[:, :axes] = pca.fit_transform(values)
        ratio[:axes] = pca.explained_variance_ratio_
    return points, (float(ratio[0]), float(ratio[1]))


def _umap(values: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Points (n, 2) of vectors that differ, moved from where they start: PCA keeps the whole in shape."""
    # As wide as UMAP's own starts, and as noisy: without noise it divides by nought where all lie on a line.
    start = 10 * start / np.abs(start).max() + np.random.default_rng(SEED).normal(
        scale=1e-4, size=start.shape
    )
    with _umap_lock:  # Numba's plainest pool of threads ends the process if two enter it
        return (
            load_umap()(
                n_neighbors=min(NEIGHBORS, len(values) - 1),
                metric="cosine",
                init=start.astype(np.float32),
                random_state=SEED,
                n_jobs=1,
            )
            .fit_transform(values)
            .astype(np.float64)
        )


@cache
def load_umap() -> type:
    """Import UMAP, and have Numba keep on disk all that it compiles for it."""
    umap = _umap_class()
    for module, name in UNCACHED:
        if function := getattr(sys.modules[module], name, None):  # private ones, which may be renamed
            function.enable_caching()
    return umap


def _umap_class() -> type:
    """UMAP without its parametric sister, for whom the package would import TensorFlow, a minute's work.

    The package is forgotten afterwards, so that a later ``import umap`` imports the sister too.
    """
    if "umap" not in sys.modules:
        sister = "umap.parametric_umap"
        sys.modules[sister] = None  # type: ignore[assignment]  # Python's own sign for: not to be imported
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ImportWarning)
                return importlib.import_module("umap").UMAP
        finally:
            del sys.modules[sister]
            sys.modules.pop("umap", None)
    import umap

    return umap.UMAP
