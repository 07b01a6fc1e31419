"""Who agrees with whom: classes are counted by their identifiers, among networks that know the same ones."""

import numpy as np

from zoo.benchmark.agreement import Agreement, Pair, agreements, pairs
from zoo.results import Classification

CLASSES = {"a": "objects", "b": "objects", "c": "objects", "d": "objects", "p": "scenes", "q": "scenes"}


def said(network: str, identity: str, score: float = 0.5) -> Classification:
    rest = {"groups": ("",), "scores": np.array([score]), "all_scores": np.array([score])}
    return Classification(network, "i", np.array([0]), (identity,), (f"label {identity}",), ("",), **rest)


def test_all_most_and_none():
    whole = agreements([said("a", "n1"), said("b", "n1")], CLASSES)
    assert whole == [Agreement(("a", "b"), 2, "n1", "label n1")]
    assert whole[0].whole
    (most,) = agreements([said("a", "n2", 0.9), said("b", "n1"), said("c", "n1")], CLASSES)
    assert (most.votes, most.id, most.whole) == (2, "n1", False)
    (none,) = agreements([said("a", "n1"), said("b", "n2")], CLASSES)
    assert (none.votes, none.whole) == (1, False)


def test_of_two_halves_the_surer_one_is_named():
    results = [said("a", "n1", 0.2), said("b", "n1", 0.3), said("c", "n2", 0.4), said("d", "n2", 0.1)]
    assert agreements(results, CLASSES)[0].id == "n2"


def test_only_networks_that_know_the_same_classes_are_counted():
    results = [said("a", "n1"), said("p", "n1")]
    assert agreements(results, CLASSES) == []
    both = agreements([*results, said("b", "n2"), said("q", "n1")], CLASSES)
    assert [(found.networks, found.votes) for found in both] == [(("a", "b"), 1), (("p", "q"), 2)]


def test_pairs_over_many_inputs():
    inputs = [
        [said("a", "n1"), said("b", "n1"), said("p", "n1")],
        [said("a", "n1"), said("b", "n2"), said("p", "n2")],
        [said("a", "n1"), said("p", "n2")],  # b could not be used
    ]
    assert pairs(inputs, CLASSES) == [Pair(("a", "b"), 1, 2)]
    assert pairs([], CLASSES) == []
