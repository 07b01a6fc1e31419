"""SavedModels that TensorFlow itself runs: nothing is taken out of one, only its hash, to know it again."""

from pathlib import Path

import numpy as np

from zoo.core.errors import WeightsError
from zoo.core.hashing import digest


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Hash a SavedModel's folder as `zoo.core.hashing.digest` does: 32 bytes of SHA-256, uint8.

    Raises
    ------
    WeightsError
        If it is not a folder of a SavedModel.
    """
    if not (Path(path) / "saved_model.pb").is_file():
        raise WeightsError(f"{path} is not the folder of a SavedModel: it has no saved_model.pb.")
    return {"sha256": np.frombuffer(bytes.fromhex(digest(Path(path))), np.uint8)}
