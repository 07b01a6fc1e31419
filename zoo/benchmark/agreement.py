"""Whether networks that know the same classes say the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from zoo.results import Classification


@dataclass(frozen=True)
class Agreement:
    """What most of the networks that know the same classes say of one input.

    Attributes
    ----------
    networks : tuple of str
        That said something, in the order of the results.
    votes : int
        How many of them name the class first.
    id, label : str
        Of that class; of several with as many votes, the one with the highest score.
    """

    networks: tuple[str, ...]
    votes: int
    id: str
    label: str

    @property
    def whole(self) -> bool:
        """Whether all agree."""
        return self.votes == len(self.networks)


@dataclass(frozen=True)
class Pair:
    """How often two networks name the same class first: `same` times of `inputs`."""

    networks: tuple[str, str]
    same: int
    inputs: int


def agreements(results: Sequence[Classification], classes: Mapping[str, Hashable]) -> list[Agreement]:
    """How far networks agree on one input: one answer for each set of classes that two or more share.

    Parameters
    ----------
    results : sequence of Classification
        Of the same input, one a network.
    classes : mapping of str to hashable
        Which classes each network knows: equal for two that know the same.

    Returns
    -------
    list of Agreement
    """
    groups = []
    for identity in dict.fromkeys(classes[result.network] for result in results):
        group = [result for result in results if classes[result.network] == identity]
        if len(group) < 2:
            continue
        votes = Counter(result.ids[0] for result in group)
        best = max(group, key=lambda result: (votes[result.ids[0]], result.scores[0]))
        networks = tuple(result.network for result in group)
        groups.append(Agreement(networks, votes[best.ids[0]], best.ids[0], best.labels[0]))
    return groups


def pairs(inputs: Sequence[Sequence[Classification]], classes: Mapping[str, Hashable]) -> list[Pair]:
    """How often each two networks that know the same classes agree.

    Parameters
    ----------
    inputs : sequence of sequence of Classification
        One sequence an input, with the results of the networks that answered.
    classes : mapping
        As in `agreements`.

    Returns
    -------
    list of Pair
    """
    counts: Counter[tuple[str, str]] = Counter()
    same: Counter[tuple[str, str]] = Counter()
    for results in inputs:
        for one, other in combinations(results, 2):
            if classes[one.network] == classes[other.network]:
                both = (one.network, other.network)
                counts[both] += 1
                same[both] += one.ids[0] == other.ids[0]
    return [Pair(both, same[both], count) for both, count in counts.items()]
