"""What follows from the answers of a sorter: a head, scores, and probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from zoo.batches.file_features import FileFeatures
from zoo.batches.sort_estimate import BACKGROUND, fit_head, held_out_scores, mixture
from zoo.core.errors import InputError

MIN_ANSWERS = 4  # of each kind, before anything is estimated


@dataclass(frozen=True, eq=False)
class SortFit:
    """A head that is fitted to answers; everything is computed when it is asked for, and once.

    Attributes
    ----------
    files : FileFeatures
    places : ndarray of int, shape (n,)
        Of the files with an answer, in the order of the answers.
    targets : ndarray of bool, shape (n,)
        Whether the answer was yes.
    examples : sequence of ndarray, shape (width,)
        Features of other examples of what is wanted.
    label : str or None
        Of the class whose scores count before there is an example or a yes.
    seed : int
    """

    files: FileFeatures
    places: np.ndarray
    targets: np.ndarray
    examples: Sequence[np.ndarray]
    label: str | None
    seed: int

    @property
    def is_estimable(self) -> bool:
        """Whether there are enough answers for an estimate, and files that it could be of."""
        yes = int(self.targets.sum())
        return min(yes, len(self.targets) - yes) >= MIN_ANSWERS and len(self.left) > 0

    @cached_property
    def left(self) -> np.ndarray:
        """Places of the files without an answer, ascending."""
        return np.setdiff1d(np.arange(len(self.files)), self.places)

    @cached_property
    def logits(self) -> np.ndarray:
        """Scores of all files before they are brought between 0 and 1, shape (files,).

        Raises
        ------
        InputError
            If there is nothing to look for.
        """
        if not self.targets.any() and not self.examples:
            return self._class_logits()
        values = np.vstack([self.files.values[self.places], *self.examples])
        targets = np.concatenate([self.targets, np.ones(len(self.examples), bool)])
        if targets.all() and not len(self.left):
            return np.zeros(len(self.files))
        return fit_head(values, targets, self._background).decision_function(self.files.values)

    @cached_property
    def held_out(self) -> np.ndarray:
        """Logits of the answered files, each by a head that was fitted without it, shape (n,)."""
        return held_out_scores(self.files.values[self.places], self.targets, self._background)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Probabilities of a yes, of all files, shape (files,)."""
        return mixture(self.held_out, self.targets, self.logits[self.left])(self.logits)

    @cached_property
    def _background(self) -> np.ndarray:
        random = np.random.default_rng([self.seed, len(self.places), 1])
        return self.files.values[random.choice(self.left, min(BACKGROUND, len(self.left)), replace=False)]

    def _class_logits(self) -> np.ndarray:
        if self.label is None or self.files.scores is None:
            start = "an example, or a class" if self.files.labels else "an example"
            raise InputError(f"There is nothing to look for yet; give {start} to begin with.")
        column = self.files.labels.index(self.label)
        scores = np.clip(self.files.scores[:, column].astype(np.float64), 1e-6, 1 - 1e-6)
        return np.log(scores / (1 - scores))
