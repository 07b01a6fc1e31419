"""Arrays and tensors of any library as NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.core.errors import InputError


def as_array(x: Any, kind: str) -> np.ndarray:
    """Return an array or tensor as a NumPy array in the memory of the CPU.

    Parameters
    ----------
    x : array or tensor
    kind : str
        What it should be, for errors: ``"an image"``.

    Returns
    -------
    ndarray
        With at least one axis. Floats shorter than 32 bits, such as bfloat16, become float32, which is exact.

    Raises
    ------
    InputError
        If `x` is a single value, or cannot be converted.
    """
    try:
        values = _on_cpu(x) if hasattr(x, "detach") else np.asarray(x)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"An object of type {type(x).__name__} and of this form cannot be read as {kind}."
        ) from error
    if values.ndim == 0:
        raise InputError(f"An object of type {type(x).__name__} is not {kind}.")
    return values.astype(np.float32) if values.dtype.name in ("bfloat16", "float16") else values


def _on_cpu(tensor: Any) -> np.ndarray:
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point() and tensor.element_size() < 4:
        tensor = tensor.float()  # NumPy has no bfloat16
    return np.asarray(tensor)
