"""TensorFlow's checkpoints: the one file of version 1, and the prefix of version 2.

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


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Every floating-point variable by its name.

    Parameters
    ----------
    path : path
        The file of version 1, or what the names of the files of version 2 begin with.

    Raises
    ------
    WeightsError
        If it is no checkpoint or is truncated.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "variables.safetensors"
        run = subprocess.run(
            [sys.executable, "-P", "-m", "zoo.formats.checkpoint", os.fspath(path), os.fspath(out)],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
            capture_output=True,
            text=True,
        )
        if run.returncode:
            why = "".join(run.stderr.strip().splitlines()[-1:]) or f"it ended with {run.returncode}"
            raise WeightsError(f"{path} is not a checkpoint that TensorFlow can read ({why}).")
        return safe.read(out)


def _convert(path: str, out: str) -> None:
    import tensorflow as tf
    from safetensors.numpy import save_file

    checkpoint = tf.train.load_checkpoint(path)
    names = checkpoint.get_variable_to_shape_map()
    tensors = {
        name: np.ascontiguousarray(checkpoint.get_tensor(name))
        for name, kind in checkpoint.get_variable_to_dtype_map().items()
        if name in names and kind.is_floating
    }
    save_file(tensors, out)


if __name__ == "__main__":
    _convert(*sys.argv[1:])
