"""PyTorch state dictionaries (``.pth``, ``.pt``)."""

import re
import zipfile
from pathlib import Path

import numpy as np
import torch

from zoo.core.errors import WeightsError
from zoo.formats import pickle_opcodes, sizes

# What pickles of state dictionaries, optimizers and schedulers name. PyTorch's own list has more, such as
# bytearray, which allocates the size that it is given.
_GLOBALS = (
    r"collections (OrderedDict|Counter)|__builtin__ set|torch (device|Size|u?int\d+|b?float\d+|\w+Storage)"
    r"|torch\._utils _rebuild_(tensor|tensor_v2|parameter)|torch\.nn\.parameter Parameter"
)
_PICKLES = 5  # of the older format: its number, version, machine, content and keys


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Every tensor of the state dictionary by its name.

    Only tensors and plain containers are unpickled (``weights_only=True``).

    Raises
    ------
    WeightsError
        If the file is not a state dictionary, is truncated, asks for code to be run, or for far more memory
        than it has bytes.
    """
    try:
        check(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except WeightsError:
        raise
    except Exception as error:  # an unpickler raises what its opcodes run into
        raise WeightsError(f"{path} is not a complete PyTorch file that holds only tensors.") from error
    state = state.get("state_dict", state) if isinstance(state, dict) else None
    if not isinstance(state, dict) or not all(_is_named_tensor(*item) for item in state.items()):
        raise WeightsError(f"{path} holds no state dictionary of tensors.")
    sizes.require(path, sum(tensor.numel() * tensor.itemsize for tensor in state.values()))
    return {name: _array(tensor.detach()) for name, tensor in state.items()}


def check(path: str | Path) -> None:
    """Refuse a file that would take far more time or memory than its size suggests, before PyTorch reads it.

    Raises
    ------
    WeightsError
        If it unpacks to far more than its size.
    Exception
        Any other, if it is damaged, or a pickle in it asks for code or for far more than it takes.
    """
    with open(path, "rb") as file:
        if file.read(4) != b"PK\x03\x04":  # how PyTorch distinguishes its formats
            file.seek(0)
            for _ in range(_PICKLES):
                pickle_opcodes.check(file, _is_allowed)
            return
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            sizes.require(path, sum(entry.file_size for entry in entries))
            for entry in entries:
                if entry.filename.endswith(".pkl"):
                    with archive.open(entry) as pickled:
                        pickle_opcodes.check(pickled, _is_allowed)


def _is_allowed(name: str) -> bool:
    return re.fullmatch(_GLOBALS, name) is not None


def _is_named_tensor(name: object, tensor: object) -> bool:
    return isinstance(name, str) and isinstance(tensor, torch.Tensor) and tensor.layout == torch.strided


def _array(tensor: torch.Tensor) -> np.ndarray:
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
