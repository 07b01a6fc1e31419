"""What an evaluation measures in one number, so that it can be measured again on other draws of examples."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from zoo.core.validation import choice


class Predictions(NamedTuple):
    """The best class of each example, and how good that is; each of shape (n,).

    Attributes
    ----------
    targets, classes : ndarray of int
        True and best class.
    confidences : ndarray of float
        Score of the best class.
    ranks : ndarray of int
        Place of the true class among all, 1 being the best.
    """

    targets: np.ndarray
    classes: np.ndarray
    confidences: np.ndarray
    ranks: np.ndarray

    def take(self, rows: np.ndarray) -> Predictions:
        return Predictions(*(column[rows] for column in self))


Measure = Callable[[Predictions], float]


def predict(targets: np.ndarray, scores: np.ndarray) -> Predictions:
    """Judge scores, shape (n, classes); of equal scores the class that is listed first is the better one."""
    rows = np.arange(len(targets))
    own = scores[rows, targets][:, None]
    earlier = np.arange(scores.shape[1]) < targets[:, None]
    ranks = 1 + ((scores > own) | ((scores == own) & earlier)).sum(axis=1)
    best = scores.argmax(axis=1)
    return Predictions(targets, best, scores[rows, best].astype(float), ranks)


def accuracy(predictions: Predictions) -> float:
    return float(np.mean(predictions.targets == predictions.classes))


def balanced_accuracy(predictions: Predictions) -> float:
    """Mean recall over the classes that have examples."""
    hits, support, _ = _counts(predictions)
    return float(np.mean(hits[support > 0] / support[support > 0]))


def f1(predictions: Predictions) -> float:
    """Mean F1 over the classes that have examples."""
    hits, support, predicted = _counts(predictions)
    present = support > 0
    return float(np.mean(2 * hits[present] / (support + predicted)[present]))


def _counts(predictions: Predictions) -> np.ndarray:
    """Right, true and predicted examples of each class, shape (3, classes).

    scikit-learn says the same (tests compare), but takes milliseconds, and a bootstrap asks a thousand times.
    """
    right = predictions.targets[predictions.targets == predictions.classes]
    length = 1 + max(predictions.targets.max(), predictions.classes.max())
    return np.array(
        [np.bincount(i, minlength=length) for i in (right, predictions.targets, predictions.classes)]
    )


def top(k: int) -> Measure:
    """Fraction of the examples whose true class is among the `k` best.

    scikit-learn's own takes the last of equal scores for the best, and so disagrees with its accuracy.
    """
    return lambda predictions: float(np.mean(predictions.ranks <= k))


def ece(bins: int = 15) -> Measure:
    """Return the expected calibration error, equation 3 of Guo et al. 2017, arXiv:1706.04599."""

    def measure(predictions: Predictions) -> float:
        counts, confidence, right = calibration(predictions, bins)
        return float(np.nansum(counts * np.abs(right - confidence)) / counts.sum())

    return measure


def calibration(predictions: Predictions, bins: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Examples, mean confidence and accuracy in equal bins of confidence, open below; NaN where empty."""
    edges = np.linspace(0, 1, bins + 1)
    place = np.digitize(predictions.confidences, edges[1:-1], right=True)
    counts, confidence, right = (
        np.bincount(place, weights=weights, minlength=bins)
        for weights in (None, predictions.confidences, predictions.targets == predictions.classes)
    )
    filled = np.where(counts, counts, np.nan)
    return counts, confidence / filled, right / filled


def measure_by_name(measure: str) -> Measure:
    """Return a measure by its name: accuracy, balanced_accuracy, f1, ece, or top1, top2, ...

    Raises
    ------
    InputError
        If the measure is unknown.
    """
    measures = {"accuracy": accuracy, "balanced_accuracy": balanced_accuracy, "f1": f1, "ece": ece()}
    if match := re.fullmatch(r"top_?([1-9][0-9]*)", str(measure)):
        return top(int(match[1]))
    return measures[choice("measure", measure, [*measures, "top5"])]


def bootstrap(
    predictions: Predictions,
    measure: Measure,
    *,
    groups: tuple[str, ...] | None,
    confidence_level: float,
    resamples: int,
    seed: int,
) -> tuple[float, float]:
    """Percentile interval of a measure (Efron 1979): over examples, or over whole groups where there are any.

    Examples of one group (a speaker, a recording) are alike, so drawing them apart would promise too much.
    """
    random = np.random.default_rng(seed)
    _, members = np.unique(
        np.arange(len(predictions.targets)) if groups is None else groups, return_inverse=True
    )
    order = np.argsort(members, kind="stable")
    units = np.split(order, np.cumsum(np.bincount(members))[:-1])
    values = []
    for _ in range(resamples):
        drawn = random.integers(len(units), size=len(units))
        rows = order[drawn] if len(units) == len(order) else np.concatenate([units[i] for i in drawn])
        values.append(measure(predictions.take(rows)))
    low, high = np.quantile(values, [(1 - confidence_level) / 2, (1 + confidence_level) / 2])
    return float(low), float(high)
