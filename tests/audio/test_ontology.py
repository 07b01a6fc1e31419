"""The ontology is Google's, and classes count under the categories that the shortest way leads to."""

import json

import pytest

from zoo.audio import ontology
from zoo.core import labels

YAMNET = labels.read("audio/labels/audioset_yamnet.csv")
MID = {category.name: mid for mid, category in ontology.categories().items()}


def names(mids):
    return {ontology.categories()[mid].name for mid in mids}


def test_it_is_the_original_file(media):
    classes = json.loads((media.parent / "labels" / "audioset_ontology.json").read_text())
    assert {(c["id"], c["name"]) for c in classes} == {(c.id, c.name) for c in ontology.categories().values()}
    edges = {(c["id"], child) for c in classes for child in c["child_ids"]}
    assert edges == {(parent, c.id) for c in ontology.categories().values() for parent in c.parents}


def test_every_class_of_yamnet_is_in_it_under_a_root():
    for label in YAMNET:
        assert ontology.categories()[label.id].name == label.label
        assert label.id in ontology.roots() or ontology.ancestors(label.id) & set(ontology.roots())


def test_seven_roots():
    assert len(ontology.roots()) == 7
    assert names(ontology.roots()) >= {"Human sounds", "Animal", "Music", "Natural sounds"}
    assert {ontology.depth(mid) for mid in ontology.roots()} == {0}


def test_ancestors_and_descendants_are_each_others():
    dog = MID["Dog"]
    assert names(ontology.ancestors(dog)) == {"Domestic animals, pets", "Animal"}
    assert names(ontology.descendants(dog)) >= {"Bark", "Yip", "Growling"}
    assert all(dog in ontology.ancestors(mid) for mid in ontology.descendants(dog))
    assert ontology.depth(MID["Bark"]) == 3


@pytest.mark.parametrize(
    ("name", "second", "first"),
    [
        ("Speech", {"Human voice"}, {"Human sounds"}),
        ("Bicycle bell", {"Bell", "Alarm"}, {"Sounds of things"}),
        ("Growling", {"Domestic animals, pets", "Wild animals"}, {"Animal"}),
        ("Hiss", {"Onomatopoeia"}, {"Source-ambiguous sounds"}),
        ("Music", {"Music"}, {"Music"}),
        ("Vehicle", {"Vehicle"}, {"Sounds of things"}),
    ],
)
def test_a_class_is_raised_along_the_shortest_way(name, second, first):
    assert names(ontology.raised(MID[name], 1)) == second
    assert names(ontology.raised(MID[name], 0)) == first
