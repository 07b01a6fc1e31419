"""Scores of overlapping patches -> events."""

import numpy as np
import pytest

from audio.events import find_events

TIMES = np.stack([np.arange(10) * 0.48, np.arange(10) * 0.48 + 0.96], axis=1)
OPTIONS = {"threshold": 0.5, "separation": 0.25, "min_duration": 0.5, "duration": 5.0}


def events(column, **options):
    scores = np.array(column, np.float32)[:, None]
    found = find_events(scores, TIMES[: len(scores)], **{**OPTIONS, **options})
    return [(round(start, 2), round(end, 2), round(score, 2)) for _, start, end, score in found]


def test_one_patch_is_one_event_with_its_span():
    assert events([0, 0.9, 0, 0]) == [(0.48, 1.44, 0.9)]


def test_overlapping_patches_are_one_event_with_the_largest_score():
    assert events([0.6, 0.9, 0.7, 0, 0, 0]) == [(0.0, 1.92, 0.9)]


def test_a_score_at_the_threshold_counts():
    assert events([0.5]) == [(0.0, 0.96, 0.5)]


@pytest.mark.parametrize(("separation", "count"), [(0.0, 2), (0.25, 2), (0.5, 1)])
def test_a_gap_is_closed_up_to_the_separation(separation, count):
    """Patches 0 and 3 leave a gap of 0.48 s."""
    assert len(events([1, 0, 0, 1], separation=separation)) == count


def test_touching_patches_have_no_gap():
    assert events([1, 0, 1]) == [(0.0, 1.92, 1.0)]


def test_short_events_are_dropped_and_the_end_is_that_of_the_recording():
    assert events([0, 0, 1], duration=1.2) == []
    assert events([0, 0, 1], duration=1.5) == [(0.96, 1.5, 1.0)]
    assert events([1, 0, 0, 0], min_duration=1) == []


def test_nothing_heard_is_no_event():
    assert events([0.1, 0.2]) == []


def test_classes_are_apart_and_events_in_order():
    scores = np.array([[0.6, 0], [0, 0.9], [0, 0.9], [0.7, 0]], np.float32)
    found = find_events(scores, TIMES[:4], **OPTIONS)
    assert [(index, round(start, 2)) for index, start, _, _ in found] == [(0, 0.0), (1, 0.48), (0, 1.44)]
