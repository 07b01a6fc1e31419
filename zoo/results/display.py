"""How results show themselves at a prompt; `zoo.plotting.notebook` has the pieces for notebooks."""

from __future__ import annotations

import reprlib
from dataclasses import fields
from typing import Any, ClassVar

import numpy as np

_MAX_NUMBERS = 6  # of an array that is printed with its values


class ShortRepr:
    """Mixin for dataclasses: a `repr` under 1,000 characters, for data of any size.

    A class takes it with ``@dataclass(repr=False)``.

    Examples
    --------
    >>> import numpy as np
    >>> from zoo.results import Embedding
    >>> Embedding("net", "pool", np.zeros((500, 64), "f"), None, ("a.png",) * 500)
    Embedding(network='net', layer='pool', values=<float32 array of shape (500, 64)>, times=None, \
inputs=('a.png', 'a.png', 'a.png', ...))
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def __repr__(self) -> str:
        """Return the class and its fields; long texts, arrays and sequences are summarized."""
        names = [field.name for field in fields(self) if field.repr]
        return short_repr(self, {name: getattr(self, name) for name in names})


def short_repr(instance: object, values: dict[str, object]) -> str:
    """Return ``Class(name=value, ...)`` with each value summarized."""
    texts = (f"{name}={_SUMMARY.repr(value)}" for name, value in values.items())
    return f"{type(instance).__name__}({', '.join(texts)})"


class _Summary(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxtuple = self.maxlist = self.maxdict = 3
        self.maxstring = 30
        self.maxother = 80

    def repr_ndarray(self, array: np.ndarray, level: int) -> str:
        """Return the values of a short vector of numbers, and the type and shape of any other array."""
        if array.ndim == 1 and array.size <= _MAX_NUMBERS and array.dtype.kind in "biuf":
            return f"array({np.array2string(array, precision=4, separator=', ', max_line_width=1000)})"
        return f"<{array.dtype} array of shape {array.shape}>"


_SUMMARY = _Summary()
