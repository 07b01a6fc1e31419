"""Files and their labels, before anybody looked inside, and which classes of them count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from zoo.core.errors import InputError
from zoo.results.problem import Problem
from zoo.training.data.dataset import Dataset


@dataclass(frozen=True)
class Listing:
    """Files, and their labels and groups.

    Attributes
    ----------
    name : str
        Where they come from.
    files : list of Path
    labels : list of str, as long as `files`
    classes : tuple of str
        All that were named, in order, those without a file as well.
    groups : list of str or None, as long as `files`
    problems : tuple of Problem
    """

    name: str
    files: list[Path]
    labels: list[str]
    classes: tuple[str, ...]
    groups: list[str] | None = None
    problems: tuple[Problem, ...] = ()

    def where(self, keep: Sequence[bool], problems: Sequence[Problem]) -> Listing:
        """Select some of the files, and the reasons against the others."""
        return replace(
            self,
            files=[file for file, use in zip(self.files, keep, strict=True) if use],
            labels=[label for label, use in zip(self.labels, keep, strict=True) if use],
            groups=self.groups and [group for group, use in zip(self.groups, keep, strict=True) if use],
            problems=(*self.problems, *problems),
        )

    def targets(self) -> np.ndarray:
        """Return the labels as indices of the classes, int64, shape (n,)."""
        index = {label: i for i, label in enumerate(self.classes)}
        return np.array([index[label] for label in self.labels], dtype=np.int64)


def select_classes(listing: Listing, classes: Sequence[str] | None) -> Listing:
    """Keep only the given classes, in that order; each of the others is a problem.

    Raises
    ------
    InputError
        If `classes` is not a list of different names, or the data has none of them.
    """
    if classes is None:
        return listing
    selected = _check_classes(classes, listing.classes, listing.name)
    selection = listing.where(
        [label in selected for label in listing.labels], _others(listing.classes, selected)
    )
    return replace(selection, classes=selected)


def of_classes(data: Dataset, classes: Sequence[str] | None) -> Dataset:
    """`chosen` for examples that are not files."""
    if classes is None:
        return data
    selected = _check_classes(classes, data.classes, data.name)
    places = np.array([selected.index(label) if label in selected else -1 for label in data.classes])
    some = data.take(np.flatnonzero(places[data.targets] >= 0))
    problems = (*data.problems, *_others(data.classes, selected))
    return replace(some, targets=places[some.targets], classes=selected, problems=problems)


def _check_classes(classes: Sequence[str], there: tuple[str, ...], name: str) -> tuple[str, ...]:
    if isinstance(classes, str) or not all(isinstance(label, str) for label in classes):
        raise InputError(f"classes={classes!r} is not a list of names.")
    selected = tuple(classes)
    if not selected or len(set(selected)) < len(selected):
        raise InputError(f"classes={classes!r} should name one class or more, each once.")
    if not set(selected) & set(there):
        raise InputError(f"{name} does not have the classes {_names(selected)}; it has {_names(there)}.")
    return selected


def _others(there: tuple[str, ...], selected: tuple[str, ...]) -> list[Problem]:
    return [
        Problem(label, f"The class {label!r} is not among those asked for.")
        for label in there
        if label not in selected
    ]


def drop_empty_classes(listing: Listing, *, keep_empty: bool) -> Listing:
    """Report the classes without examples, and drop them unless they were asked for.

    Raises
    ------
    InputError
        If no example is left, or one class where none was asked for.
    """
    empty = [label for label in listing.classes if label not in set(listing.labels)]
    problems = [Problem(label, f"The class {label!r} has no example that can be used.") for label in empty]
    listing = replace(listing, problems=(*listing.problems, *problems))
    if len(empty) == len(listing.classes):
        raise InputError(f"{listing.name} has no examples that can be used.")
    if keep_empty:
        return listing
    classes = tuple(label for label in listing.classes if label not in empty)
    if len(classes) == 1:
        raise InputError(
            f"{listing.name} has examples of one class only, {classes[0]!r}; two or more can be told apart."
        )
    return replace(listing, classes=classes)


def _names(labels: Sequence[str]) -> str:
    text = ", ".join(repr(label) for label in labels[:10])
    return f"{text} and {len(labels) - 10} more" if len(labels) > 10 else text
