"""safetensors files, the zoo's own format."""

from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from zoo.core.errors import WeightsError


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Every tensor of the file by its name.

    Raises
    ------
    WeightsError
        If the file is not a safetensors file or is truncated.
    """
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path} is not a complete safetensors file: {error}.") from error
