"""Keras weights in HDF5: the ``.h5`` of Keras 1 and 2, and the ``.weights.h5`` of Keras 3.

On a damaged file libhdf5 may run forever or crash, so `zoo.formats.hdf5` reads it in a process of its own.
"""

from pathlib import Path

import numpy as np

from zoo.formats import reader_process


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Every floating-point array as ``<layer>/<variable>``, layer by layer in the order of the network.

    The variable is the last part of its name in the file (``kernel``, ``moving_mean``); where a layer is a
    network of its own, so that this says too little, the whole name (``resnet50/conv1_conv/kernel``). Keras 3
    numbers the variables of a layer and keeps the order within each class of layers only. The optimizer's
    state is left out. In an HDF5 file that is not laid out by Keras, an array's name is its path. A network's
    configuration, which may name functions, is not read.

    Raises
    ------
    WeightsError
        If the file is not HDF5, is truncated, contradicts itself, points to other files, or asks for far more
        memory than it has bytes.
    """
    return reader_process.arrays("zoo.formats.hdf5", path, "a complete HDF5 file")
