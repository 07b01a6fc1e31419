"""From scores of overlapping patches to sounds that begin and end."""

from typing import NamedTuple

import numpy as np


class Segment(NamedTuple):
    """A sound between a start and an end, in s.

    `column` is that of the scores; `peak` what the caller gave for the patch with the largest score.
    """

    column: int
    start: float
    end: float
    score: float
    peak: int


class EventSegmenter:
    """Timed events of every class, of a stream of any length.

    A class is heard in each patch whose score reaches the threshold. Patches that overlap, or lie no more
    than `separation` apart, belong to one event, which lasts from the start of its first patch to the end of
    its last; its score is the largest. An event is given out once no later patch can belong to it.

    Parameters
    ----------
    threshold : float
        From 0 to 1.
    separation, min_duration : float
        In s: shorter gaps are closed, shorter events dropped.
    """

    def __init__(self, *, threshold: float, separation: float, min_duration: float):
        self._threshold, self._separation, self._shortest = threshold, separation, min_duration
        self._open: dict[int, Segment] = {}

    def feed(self, scores: np.ndarray, times: np.ndarray, peaks: np.ndarray) -> list[Segment]:
        """Go on with the next patches.

        Parameters
        ----------
        scores : ndarray, shape (patches, columns)
        times : ndarray, shape (patches, 2)
            Start and end of each patch in s, in order.
        peaks : ndarray of int, shape (patches, columns)
            What is to be known of the best patch.

        Returns
        -------
        list of Found
            The events that have ended.
        """
        ended = []
        for column in np.flatnonzero((scores >= self._threshold).any(axis=0)):
            heard = np.flatnonzero(scores[:, column] >= self._threshold)
            gaps = times[heard[1:], 0] - times[heard[:-1], 1]
            for run in np.split(heard, np.flatnonzero(gaps > self._separation) + 1):
                best = run[scores[run, column].argmax()]
                start, end = float(times[run[0], 0]), float(times[run[-1], 1])
                event = Segment(
                    int(column), start, end, float(scores[best, column]), int(peaks[best, column])
                )
                before = self._open.get(event.column)
                if before and start - before.end <= self._separation:
                    louder = max(before, event, key=lambda one: one.score)
                    event = louder._replace(start=before.start, end=end)
                elif before:
                    ended.append(before)
                self._open[event.column] = event
        now = times[-1, 0] if len(times) else 0.0
        over = [column for column, event in self._open.items() if now - event.end > self._separation]
        ended += [self._open.pop(column) for column in over]
        return self._long_enough(ended, self._shortest)

    def finish(self, duration: float) -> list[Segment]:
        """Return the events that last until shortly before the end of the recording, of that length in s.

        They end there at the latest, and what lasts as long as the recording is never too short.
        """
        ended = [event._replace(end=min(event.end, duration)) for event in self._open.values()]
        self._open = {}
        return self._long_enough(ended, min(self._shortest, duration))

    @staticmethod
    def _long_enough(events: list[Segment], least: float) -> list[Segment]:
        return [event for event in events if event.end - event.start >= least]
