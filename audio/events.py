"""From scores of overlapping patches to sounds that begin and end."""

import numpy as np


def find_events(
    scores: np.ndarray,
    times: np.ndarray,
    *,
    threshold: float,
    separation: float,
    min_duration: float,
    duration: float,
) -> list[tuple[int, float, float, float]]:
    """Timed events of every class.

    A class is heard in each patch whose score reaches the threshold. Patches that overlap, or lie less than
    `separation` apart, belong to one event, which lasts from the start of its first patch to the end of its
    last; its score is the largest.

    Parameters
    ----------
    scores : ndarray, shape (patches, classes)
    times : ndarray, shape (patches, 2)
        Start and end of each patch in s, in order.
    threshold : float
        From 0 to 1.
    separation, min_duration : float
        In s: shorter gaps are closed, shorter events dropped.
    duration : float
        Of the recording in s; events end there at the latest.

    Returns
    -------
    list of (class index, start, end, score)
        By start, then by falling score.
    """
    ends = np.minimum(times[:, 1], duration)
    events = []
    for index in np.flatnonzero((scores >= threshold).any(axis=0)):
        heard = np.flatnonzero(scores[:, index] >= threshold)
        gaps = times[heard[1:], 0] - ends[heard[:-1]]
        for run in np.split(heard, np.flatnonzero(gaps > separation) + 1):
            start, end = float(times[run[0], 0]), float(ends[run[-1]])
            if end - start >= min_duration:
                events.append((int(index), start, end, float(scores[run, index].max())))
    return sorted(events, key=lambda event: (event[1], -event[3]))


def strongest(scores: np.ndarray, times: np.ndarray, members: np.ndarray, start: float, end: float) -> int:
    """Which of the classes `members`, reported as one, had the largest score in an event.

    Parameters
    ----------
    scores : ndarray, shape (patches, classes)
    times : ndarray, shape (patches, 2)
        Start and end of each patch in s, in order.
    members : ndarray of int, shape (k,)
    start, end : float
        Of the event in s, as `find_events` gives them.
    """
    patches = slice(*np.searchsorted(times[:, 0], (start, end)))
    return int(members[scores[patches, members].max(axis=0).argmax()])
