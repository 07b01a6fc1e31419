"""How many files of a list are right, and how many the list misses: estimated from the answers of a person.

The head gives every file a score. Answers are to files that the head chose by score, and not at random, so
counting them says nothing of the others. But among files of the same score, those with an answer are like
those without. Two models of the scores use that:

- the mixture: the scores of files that are right, and of those that are not, have two normal distributions,
  which are fitted to all files at once; an answer says of which its file is (Nigam et al. 2000,
  doi:10.1023/A:1007692713085). The estimate is its.
- the logistic curve through the answers alone (Platt 1999). It extrapolates to low scores, where nobody was
  asked, and so finds more files there than there are; the interval extends to it.

The interval is of the numbers that counting would give, and not of what is expected of them: each file
without an answer is drawn as right or not, by its probability. In a small folder that is most of the doubt:
one file more below the line changes the recall by a tenth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

HEAD_PENALTY = 10.0  # C of scikit-learn; 3 to 30 make no difference in `benchmarks/sort_folder.py`
BACKGROUND = 400  # files without an answer that count as weak examples of what is not wanted
_BACKGROUND_WEIGHT = 10.0  # of all of them together; an answer has 1
_FOLDS = 10
_EM_STEPS = 100
_EM_FILES = 5000  # without an answer, to which the mixture is fitted
_LEAST_SPREAD = 0.01  # of the variance of one normal distribution, as a share of the other's
_RESAMPLES = 12
_DRAWS = 20  # of what the files without an answer are, for each resample and model
_INTERVAL = (0.05, 0.95)
Probability = Callable[[np.ndarray], np.ndarray]
"""Score -> probability that a file is right, never less for a higher score."""


@dataclass(frozen=True)
class Threshold:
    """A line in the sorted files, and what is expected above it.

    The list is the files above the line: those with the answer yes, and those without an answer whose score
    is at least `score`. Files with the answer no are not in it.

    Attributes
    ----------
    target : float
        The precision that was asked for.
    score : float
        From 0 to 1; infinity if the list has only files with an answer.
    files, answered : int
        Of the list; of them, with the answer yes.
    expected : float
        Files of the list that are right.
    total : float
        Files of the batch that are right.
    precision, recall : float
        ``expected / files`` and ``expected / total``.
    precision_interval, recall_interval : (float, float)
        From 5 to 95 %, over resampled answers, both models, and draws of what the files without an answer
        are; extended to the estimate.
    """

    target: float
    score: float
    files: int
    answered: int
    expected: float
    total: float
    precision: float
    recall: float
    precision_interval: tuple[float, float]
    recall_interval: tuple[float, float]


def fit_head(values: np.ndarray, answers: np.ndarray, background: np.ndarray) -> LogisticRegression:
    """Fit a head to answers.

    Parameters
    ----------
    values : ndarray, shape (n, width)
    answers : ndarray of bool, shape (n,)
        With at least one True.
    background : ndarray, shape (m, width)
        Files that most likely are not wanted: others, at random.
    """
    rows = np.concatenate([values, background])
    targets = np.concatenate([answers, np.zeros(len(background), bool)])
    weights = np.ones(len(rows))
    weights[len(values) :] = _BACKGROUND_WEIGHT / max(1, len(background))
    return LogisticRegression(C=HEAD_PENALTY, max_iter=500).fit(rows, targets, sample_weight=weights)


def held_out_scores(values: np.ndarray, answers: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Score every answered file with a head that was fitted without it, by cross-validation.

    Parameters
    ----------
    values, answers, background
        As of `fit_head`; there are at least two answers of each kind.

    Returns
    -------
    ndarray of float64, shape (n,)
        Logits.
    """
    scores, fold = np.zeros(len(answers)), np.zeros(len(answers), int)
    for kind in (False, True):
        own = np.flatnonzero(answers == kind)
        fold[own] = np.arange(len(own)) % _FOLDS
    for number in np.unique(fold):
        out = fold == number
        head = fit_head(values[~out], answers[~out], background)
        scores[out] = head.decision_function(values[out])
    return scores


def logistic(scores: np.ndarray, answers: np.ndarray) -> Probability:
    """Fit a logistic curve to the scores of answered files."""
    model = LogisticRegression().fit(scores[:, None], answers)
    slope, intercept = max(0.0, float(model.coef_[0, 0])), float(model.intercept_[0])
    return lambda others: sigmoid(slope * others + intercept)


