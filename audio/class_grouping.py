"""Which classes of a network are reported, and under which names: its own, or their categories'."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from zoo.audio import ontology
from zoo.audio.events import EventSegmenter, Segment
from zoo.audio.options import SoundEventOptions
from zoo.core import labels
from zoo.core.errors import InputError
from zoo.core.labels import Label

# How deep a category may be to be reported, 0 for the roots of the ontology; None: classes stay as they are.
DEPTHS = {"high": None, "medium": 1, "low": 0}


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


def groups(classes: tuple[Label, ...], options: SoundEventOptions) -> tuple[Group, ...]:
    """Choose what is reported.

    Parameters
    ----------
    classes : tuple of Label
        Of the network, in order.
    options : SoundEventOptions
        Its `specificity` chooses the classes as they are; categories no deeper than the second level of
        AudioSet's ontology ("Human voice", "Vehicle", "Musical instrument"); or its seven roots ("Human
        sounds", "Animal", "Music"). See `ontology.raised` for classes with several ways up. Each name of its
        `include` and `exclude` stands for itself and all its descendants.

    Raises
    ------
    InputError
        If the options ask for categories, and no class of the network is in the ontology.
    UnknownNameError
        If the class or category is unknown, or it has no class of this network.
    """
    deepest = DEPTHS[options.specificity]
    known = {label.id for label in classes} & ontology.categories().keys()
    if deepest is not None and not known:
        raise InputError(
            f"specificity={options.specificity!r} is for AudioSet's classes, and this network has others; "
            "leave it out."
        )
    included, excluded = _members(classes, options.include), _members(classes, options.exclude)
    chosen = included if options.include else set(range(len(classes)))
    grouped: dict[str, Group] = {}
    for index in sorted(chosen - excluded):
        label = classes[index]
        if deepest is None or label.id not in known:
            grouped[f"class {index}"] = Group(label.label, label.id, np.array([index]))
            continue
        for mid in ontology.raised(label.id, deepest):
            before = grouped[mid].members if mid in grouped else np.zeros(0, int)
            grouped[mid] = Group(ontology.categories()[mid].name, mid, np.append(before, index))
    return tuple(grouped.values())


def names(classes: tuple[Label, ...]) -> list[str]:
    """Return all labels that `members` takes: the classes of a network, then the categories above them."""
    return list(dict.fromkeys(label.label for label in _everything(classes)))


def has_categories(classes: tuple[Label, ...]) -> bool:
    """Whether classes of a network are AudioSet's, so that they have categories."""
    return bool({label.id for label in classes} & ontology.categories().keys())


def members(classes: tuple[Label, ...], name: str) -> list[int]:
    """Return the indices of the classes that a name stands for: a class and its descendants, or a category's.

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
    options : SoundEventOptions

    Raises
    ------
    InputError
        If the network's classes have no categories to report.
    UnknownNameError
        If the class or category is unknown.
    """

    def __init__(self, classes: tuple[Label, ...], options: SoundEventOptions):
        self._groups = groups(classes, options)
        self._finder = EventSegmenter(
            threshold=options.threshold, separation=options.separation, min_duration=options.min_duration
        )

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
        """Return the events still open at the end of a recording of that length in s, as `feed` does."""
        return self._named(self._finder.finish(duration))

    def _named(self, events: list[Segment]) -> list[tuple[str, int, str, float, float, float]]:
        named = [(self._groups[event.column], event) for event in events]
        return [(group.label, e.peak, group.id, e.start, e.end, e.score) for group, e in named]


def _members(classes: tuple[Label, ...], names: Sequence[str]) -> set[int]:
    return {index for name in names for index in members(classes, name)}


def _everything(classes: tuple[Label, ...]) -> tuple[Label, ...]:
    """Return the classes, and the categories above them that are not classes."""
    known = {label.id for label in classes} & ontology.categories().keys()
    above = frozenset().union(*map(ontology.ancestors, known)) - known
    return (*classes, *(Label(mid, ontology.categories()[mid].name) for mid in sorted(above)))
