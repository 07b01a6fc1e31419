"""Two parts with every class in both, and no group in both."""

from dataclasses import replace

import numpy as np
import pytest

from zoo.core.errors import InputError
from zoo.training.data.dataset import Dataset
from zoo.training.data.splitting import groups_of


def make_data(targets, groups=None, classes=None):
    targets = np.array(targets)
    return Dataset(
        name="made",
        modality="image",
        inputs=[f"{i}.png" for i in range(len(targets))],
        targets=targets,
        classes=classes or tuple("abcdefghijklmnopqrstuvwxyz"[: targets.max() + 1]),
        groups=None if groups is None else tuple(map(str, groups)),
    )


def names(data):
    return [data.name_of(i) for i in range(len(data))]


def assert_parts(data, first, second):
    """All examples once, every class in both, in the order of the whole."""
    assert sorted(names(first) + names(second)) == sorted(names(data))
    assert not set(names(first)) & set(names(second))
    assert (first.counts() > 0).all()
    assert (second.counts() > 0).all()
    whole = names(data)
    for part in (first, second):
        places = [whole.index(name) for name in names(part)]
        assert places == sorted(places)
        np.testing.assert_array_equal(part.targets, data.targets[places])


def test_each_class_is_divided_in_proportion():
    data = make_data([0] * 50 + [1] * 30 + [2] * 5)
    train, test = data.split()
    assert_parts(data, train, test)
    assert list(test.counts()) == [10, 6, 1]
    assert list(data.split(0.4)[1].counts()) == [20, 12, 2]


def test_rare_classes_are_in_both_parts():
    data = make_data([0] * 1000 + [1] * 2 + [2] * 2)
    for fraction in (0.001, 0.2, 0.999):
        assert_parts(data, *data.split(fraction))


def test_the_seed_decides():
    data = make_data([0] * 50 + [1] * 50)
    assert names(data.split(seed=3)[1]) == names(data.split(seed=3)[1])
    assert names(data.split(seed=3)[1]) != names(data.split(seed=4)[1])
    grouped = replace(data, groups=tuple(str(i % 20) for i in range(100)))
    assert names(grouped.split(seed=3)[1]) == names(grouped.split(seed=3)[1])
    assert len({tuple(names(grouped.split(seed=seed)[1])) for seed in range(5)}) > 1


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.2, 0.3, 0.5, 0.8])
def test_groups_are_never_parted(fraction):
    random = np.random.default_rng(0)
    groups = random.integers(0, 40, 600)
    data = make_data(random.integers(0, 3, 600), groups)
    train, test = data.split(fraction)
    assert_parts(data, train, test)
    assert not set(train.groups) & set(test.groups)
    assert abs(len(test) / 600 - fraction) < 0.05  # a group is 1/40 of the examples


def test_every_class_is_found_in_few_groups():
    """10 classes of 3 recordings each: a fifth of 30 recordings is 6, which cannot hold 10 classes."""
    targets = np.repeat(np.arange(10), 9)
    data = make_data(targets, np.arange(90) // 3)
    train, test = data.split(0.2)
    assert_parts(data, train, test)
    assert not set(train.groups) & set(test.groups)


def test_two_groups_are_a_half_each():
    data = make_data([0, 1] * 6, [0] * 4 + [1] * 8)
    train, test = data.split(0.2)
    assert_parts(data, train, test)
    assert {len(train), len(test)} == {4, 8}


def test_classes_that_cannot_be_in_both_parts():
    with pytest.raises(InputError, match="class 'b' has fewer than 2"):
        make_data([0, 0, 1]).split()
    with pytest.raises(InputError, match="class 'b' has fewer than 2"):
        make_data([0, 0, 2, 2]).split()
    with pytest.raises(InputError, match="class 'b' are of one group"):
        make_data([0, 0, 1, 1], [1, 2, 3, 3]).split()
    crossed = make_data([0, 1, 1, 0, 0, 2, 2, 0], [1, 1, 2, 2, 3, 3, 4, 4])  # possible: {1, 3} against {2, 4}
    train, test = crossed.split(0.5)
    assert_parts(crossed, train, test)
    # b is in groups 1 and 2, c in 2 and 3, a in 1 and 3: one group alone always lacks one
    with pytest.raises(InputError, match="No split of the 3 groups"):
        make_data([0, 1, 1, 2, 2, 0], [1, 1, 2, 2, 3, 3]).split()


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 2, "half", None, float("nan")])
def test_fractions_that_make_no_sense(fraction):
    with pytest.raises(InputError, match="fraction="):
        make_data([0, 0, 1, 1]).split(fraction)


@pytest.mark.parametrize("seed", [-1, 1.5, True, "x", None])
def test_seeds_that_make_no_sense(seed):
    with pytest.raises(InputError, match="seed="):
        make_data([0, 0, 1, 1]).split(seed=seed)


def test_groups_from_names():
    data = replace(make_data([0, 0, 1]), inputs=["x_1/7_theo_12.wav", "x_1/7_lucas_0.wav", "8_theo_3.wav"])
    assert groups_of(names(data), r"^\d_([a-z]+)_") == ("theo", "lucas", "theo")
    with pytest.raises(InputError, match=r"does not match the name 'x_1/7_theo_12\.wav'"):
        groups_of(names(data), r"(lucas)")


@pytest.mark.parametrize("pattern", ["^(([a-z])+.)+[A-Z]([a-z])+$", "(a*)*$b", "((((a+)+)+)+)!$"])
def test_no_pattern_takes_for_ever(pattern):
    data = replace(make_data([0, 1]), inputs=["a" * 10_000 + ".png", "b.png"])
    with pytest.raises(InputError, match="does not match the name"):
        groups_of(names(data), pattern)


@pytest.mark.parametrize("pattern", ["(((a{1000}){1000}){1000})", "(?<=a)(b)", "(ab", 5, None])
def test_a_pattern_that_is_refused_is_one_sentence(pattern):
    with pytest.raises(InputError, match="regular expression"):
        groups_of(["a.wav"], pattern)
