"""How the networks of a project did on the examples that were held out, as files of the project."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta, Struct

from zoo.app.services.project_record import MAX_CLASSES, Content
from zoo.core.errors import InputError
from zoo.hub.weights import write
from zoo.training.data.dataset import Dataset
from zoo.training.evaluation.evaluation import Evaluation

EVALUATION, NETWORK = "evaluation.json", "network"
MAX_BYTES = 8 << 20  # 1000 examples of 200 classes take 5 MB


class SavedEvaluation(Struct, frozen=True, forbid_unknown_fields=True):
    """An evaluation as JSON: for each example its content, name, true class and scores."""

    classes: tuple[str, ...]
    contents: tuple[Content, ...]
    names: tuple[str, ...]
    targets: tuple[Annotated[int, Meta(ge=0)], ...]
    scores: list[list[Annotated[float, Meta(ge=0, le=1)]]]
    conditions: dict[str, str]

    def __post_init__(self) -> None:
        examples = len(self.contents)
        if not examples or {len(self.names), len(self.targets), len(self.scores)} != {examples}:
            raise ValueError("it has not one name, class and list of scores for each example")
        if len(self.classes) > MAX_CLASSES:  # a confusion matrix holds the square of that
            raise ValueError(f"{len(self.classes)} classes are more than {MAX_CLASSES}")
        if len(set(self.contents)) < examples:
            raise ValueError("an example is in it twice")
        if max(self.targets) >= len(self.classes) or {len(row) for row in self.scores} != {len(self.classes)}:
            raise ValueError("its examples are of other classes")
        if any(math.isnan(score) for row in self.scores for score in row):
            raise ValueError("a score is not a number")


def save_evaluation(folder: Path, evaluation: Evaluation, held: Dataset) -> None:
    """Write an evaluation into the folder of an attempt."""
    assert evaluation.positions is not None  # `evaluate` gives them
    saved = SavedEvaluation(
        classes=evaluation.classes,
        contents=tuple(held.hashes[i] for i in evaluation.positions),
        names=tuple(Path(name).name for name in evaluation.inputs),  # and no paths of the server
        targets=tuple(evaluation.targets.tolist()),
        scores=evaluation.scores.clip(0, 1).tolist(),
        conditions=dict(evaluation.conditions),
    )
    content = msgspec.json.encode(saved)
    write(folder / EVALUATION, lambda temporary: temporary.write_bytes(content))


def read_evaluation(folder: Path) -> SavedEvaluation | None:
    """Read the evaluation of an attempt; None of a network that was opened from a file.

    Raises
    ------
    InputError
        If it is damaged.
    """
    try:
        path = folder / EVALUATION
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES >> 20} MB")
        return msgspec.json.decode(path.read_bytes(), type=SavedEvaluation)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"The evaluation of a network is damaged ({error}).") from error


def restored(saved: SavedEvaluation, network: str, dataset: str) -> Evaluation:
    """Return the evaluation that was saved; `positions` number its own examples."""
    return Evaluation(
        network=network,
        dataset=dataset,
        classes=saved.classes,
        inputs=saved.names,
        targets=np.array(saved.targets, dtype=np.int64),
        scores=np.array(saved.scores, dtype=np.float32),
        positions=np.arange(len(saved.contents)),
        conditions=saved.conditions,
    )
