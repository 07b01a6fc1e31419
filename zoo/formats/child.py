"""Read a weight file in a process of its own, with limits of time and memory.

Some libraries crash, run forever or allocate gigabytes on damaged files. Only their process ends then.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import numpy as np
from safetensors import safe_open

from zoo.errors import WeightsError
from zoo.formats import sizes
from zoo.sources import reason

SECONDS = 3.0  # of computing time, for a small file
_SPEED = 10e6  # bytes that are read in a second at least
_STARTING = 120.0  # s that importing TensorFlow takes on a busy machine, at most
_MEMORY = 256 << 20  # bytes beside the arrays
_REFUSED = 3  # exit code where the reader itself says in a sentence what is wrong


def arrays(module: str, path: str | Path, kind: str) -> dict[str, np.ndarray]:
    """Read the arrays of a file.

    Parameters
    ----------
    module : str
        Has a function ``read(path) -> {name: array}``, and imports what that needs when it is imported.
    path : path
    kind : str
        What the file should be, for the error: ``"a complete HDF5 file"``.

    Raises
    ------
    WeightsError
        If the reader fails, crashes, or exceeds a limit.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "arrays.safetensors"
        seconds = SECONDS + sizes.max_bytes(path) / sizes.RATIO / _SPEED
        arguments = [module, os.fspath(path), os.fspath(out), str(seconds)]
        command = [sys.executable, "-P", "-m", "zoo.formats.child", *arguments]
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
        try:
            run = subprocess.run(
                command,
                env={**os.environ, **quiet},
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_STARTING + seconds,
            )
            why = "".join(run.stderr.strip().splitlines()[-1:]) or f"reading it ended with {run.returncode}"
        except subprocess.TimeoutExpired:
            run, why = None, "reading it takes too long"
        if run and run.returncode == _REFUSED:
            raise WeightsError(why)
        if run is None or run.returncode:
            raise WeightsError(f"{path} is not {kind}: {why.rstrip('.')}.")
        return _load(out)


def _save(tensors: dict[str, np.ndarray], out: str) -> None:
    from safetensors.numpy import save_file

    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    save_file(contiguous, out, {"order": json.dumps(list(tensors))})


def _load(path: Path) -> dict[str, np.ndarray]:
    """What `_save` wrote, in its order."""
    with safe_open(path, "numpy") as file:
        return {name: file.get_tensor(name) for name in json.loads(file.metadata()["order"])}


def _limit(path: str, seconds: float) -> None:
    """Limit what this process may use from now on, where the system can."""
    try:
        import resource
    except ImportError:  # Windows: the time limit of the parent remains
        return
    import psutil

    now = psutil.Process()
    times = now.cpu_times()
    most = int(times.user + times.system + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    if data := getattr(now.memory_info(), "data", 0):  # Linux
        memory = data + _MEMORY + 2 * sizes.max_bytes(path)  # the arrays, and the copy that is handed over
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def _main(module: str, path: str, out: str, seconds: str) -> None:
    reader = import_module(module)
    _limit(path, float(seconds))
    try:
        _save(reader.read(path), out)
    except WeightsError as error:
        print(error, file=sys.stderr)
        sys.exit(_REFUSED)
    except Exception as error:  # the libraries raise what a damaged file makes them run into
        sys.exit(reason(error))


if __name__ == "__main__":
    _main(*sys.argv[1:])
