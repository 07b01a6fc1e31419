"""Classic classifiers on features, chosen by cross-validation, as heads of a network.

Whatever scikit-learn has fitted becomes a layer: a linear one for logistic regression and the linear support
vector machine, one of `zoo.inference.heads` for the others. So the result is a network like any other, and
needs no scikit-learn where it is used.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, ParameterGrid, StratifiedGroupKFold, cross_val_predict
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from zoo.core.errors import InputError
from zoo.core.validation import choice
from zoo.inference.network import Network
from zoo.training.fit.linear_head import apply_temperature, feature_scale, set_head
from zoo.training.fit.loop import Step, Watch

FOLDS = 5
MAX_SVM_ROWS = 2000  # of features; the time of a support vector machine grows with the square and more
# Steps of libsvm for two classes. With separable classes it stops by itself after about as many
# as there are rows: after at most 1,040 for 1,000 rows of 1,024 numbers, and 1,589 for 2,000. Labels at
# random, from which there is nothing to learn, took 13,124 for 1,000 rows.
MAX_SVM_STEPS = 20_000
SVMS = ("linear-svm", "rbf-svm")


class Scaler(StandardScaler):
    """Standardizes features by `zoo.training.fit.linear_head.feature_scale`."""

    def fit(self, X: np.ndarray, y: object = None, sample_weight: np.ndarray | None = None) -> Scaler:
        """As scikit-learn's."""
        super().fit(X, y, sample_weight)
        self.scale_ = feature_scale(np.sqrt(self.var_))
        return self


class RowSpaceRegression(LogisticRegression):
    """Logistic regression that is quick where the features are wider than the rows are many.

    The weights, which are penalized, are a combination of the rows, and the intercept is free. So the same
    solution is found on the coordinates of the centered rows in the space that they span.
    """

    def fit(
        self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None
    ) -> RowSpaceRegression:
        """As scikit-learn's."""
        if len(X) >= X.shape[1]:
            return super().fit(X, y, sample_weight)
        mean = X.mean(axis=0)
        _, lengths, axes = np.linalg.svd(X - mean, full_matrices=False)
        rank = int(np.sum(lengths > lengths[0] * np.finfo(lengths.dtype).eps * X.shape[1]))
        axes = axes[: max(rank, 1)]
        super().fit((X - mean) @ axes.T, y, sample_weight)
        self.coef_ = self.coef_ @ axes
        self.intercept_ = self.intercept_ - self.coef_ @ mean
        self.n_features_in_ = X.shape[1]
        return self


@dataclass(frozen=True)
class Classifier:
    """One kind of classifier: the estimator, and the settings that are tried for so many features."""

    estimator: Callable[[], BaseEstimator]
    grid: Callable[[int], dict[str, list[Any]]]


def _machines(kernel: str) -> OneVsRestClassifier:
    # Without `random_state`, SVC draws a number that it does not use from the global state of NumPy.
    return OneVsRestClassifier(
        SVC(kernel=kernel, class_weight="balanced", max_iter=MAX_SVM_STEPS, random_state=0)
    )


# Penalties from strong to weak: for features wider than the examples are many, strong ones win.
_PENALTIES = [0.001, 0.01, 0.1, 1.0, 10.0]
CLASSIFIERS = {
    "logistic": Classifier(lambda: RowSpaceRegression(max_iter=1000), lambda d: {"C": _PENALTIES}),
    "linear-svm": Classifier(
        lambda: _machines("linear"),
        lambda d: {"estimator__C": _PENALTIES},
    ),
    "rbf-svm": Classifier(
        lambda: _machines("rbf"),
        lambda d: {"estimator__C": [0.1, 1.0, 10.0, 100.0], "estimator__gamma": [0.1 / d, 1 / d]},
    ),
    "knn": Classifier(lambda: KNeighborsClassifier(), lambda d: {"n_neighbors": [1, 3, 5, 9]}),
}


