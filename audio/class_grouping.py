"""Which classes of a network are reported, and under which names: its own, or their categories'."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from zoo.audio import ontology
from zoo.audio.events import EventSegmenter, Segment
from zoo.core import labels
from zoo.core.errors import InputError
from zoo.core.labels import Label
from zoo.core.validation import choice, number

# How deep a category may be to be reported, 0 for the roots of the ontology; None: classes stay as they are.
SPECIFICITY = {"high": None, "medium": 1, "low": 0}


class Group(NamedTuple):
    """Classes that are reported as one.

    Attributes
    ----------
    label, id : str
        Of the class itself, or of the category that its members are reported under.
    members : ndarray of int, shape (k,)
        Their indices among the network's classes, rising.
    """

    label: str
    id: str
    members: np.ndarray


def groups(
    classes: tuple[Label, ...], specificity: str, include: str | Sequence[str], exclude: str | Sequence[str]
) -> tuple[Group, ...]:
    """What is reported.

    Parameters
    ----------
    classes : tuple of Label
        Of the network, in order.
    specificity : {"high", "medium", "low"}
        The classes as they are; in categories no deeper than the second level of AudioSet's ontology ("Human
        voice", "Vehicle", "Musical instrument"); or its seven roots ("Human sounds", "Animal", "Music").
        See `ontology.raised` for classes with several ways up.
    include, exclude : str or sequence of str
        The only classes to report, and classes not to report: labels or identifiers of classes, or of any
        category of the ontology. Each stands for itself and all its descendants.

    Raises
    ------
    InputError
        If there is no such specificity, or none of the classes is one of the ontology.
    UnknownNameError
        If there is no such class or category, or it has no class of this network.
    """
    choice("specificity", specificity, SPECIFICITY)
    deepest = SPECIFICITY[specificity]
    known = {label.id for label in classes} & ontology.categories().keys()
    if deepest is not None and not known:
        raise InputError(
            f"The classes of this network are not AudioSet's, so there is no specificity {specificity!r}."
        )
    included, excluded = _members(classes, "include", include), _members(classes, "exclude", exclude)
    chosen = included if include else set(range(len(classes)))
    found: dict[str, Group] = {}
    for index in sorted(chosen - excluded):
        label = classes[index]
        if deepest is None or label.id not in known:
            found[f"class {index}"] = Group(label.label, label.id, np.array([index]))
            continue
        for mid in ontology.raised(label.id, deepest):
            before = found[mid].members if mid in found else np.zeros(0, int)
            found[mid] = Group(ontology.categories()[mid].name, mid, np.append(before, index))
    return tuple(found.values())


def names(classes: tuple[Label, ...]) -> list[str]:
    """What `members` takes by its label: the classes of a network, and then the categories above them."""
    return list(dict.fromkeys(label.label for label in _everything(classes)))


def has_categories(classes: tuple[Label, ...]) -> bool:
    """Whether classes of a network are AudioSet's, so that they have categories."""
    return bool({label.id for label in classes} & ontology.categories().keys())


def members(classes: tuple[Label, ...], name: str) -> list[int]:
    """Indices of the classes that a name means: one and its descendants, or those of a category.

    Raises
    ------
    UnknownNameError
        If it means none; the message names the closest labels.
    """
    everything = _everything(classes)
    index = labels.find(everything, name)
    mid = everything[index].id
    if mid not in ontology.categories():
        return [index]
    wanted = {mid, *ontology.descendants(mid)}
    return [index for index, label in enumerate(classes) if label.id in wanted]


class ClassGrouping:
    """Scores of a network's classes, patch by patch -> events under the names that are reported.

    Parameters
    ----------
    classes : tuple of Label
        Of the network, in order.
    threshold, separation, min_duration : float
        As of `zoo.audio.events.EventSegmenter`.
    specificity, include, exclude
        As of `groups`.

    Raises
    ------
    InputError
        If an option cannot be used.
    UnknownNameError
        If there is no such class or category.
    """

    def __init__(
        self,
        classes: tuple[Label, ...],
        *,
        threshold: float,
        separation: float,
        min_duration: float,
        specificity: str,
        include: str | Sequence[str],
        exclude: str | Sequence[str],
    ):
        number("threshold", threshold, 0, 1)
        number("separation", separation, 0)
        number("min_duration", min_duration, 0)
        self._groups = groups(classes, specificity, include, exclude)
        self._finder = EventSegmenter(threshold=threshold, separation=separation, min_duration=min_duration)

    def feed(self, scores: np.ndarray, times: np.ndarray) -> list[tuple[str, int, str, float, float, float]]:
        """Go on with the next patches.

        Parameters
        ----------
        scores : ndarray, shape (patches, classes)
        times : ndarray, shape (patches, 2)
            Start and end of each patch in s, in order.

        Returns
        -------
        list of (label, index, id, start, end, score)
            Of the events that have ended. A group's score in a patch is the largest of its members', and its
            index that of the member with the largest score of the event.
        """
        which = np.zeros((len(scores), len(self._groups)), int)
        for column, group in enumerate(self._groups):
            which[:, column] = group.members[scores[:, group.members].argmax(axis=1)]
        largest = np.take_along_axis(scores, which, axis=1)
        return self._named(self._finder.feed(largest, times, which))

    def finish(self, duration: float) -> list[tuple[str, int, str, float, float, float]]:
        """The events that were open at the end of a recording of that length in s, as `feed` gives them."""
        return self._named(self._finder.finish(duration))

    def _named(self, events: list[Segment]) -> list[tuple[str, int, str, float, float, float]]:
        named = [(self._groups[event.column], event) for event in events]
        return [(group.label, e.peak, group.id, e.start, e.end, e.score) for group, e in named]


def _members(classes: tuple[Label, ...], option: str, names: str | Sequence[str]) -> set[int]:
    names = [names] if isinstance(names, str) else () if names is None else names
    if not isinstance(names, (list, tuple, set, frozenset)) or not all(
        isinstance(name, str) for name in names
    ):
        raise InputError(f"{option}= takes names of classes or categories, not a {type(names).__name__}.")
    return {index for name in names for index in members(classes, name)}


def _everything(classes: tuple[Label, ...]) -> tuple[Label, ...]:
    """The classes, and the categories above them that are none."""
    known = {label.id for label in classes} & ontology.categories().keys()
    above = frozenset().union(*map(ontology.ancestors, known)) - known
    return (*classes, *(Label(mid, ontology.categories()[mid].name) for mid in sorted(above)))