def mixture(scores: np.ndarray, answers: np.ndarray, others: np.ndarray) -> Probability:
    """Fit two normal distributions to all scores; the answers say of which their files are.

    Parameters
    ----------
    scores : ndarray, shape (n,)
        Held-out scores of answered files.
    answers : ndarray of bool, shape (n,)
        With at least two of each kind.
    others : ndarray, shape (m,)
        Scores of the files without an answer.
    """
    curve = logistic(scores, answers)
    some = np.sort(others)[np.linspace(0, len(others) - 1, min(len(others), _EM_FILES)).astype(int)]
    every = np.concatenate([scores, some])
    weights = np.concatenate([np.ones(len(scores)), np.full(len(some), len(others) / max(1, len(some)))])
    right = np.concatenate([answers.astype(float), curve(some) ** 2])
    log_odds = curve
    for _ in range(_EM_STEPS):
        no, yes = _normal(every, weights * (1 - right)), _normal(every, weights * right)
        if yes[1] <= no[1]:  # the answers do not follow the scores
            return curve
        log_odds = _log_odds(no, yes)
        right[len(scores) :] = sigmoid(log_odds(some))
    final = log_odds
    return lambda values: sigmoid(final(values))


def choose_line(
    scores: np.ndarray,
    answers: np.ndarray,
    others: np.ndarray,
    target: float,
    squash: Callable[[float], float],
) -> Threshold:
    """Find the longest list whose expected precision is at least a target.

    Parameters
    ----------
    scores, answers, others
        As of `mixture`.
    target : float
    squash : callable
        What turns a score of the head into the score of `Threshold`.
    """
    order = np.sort(others)[::-1]
    probabilities = mixture(scores, answers, others)(order)
    yes = int(answers.sum())
    right = yes + np.concatenate([[0.0], np.cumsum(probabilities)])
    files = yes + np.arange(len(order) + 1)
    above = int(np.flatnonzero(right / files >= target).max())  # 0 always holds: all answers are right
    while 0 < above < len(order) and order[above] == order[above - 1]:  # equal scores stay together
        above -= 1
    precision, recall = float(right[above] / files[above]), float(right[above] / right[-1])
    precisions, recalls = _resampled(scores, answers, order, above)
    return Threshold(
        target=target,
        score=squash(float(order[above - 1])) if above else float("inf"),
        files=int(files[above]),
        answered=yes,
        expected=float(right[above]),
        total=float(right[-1]),
        precision=precision,
        recall=recall,
        precision_interval=_interval(precisions, precision),
        recall_interval=_interval(recalls, recall),
    )


def _resampled(
    scores: np.ndarray, answers: np.ndarray, order: np.ndarray, above: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw precision and recall of a list again and again, from answers drawn with repetition."""
    random = np.random.default_rng(0)
    kinds = [np.flatnonzero(answers == kind) for kind in (False, True)]
    precisions, recalls, yes = [], [], len(kinds[1])
    for _ in range(_RESAMPLES):
        drawn = np.concatenate([random.choice(own, len(own)) for own in kinds])
        for curve in (
            logistic(scores[drawn], answers[drawn]),
            mixture(scores[drawn], answers[drawn], order),
        ):
            right = random.random((_DRAWS, len(order)), np.float32) < curve(order)
            listed = yes + right[:, :above].sum(axis=1)
            precisions.append(listed / (yes + above))
            recalls.append(listed / (yes + right.sum(axis=1)))
    return np.concatenate(precisions), np.concatenate(recalls)


def _interval(values: np.ndarray, estimate: float) -> tuple[float, float]:
    low, high = np.quantile(values, _INTERVAL)
    return min(float(low), estimate), max(float(high), estimate)


def _normal(values: np.ndarray, weights: np.ndarray) -> tuple[float, float, float]:
    """Return weight, mean, and variance of weighted values."""
    total = float(weights.sum())
    mean = float(weights @ values / total)
    return total, mean, float(weights @ (values - mean) ** 2 / total)


def _log_odds(no: tuple[float, float, float], yes: tuple[float, float, float]) -> Probability:
    """Return the logarithm of how much more likely yes is than no, which never falls with the score.

    Yes is held to be no wider than no: else it would take the files with the lowest scores, too.
    """
    (no_total, no_mean, no_var), (yes_total, yes_mean, yes_var) = no, yes
    no_var = max(no_var, 1e-9)
    yes_var = min(max(yes_var, _LEAST_SPREAD * no_var), no_var)
    curvature = 1 / yes_var - 1 / no_var
    peak = (yes_mean / yes_var - no_mean / no_var) / curvature if curvature > 1e-12 else np.inf

    def odds(values: np.ndarray) -> np.ndarray:
        values = np.minimum(values, peak)
        distance = (values - no_mean) ** 2 / no_var - (values - yes_mean) ** 2 / yes_var
        return np.log(yes_total / no_total) + (np.log(no_var / yes_var) + distance) / 2

    return odds


def sigmoid(values: np.ndarray) -> np.ndarray:
    """Bring logits between 0 and 1."""
    return 1 / (1 + np.exp(-np.clip(values, -500, 500)))
