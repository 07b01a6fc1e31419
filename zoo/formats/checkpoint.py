"""TensorFlow's checkpoints: the one file of version 1, and the prefix of version 2.

TensorFlow reads its own files, in a process of its own: the 400 MB it takes are given back, its log lines
stay out of the user's terminal, and a hostile file can end nothing but that process.
"""

from pathlib import Path

import numpy as np

from zoo.core.extras import require
from zoo.formats import reader_process


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Every floating-point variable by its name.

    Parameters
    ----------
    path : path
        The file of version 1, or what the names of the files of version 2 begin with.

    Raises
    ------
    WeightsError
        If it is not a checkpoint, is truncated, or asks for far more memory than it has bytes.
    MissingLibraryError
        If TensorFlow is not installed.
    """
    require("tensorflow")
    return reader_process.arrays("zoo.formats.variables", path, "a checkpoint that TensorFlow can read")
