"""Examples in two parts, and what file names say of them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import numpy as np
import re2

from zoo.errors import InputError
from zoo.inputs import number
from zoo.training.dataset import Dataset

_MOST_FOLDS = 20  # so that a share is met to 5 % where the groups allow it
_SHUFFLES = 10  # before no split into groups is said to be found


def split(data: Dataset, share: float = 0.2, *, seed: int = 0) -> tuple[Dataset, Dataset]:
    """Two parts with every class in both, and with no group in both.

    Without groups, each class is divided in the same proportion, at least one example to a side. With
    groups, the proportions of the classes are met as well as whole groups allow.

    Parameters
    ----------
    data : Dataset
    share : float
        Of the examples that the second part gets, between 0 and 1.
    seed : int
        The same one gives the same parts.

    Returns
    -------
    tuple of Dataset
        The larger part for training (``1 - share``), and the part that is held out; both in the order of
        `data`.

    Raises
    ------
    InputError
        If a class has fewer than 2 examples, or is of fewer than 2 groups, or `share` is no such number.
    """
    share = number("share", share, 0, 1)
    if not 0 < share < 1:
        raise InputError(f"share={share:g} leaves one part empty; a number between 0 and 1 is expected.")
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise InputError(f"seed={seed!r} is not a whole number from 0 to 4294967295.")
    few = [name for name, n in zip(data.classes, _counts(data), strict=True) if n < 2]
    if few:
        raise InputError(
            f"The class {few[0]!r} has fewer than 2 examples, and both parts of a split need one; "
            "add examples, or leave the class out with classes=."
        )
    held = _of_groups(data, share, int(seed)) if data.groups is not None else _of_classes(data, share, seed)
    return data.take(np.flatnonzero(~held)), data.take(np.flatnonzero(held))


def group_by(data: Dataset, pattern: str) -> Dataset:
    """Examples that belong together by their file's name.

    Parameters
    ----------
    data : Dataset
    pattern : str
        A regular expression, of RE2's syntax, that is searched for in the name of each file, without its
        folders; what its first pair of parentheses matches is the group: ``r"^\\d_([a-z]+)_"`` is the
        speaker in ``7_theo_12.wav``.

    Raises
    ------
    InputError
        If the pattern is none, or a name does not match it.
    """
    expression = compiled("group", pattern)
    groups = []
    for i in range(len(data)):
        if (group := named(data.name_of(i), expression)) is None:
            raise InputError(f"group={pattern!r} does not match the name {data.name_of(i)!r}.")
        groups.append(group)
    return replace(data, groups=tuple(groups))


def compiled(option: str, pattern: str) -> Any:
    """Compile a regular expression with a pair of parentheses.

    RE2 takes time in proportion to pattern and name, where Python's own engine may take for ever.

    Raises
    ------
    InputError
        If it is none of RE2's syntax, or has no parentheses; the message names the option.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        found = re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0].decode(errors="replace")
        raise InputError(f"{option}={pattern!r} is no regular expression of RE2: {why}.") from None
    except TypeError:
        raise InputError(f"{option} must be a regular expression as a text, not {pattern!r}.") from None
    if not found.groups:
        raise InputError(f"{option}={pattern!r} has no parentheses to say which part of the name counts.")
    return found


def named(name: str, pattern: Any) -> str | None:
    """What a compiled pattern finds in a file's name, without its folders; None where it does not match."""
    found = pattern.search(PurePath(name).name)
    return found[1] if found else None


def _counts(data: Dataset) -> np.ndarray:
    return np.bincount(data.targets, minlength=len(data.classes))


def _of_classes(data: Dataset, share: float, seed: int) -> np.ndarray:
    """Who is held out, class by class.

    scikit-learn's StratifiedShuffleSplit meets the share in all, and may leave a rare class without examples.
    """
    random, held = np.random.default_rng(seed), np.zeros(len(data), dtype=bool)
    for target, n in enumerate(_counts(data)):
        size = int(np.clip(round(share * n), 1, n - 1))
        held[random.permutation(np.flatnonzero(data.targets == target))[:size]] = True
    return held


def _of_groups(data: Dataset, share: float, seed: int) -> np.ndarray:
    """Who is held out, by whole groups: some of the folds of scikit-learn's StratifiedGroupKFold.

    Where a class has too few groups to be found in these folds, there are as many folds as it has groups.
    """
    _, groups = np.unique(np.array(data.groups), return_inverse=True)
    of_class = [len(np.unique(groups[data.targets == target])) for target in range(len(data.classes))]
    if (fewest := min(of_class)) < 2:
        lonely = data.classes[of_class.index(fewest)]
        raise InputError(
            f"All examples of the class {lonely!r} are of one group, which no split has in both parts."
        )
    for most in (min(groups.max() + 1, _counts(data).max()), fewest):
        taken, folds = _fraction(share, min(most, _MOST_FOLDS))
        for shuffle in range(_SHUFFLES):
            unions = _fold_unions(data, groups, folds, taken, (seed + shuffle) % 2**32)
            whole = [held for held in unions if _has_all(data, held) and _has_all(data, ~held)]
            if whole:
                return min(whole, key=lambda held: abs(held.mean() - share))
    raise InputError(
        f"No split of the {groups.max() + 1} groups was found that has every class in both parts; "
        "give more groups to the rare classes, or leave these out with classes=."
    )


def _fraction(share: float, most: int) -> tuple[int, int]:
    """The nearest fraction between 0 and 1, of a denominator of no more than `most`."""
    fractions = ((taken, folds) for folds in range(2, most + 1) for taken in range(1, folds))
    return min(fractions, key=lambda f: (abs(f[0] / f[1] - share), f[1]))


def _has_all(data: Dataset, where: np.ndarray) -> bool:
    return len(np.unique(data.targets[where])) == len(data.classes)


def _fold_unions(
    data: Dataset, groups: np.ndarray, folds: int, taken: int, seed: int
) -> Iterator[np.ndarray]:
    """Every run of `taken` folds, as a mask of shape (n,)."""
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    fold = np.empty(len(data), dtype=int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a class is smaller than the number of folds
        for i, (_, held) in enumerate(splitter.split(data.targets, data.targets, groups)):
            fold[held] = i
    for first in range(folds):
        yield (fold - first) % folds < taken
