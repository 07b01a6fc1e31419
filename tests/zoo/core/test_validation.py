"""Options: numbers, counts, and choices."""

import numpy as np
import pytest

from zoo.core.errors import InputError
from zoo.core.validation import choice, count, number


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_counts_of_numpy_are_counts(value):
    assert count("top", value) == 3
    assert type(count("top", value)) is int


@pytest.mark.parametrize("value", [0, -1, True, 2.0, "3", None])
def test_what_is_no_count_is_refused(value):
    with pytest.raises(InputError, match=r"top=.* is not a whole number, 1 or more"):
        count("top", value)


@pytest.mark.parametrize("value", [True, "0.5", None, float("nan"), -0.1, 1.1])
def test_what_is_no_number_in_the_range_is_refused(value):
    with pytest.raises(InputError, match=r"threshold=.* is not a number between 0 and 1"):
        number("threshold", value, 0, 1)


def test_numbers_of_numpy_are_numbers():
    assert number("threshold", np.float32(0.5), 0, 1) == 0.5


def test_a_wrong_choice_names_the_choices():
    with pytest.raises(InputError, match=r"Unknown metric 'x'; choose one of cosine, euclidean\.$"):
        choice("metric", "x", ["cosine", "euclidean"])
