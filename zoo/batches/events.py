"""The sound events of many recordings as one table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_EVENT = ("start", "end", "label", "index", "id", "score")


def merged_events(rows: pa.Table, separation: float | None, min_duration: float) -> pa.Table:
    """Return one row an event.

    Parameters
    ----------
    rows : pyarrow.Table
        One row a recording: ``number``, ``path``, ``sha256``, the columns of the task ``events``, and others,
        which are repeated.
    separation : float, optional
        In s: events of one class that lie no more than this apart become one, whose score is the largest, as
        `zoo.audio.events.EventSegmenter` joins patches. By default none are joined.
    min_duration : float
        In s: shorter events are dropped.

    Returns
    -------
    pyarrow.Table
        By file and start, then by label.
    """
    lists = rows["events"].combine_chunks()
    values = lists.flatten()
    others = rows.drop_columns(["events", "clip"]).take(pc.list_parent_indices(lists))
    for place, name in enumerate(_EVENT, start=3):
        others = others.add_column(place, name, values.field(name))
    events = others if separation is None else _joined(others, separation)
    shortest = pc.min_element_wise(events["duration"], min_duration)  # what is as long as the recording stays
    events = events.filter(pc.greater_equal(pc.subtract(events["end"], events["start"]), shortest))
    order = [("number", "ascending"), ("start", "ascending"), ("label", "ascending")]
    return events.drop_columns(["duration"]).sort_by(order)


def _joined(events: pa.Table, separation: float) -> pa.Table:
    """Join the events of one file and class that lie no more than `separation` apart, in s."""
    order = [("number", "ascending"), ("label", "ascending"), ("start", "ascending")]
    events = events.sort_by(order)
    if not len(events):
        return events
    number, label = events["number"].to_numpy(), events["label"].to_numpy()
    start, end, score = (events[name].to_numpy() for name in ("start", "end", "score"))
    begins = np.ones(len(events), bool)
    begins[1:] = (number[1:] != number[:-1]) | (label[1:] != label[:-1]) | (start[1:] - end[:-1] > separation)
    first = np.flatnonzero(begins)
    run = np.cumsum(begins) - 1
    best = np.lexsort([-score, run])[first]  # of each run, the first of those with the largest score
    joined = events.take(best)
    for name, values in (("start", start[first]), ("end", np.maximum.reduceat(end, first))):
        joined = joined.set_column(joined.column_names.index(name), name, pa.array(values))
    return joined
