"""The AudioSet ontology: which sounds are kinds of which.

J. F. Gemmeke et al.: Audio Set: An ontology and human-labeled dataset for audio events, ICASSP 2017.
Classes are known by their mid (``"/m/0gy1t2s"``). A class may have several parents: a bicycle bell is a bell,
an alarm and a part of a bicycle.
"""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple


class Category(NamedTuple):
    """A class of the ontology: mid, name, and the mids of its parents."""

    id: str
    name: str
    parents: tuple[str, ...]


@cache
def categories() -> Mapping[str, Category]:
    """All 632 classes by their mid, in the order of the ontology."""
    text = files("zoo").joinpath("audio/labels/audioset_ontology.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return MappingProxyType(
        {row["id"]: Category(row["id"], row["name"], tuple(row["parents"].split())) for row in rows}
    )


def roots() -> tuple[str, ...]:
    """Return the seven classes without a parent, "Human sounds" to "Channel, environment and background"."""
    return tuple(category.id for category in categories().values() if not category.parents)


@cache
def ancestors(mid: str) -> frozenset[str]:
    """Everything that a class is a kind of, along all ways up, without itself."""
    parents = categories()[mid].parents
    return frozenset(parents).union(*map(ancestors, parents))


def descendants(mid: str) -> frozenset[str]:
    """Everything that is a kind of a class, without itself."""
    return frozenset(other for other in categories() if mid in ancestors(other))


@cache
def depth(mid: str) -> int:
    """How many steps below a root a class is, along the shortest way: 0 for a root."""
    return min((1 + depth(parent) for parent in categories()[mid].parents), default=0)


def raised(mid: str, deepest: int) -> tuple[str, ...]:
    """Return the categories that a class counts under, none deeper than `deepest`.

    They are those that the fewest steps lead to: a bicycle bell is an alarm and a bell at depth 1, and one of
    the sounds of things at depth 0, but not a vehicle, nor music, which longer ways would lead to. A class
    that is no deeper counts as itself.

    Parameters
    ----------
    mid : str
    deepest : int

    Returns
    -------
    tuple of str
        Mids: one, or several where as few steps lead to each.
    """
    level = (mid,)
    while not (ancestors := tuple(other for other in level if depth(other) <= deepest)):
        level = tuple(dict.fromkeys(parent for other in level for parent in categories()[other].parents))
    return ancestors
