"""Keras weights in HDF5 (``.h5``)."""

from pathlib import Path

import h5py
import numpy as np

from zoo.errors import WeightsError


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Every data set of the file by its path, ``layer/.../kernel:0``.

    Raises
    ------
    WeightsError
        If the file is no HDF5 or is truncated.
    """
    tensors: dict[str, np.ndarray] = {}

    def take(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f":
            if item.external or item.is_virtual:
                raise ValueError(f"{name} is kept in another file")
            tensors[name] = item[()]

    try:
        with h5py.File(path, "r") as file:
            file.visititems(take)
    except (OSError, RuntimeError, ValueError, MemoryError) as error:
        raise WeightsError(f"{path} is not a complete HDF5 file: {error}.") from error
    return tensors
