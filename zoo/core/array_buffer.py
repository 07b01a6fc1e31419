"""Results that grow with their input, in one block of memory."""

import numpy as np
from numpy.typing import DTypeLike


class ArrayBuffer:
    """An array that is added to along its first axis.

    A list of small arrays would do the same, but each of them would lie between the large buffers that come
    and go with every batch, and the heap, cut to pieces, would grow without end.

    Parameters
    ----------
    dtype : dtype
    shape : tuple of int
        Of one row.
    """

    def __init__(self, dtype: DTypeLike, shape: tuple[int, ...] = ()):
        self._dtype, self._shape = np.dtype(dtype), shape
        self._bytes = bytearray()

    def add(self, rows: np.ndarray) -> None:
        """Add rows, shape (n, *shape)."""
        self._bytes += np.ascontiguousarray(rows, self._dtype).tobytes()

    def array(self) -> np.ndarray:
        """All rows, shape (total, *shape)."""
        return np.frombuffer(self._bytes, self._dtype).reshape(-1, *self._shape)
