"""Pickled dictionaries of NumPy arrays.

Arrays are put together here from their bytes, types and shapes; NumPy's own hooks, which take any argument,
are never called.
"""

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np

from zoo.core.errors import WeightsError
from zoo.formats import pickle_opcodes, sizes


class _Type:
    """What `numpy.dtype` is to a pickle."""

    def __init__(self, code: str, *_: object):
        if not re.fullmatch(r"[fiu][1248]", code):
            raise pickle.UnpicklingError(f"{code!r} is not a type of numbers")
        self.code, self.order = code, "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1].replace("|", "=")


class _Array:
    """What `numpy.ndarray` is to a pickle: a view of its bytes, which several arrays may share."""

    array: np.ndarray

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, by_column, data = state
        flat = np.frombuffer(data, np.dtype(kind.order + kind.code))
        self.array = flat.reshape(shape, order="F" if by_column else "C")


def _reconstruct(*_: object) -> _Array:
    """Make an array that gets its content later."""
    return _Array()


# The names that NumPy pickles an array with, before and after NumPy 2.
_GLOBALS = {
    "numpy.core.multiarray _reconstruct": _reconstruct,
    "numpy._core.multiarray _reconstruct": _reconstruct,
    "numpy ndarray": _Array,
    "numpy dtype": _Type,
}


class _ArrayUnpickler(pickle.Unpickler):
    """Know arrays and plain containers, and nothing else."""

    def find_class(self, module: str, name: str) -> object:
        if f"{module} {name}" not in _GLOBALS:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return _GLOBALS[f"{module} {name}"]


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Every array of a pickled ``{name: array}`` or ``{name: [array, ...]}``.

    An array in a list is called ``name/0``, ``name/1`` and so on.

    Raises
    ------
    WeightsError
        If the file is not such a pickle, is truncated, or asks for anything but arrays or for far more memory
        than it has bytes.
    """
    try:
        with open(path, "rb") as file:
            pickle_opcodes.check(file, _GLOBALS.__contains__)
            file.seek(0)
            content = _ArrayUnpickler(file).load()
    except Exception as error:  # an unpickler raises what its opcodes run into
        raise WeightsError(f"{path} is not a safe, complete pickle of arrays: {error}.") from error
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise WeightsError(f"{path} holds no dictionary of arrays.")
    tensors = {}
    for name, value in content.items():
        for i, item in enumerate(value if isinstance(value, (list, tuple)) else [value]):
            if not isinstance(item, _Array) or not hasattr(item, "array"):
                raise WeightsError(f"{path} holds something other than numeric arrays under {name!r}.")
            tensors[f"{name}/{i}" if isinstance(value, (list, tuple)) else name] = item.array
    sizes.require(path, sum(tensor.nbytes for tensor in tensors.values()))
    return {name: tensor.copy(order="K") for name, tensor in tensors.items()}
