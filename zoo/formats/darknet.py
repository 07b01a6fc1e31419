"""Weights of Darknet (``.weights``), which do not name their tensors."""

from pathlib import Path

import numpy as np

from zoo.core.errors import WeightsError


def read(path: str | Path) -> dict[str, np.ndarray]:
    """All values of the file in its order, which is that of the layers in the network's ``.cfg``.

    The header is the version as three int32 (major, minor, revision) and the number of pictures seen, an
    int64 from version 0.2 on and an int32 before (pjreddie/darknet, ``src/parser.c``, ``load_weights_upto``).

    Returns
    -------
    dict
        ``weights``: (n,) float32.

    Raises
    ------
    WeightsError
        If the file does not begin like one of Darknet's, or does not end with a whole value. That values
        are missing is noticed where the layers are known.
    """
    try:
        with open(path, "rb") as file:
            header = file.read(12)
            if len(header) < 12:
                raise ValueError("it ends within its header")
            major, minor, revision = version = np.frombuffer(header, "<i4").tolist()
            if not all(0 <= number < 1000 for number in version):
                raise ValueError(f"its version would be {major}.{minor}.{revision}")
            file.read(8 if major * 10 + minor >= 2 else 4)
            size = Path(path).stat().st_size - file.tell()
            if size <= 0 or size % 4:
                raise ValueError(f"the {max(size, 0)} bytes after its header are not float32 values")
            return {"weights": np.fromfile(file, "<f4")}
    except (OSError, ValueError, MemoryError) as error:
        raise WeightsError(f"{path} is not a complete file of Darknet's weights: {error}.") from error
