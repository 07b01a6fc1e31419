"""The table of attempts: what matters comes first, and an early end is explained."""

import pytest

from zoo.app.components import attempts
from zoo.app.services.project_record import Attempt, TrainingConfig


def attempt(epochs: int, *, stopped: bool = False) -> Attempt:
    return Attempt(
        number="0123456789abcdef",
        title="EfficientNet-Lite0 taught a or b",
        date="2026-01-01T12:00:00+00:00",
        classes=("a", "b"),
        network="efficientnet_lite0.tf",
        config=TrainingConfig("head", epochs=100),
        epochs=epochs,
        stopped=stopped,
        accuracy=0.9,
        low=0.8,
        high=0.95,
    )


def test_method_accuracy_and_interval_come_first():
    row = attempts._row(attempt(100))
    assert list(row.items())[:3] == [
        ("method", "New head"),
        ("accuracy", "90.0%"),
        ("95 % interval", "80% to 95%"),
    ]


@pytest.mark.parametrize(
    ("epochs", "stopped", "text"),
    [(100, False, "100 of 100"), (37, False, "37 of 100 (early stop)"), (37, True, "37 of 100 (stopped)")],
)
def test_an_early_end_is_explained(epochs, stopped, text):
    assert attempts._row(attempt(epochs, stopped=stopped))["epochs"] == text
