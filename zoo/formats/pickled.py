"""Pickled dictionaries of NumPy arrays."""

import pickle
from pathlib import Path

import numpy as np

from zoo.errors import WeightsError

# The names that NumPy pickles an array with, before and after NumPy 2, and where they are now.
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): "numpy._core.multiarray",
    ("numpy._core.multiarray", "_reconstruct"): "numpy._core.multiarray",
    ("numpy", "ndarray"): "numpy",
    ("numpy", "dtype"): "numpy",
}
# What unpickling raises on bytes that are no pickle of arrays, or ask for more memory than there is.
_BROKEN = (
    pickle.UnpicklingError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    MemoryError,
    OverflowError,
)


class _ArrayUnpickler(pickle.Unpickler):
    """Knows NumPy arrays and plain containers, and nothing else."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(_ALLOWED[module, name], name)


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Every array of a pickled ``{name: array}`` or ``{name: [array, ...]}``.

    An array in a list is called ``name/0``, ``name/1`` and so on.

    Raises
    ------
    WeightsError
        If the file is no such pickle, is truncated or asks for anything but arrays.
    """
    try:
        with open(path, "rb") as file:
            content = _ArrayUnpickler(file).load()
    except _BROKEN as error:
        raise WeightsError(f"{path} is not a safe, complete pickle of arrays: {error}.") from error
    if not isinstance(content, dict):
        raise WeightsError(f"{path} holds no dictionary of arrays.")
    tensors = {}
    for name, value in content.items():
        for i, array in enumerate(value if isinstance(value, (list, tuple)) else [value]):
            if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
                raise WeightsError(f"{path} holds something other than numeric arrays under {name!r}.")
            tensors[f"{name}/{i}" if isinstance(value, (list, tuple)) else str(name)] = array
    return tensors
