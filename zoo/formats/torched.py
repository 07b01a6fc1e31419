"""PyTorch state dictionaries (``.pth``, ``.pt``)."""

import pickle
from pathlib import Path

import numpy as np
import torch

from zoo.errors import WeightsError

# What unpickling and unzipping raise on bytes that are no state dictionary.
_BROKEN = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    TypeError,
    LookupError,
    MemoryError,
)


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Every tensor of the state dictionary by its name.

    Only tensors and plain containers are unpickled (``weights_only=True``).

    Raises
    ------
    WeightsError
        If the file is no state dictionary, is truncated or asks for code to be run.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except _BROKEN as error:
        raise WeightsError(f"{path} is no complete PyTorch file of tensors and nothing else.") from error
    state = state.get("state_dict", state) if isinstance(state, dict) else None
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) and tensor.layout == torch.strided
        for name, tensor in state.items()
    ):
        raise WeightsError(f"{path} holds no state dictionary of tensors.")
    return {name: _array(tensor.detach()) for name, tensor in state.items()}


def _array(tensor: torch.Tensor) -> np.ndarray:
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
