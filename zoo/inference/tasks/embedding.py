"""Embedding: a vector for each image, or for each window of a recording."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from zoo.core.array_buffer import ArrayBuffer
from zoo.core.batch import Batch
from zoo.results import Embedding

if TYPE_CHECKING:
    from zoo.inference.model import Model


class EmbeddingExtractor:
    """Embed images or the windows of recordings, batch by batch; the options are those of `Network.embed`.

    Parameters
    ----------
    net : Model
    """

    def __init__(self, net: Model, *, layer: str | None = None, pool: bool | None = None):
        net.require("embed")
        self._net, self._options = net, {"layer": layer, "pool": pool}
        self._layer = net.spec.embedding_layer if layer is None else str(layer)
        self._width = 0

    def process(self, batch: Batch) -> Embedding:
        """Return the vectors of this batch."""
        values = self._net.vectors(batch.data, **self._options)
        self._width = values.shape[1]
        return Embedding(self._net.name, self._layer, values, batch.times, batch.names)

    def flush(self, seconds: float) -> Embedding:
        """Return nothing: every window is certain when it comes."""
        return self.merge([])

    def merge(self, parts: Iterable[Embedding]) -> Embedding:
        """Join pieces of one embedding."""
        values, times, inputs = None, ArrayBuffer(np.float64, (2,)), []
        for part in parts:
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
        )
