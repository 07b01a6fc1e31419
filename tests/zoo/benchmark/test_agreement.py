"""Who agrees with whom: classes are counted by their identifiers, among networks that know the same ones."""

import numpy as np

from zoo.benchmark.agreement import Agreement, Pair, agreements, pairs
from zoo.results import Classification

CLASSES = {"a": "objects", "b": "objects", "c": "objects", "d": "objects", "p": "scenes", "q": "scenes"}


def classification(network: str, identity: str, score: float = 0.5) -> Classification:
    rest = {"groups": ("",), "scores": np.array([score]), "all_scores": np.array([score])}
    return Classification(network, "i", np.array([0]), (identity,), (f"label {identity}",), ("",), **rest)


def test_all_most_and_none():
    whole = agreements([classification("a", "n1"), classification("b", "n1")], CLASSES)
    assert whole == [Agreement(("a", "b"), 2, "n1", "label n1")]
    assert whole[0].whole
    (majority,) = agreements(
        [classification("a", "n2", 0.9), classification("b", "n1"), classification("c", "n1")], CLASSES
    )
    assert (majority.votes, majority.id, majority.whole) == (2, "n1", False)
    (none,) = agreements([classification("a", "n1"), classification("b", "n2")], CLASSES)
    assert (none.votes, none.whole) == (1, False)


def test_of_two_halves_the_surer_one_is_named():
    results = [
        classification("a", "n1", 0.2),
        classification("b", "n1", 0.3),
        classification("c", "n2", 0.4),
        classification("d", "n2", 0.1),
    ]
    assert agreements(results, CLASSES)[0].id == "n2"


def test_only_networks_that_know_the_same_classes_are_counted():
    results = [classification("a", "n1"), classification("p", "n1")]
    assert agreements(results, CLASSES) == []
    both = agreements([*results, classification("b", "n2"), classification("q", "n1")], CLASSES)
    assert [(agreement.networks, agreement.votes) for agreement in both] == [(("a", "b"), 1), (("p", "q"), 2)]


def test_pairs_over_many_inputs():
    inputs = [
        [classification("a", "n1"), classification("b", "n1"), classification("p", "n1")],
        [classification("a", "n1"), classification("b", "n2"), classification("p", "n2")],
        [classification("a", "n1"), classification("p", "n2")],  # b could not be used
    ]
    assert pairs(inputs, CLASSES) == [Pair(("a", "b"), 1, 2)]
    assert pairs([], CLASSES) == []
