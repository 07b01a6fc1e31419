"""Embedding: a vector for each image, or for each window of a recording."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.core.array_buffer import ArrayBuffer
from zoo.core.batch import Batch
from zoo.core.inputs import Failures
from zoo.inference.provenance import provenance
from zoo.inference.streaming import run
from zoo.inference.tasks.inputs import collects_failures, problems_of
from zoo.results import Embedding
from zoo.results.provenance import Provenance

if TYPE_CHECKING:
    from zoo.inference.model import Model


@dataclass(frozen=True, kw_only=True)
class EmbeddingOptions:
    """Which output of a network describes an input.

    Attributes
    ----------
    layer : str or None
        The layer whose output to take; None: the record's.
    pool : bool or None
        Average a map over its positions, or tokens; False flattens it; None: what the record says for its
        own layer, True for any other.
    """

    layer: str | None = None
    pool: bool | None = None

    def __post_init__(self) -> None:
        if self.layer is not None:
            object.__setattr__(self, "layer", str(self.layer))


class EmbeddingExtractor:
    """Embed images or the windows of recordings, batch by batch.

    Parameters
    ----------
    net : Model
    overlap : float, optional
        Of the windows that come, where that is not the network's own.
    **options
        Fields of `EmbeddingOptions`.
    """

    def __init__(self, net: Model, *, overlap: float | None = None, **options: Any):
        net.require("embed")
        self._net, self._overlap, self._options = net, overlap, EmbeddingOptions(**options)
        self._layer = self._options.layer or net.spec.embedding_layer
        self._width = 0
        self._provenance: Provenance | None = None

    def process(self, batch: Batch) -> Embedding:
        """Return the vectors of this batch."""
        values = self._net.vectors(batch.data, layer=self._options.layer, pool=self._options.pool)
        self._width = values.shape[1]
        if not self._provenance:
            self._provenance = provenance(self._net, overlap=self._overlap, **asdict(self._options))
        return Embedding(
            self._net.name, self._layer, values, batch.times, batch.names, provenance=self._provenance
        )

    def flush(self, seconds: float) -> Embedding:
        """Return nothing: every window is certain when it comes."""
        return self.merge([])

    def merge(self, parts: Iterable[Embedding]) -> Embedding:
        """Join pieces of one embedding."""
        values, times, inputs = None, ArrayBuffer(np.float64, (2,)), []
        for part in filter(len, parts):  # an empty one may not know its width
            values = values or ArrayBuffer(np.float32, part.values.shape[1:])
            values.add(part.values)
            inputs.extend(part.inputs)
            if part.times is not None:
                times.add(part.times)
        return Embedding(
            network=self._net.name,
            layer=self._layer,
            values=values.array() if values else np.zeros((0, self._width), np.float32),
            times=times.array() if self._net.spec.modality == "audio" else None,
            inputs=tuple(inputs),
            provenance=self._provenance,
        )


def embed(
    net: Model,
    x: Any,
    options: EmbeddingOptions,
    *,
    sample_rate: float | None = None,
    overlap: float | None = None,
    on_error: str = "raise",
) -> Embedding:
    """Embed one input, or several; see `zoo.inference.network.Network.embed`."""
    failures: Failures | None = {} if collects_failures(net, x, on_error) else None
    extractor = EmbeddingExtractor(net, overlap=overlap, **asdict(options))
    inputs = net.preprocessor.several(x)
    batches = net.batches(inputs, sample_rate=sample_rate, overlap=overlap, failures=failures)
    positions: list[np.ndarray] = []

    def noted() -> Generator[Batch, None, None]:
        with closing(batches):
            for batch in batches:
                positions.append(batch.inputs)
                yield batch

    embedding = run(extractor, noted())
    if not failures:
        return embedding
    rows = ~np.isin(np.concatenate([np.zeros(0, int), *positions]), list(failures))  # some had begun
    return replace(embedding[rows], problems=problems_of(inputs, failures))
