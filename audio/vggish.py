"""VGGish: 128 numbers for each 0.96 s of sound, by a small VGG on log-mel patches.

Hershey et al.: CNN Architectures for Large-Scale Audio Classification, ICASSP 2017.
https://github.com/tensorflow/models/tree/master/research/audioset/vggish
"""

import os
import re
import zipfile

import numpy as np
import torch
from torch import nn

from zoo.core.errors import InputError, WeightsError
from zoo.core.layers import HeadPlaceholder

WIDTH = 128  # of the embedding

_FILTERS = (64, 0, 128, 0, 256, 256, 0, 512, 512, 0)  # vggish_slim.py; 0 stands for a pool
_LIMIT = 2.0  # vggish_params.QUANTIZE_MAX_VAL, and minus QUANTIZE_MIN_VAL


class VGGish(nn.Module):
    """Patches (n, 1, 96, 64) -> embeddings (n, 128), without the ReLU that some ports put at the end.

    Layers are named as in torchvggish.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features, channels = nn.Sequential(), 1
        for filters in _FILTERS:
            if filters:
                self.features.extend([nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU()])
                channels = filters
            else:
                self.features.append(nn.MaxPool2d(2))
        self.embeddings = nn.Sequential(
            *[nn.Linear(6 * 4 * channels, 4096), nn.ReLU()],
            *[nn.Linear(4096, 4096), nn.ReLU()],
            nn.Linear(4096, WIDTH),
        )
        self.head = HeadPlaceholder(WIDTH)

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        maps = self.features(patches).permute(0, 2, 3, 1)  # TensorFlow flattens (time, frequency, channel)
        return self.head(self.embeddings(maps.flatten(1)))


def from_tensorflow(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name the variables of the original as `VGGish` does.

    They are ``vggish/<layer>/weights`` and ``.../biases`` in the checkpoint (beside others, where it was
    trained on), and ``_variables/<i>`` in the SavedModel, in the order of the layers. That order and the
    shapes are all that is asked for: no two kernels are of the same shape, and biases come in their order.
    Source: ``vggish_slim.py``, ``vggish_export_tfhub.py``.

    Raises
    ------
    ValueError
        If they are those of another network.
    """
    own = [name for name in tensors if name.startswith("vggish/")] or list(tensors)
    ordered = [tensors[name] for name in sorted(own, key=_natural)]
    kernels, biases = ([a for a in ordered if (a.ndim > 1) == deep] for deep in (True, False))
    with torch.device("meta"):
        layers = {name: layer for name, layer in VGGish().named_modules() if hasattr(layer, "weight")}
    if (counts := (len(kernels), len(biases))) != (len(layers),) * 2:
        raise ValueError(
            f"{counts[0]} kernels and {counts[1]} biases instead of {len(layers)} and {len(layers)}"
        )
    state = {}
    for (name, layer), kernel, bias in zip(layers.items(), kernels, biases, strict=True):
        weight = np.moveaxis(kernel, (-1, -2), (0, 1))  # (height, width, in, out) or (in, out)
        if (weight.shape, bias.shape) != _shapes_of(layer):
            raise ValueError(f"{name} would be of shape {weight.shape}, {bias.shape}")
        state |= {f"{name}.weight": weight, f"{name}.bias": bias}
    return state


def _shapes_of(layer: nn.Module) -> tuple[tuple[int, ...], tuple[int, ...]]:
    weight, bias = (layer.get_parameter(name).shape for name in ("weight", "bias"))
    return tuple(weight), tuple(bias)


def _natural(name: str) -> list[str | int]:
    """Sorts ``_variables/2`` before ``_variables/10``."""
    return [int(piece) if i % 2 else piece for i, piece in enumerate(re.split(r"(\d+)", name))]


def postprocess(embeddings: np.ndarray, vectors: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Embeddings as AudioSet was released with them: whitened by PCA and quantized to 8 bits.

    Source: ``vggish_postprocess.py``: clipped to [-2, 2], and cut off, not rounded, to whole numbers.

    Parameters
    ----------
    embeddings : ndarray, shape (n, 128)
    vectors : ndarray, shape (128, 128)
        A component a row.
    means : ndarray, shape (128,) or (128, 1)
        See `pca_parameters`.

    Returns
    -------
    ndarray of uint8, shape (n, 128)

    Raises
    ------
    InputError
        If a shape is another.
    """
    shapes = np.shape(embeddings)[1:], np.shape(vectors), np.shape(means)[:1], np.size(means)
    if shapes != ((WIDTH,), (WIDTH, WIDTH), (WIDTH,), WIDTH):
        raise InputError(
            f"PCA takes embeddings (n, {WIDTH}), vectors ({WIDTH}, {WIDTH}) and means ({WIDTH},)."
        )
    whitened = (embeddings - np.reshape(means, WIDTH)) @ np.transpose(vectors)
    return ((whitened.clip(-_LIMIT, _LIMIT) + _LIMIT) * (255 / (2 * _LIMIT))).astype(np.uint8)


def pca_parameters(file: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray]:
    """Read the published vectors and means for `postprocess`.

    Parameters
    ----------
    file : path
        ``vggish_pca_params.npz``; `zoo.hub.vggish_pca.fetch` downloads it.

    Returns
    -------
    vectors : ndarray, shape (128, 128)
    means : ndarray, shape (128, 1)

    Raises
    ------
    WeightsError
        If it is another file.
    """
    try:
        with np.load(file) as arrays:
            return arrays["pca_eigen_vectors"], arrays["pca_means"]
    except (OSError, ValueError, LookupError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{file} does not hold the PCA parameters of VGGish.") from error
