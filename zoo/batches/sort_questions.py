"""Which files a sorter asks about next."""

from __future__ import annotations

import numpy as np

from zoo.batches.sort_answers import Reason
from zoo.batches.sort_estimate import sigmoid

FIRST_FINDS = 12  # answers of yes, until which the most likely files are asked
# Fractions of the questions after that; the others are the most likely files. A likely file is in the list
# anyway: an answer is worth more where the head is unsure.
UNSURE, CHECK = 0.65, 0.2
_LIKENESS = 1.0  # what a file loses that is like another of the same questions, per cosine


def choose(
    logits: np.ndarray,
    values: np.ndarray,
    left: np.ndarray,
    total: int,
    random: np.random.Generator,
    *,
    finds: int,
    checks: bool,
) -> list[tuple[int, Reason]]:
    """Choose files to be asked, each with the reason.

    Parameters
    ----------
    logits : ndarray, shape (n,)
        Of the head, for all files.
    values : ndarray, shape (n, width)
        Features of all files.
    left : ndarray of int, shape (m,)
        Places of the files that may be asked.
    total : int
        How many; fewer if fewer are left.
    random : Generator
    finds : int
        Answers of yes so far.
    checks : bool
        Whether there is an estimate to check.

    Returns
    -------
    list of (int, str)
        Places of files. A check is drawn with a probability in proportion to its score.
    """
    chosen: list[tuple[int, Reason]] = []
    for _ in range(min(total, len(left))):
        reason = _reason(random, finds, checks)
        own = logits[left]
        if reason == "check":
            weights = sigmoid(own)
            which = int(random.choice(len(left), p=weights / weights.sum()))
        else:
            merit = -np.abs(own) if reason == "unsure" else own
            if chosen:
                picked = values[[place for place, _ in chosen]]
                merit = merit - _LIKENESS * (values[left] @ picked.T).max(axis=1)
            which = int(np.argmax(merit))
        chosen.append((int(left[which]), reason))
        left = np.delete(left, which)
    return chosen


def _reason(random: np.random.Generator, finds: int, checks: bool) -> Reason:
    if finds < FIRST_FINDS:
        return "likely"
    draw = random.random()
    if draw < CHECK and checks:
        return "check"
    return "unsure" if draw < CHECK + UNSURE else "likely"
