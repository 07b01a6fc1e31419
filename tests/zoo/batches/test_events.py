"""Sound events of many recordings in one table."""

import numpy as np
import pyarrow as pa
import pytest

import zoo
from zoo.batches.configuration import make_settings
from zoo.batches.events import merged_events
from zoo.batches.manifest import File
from zoo.batches.rows import task_schema
from zoo.batches.tasks import TaskRunner

EVENT = {"index": 1, "id": "/m/x", "score": 0.5}


def recording(number: int, duration: float, *events: dict[str, object]) -> dict[str, object]:
    row = {"number": number, "path": f"{number}.wav", "sha256": "00", "error": None, "clip": []}
    return row | {"duration": duration, "events": [EVENT | event for event in events]}


def table(*rows: dict[str, object]) -> pa.Table:
    made = pa.Table.from_pylist(list(rows), task_schema("events", "audio")).drop_columns(["error"])
    return made.append_column("place", pa.array([f"place {row['number']}" for row in rows]))


ROWS = table(
    recording(
        4,
        10.0,
        {"label": "Dog", "start": 0.0, "end": 1.0},
        {"label": "Cat", "start": 0.5, "end": 0.8},
        {"label": "Dog", "start": 1.5, "end": 2.0, "score": 0.9, "index": 2},
        {"label": "Dog", "start": 5.0, "end": 6.0},
    ),
    recording(5, 0.2, {"label": "Dog", "start": 0.0, "end": 0.2}),
    recording(6, 3.0),
)


def test_events_have_a_row_each_with_the_columns_of_their_file():
    found = merged_events(ROWS, None, 0.0)
    first = ["number", "path", "sha256", "start", "end", "label", "index", "id", "score", "place"]
    assert found.column_names == first
    assert found["number"].to_pylist() == [4, 4, 4, 4, 5]
    assert found["label"].to_pylist() == ["Dog", "Cat", "Dog", "Dog", "Dog"]
    assert found["place"].to_pylist() == ["place 4"] * 4 + ["place 5"]


def test_events_of_a_class_and_file_are_joined_and_short_ones_dropped():
    found = merged_events(ROWS, 0.5, 0.4).to_pylist()
    rows = [(row["number"], row["label"], row["start"], row["end"], row["index"]) for row in found]
    assert rows == [(4, "Dog", 0, 2, 2), (4, "Dog", 5, 6, 1), (5, "Dog", 0, 0.2, 1)]
    assert [row["score"] for row in found] == pytest.approx([0.9, 0.5, 0.5])
    assert len(merged_events(ROWS.slice(2), 0.5, 0.0)) == 0


def test_joining_stored_events_equals_detecting_with_that_separation(net, monkeypatch):
    monkeypatch.setattr("zoo.batches.tasks.load", lambda name, **_: net(name))
    options = {"threshold": 0.1, "separation": 0.0, "min_duration": 0.0}
    bell = File(0, str(zoo.sample("bicycle-bell.wav")))
    settings = make_settings("events", ["yamnet"], options, engine="auto", trust=False)
    (rows,) = TaskRunner(settings, "cpu", False).rows([bell], [], [0])
    stored = pa.Table.from_batches([rows]).drop_columns(["error"])
    found = merged_events(stored, 1.0, 0.5).to_pylist()
    expected = net("yamnet").sound_events(bell.path, threshold=0.1, separation=1.0, min_duration=0.5).events
    assert len(merged_events(stored, None, 0.0)) > len(expected) > 0
    by_start = sorted(expected, key=lambda event: (event.start, event.label))
    assert [(row["label"], row["index"], row["id"]) for row in found] == [
        (event.label, event.index, event.id) for event in by_start
    ]
    np.testing.assert_allclose(
        [(row["start"], row["end"], row["score"]) for row in found],
        [(event.start, event.end, event.score) for event in by_start],
        rtol=1e-6,
    )