def fit(
    net: Network,
    names: tuple[str, ...],
    values: np.ndarray,
    targets: np.ndarray,
    groups: np.ndarray,
    *,
    classifier: str = "auto",
    seed: int = 0,
    watch: Watch | None = None,
) -> tuple[Network, dict[str, Any]]:
    """Return a copy of a network with the best classifier for its features as head.

    Parameters
    ----------
    net : Network
    names : tuple of str
        The classes.
    values : ndarray, shape (rows, d)
    targets, groups : ndarray of int, shape (rows,)
        Class of each row, and what may not be torn apart by cross-validation.
    classifier : str
        Key of `CLASSIFIERS`, or ``"auto"``: the best of all, without the support vector machines beyond
        `MAX_SVM_ROWS` rows.
    seed : int
    watch : callable, optional
        Called after every fit of the cross-validation; where it returns True, the classifiers after the
        present one are not tried. What it raises ends the work.

    Returns
    -------
    Network
    dict
        What was tried, with its accuracy in cross-validation.

    Raises
    ------
    InputError
        If the classifier is unknown, it takes fewer rows, or a class has too few examples to validate with.
    """
    kinds = _kinds(classifier, len(values))
    folds = _folds(names, targets, groups, seed)
    score = _WatchedScore(watch, sum(_count_fits(CLASSIFIERS[kind], values, folds) for kind in kinds))
    tried, searches = {}, {}
    for kind in kinds:
        search = _search(CLASSIFIERS[kind], values, targets, folds, score)
        searches[kind], tried[kind] = search, float(search.best_score_)
        if score.stopping:
            break
    best = max(tried, key=tried.__getitem__)
    pipeline = searches[best].best_estimator_
    settings = {key.rpartition("__")[2]: value for key, value in searches[best].best_params_.items()}
    trained = _HEADS[best](net, names, pipeline, values, targets)
    softness = 1.0
    if best != "knn":
        with _unconverged():
            decisions = cross_val_predict(pipeline, values, targets, cv=folds, method="decision_function")
        softness = apply_temperature(
            trained, _both(decisions[None]).T if decisions.ndim == 1 else decisions, targets
        )
    record = {
        "classifier": best,
        "settings": settings,
        "folds": len(folds),
        "accuracy in folds": tried,
        "temperature": softness,
    }
    return trained, record


def _kinds(classifier: str, rows: int) -> list[str]:
    """Return the classifiers to try for so many rows."""
    choice("classifier", classifier, ("auto", *CLASSIFIERS))
    able = [kind for kind in CLASSIFIERS if kind not in SVMS or rows <= MAX_SVM_ROWS]
    if classifier not in ("auto", *able):
        raise InputError(
            f"{classifier} takes the features of at most {MAX_SVM_ROWS} pictures or windows of recordings, "
            f"and these are {rows}; choose auto, {' or '.join(able)}."
        )
    return able if classifier == "auto" else [classifier]


