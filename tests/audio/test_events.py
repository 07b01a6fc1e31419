"""Scores of overlapping patches -> events."""

import numpy as np
import pytest

from zoo.audio.events import EventSegmenter

TIMES = np.stack([np.arange(10) * 0.48, np.arange(10) * 0.48 + 0.96], axis=1)
OPTIONS = {"threshold": 0.5, "separation": 0.25, "min_duration": 0.5}


def events(column, **options):
    result = find(np.array(column, np.float32)[:, None], **options)
    return [(round(event.start, 2), round(event.end, 2), round(event.score, 2)) for event in result]


def find(scores, *, pieces=1, duration=5.0, **options):
    finder = EventSegmenter(**{**OPTIONS, **options})
    peaks = np.arange(len(scores))[:, None].repeat(scores.shape[1], axis=1)
    cut = [np.array_split(array, pieces) for array in (scores, TIMES[: len(scores)], peaks)]
    result = [event for piece in zip(*cut, strict=True) for event in finder.feed(*piece)]
    return sorted(result + finder.finish(duration), key=lambda event: (event.start, event.column))


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
    assert [(event.column, round(event.start, 2)) for event in find(scores)] == [
        (0, 0.0),
        (1, 0.48),
        (0, 1.44),
    ]


@pytest.mark.parametrize("pieces", [2, 5, 10])
@pytest.mark.parametrize("seed", range(5))
def test_how_the_patches_are_cut_changes_no_event(seed, pieces):
    scores = np.random.default_rng(seed).random((10, 6), np.float32)
    for separation in (0.0, 0.5):
        whole = find(scores, separation=separation, duration=5.28)
        assert len(whole) > 3
        assert find(scores, separation=separation, duration=5.28, pieces=pieces) == whole
        assert all(scores[event.peak, event.column] == np.float32(event.score) for event in whole)


def test_an_event_is_given_out_when_no_later_patch_can_belong_to_it():
    finder = EventSegmenter(**OPTIONS)
    emitted = [
        finder.feed(np.array([[score]], np.float32), times[None], np.zeros((1, 1), int))
        for score, times in zip([0, 1, 1, 0, 0, 0], TIMES, strict=False)
    ]
    assert [len(events) for events in emitted] == [
        0,
        0,
        0,
        0,
        0,
        1,
    ]  # ends at 1.92 s; the last begins at 2.4 s
    assert finder.finish(10.0) == []
