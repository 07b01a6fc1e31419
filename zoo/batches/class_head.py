"""The class scores of a batch of vectors: what the network's own last layer makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from zoo.batches.options import task_options
from zoo.batches.provenance import part_difference
from zoo.batches.settings import NetworkSettings, Settings
from zoo.core import canaries
from zoo.hub import weights
from zoo.hub.registry import describe, networks
from zoo.inference.api import loaded
from zoo.inference.network import Network
from zoo.inference.provenance import provenance

_TOLERANCE = 1e-3  # of a score; the vectors of a batch are float32


class ClassHead:
    """The last layer of a network, which takes the vectors of a batch as they are stored.

    Attributes
    ----------
    labels : tuple of str
        Of the classes.
    """

    def __init__(self, net: Network, layer: nn.Linear):
        self.labels = tuple(label.name for label in net.labels)
        self._layer, self._is_sigmoid = layer, net.spec.activation == "sigmoid"

    def scores(self, vectors: np.ndarray) -> np.ndarray:
        """Return the scores of vectors, shape (n, classes), float32, from 0 to 1."""
        with torch.inference_mode():
            outputs = self._layer(torch.from_numpy(vectors.copy()))
            scores = torch.sigmoid(outputs) if self._is_sigmoid else torch.softmax(outputs, dim=1)
        return scores.numpy()


def class_head(folder: Path, settings: Settings, network: NetworkSettings) -> ClassHead | None:
    """Return the last layer of the network of a batch, if it takes the stored vectors.

    None if the network is not of the catalog or not on this machine (nothing is downloaded), has other
    weights or preprocessing than the batch, or computes more than one layer between vectors and scores. The
    last is tried on a canary: the scores of its vectors have to be those of the whole network.
    """
    if network.name not in networks() or not weights.path_of(describe(network.name)).is_file():
        return None
    net = loaded(network.name, "cpu", settings.engine)
    options = task_options("embed", settings.options)
    layer = net.module.get_submodule(net.spec.head_layer) if net.spec.head_layer else None
    if not isinstance(layer, nn.Linear) or len(net.labels) != layer.out_features:
        return None
    if part_difference(folder / network.folder, provenance(net, "embed", **options)):
        return None
    head = ClassHead(net, layer)
    is_image = net.spec.modality == "image"
    canary = canaries.pictures()[0] if is_image else canaries.sound()
    rate = None if is_image else canaries.SAMPLE_RATE
    vectors = net.embed(canary, sample_rate=rate, layer=options["layer"], pool=options["pool"]).values
    if vectors.shape[1] != layer.in_features:
        return None
    expected = net.scores(net.preprocess(canary, sample_rate=rate))
    scores = head.scores(vectors)
    return head if scores.shape == expected.shape and np.abs(scores - expected).max() < _TOLERANCE else None
