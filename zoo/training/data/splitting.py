"""Examples in two parts, and what file names say of them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np
import re2

from zoo.core.errors import InputError
from zoo.core.validation import number

_MAX_FOLDS = 20  # so that a share is met to 5 % where the groups allow it
_SHUFFLES = 10  # tries before an error reports that no split into groups exists


def held_out(
    targets: np.ndarray,
    classes: Sequence[str],
    groups: Sequence[str] | None,
    fraction: float = 0.2,
    *,
    seed: int = 0,
) -> np.ndarray:
    """Choose the examples to hold out, so that both parts have every class, and no group is in both.

    Without groups, each class is divided in the same proportion, at least one example to a side. With
    groups, the proportions of the classes are met as well as whole groups allow.

    Parameters
    ----------
    targets : ndarray of int, shape (n,)
        Indices of `classes`.
    classes : sequence of str
    groups : sequence of str or None, length n
    fraction : float
        Fraction of the examples to hold out, between 0 and 1.
    seed : int
        The same one gives the same choice.

    Returns
    -------
    ndarray of bool, shape (n,)

    Raises
    ------
    InputError
        If a class has fewer than 2 examples or groups, or `fraction` is not between 0 and 1.
    """
    fraction = number("fraction", fraction, 0, 1)
    if not 0 < fraction < 1:
        raise InputError(f"fraction={fraction:g} leaves one part empty; choose a number between 0 and 1.")
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise InputError(f"seed={seed!r} is not a whole number from 0 to 4294967295.")
    few = [name for name, n in zip(classes, _counts(targets, classes), strict=True) if n < 2]
    if few:
        raise InputError(
            f"The class {few[0]!r} has fewer than 2 examples, and both parts of a split need one; "
            "add examples, or leave the class out with classes=."
        )
    if groups is None:
        return _of_classes(targets, classes, fraction, seed)
    return _of_groups(targets, classes, groups, fraction, int(seed))


def groups_of(names: Iterable[str], pattern: str) -> tuple[str, ...]:
    r"""Read the group of each file from its name.

    Parameters
    ----------
    names : iterable of str
    pattern : str
        A regular expression, of RE2's syntax, that is searched for in the name of each file, without its
        folders; what its first pair of parentheses matches is the group: ``r"^\d_([a-z]+)_"`` is the
        speaker in ``7_theo_12.wav``.

    Raises
    ------
    InputError
        If the pattern is none, or a name does not match it.
    """
    expression = compiled("group", pattern)
    groups = []
    for name in names:
        if (group := match_name(name, expression)) is None:
            raise InputError(f"group={pattern!r} does not match the name {name!r}.")
        groups.append(group)
    return tuple(groups)


def compiled(option: str, pattern: str) -> Any:
    """Compile a regular expression with a pair of parentheses.

    RE2 takes time in proportion to pattern and name, where Python's own engine may take for ever.

    Raises
    ------
    InputError
        If RE2 does not accept it, or it has no parentheses; the message names the option.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        expression = re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0].decode(errors="replace")
        raise InputError(
            f"{option}={pattern!r} is not a regular expression that RE2 accepts: {why}."
        ) from None
    except TypeError:
        raise InputError(f"{option} must be a regular expression as a text, not {pattern!r}.") from None
    if not expression.groups:
        raise InputError(f"{option}={pattern!r} has no parentheses to say which part of the name counts.")
    return expression


def match_name(name: str, pattern: Any) -> str | None:
    """Find a compiled pattern in a file's name, without its folders; None if it does not match."""
    match = pattern.search(PurePath(name).name)
    return match[1] if match else None


def _counts(targets: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    return np.bincount(targets, minlength=len(classes))


def _of_classes(targets: np.ndarray, classes: Sequence[str], fraction: float, seed: int) -> np.ndarray:
    """Choose the held-out examples, class by class.

    scikit-learn's StratifiedShuffleSplit meets the fraction in all, and may leave a rare class without any.
    """
    random, held = np.random.default_rng(seed), np.zeros(len(targets), dtype=bool)
    for target, n in enumerate(_counts(targets, classes)):
        size = int(np.clip(round(fraction * n), 1, n - 1))
        held[random.permutation(np.flatnonzero(targets == target))[:size]] = True
    return held


def _of_groups(
    targets: np.ndarray, classes: Sequence[str], names: Sequence[str], fraction: float, seed: int
) -> np.ndarray:
    """Who is held out, by whole groups: some of the folds of scikit-learn's StratifiedGroupKFold.

    Where a class has too few groups to be found in these folds, there are as many folds as it has groups.
    """
    _, groups = np.unique(np.array(names), return_inverse=True)
    of_class = [len(np.unique(groups[targets == target])) for target in range(len(classes))]
    if (fewest := min(of_class)) < 2:
        lonely = classes[of_class.index(fewest)]
        raise InputError(
            f"All examples of the class {lonely!r} are of one group, which no split has in both parts."
        )

    def has_all(where: np.ndarray) -> bool:
        return len(np.unique(targets[where])) == len(classes)

    for max_folds in (min(groups.max() + 1, _counts(targets, classes).max()), fewest):
        held_folds, folds = _nearest_ratio(fraction, min(max_folds, _MAX_FOLDS))
        for shuffle in range(_SHUFFLES):
            unions = _fold_unions(targets, groups, folds, held_folds, (seed + shuffle) % 2**32)
            whole = [held for held in unions if has_all(held) and has_all(~held)]
            if whole:
                return min(whole, key=lambda held: abs(held.mean() - fraction))
    raise InputError(
        f"No split of the {groups.max() + 1} groups was found that has every class in both parts; "
        "give more groups to the rare classes, or leave these out with classes=."
    )


def _nearest_ratio(fraction: float, max_folds: int) -> tuple[int, int]:
    """Return the ratio between 0 and 1 nearest to a fraction, with a denominator of at most `max_folds`."""
    ratios = ((held_folds, folds) for folds in range(2, max_folds + 1) for held_folds in range(1, folds))
    return min(ratios, key=lambda f: (abs(f[0] / f[1] - fraction), f[1]))


def _fold_unions(
    targets: np.ndarray, groups: np.ndarray, folds: int, held_folds: int, seed: int
) -> Iterator[np.ndarray]:
    """Every run of `held_folds` folds, as a mask of shape (n,)."""
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    fold = np.empty(len(targets), dtype=int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a class is smaller than the number of folds
        for i, (_, held) in enumerate(splitter.split(targets, targets, groups)):
            fold[held] = i
    for first in range(folds):
        yield (fold - first) % folds < held_folds
