"""TensorFlow SavedModels, such as TF-Hub's modules.

TensorFlow reads its own files, in a process of its own: the 400 MB it takes are given back, its log lines
stay out of the user's terminal, and a hostile file can end nothing but that process.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from zoo.errors import WeightsError
from zoo.formats import safe

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
        If it is no SavedModel or is truncated.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "variables.safetensors"
        run = subprocess.run(
            [sys.executable, "-P", "-m", "zoo.formats.savedmodel", os.fspath(path), os.fspath(out)],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
            capture_output=True,
            text=True,
        )
        if run.returncode:
            why = "".join(run.stderr.strip().splitlines()[-1:]) or f"it ended with {run.returncode}"
            raise WeightsError(f"{path} is not a SavedModel that TensorFlow can read ({why}).")
        return safe.read(out)


def _convert(folder: str, out: str) -> None:
    import tensorflow as tf
    from safetensors.numpy import save_file

    checkpoint = tf.train.load_checkpoint(os.path.join(folder, "variables", "variables"))
    tensors = {}
    for name in checkpoint.get_variable_to_shape_map():
        if name.endswith(_VALUE):
            tensor = checkpoint.get_tensor(name)
            if tensor.dtype.kind == "f":
                tensors[name.removesuffix(_VALUE)] = np.ascontiguousarray(tensor)
    save_file(tensors, out)


if __name__ == "__main__":
    _convert(*sys.argv[1:])
