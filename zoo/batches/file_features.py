"""One vector a file of a batch, short enough to train a head again after every answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zoo.batches.class_head import ClassHead, class_head
from zoo.batches.folder import BatchFolder
from zoo.batches.rows import vectors_of
from zoo.core.errors import InputError, ZooError, reason

MAX_FILES = 50_000  # whose vectors and class scores are in memory while features are computed: about 0.5 GB
WIDTH = 256  # of the features
# The class scores enter with their square roots, by which distances between them are those of Hellinger. They
# weigh half as much as the vectors: `benchmarks/sort_folder.py` finds 0.93 of the ants with them, and 0.91
# without.
_CLASS_WEIGHT = 0.5
_ROWS = 4096  # that are read at a time
_MAX_FITTED = 10_000  # files of which the principal components are computed


@dataclass(frozen=True, eq=False)
class FeatureSpace:
    """How vectors become features.

    Attributes
    ----------
    vector_mean, score_mean : ndarray, shape (d,)
        Of all files; the second of the square roots of the scores.
    center : ndarray, shape (d,)
        Of the joined vectors.
    components : ndarray, shape (width, d)
    """

    vector_mean: np.ndarray
    score_mean: np.ndarray | None
    center: np.ndarray
    components: np.ndarray

    def features(self, vectors: np.ndarray, scores: np.ndarray | None) -> np.ndarray:
        """Return the features of vectors, shape (n, width), float32."""
        joined = _joined(vectors, scores, self.vector_mean, self.score_mean)
        return ((joined - self.center) @ self.components.T).astype(np.float32)


@dataclass(frozen=True, eq=False)
class FileFeatures:
    """The files of a batch that have vectors, by number.

    Attributes
    ----------
    numbers : ndarray of int, shape (n,)
        In the manifest, ascending.
    paths, hashes : tuple of str, length n
        The second: SHA-256 of the contents.
    values : ndarray of float32, shape (n, width)
        Of a recording those of the mean of its windows.
    space : FeatureSpace
    head : ClassHead or None
        None if the batch has no class scores.
    scores : ndarray of float16, shape (n, classes), or None
    """

    numbers: np.ndarray
    paths: tuple[str, ...]
    hashes: tuple[str, ...]
    values: np.ndarray
    space: FeatureSpace
    head: ClassHead | None
    scores: np.ndarray | None

    def __len__(self) -> int:
        """Files."""
        return len(self.numbers)

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the classes whose scores the batch has."""
        return self.head.labels if self.head else ()

    def of_vector(self, vector: np.ndarray) -> np.ndarray:
        """Return the features of a vector that is like those of the batch, shape (width,)."""
        row = vector[None].astype(np.float32)
        return self.space.features(row, self.head.scores(row) if self.head else None)[0]


def file_features(folder: BatchFolder, network: str | None = None, *, classes: bool = True) -> FileFeatures:
    """Read the vectors of a batch.

    Parameters
    ----------
    folder : BatchFolder
    network : str, optional
        May be left out where there is one.
    classes : bool
        Use the network's own classes too, if `class_head` finds them.

    Returns
    -------
    FileFeatures

    Raises
    ------
    InputError
        If the batch does not embed, has too many files, or fewer than two usable vectors, or cannot be read.
    UnknownNameError
        If the batch does not have the network.
    """
    chosen = folder.network_settings(network)
    if folder.settings.task != "embed":
        raise InputError(f"{folder.path} holds results of {folder.settings.task}; sorting needs vectors.")
    if len(folder.manifest) > MAX_FILES:
        raise InputError(
            f"{folder.path} has {len(folder.manifest)} files, and at most {MAX_FILES} can be sorted at once; "
            "make a batch of fewer."
        )
    head = class_head(folder.path, folder.settings, chosen) if classes else None
    try:
        numbers, vectors, scores, hashes = _means(folder, chosen.name, head)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        if isinstance(error, ZooError):
            raise
        raise InputError(f"The vectors of {folder.path} cannot be read: {reason(error)}.") from error
    if len(numbers) < 2:
        raise InputError(f"{folder.path} has {len(numbers)} usable vectors; sorting needs at least two.")
    space = _space(vectors, scores)
    paths = folder.manifest.table["path"].take(pa.array(folder.manifest.rows(numbers)))
    return FileFeatures(
        numbers=numbers,
        paths=tuple(paths.to_pylist()),
        hashes=hashes,
        values=space.features(vectors, scores),
        space=space,
        head=head,
        scores=None if scores is None else scores.astype(np.float16),
    )


def _means(
    folder: BatchFolder, network: str, head: ClassHead | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, tuple[str, ...]]:
    """Average the rows of each file: numbers, vectors, class scores, and hashes of usable files."""
    numbers = folder.manifest.numbers
    counts, hashes = np.zeros(len(numbers), np.int64), np.full(len(numbers), "", object)
    vectors = scores = np.zeros((len(numbers), 0), np.float32)
    rows = folder.dataset(network)
    columns = ["number", "sha256", "vector"]
    for batch in rows.to_batches(columns, filter=pc.field("error").is_null(), batch_size=_ROWS):
        if not len(batch):
            continue
        place, own = np.searchsorted(numbers, batch["number"].to_numpy()), vectors_of(batch["vector"])
        if not vectors.shape[1]:
            vectors = np.zeros((len(numbers), own.shape[1]), np.float32)
            scores = np.zeros((len(numbers), len(head.labels) if head else 0), np.float32)
        np.add.at(vectors, place, own)
        np.add.at(counts, place, 1)
        if head:
            np.add.at(scores, place, head.scores(own))
        hashes[place] = batch["sha256"].to_pylist()
    lengths = np.linalg.norm(vectors, axis=1)
    usable = (counts > 0) & (lengths > 0) & np.isfinite(lengths)
    divisor = counts[usable, None].astype(np.float32)
    means = scores[usable] / divisor if head else None
    return numbers[usable], vectors[usable] / divisor, means, tuple(hashes[usable])


def _space(vectors: np.ndarray, scores: np.ndarray | None) -> FeatureSpace:
    vector_mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    score_mean = None if scores is None else np.sqrt(scores).mean(axis=0, dtype=np.float64).astype(np.float32)
    places = np.linspace(0, len(vectors) - 1, min(len(vectors), _MAX_FITTED)).astype(int)
    some = _joined(vectors[places], None if scores is None else scores[places], vector_mean, score_mean)
    center = some.mean(axis=0)
    _, axes = np.linalg.eigh((some - center).T.astype(np.float64) @ (some - center))
    return FeatureSpace(vector_mean, score_mean, center, axes[:, ::-1][:, :WIDTH].T.astype(np.float32))


def _joined(
    vectors: np.ndarray, scores: np.ndarray | None, vector_mean: np.ndarray, score_mean: np.ndarray | None
) -> np.ndarray:
    """Join directions of vectors with those of the square roots of scores, both from their means."""
    directions = _units(vectors - vector_mean)
    if scores is None:
        return directions
    return _units(np.hstack([directions, _CLASS_WEIGHT * _units(np.sqrt(scores) - score_mean)]))


def _units(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
