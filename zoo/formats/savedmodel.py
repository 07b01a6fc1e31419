"""The variables of TensorFlow SavedModels, such as TF-Hub's modules."""

from pathlib import Path

import numpy as np

from zoo.core.errors import WeightsError
from zoo.formats import checkpoint

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Every floating-point variable of a SavedModel by its path in the object graph.

    Parameters
    ----------
    path : path
        Folder of the SavedModel.

    Raises
    ------
    WeightsError
        If it is not a SavedModel or is truncated.
    """
    try:
        variables = checkpoint.read(Path(path) / "variables" / "variables")
    except WeightsError as error:
        raise WeightsError(f"{path} holds no SavedModel: {error}") from error
    return {name.removesuffix(_VALUE): tensor for name, tensor in variables.items() if name.endswith(_VALUE)}
