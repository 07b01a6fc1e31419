"""What a frozen body makes of examples: computed once, kept on disk by content and network."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.core.progress import Progress
from zoo.hub.weights import cache_folder, locked
from zoo.inference.network import Network
from zoo.training.data.dataset import Dataset

_CHUNK = 32  # examples that are kept at a time: what a killed run may lose


@dataclass(frozen=True, eq=False)
class Features:
    """What the head of a network sees of examples.

    Attributes
    ----------
    values : ndarray of float32, shape (rows, d)
        One row a picture, or a window of sound.
    example : ndarray of int, shape (rows,)
        Which example each row comes from.
    """

    values: np.ndarray
    example: np.ndarray

    def joined(self, others: Features) -> Features:
        """Join these features and those of other examples, which are counted on."""
        first = self.example.max(initial=-1) + 1
        return Features(
            np.concatenate([self.values, others.values]),
            np.concatenate([self.example, first + others.example]),
        )

    def take(self, examples: np.ndarray) -> Features:
        """Those of some of the examples, which are counted anew."""
        rank = np.full(self.example.max(initial=-1) + 1, -1)
        rank[examples] = np.arange(len(examples))
        kept = rank[self.example] >= 0
        return Features(self.values[kept], rank[self.example[kept]])


def features(net: Network, data: Dataset, *, progress: Progress | None = None) -> Features:
    """Run the body of a network over the examples that it has not seen yet, and read what it has.

    Parameters
    ----------
    net : Network
    data : Dataset
    progress : callable, optional

    Returns
    -------
    Features

    Raises
    ------
    InputError
        If an example cannot be used.
    WeightsError
        If the cache cannot be written.
    """
    body = net.body()
    with locked(_place(body)), closing(_open(_place(body))) as store:
        known = dict(store.execute("SELECT content, length(vectors) FROM features"))
        missing = [i for i, content in enumerate(data.hashes) if content not in known]
        for done in _compute(body, data, missing, store):
            if progress:
                progress(len(data) - len(missing) + done, len(data))
        rows = [_read(store, content) for content in data.hashes]
    lengths = [len(row) for row in rows]
    return Features(np.concatenate(rows), np.repeat(np.arange(len(rows)), lengths))


def forget(contents: Iterable[str]) -> None:
    """Take what was computed of some examples out of the cache again, for all networks.

    No training that uses them may be under way.

    Parameters
    ----------
    contents : iterable of str
        Their `Dataset.hashes`.

    Raises
    ------
    WeightsError
        If the cache cannot be written.
    """
    rows = [(content,) for content in contents]
    for path in sorted(_folder().glob("*.sqlite")):
        with locked(path), closing(_open(path)) as store, store:
            store.execute("PRAGMA secure_delete = ON")  # overwritten, and not just marked as free
            store.executemany("DELETE FROM features WHERE content = ?", rows)


def _compute(
    body: Network, data: Dataset, missing: Sequence[int], store: sqlite3.Connection
) -> Iterator[int]:
    """Store the vectors of the missing examples; yields how many are done."""
    for start in range(0, len(missing), _CHUNK):
        chunk = missing[start : start + _CHUNK]
        parts: list[list[np.ndarray]] = [[] for _ in chunk]
        for batch in body.batches([data.inputs[i] for i in chunk], sample_rate=data.sample_rate):
            outputs, _ = body.engine(batch.data)
            for place, row in zip(batch.inputs, outputs.flatten(1).cpu().numpy(), strict=True):
                parts[place].append(row)
        with store:  # a transaction
            store.executemany(
                "INSERT OR REPLACE INTO features VALUES (?, ?, ?)",
                [
                    (data.hashes[i], len(rows), np.stack(rows).astype(np.float32).tobytes())
                    for i, rows in zip(chunk, parts, strict=True)
                ],
            )
        yield start + len(chunk)


def _open(path: Path) -> sqlite3.Connection:
    table = "CREATE TABLE IF NOT EXISTS features (content TEXT PRIMARY KEY, windows INT, vectors BLOB)"
    store = sqlite3.connect(path)
    try:
        store.execute(table)
    except sqlite3.DatabaseError:  # damaged: it can all be computed again
        store.close()
        path.unlink()
        store = sqlite3.connect(path)
        store.execute(table)
    return store


def _folder() -> Path:
    return cache_folder() / "features"


def _read(store: sqlite3.Connection, content: str) -> np.ndarray:
    windows, vectors = store.execute(
        "SELECT windows, vectors FROM features WHERE content = ?", (content,)
    ).fetchone()
    return np.frombuffer(vectors, np.float32).reshape(windows, -1)


def _place(body: Network) -> Path:
    """Where the features of a body are kept: under the hash of its tensors and of its preprocessing."""
    spec = body.spec
    told = [spec.builder, str(spec.arguments), str(spec.preprocess), body.preprocessor.describe()]
    found = hashlib.sha256("\n".join(told).encode())
    for name, tensor in body.module.state_dict().items():
        found.update(name.encode())
        found.update(tensor.cpu().contiguous().numpy().tobytes())
    name = re.sub(r"[^\w.-]+", "--", spec.arch)
    return _folder() / f"{name}-{found.hexdigest()[:16]}.sqlite"
