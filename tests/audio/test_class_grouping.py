"""Which classes are reported, under which names, with which scores."""

import numpy as np
import pytest

from zoo.audio import class_grouping, ontology
from zoo.audio.class_grouping import ClassGrouping, has_categories, members, names
from zoo.audio.options import SoundEventOptions
from zoo.core import labels
from zoo.core.errors import InputError, UnknownNameError
from zoo.core.labels import Label

YAMNET = labels.read("audio/labels/audioset_yamnet.csv")


def groups(classes, specificity, include, exclude):
    options = SoundEventOptions(specificity=specificity, include=include, exclude=exclude)
    return class_grouping.groups(classes, options)


def labels_of(indices):
    return {YAMNET[i].label for i in indices}


def test_high_is_every_class_by_itself():
    result = groups(YAMNET, "high", (), ())
    assert [(group.label, group.id) for group in result] == [(label.label, label.id) for label in YAMNET]
    assert [group.members.tolist() for group in result] == [[i] for i in range(521)]


@pytest.mark.parametrize(("specificity", "deepest"), [("medium", 1), ("low", 0)])
def test_lower_levels_leave_no_class_out(specificity, deepest):
    result = groups(YAMNET, specificity, (), ())
    assert set(np.concatenate([group.members for group in result])) == set(range(521))
    assert all(ontology.depth(group.id) <= deepest for group in result)
    assert len({group.label for group in result}) == len(result)


def test_the_seven_roots_are_the_lowest_level():
    assert {group.id for group in groups(YAMNET, "low", (), ())} == set(ontology.roots())


def test_a_name_means_itself_and_what_is_below_it():
    assert labels_of(members(YAMNET, "Dog")) >= {"Dog", "Bark", "Howl"}
    assert labels_of(members(YAMNET, "bicycle bell")) == {"Bicycle bell"}
    assert labels_of(members(YAMNET, "/m/07yv9")) >= {"Vehicle", "Car", "Train"}
    assert labels_of(members(YAMNET, "Human voice")) >= {
        "Speech",
        "Singing",
    }  # a category only


def test_include_and_exclude_come_before_grouping():
    (only,) = groups(YAMNET, "low", "Vehicle", ["Rail transport", "Car"])
    assert only.label == "Sounds of things"
    assert {"Bus", "Ship"} <= labels_of(only.members)
    assert not {"Train", "Car", "Car alarm", "Engine"} & labels_of(only.members)
    assert groups(YAMNET, "high", "Dog", "Animal") == ()


@pytest.mark.parametrize(
    ("name", "close"), [("Vehicel", "Vehicle"), ("Human voise", "Human voice"), ("zzzz", "zzzz")]
)
def test_an_unknown_name_gets_close_ones_of_classes_and_categories(name, close):
    with pytest.raises(UnknownNameError, match=close):
        members(YAMNET, name)


def test_a_category_without_a_class_of_the_network_is_unknown():
    with pytest.raises(UnknownNameError, match="Otoacoustic"):
        members(YAMNET, "Otoacoustic emission")


def test_every_name_that_is_offered_means_something():
    offered = names(YAMNET)
    assert offered[: len(YAMNET)] == [label.label for label in YAMNET]
    assert {"Human sounds", "Sounds of things"} <= set(offered[len(YAMNET) :])
    assert all(members(YAMNET, name) for name in offered)
    assert has_categories(YAMNET)


def test_classes_of_others_have_no_categories():
    classes = (Label("0", "yes"), Label("1", "no"))
    assert members(classes, "no") == [1]
    assert [group.label for group in groups(classes, "high", (), "no")] == ["yes"]
    with pytest.raises(InputError, match="AudioSet's classes, and this network has others"):
        groups(classes, "medium", (), ())
    with pytest.raises(InputError, match="high, medium, low"):
        groups(classes, "highest", (), ())


def test_the_score_of_a_group_is_the_largest_of_its_members():
    scores = np.random.default_rng(0).random((4, 521), np.float32)
    times = np.stack([np.arange(4) * 0.48, np.arange(4) * 0.48 + 0.96], axis=1)
    options = {"threshold": 0.0, "separation": 0.0, "min_duration": 0.0, "include": (), "exclude": ()}
    reporter = ClassGrouping(YAMNET, SoundEventOptions(specificity="low", **options))
    events = [*reporter.feed(scores, times), *reporter.finish(2.4)]
    result = groups(YAMNET, "low", (), ())
    assert len(events) == len(result) == 7
    by_name = {event[0]: event for event in events}
    for group in result:
        _, index, identity, start, end, score = by_name[group.label]
        assert (identity, start, end) == (group.id, 0.0, pytest.approx(2.4))
        assert score == scores[:, group.members].max() == scores[:, index].max()
        assert index in group.members
    nothing = ClassGrouping(
        YAMNET, SoundEventOptions(specificity="low", **{**options, "include": "Dog", "exclude": "Animal"})
    )
    assert [*nothing.feed(scores, times), *nothing.finish(2.4)] == []