def _folds(
    names: tuple[str, ...], targets: np.ndarray, groups: np.ndarray, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Stratified folds that tear no group apart, as many as the smallest class allows."""
    apart = [len(np.unique(groups[targets == index])) for index in range(len(names))]
    count = min(FOLDS, *apart)
    if count < 2:
        scarce = names[int(np.argmin(apart))]
        raise InputError(
            f"The class {scarce} has too few examples (or groups) to validate a classifier with."
        )
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    return list(splitter.split(targets, targets, groups))


class _WatchedScore:
    """Balanced accuracy, which reports each fit that it judges.

    Parameters
    ----------
    watch : callable or None
    total : int
        Fits in all.
    """

    def __init__(self, watch: Watch | None, total: int):
        self.stopping = False
        self._watch, self._total, self._fits, self._begin = watch, total, 0, time.monotonic()

    def __call__(self, estimator: Any, values: np.ndarray, targets: np.ndarray) -> float:
        self._fits += 1
        if self._watch:
            eta = (time.monotonic() - self._begin) * (self._total / self._fits - 1)
            self.stopping |= bool(self._watch(Step(self._fits / self._total, eta, ())))
        return float(balanced_accuracy_score(targets, estimator.predict(values)))


@contextmanager
def _unconverged() -> Iterator[None]:
    """Accept estimators that stop before they converge: weak penalties need not, to be compared."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _grid(kind: Classifier, values: np.ndarray, folds: list[Any]) -> dict[str, list[Any]]:
    smallest = min(len(train) for train, _ in folds)
    return {
        f"classify__{key}": [v for v in settings if key != "n_neighbors" or v <= smallest]
        for key, settings in kind.grid(values.shape[1]).items()
    }


def _count_fits(kind: Classifier, values: np.ndarray, folds: list[Any]) -> int:
    return len(folds) * len(ParameterGrid(_grid(kind, values, folds)))


def _search(
    kind: Classifier,
    values: np.ndarray,
    targets: np.ndarray,
    folds: list[Any],
    score: Callable[..., float] | str = "balanced_accuracy",
) -> GridSearchCV:
    pipeline = Pipeline([("scale", Scaler()), ("classify", kind.estimator())])
    grid = _grid(kind, values, folds)
    with _unconverged():
        search = GridSearchCV(pipeline, grid, cv=folds, scoring=score, error_score="raise")
        return search.fit(values, targets)


def _linear(
    net: Network, names: tuple[str, ...], pipeline: Pipeline, values: np.ndarray, targets: np.ndarray
) -> Network:
    """Combine the scaling and the planes of a classifier into one layer."""
    scale, model = pipeline["scale"], pipeline["classify"]
    if isinstance(model, OneVsRestClassifier):
        weight = np.concatenate([one.coef_ for one in model.estimators_])
        bias = np.concatenate([one.intercept_ for one in model.estimators_])
    else:
        weight, bias = model.coef_, model.intercept_
    weight, bias = _both(weight), _both(bias[:, None])[:, 0]
    trained = net.replace_head(names)
    weight = weight / scale.scale_
    set_head(trained, weight, bias - weight @ scale.mean_)
    return trained


def _kernel(
    net: Network, names: tuple[str, ...], pipeline: Pipeline, values: np.ndarray, targets: np.ndarray
) -> Network:
    """Return the support vectors of all machines of a pipeline, each once."""
    model = pipeline["classify"]
    vectors, place = np.unique(
        np.concatenate([one.support_vectors_ for one in model.estimators_]), axis=0, return_inverse=True
    )
    weight = np.zeros((len(vectors), len(model.estimators_)))
    first = 0
    for column, one in enumerate(model.estimators_):
        rows = place.ravel()[first : first + len(one.support_)]
        np.add.at(weight[:, column], rows, one.dual_coef_[0])
        first += len(one.support_)
    trained = net.replace_head(names, kind="kernel", vectors=len(vectors))
    head = trained.module.get_submodule(net.spec.head_layer)
    head.gamma.fill_(model.estimator.gamma)
    head.vectors.copy_(torch.from_numpy(vectors))
    head.weight.copy_(torch.from_numpy(_both(weight.T).T.copy()))
    bias = np.concatenate([one.intercept_ for one in model.estimators_])
    head.bias.copy_(torch.from_numpy(_both(bias[:, None])[:, 0].copy()))
    return _scaled(trained, pipeline)


def _neighbors(
    net: Network, names: tuple[str, ...], pipeline: Pipeline, values: np.ndarray, targets: np.ndarray
) -> Network:
    model = pipeline["classify"]
    trained = net.replace_head(names, kind="neighbors", vectors=len(targets), neighbors=model.n_neighbors)
    head = trained.module.get_submodule(net.spec.head_layer)
    head.vectors.copy_(torch.from_numpy(pipeline["scale"].transform(values)))
    head.classes.copy_(torch.eye(len(names))[torch.from_numpy(targets)])
    return _scaled(trained, pipeline)


_HEADS = {"logistic": _linear, "linear-svm": _linear, "rbf-svm": _kernel, "knn": _neighbors}


def _scaled(trained: Network, pipeline: Pipeline) -> Network:
    head = trained.module.get_submodule(trained.spec.head_layer)
    head.mean.copy_(torch.from_numpy(pipeline["scale"].mean_))
    head.scale.copy_(torch.from_numpy(pipeline["scale"].scale_))
    return trained


def _both(rows: np.ndarray) -> np.ndarray:
    """One row a class: of two classes scikit-learn has the second's alone, which the first's opposes."""
    return np.concatenate([-rows, rows]) / 2 if len(rows) == 1 else rows
