"""Curves over all thresholds: ROC, and precision against recall."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zoo.plotting import notebook
from zoo.plotting.theme import COLOR, plain, shortened
from zoo.results.common import none_for_nan
from zoo.results.display import ShortRepr, short_repr

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_GRID = np.linspace(0, 1, 201)
_TITLES = {
    "roc": ("false positive rate", "true positive rate"),
    "precision_recall": ("recall", "precision"),
}


class Curve(NamedTuple):
    """One class against all others.

    Attributes
    ----------
    label : str
    x, y : ndarray of float64, shape (points,)
        False and true positive rate, or recall and precision.
    area : float
        Under the ROC; or the average precision, which is that under the steps of the other curve.
    """

    label: str
    x: np.ndarray
    y: np.ndarray
    area: float

    def __repr__(self) -> str:
        """Return the fields; arrays are summarized."""
        return short_repr(self, self._asdict())


@dataclass(frozen=True, eq=False, repr=False)
class Curves(ShortRepr):
    """ROC or precision-recall curves of the classes, and their mean.

    Attributes
    ----------
    kind : {"roc", "precision_recall"}
    curves : tuple of Curve
        Of the classes that have examples, and that not all examples belong to.
    macro : Curve or None
        The mean of the curves, whose area is the mean of the areas; None where there are no curves.
    """

    kind: str
    curves: tuple[Curve, ...]
    macro: Curve | None

    def table(self) -> pd.DataFrame:
        """One row a curve: class and area."""
        import pandas as pd

        return pd.DataFrame({"class": [c.label for c in self.curves], "area": [c.area for c in self.curves]})

    def plot(self, max_curves: int = 8) -> go.Figure:
        """Draw the mean curve, and those of the `max_curves` classes with the smallest areas."""
        import plotly.graph_objects as go

        figure = go.Figure()
        for curve in sorted(self.curves, key=lambda curve: curve.area)[:max_curves]:
            figure.add_scatter(**self._line(curve), line={"width": 1}, opacity=0.7)
        if self.macro:
            figure.add_scatter(**self._line(self.macro), line={"width": 3, "color": COLOR})
        if self.kind == "roc":
            figure.add_scatter(
                x=[0, 1],
                y=[0, 1],
                name="chance",
                mode="lines",
                line={"width": 1, "dash": "dot", "color": "gray"},
            )
        x, y = _TITLES[self.kind]
        figure.update_xaxes(title=x, range=[0, 1.01])
        figure.update_yaxes(title=y, range=[0, 1.01])
        legend = {"orientation": "h", "yanchor": "top", "y": -0.2, "x": 0}
        figure.update_layout(
            height=480, margin={"l": 8, "r": 8, "t": 8, "b": 8}, legend=legend, showlegend=True
        )
        return figure

    def _repr_html_(self) -> str:
        """Return the mean curve, and the classes of the smallest areas, for a notebook."""
        x, y = _TITLES[self.kind]
        title = f"{y} against {x}".capitalize()
        if self.macro is None:
            return notebook.card(title, "no curves")
        note = f"{notebook.quantity(len(self.curves), 'class', 'classes')}, mean area {self.macro.area:.3f}"
        mean = notebook.curve(self.macro.y, (0, 1), ("0", "1", "0", "1"))
        return notebook.card(title, note, mean, notebook.table(self.table().sort_values("area")))

    def to_dict(self) -> dict[str, Any]:
        areas = {curve.label: none_for_nan(curve.area) for curve in self.curves}
        return {"macro_area": none_for_nan(self.macro.area) if self.macro else None, "areas": areas}

    def _line(self, curve: Curve) -> dict[str, Any]:
        shape = {} if self.kind == "roc" else {"line_shape": "vh"}
        name = f"{plain(shortened(curve.label, 24))} {curve.area:.3f}"
        return {"x": curve.x, "y": curve.y, "name": name, "mode": "lines", **shape}


def roc(targets: np.ndarray, scores: np.ndarray, classes: tuple[str, ...]) -> Curves:
    """ROC curves of one class against the others, for every class that can have one."""
    return _curves("roc", targets, scores, classes, _roc_curve, _at_false_positive_rates)


def precision_recall(targets: np.ndarray, scores: np.ndarray, classes: tuple[str, ...]) -> Curves:
    """Precision-recall curves of one class against the others, for every class that can have one."""
    return _curves("precision_recall", targets, scores, classes, _precision_curve, _at_recalls)


def _curves(
    kind: str,
    targets: np.ndarray,
    scores: np.ndarray,
    classes: tuple[str, ...],
    curve: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, float]],
    on_grid: Callable[[Curve], np.ndarray],
) -> Curves:
    present = np.unique(targets)
    drawn = present if len(present) > 1 else []  # where all are positive, there is nothing to tell apart
    curves = tuple(Curve(classes[i], *curve(targets == i, scores[:, i])) for i in drawn)
    if not curves:
        return Curves(kind, (), None)
    mean = np.mean([on_grid(one) for one in curves], axis=0)
    area = float(np.mean([one.area for one in curves]))
    return Curves(kind, curves, Curve("mean of the classes", _GRID, mean, area))


def _roc_curve(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    from sklearn.metrics import auc, roc_curve

    false, true, _ = roc_curve(positive, scores, drop_intermediate=True)
    return false, true, float(auc(false, true))


def _precision_curve(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    from sklearn.metrics import average_precision_score, precision_recall_curve

    precision, recall, _ = precision_recall_curve(positive, scores, drop_intermediate=True)
    return recall[::-1], precision[::-1], float(average_precision_score(positive, scores))


def _at_false_positive_rates(curve: Curve) -> np.ndarray:
    return np.concatenate([[0.0], np.interp(_GRID[1:], curve.x, curve.y)])


def _at_recalls(curve: Curve) -> np.ndarray:
    """Return the precision at which a recall is reached, as average precision counts it."""
    return curve.y[np.searchsorted(curve.x, _GRID).clip(max=len(curve.x) - 1)]
