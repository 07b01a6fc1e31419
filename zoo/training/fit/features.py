"""What a frozen body makes of examples: computed once, kept on disk by content and network."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.core.progress import Progress
from zoo.hub.weights import cache_folder, locked
from zoo.inference.network import Network
from zoo.inference.provenance import describe_preprocessing, hash_tensors
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
        is_selected = rank[self.example] >= 0
        return Features(self.values[is_selected], rank[self.example[is_selected]])


def features(net: Network, data: Dataset, *, progress: Progress | None = None) -> Features:
    """Run the body of a network over the examples that are not in the cache, and read the others from it.

    Parameters
    ----------
    net : Network
    data : Dataset
    progress : callable, optional
        Called after every batch with the examples done and the examples in all; what it raises ends the work.

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
    store = FeatureStore(net)
    vectors = store.read(data.hashes)
    missing = [i for i, content in enumerate(data.hashes) if content not in vectors]
    for done in _compute(net.body(), data, missing, store, vectors) if missing else ():
        if progress:
            progress(len(data) - len(missing) + done, len(data))
    rows = [vectors[content] for content in data.hashes]
    return Features(np.concatenate(rows), np.repeat(np.arange(len(rows)), list(map(len, rows))))


def count_missing(net: Network, data: Dataset) -> int:
    """Count the examples whose features are not in the cache.

    Raises
    ------
    WeightsError
        If the cache cannot be written.
    """
    stored = FeatureStore(net).contents()
    return sum(content not in stored for content in data.hashes)


def forget(contents: Iterable[str]) -> None:
    """Remove the features of some examples from the cache, for all networks.

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
        with _opened(path) as table:
            table.execute("PRAGMA secure_delete = ON")  # overwritten, and not just marked as free
            table.executemany("DELETE FROM features WHERE content = ?", rows)


class FeatureStore:
    """The stored features of one body: a file of the cache, under the hash of its tensors and preprocessing.

    It is locked only while it is read or written, so that trainings do not wait for each other.

    Parameters
    ----------
    net : Network
        Its head does not count.
    """

    def __init__(self, net: Network):
        name = re.sub(r"[^\w.-]+", "--", net.spec.arch)
        self.path = _folder() / f"{name}-{_body_hash(net)[:16]}.sqlite"

    def contents(self) -> set[str]:
        """Return the hashes of the examples whose features are stored."""
        with _opened(self.path) as table:
            return {content for (content,) in table.execute("SELECT content FROM features")}

    def read(self, contents: Iterable[str]) -> dict[str, np.ndarray]:
        """Return the features that are stored of some examples, shape (windows, d), by their hashes."""
        query = "SELECT content, windows, vectors FROM features WHERE content = ?"
        with _opened(self.path) as table:
            rows = [row for content in contents for row in table.execute(query, (content,))]
        return {content: np.frombuffer(data, np.float32).reshape(n, -1) for content, n, data in rows}

    def write(self, vectors: Mapping[str, np.ndarray]) -> None:
        """Store the features of some examples by their hashes."""
        rows = [(content, len(rows), rows.tobytes()) for content, rows in vectors.items()]
        with _opened(self.path) as table:
            table.executemany("INSERT OR REPLACE INTO features VALUES (?, ?, ?)", rows)


def _compute(
    body: Network,
    data: Dataset,
    missing: Sequence[int],
    store: FeatureStore,
    vectors: dict[str, np.ndarray],
) -> Iterator[int]:
    """Store the vectors of the missing examples, and enter them in `vectors`; yields how many are done."""
    for start in range(0, len(missing), _CHUNK):
        chunk = missing[start : start + _CHUNK]
        parts: list[list[np.ndarray]] = [[] for _ in chunk]
        for batch in body.batches([data.inputs[i] for i in chunk], sample_rate=data.sample_rate):
            outputs, _ = body.engine(batch.data)
            for place, row in zip(batch.inputs, outputs.flatten(1).cpu().numpy(), strict=True):
                parts[place].append(row)
            yield start + int(batch.inputs[-1])  # the last one may have more windows
        computed = {
            data.hashes[i]: np.stack(rows).astype(np.float32) for i, rows in zip(chunk, parts, strict=True)
        }
        store.write(computed)
        vectors.update(computed)
        yield start + len(chunk)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a store, for one thread or process at a time, and commit what the block changes."""
    with locked(path), closing(_connect(path)) as store, store:
        yield store


def _connect(path: Path) -> sqlite3.Connection:
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


def _body_hash(net: Network) -> str:
    """Hash the tensors of a body and its preprocessing: networks that differ only in their heads share it."""
    spec = net.spec
    tensors = net.module.state_dict().items()
    body = {name: tensor for name, tensor in tensors if not name.startswith(f"{spec.head_layer}.")}
    preprocessing = describe_preprocessing(net.preprocessor, spec.preprocess)
    parts = [spec.builder, str(spec.arguments), str(preprocessing), hash_tensors(body)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
