"""Temperature scaling, on logits whose true temperature is known."""

import numpy as np
import pytest
from scipy.special import softmax

from zoo.core.errors import InputError
from zoo.training.evaluation.calibration import LIMITS, temperature
from zoo.training.evaluation.evaluation import Evaluation


def drawn(random, n=20000, classes=5):
    """Logits, and targets that were drawn from their softmax: calibrated by definition."""
    logits = random.normal(0, 1.5, (n, classes))
    targets = np.array([random.choice(classes, p=p) for p in softmax(logits, axis=1)])
    return logits, targets


@pytest.mark.parametrize("true", [0.3, 1.0, 2.5, 8.0])
def test_the_temperature_of_miscalibrated_logits_is_found(true):
    logits, targets = drawn(np.random.default_rng(0))
    assert temperature(logits * true, targets) == pytest.approx(true, rel=0.03)  # of 20,000 draws


def test_it_calibrates_and_changes_no_answer():
    logits, targets = drawn(np.random.default_rng(1))
    fit, rest = slice(None, 10000), slice(10000, None)
    sure = logits * 3
    fitted = temperature(sure[fit], targets[fit])

    def judged(logits):
        scores = softmax(logits, axis=1).astype(np.float32)
        return Evaluation("n", "s", tuple("abcde"), ("",) * 10000, targets[rest], scores)

    before, after = judged(sure[rest]), judged(sure[rest] / fitted)
    assert after.accuracy == before.accuracy
    assert before.ece() > 0.15
    assert after.ece() < 0.02


def test_by_hand():
    # ln(0.9 / 0.1) / T = ln(0.7 / 0.3) where the share of right answers is 0.7.
    fitted = temperature(np.log([[0.9, 0.1]] * 10), np.array([0] * 7 + [1] * 3))
    assert fitted == pytest.approx(np.log(9) / np.log(7 / 3), rel=1e-4)


def test_added_constants_do_not_matter_and_nothing_overflows():
    logits, targets = drawn(np.random.default_rng(2), n=500)
    shifted = logits + np.arange(500)[:, None] * 100
    assert temperature(shifted, targets) == pytest.approx(temperature(logits, targets), rel=1e-3)
    assert LIMITS[0] <= temperature(logits * 1e4, targets) <= LIMITS[1] * 1.0001


def test_where_every_example_is_right_nothing_is_changed():
    assert temperature(np.eye(3) * 5, np.arange(3)) == 1


def test_worse_than_chance_ends_at_the_limit():
    assert temperature(np.eye(3)[[1, 2, 0]], np.arange(3)) == pytest.approx(LIMITS[1], rel=1e-3)


@pytest.mark.parametrize(
    ("logits", "targets"),
    [
        (np.zeros((0, 3)), np.zeros(0, int)),
        (np.zeros(3), np.zeros(3, int)),
        (np.zeros((2, 3)), np.zeros(3, int)),
        (np.zeros((2, 3)), np.array([0, 3])),
        (np.zeros((2, 3)), np.array([0.0, 1.0])),
        (np.full((2, 3), np.nan), np.array([0, 1])),
    ],
)
def test_what_does_not_fit_is_said(logits, targets):
    with pytest.raises(InputError):
        temperature(logits, targets)
