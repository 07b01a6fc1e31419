"""The rows of a part: their columns by task, and how a result becomes one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from zoo.batches.manifest import File
from zoo.results import Classification, Embedding, PitchTrack, SoundEvents

_FILE = [("number", pa.int64()), ("path", pa.string()), ("sha256", pa.string()), ("error", pa.string())]
_CLASS = [("index", pa.int32()), ("id", pa.string()), ("label", pa.string()), ("score", pa.float32())]
_EVENT = [*_CLASS[2:3], *_CLASS[:2], ("start", pa.float64()), ("end", pa.float64()), _CLASS[3]]
_COLUMNS: dict[str, list[tuple[str, pa.DataType]]] = {
    "classify": [("predictions", pa.list_(pa.struct(_CLASS)))],
    "events": [
        ("events", pa.list_(pa.struct(_EVENT))),
        ("clip", pa.list_(pa.struct(_CLASS))),
        ("duration", pa.float64()),
    ],
    "pitch": [
        ("time", pa.list_(pa.float64())),
        ("frequency", pa.list_(pa.float64())),
        ("confidence", pa.list_(pa.float32())),
        ("level", pa.list_(pa.float32())),
        ("voiced", pa.list_(pa.bool_())),
    ],
}


def task_schema(task: str, modality: str, width: int = 0) -> pa.Schema:
    """Return the schema of the rows of a task; `width` is that of vectors."""
    if task != "embed":
        return pa.schema([*_FILE, *_COLUMNS[task]])
    times = [("start", pa.float64()), ("end", pa.float64())] if modality == "audio" else []
    return pa.schema([*_FILE, *times, ("vector", pa.list_(pa.float32(), width))])


def failure_rows(schema: pa.Schema, file: File, sha256: str | None, error: str) -> pa.RecordBatch:
    """Return the row of a file that could not be used."""
    values = {"number": file.number, "path": file.path, "sha256": sha256, "error": error}
    return pa.RecordBatch.from_pylist([values], schema)


def values_of(results: Any, row: int) -> dict[str, Any]:
    """Return the columns of one row of the results of a task."""
    result = results[row] if isinstance(results, list) else results
    match result:
        case Classification():
            return {"predictions": _classes(result)}
        case Embedding():
            values = {"vector": result.values[row]}
            if result.times is not None:
                values["start"], values["end"] = result.times[row]
            return values
        case SoundEvents():
            events = [event._asdict() for event in result.events]
            return {"events": events, "clip": _classes(result.clip), "duration": result.duration}
        case PitchTrack():
            return {name: getattr(result, name) for name, _ in _COLUMNS["pitch"]}
    raise TypeError(f"no rows of {type(result).__name__}")


def vectors_of(column: pa.Array) -> np.ndarray:
    """Return a column of vectors, none of which is null, as an array of shape (rows, d)."""
    return column.flatten().to_numpy().reshape(-1, column.type.list_size)


def times_of(rows: pa.Table) -> np.ndarray | None:
    """Return start and end of the windows of rows, shape (rows, 2), in s; None for images."""
    if "start" not in rows.column_names:
        return None
    return np.stack([rows["start"].to_numpy(), rows["end"].to_numpy()], axis=1)


def _classes(result: Classification) -> list[dict[str, Any]]:
    columns = {"index": result.indices, "id": result.ids, "label": result.labels, "score": result.scores}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
