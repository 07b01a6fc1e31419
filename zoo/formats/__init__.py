"""Readers of weight files: one file a format, each ``read(path) -> {name: ndarray}``.

A reader runs no code that the file brings, and raises `WeightsError` for a file that is not of its kind,
is truncated or is hostile.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np

from zoo.core.errors import WeightsError
from zoo.core.validation import choice

READERS = {
    "caffe": "zoo.formats.caffe",
    "checkpoint": "zoo.formats.checkpoint",
    "darknet": "zoo.formats.darknet",
    "graph": "zoo.formats.graph",
    "keras": "zoo.formats.keras",
    "onnx": "zoo.formats.onnx",
    "pickle": "zoo.formats.numpy_pickle",
    "safetensors": "zoo.formats.safetensors",
    "savedmodel": "zoo.formats.savedmodel",
    "tflite": "zoo.formats.tflite",
    "torch": "zoo.formats.pytorch",
    "transformers": "zoo.hub.huggingface_weights",
}


def read(path: str | Path, format: str) -> dict[str, np.ndarray]:
    """Read a weight file into named arrays.

    Parameters
    ----------
    path : path
        A file; for ``graph``, ``savedmodel`` and ``transformers`` the folder.
    format : str
        Key of `READERS`.

    Raises
    ------
    WeightsError
        If the format is unknown or the file is not of that format, truncated or hostile.
    """
    choice("reader for the format", format, READERS, error=WeightsError)
    reader: Callable[[str | Path], dict[str, np.ndarray]] = import_module(READERS[format]).read
    return reader(path)
