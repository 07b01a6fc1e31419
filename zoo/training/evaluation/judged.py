"""Examples that were judged, and every measure of how well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.core.errors import InputError
from zoo.core.validation import count, number
from zoo.plotting import evaluation as figures
from zoo.plotting import notebook
from zoo.results.common import none_for_nan
from zoo.results.display import ShortRepr
from zoo.training.evaluation import curves, metrics

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from zoo.results.problem import Problem


@dataclass(frozen=True, eq=False, repr=False)
class Judged(ShortRepr):
    """Labeled examples and the scores that a network gave them.

    Attributes
    ----------
    network, dataset : str
    classes : tuple of str
        Of the network, each of its own name.
    inputs : tuple of str, length n
        Names of the examples that were judged.
    targets : ndarray of int, shape (n,)
        The true classes, as indices of `classes`.
    scores : ndarray of float32, shape (n, classes)
        From 0 to 1.
    problems : tuple of Problem
        Inputs that could not be used, and why.
    groups : tuple of str or None, length n
        What belongs together, see `Dataset.groups`: intervals are drawn over groups.
    positions : ndarray of int, shape (n,), or None
        Of the examples in the dataset.
    conditions : mapping of str to str
        What the figures hold for: device, engine, preprocessing, fingerprint of the data, ...
    """

    network: str
    dataset: str
    classes: tuple[str, ...]
    inputs: tuple[str, ...]
    targets: np.ndarray
    scores: np.ndarray
    problems: tuple[Problem, ...] = ()
    groups: tuple[str, ...] | None = None
    positions: np.ndarray | None = None
    conditions: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """Examples."""
        return len(self.targets)

    @cached_property
    def predictions(self) -> metrics.Predictions:
        """True and best class, confidence and rank of each example."""
        if not len(self):
            raise InputError("An evaluation needs at least one example.")
        return metrics.predict(self.targets, self.scores)

    @property
    def accuracy(self) -> float:
        """Fraction of the examples whose best class is the true one."""
        return metrics.accuracy(self.predictions)

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall over the classes that have examples."""
        return metrics.balanced_accuracy(self.predictions)

    @property
    def f1(self) -> float:
        """Mean F1 over the classes that have examples."""
        return metrics.f1(self.predictions)

    def top(self, k: int) -> float:
        """Fraction of the examples whose true class is among the `k` best."""
        return metrics.top(count("k", k))(self.predictions)

    def ece(self, bins: int = 15) -> float:
        """Return the expected calibration error: how far confidence is from accuracy, from 0 to 1.

        The mean over equal bins of confidence, weighted by their examples (Guo et al. 2017,
        arXiv:1706.04599). Scores that are independent of each other are not probabilities of one class, and
        theirs is large.
        """
        return metrics.ece(count("bins", bins))(self.predictions)

    def reliability(self, bins: int = 15) -> pd.DataFrame:
        """One row a bin of confidence: low, high, examples, mean confidence, accuracy (NaN where empty)."""
        import pandas as pd

        examples, confidence, accuracy = metrics.calibration(self.predictions, count("bins", bins))
        edges = np.linspace(0, 1, bins + 1)
        columns = {"low": edges[:-1], "high": edges[1:], "examples": examples}
        return pd.DataFrame({**columns, "confidence": confidence, "accuracy": accuracy})

    def interval(
        self, measure: str, confidence_level: float = 0.95, resamples: int = 1000, seed: int = 0
    ) -> tuple[float, float]:
        """Confidence interval of a measure by the percentile bootstrap.

        Examples are drawn anew, or whole groups where there are any. What never happened cannot be drawn:
        where every answer is right, the interval has no width, and says too much.

        Parameters
        ----------
        measure : {"accuracy", "balanced_accuracy", "f1", "ece", "top5", ...}
        confidence_level : float
            Fraction of the resamples that the interval holds, from 0 to 1.
        resamples, seed : int

        Returns
        -------
        low, high : float

        Raises
        ------
        InputError
            If the measure is unknown, or an option cannot be used.
        """
        return metrics.bootstrap(
            self.predictions,
            metrics.measure_by_name(measure),
            groups=self.groups,
            confidence_level=number("confidence_level", confidence_level, 0, 1),
            resamples=count("resamples", resamples),
            seed=seed,
        )

    def per_class(self) -> pd.DataFrame:
        """One row a class: class, precision, recall, f1, support; NaN where nothing was to be divided."""
        import pandas as pd
        from sklearn.metrics import precision_recall_fscore_support

        values = precision_recall_fscore_support(
            self.targets, self.predictions.classes, labels=range(len(self.classes)), zero_division=np.nan
        )
        columns = dict(zip(("precision", "recall", "f1", "support"), values, strict=True))
        return pd.DataFrame({"class": self.classes, **columns}).astype({"support": int})

    def confusion(self) -> pd.DataFrame:
        """Examples by true class (rows) and predicted class (columns)."""
        import pandas as pd
        from sklearn.metrics import confusion_matrix

        counts = confusion_matrix(self.targets, self.predictions.classes, labels=range(len(self.classes)))
        return pd.DataFrame(counts, index=list(self.classes), columns=list(self.classes))

    @property
    def met(self) -> np.ndarray:
        """Indices of the classes that some example has or was given: of a thousand, often a few."""
        return np.union1d(self.targets, self.predictions.classes)

    def roc(self) -> curves.Curves:
        """Receiver operating characteristic of each class against the others, and their mean."""
        return self._roc

    def precision_recall(self) -> curves.Curves:
        """Precision against recall of each class against the others, and their mean."""
        return self._precision_recall

    @cached_property
    def _roc(self) -> curves.Curves:
        return curves.roc(self.targets, self.scores, self.classes)

    @cached_property
    def _precision_recall(self) -> curves.Curves:
        return curves.precision_recall(self.targets, self.scores, self.classes)

    def table(self) -> pd.DataFrame:
        """One row an example: input, true, predicted, score (of the predicted), true_score, rank, group."""
        import pandas as pd

        predictions, names = self.predictions, np.array(self.classes, dtype=object)
        columns = {
            "input": self.inputs,
            "true": names[predictions.targets],
            "predicted": names[predictions.classes],
            "score": predictions.confidences,
            "true_score": self.scores[np.arange(len(self)), predictions.targets].astype(float),
            "rank": predictions.ranks,
        }
        return pd.DataFrame(columns | ({} if self.groups is None else {"group": self.groups}))

    def mistakes(self, max_rows: int = 20) -> pd.DataFrame:
        """Return the worst mistakes, highest score first: rows of `table`, with their numbers there."""
        wrong = np.flatnonzero(self.predictions.targets != self.predictions.classes)
        worst = wrong[np.argsort(-self.predictions.confidences[wrong], kind="stable")]
        return self.table().iloc[worst[: count("max_rows", max_rows)]]

    def plot(self, max_classes: int = 40) -> go.Figure:
        """Draw the confusion matrix of the classes with examples, or of the `max_classes` most confused ones.

        Other classes that were answered are columns behind those, as far as there is room; the rest is one.
        """
        return figures.confusion(self.confusion().to_numpy(), self.classes, max_classes)

    def plot_reliability(self, bins: int = 15) -> go.Figure:
        """Accuracy against confidence, with the number of examples below."""
        return figures.reliability(self.reliability(bins))

    def plot_roc(self) -> go.Figure:
        """Draw the ROC curves, see `Curves.plot`."""
        return self.roc().plot()

    def plot_precision_recall(self) -> go.Figure:
        """Draw the precision-recall curves, see `Curves.plot`."""
        return self.precision_recall().plot()

    def _repr_html_(self) -> str:
        """Return the headline figures for a notebook."""
        examples = notebook.quantity(len(self), "example")
        note = f"on {self.dataset}: {examples} of {notebook.quantity(len(self.classes), 'class', 'classes')}"
        if self.problems:
            note += f", {len(self.problems):,} more could not be used"
        if not len(self):
            return notebook.card(self.network, note)
        measured = {name: metrics.measure_by_name(name)(self.predictions) for name in self._headline}
        rows = [(name.replace("_", " "), value, f"{value:.1%}") for name, value in measured.items()]
        rows.append(("calibration error", 0.0, f"{self.ece():.3f}"))  # no bar: less is better
        return notebook.card(self.network, note, notebook.bars(rows))

    @property
    def _headline(self) -> list[str]:
        return ["accuracy", "balanced_accuracy", "f1"] + (["top5"] if len(self.classes) > 5 else [])

    def to_dict(self) -> dict[str, Any]:
        """Figures, intervals, tables and examples; of the classes those that were met."""
        met = self.met
        rows = self.per_class().iloc[met].to_dict("records")
        return {
            "network": self.network,
            "dataset": self.dataset,
            "examples": len(self),
            "classes": len(self.classes),
            **{name: metrics.measure_by_name(name)(self.predictions) for name in self._headline},
            "ece": self.ece(),
            "intervals": {name: list(self.interval(name)) for name in self._headline},
            "per_class": [_finite(row) for row in rows],
            "confusion": {
                "classes": [self.classes[i] for i in met],
                "counts": self.confusion().to_numpy()[np.ix_(met, met)].tolist(),
            },
            "roc": self.roc().to_dict(),
            "precision_recall": self.precision_recall().to_dict(),
            "reliability": [_finite(row) for row in self.reliability().to_dict("records")],
            "predictions": self.table().to_dict("records"),
            "problems": [{"input": input_, "reason": reason} for input_, reason in self.problems],
            "conditions": dict(self.conditions),
        }


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    return {key: none_for_nan(value) if isinstance(value, float) else value for key, value in row.items()}
