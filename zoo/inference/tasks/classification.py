"""Classification: the best classes of each image or recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.core.inputs import Failures
from zoo.core.validation import count
from zoo.inference.tasks.inputs import collects_failures, problem_of
from zoo.results import Classification, Problem

if TYPE_CHECKING:
    from zoo.inference.model import Model


@dataclass(frozen=True, kw_only=True)
class ClassificationOptions:
    """What a classification names.

    Attributes
    ----------
    top : int
        How many classes, best first.
    """

    top: int = 5

    def __post_init__(self) -> None:
        count("top", self.top)


def classify(
    net: Model,
    x: Any,
    options: ClassificationOptions,
    *,
    sample_rate: float | None = None,
    overlap: float | None = None,
    on_error: str = "raise",
) -> Classification | list[Classification | Problem]:
    """Classify one input, or several; see `zoo.inference.network.Network.classify`."""
    net.require("classify")
    failures: Failures | None = {} if collects_failures(net, x, on_error) else None
    inputs = net.preprocessor.several(x)  # listed once: a generator or standard input can be read once only
    sums: dict[int, np.ndarray] = {}
    counts: dict[int, int] = {}
    names: dict[int, str] = {}
    for batch in net.batches(inputs, sample_rate=sample_rate, overlap=overlap, failures=failures):
        for index, name, row in zip(batch.inputs, batch.names, net.scores(batch.data), strict=True):
            sums[index] = sums.get(index, 0) + row
            counts[index] = counts.get(index, 0) + 1
            names[index] = name
    if net.preprocessor.is_one(x):
        return net.classification(sums[0] / counts[0], names[0], options.top)
    return [
        problem_of(item, i, failures[i])
        if failures and i in failures
        else net.classification(sums[i] / counts[i], names[i], options.top)
        for i, item in enumerate(inputs)
    ]
