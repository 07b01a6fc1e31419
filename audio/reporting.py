"""Which classes of a network are reported, and under which names: its own, or their categories'."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from audio import ontology
from zoo import labels
from zoo.errors import InputError
from zoo.labels import Label

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
    if specificity not in SPECIFICITY:
        raise InputError(f"There is no specificity {specificity!r}; choose one of {', '.join(SPECIFICITY)}.")
    deepest = SPECIFICITY[specificity]
    known = {label.id for label in classes} & ontology.categories().keys()
    if deepest is not None and not known:
        raise InputError(
            f"The classes of this network are not AudioSet's, so there is no specificity {specificity!r}."
        )
    chosen = _members(classes, include) if include else set(range(len(classes)))
    found: dict[str, Group] = {}
    for index in sorted(chosen - _members(classes, exclude)):
        label = classes[index]
        if deepest is None or label.id not in known:
            found[f"class {index}"] = Group(label.label, label.id, np.array([index]))
            continue
        for mid in ontology.raised(label.id, deepest):
            before = found[mid].members if mid in found else np.zeros(0, int)
            found[mid] = Group(ontology.categories()[mid].name, mid, np.append(before, index))
    return tuple(found.values())


def members(classes: tuple[Label, ...], name: str) -> list[int]:
    """Indices of the classes that a name means: one and its descendants, or those of a category.

    Raises
    ------
    UnknownNameError
        If it means none; the message names the closest labels.
    """
    known = {label.id for label in classes} & ontology.categories().keys()
    above = frozenset().union(*map(ontology.ancestors, known)) - known
    everything = (*classes, *(Label(mid, ontology.categories()[mid].name) for mid in sorted(above)))
    index = labels.find(everything, name)
    mid = everything[index].id
    if mid not in ontology.categories():
        return [index]
    wanted = {mid, *ontology.descendants(mid)}
    return [index for index, label in enumerate(classes) if label.id in wanted]


def scores_of(groups: Sequence[Group], scores: np.ndarray) -> np.ndarray:
    """The largest score among the members of each group, shape (patches, groups).

    Parameters
    ----------
    groups : sequence of Group
    scores : ndarray, shape (patches, classes)
    """
    columns = [scores[:, group.members].max(axis=1) for group in groups]
    return np.stack(columns, axis=1) if columns else np.zeros((len(scores), 0), scores.dtype)


def _members(classes: tuple[Label, ...], names: str | Sequence[str]) -> set[int]:
    names = [names] if isinstance(names, str) else names or ()
    return {index for name in names for index in members(classes, name)}
