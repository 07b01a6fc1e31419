"""Read a weight file in a process of its own, with limits of time and memory.

Some libraries crash, run forever or allocate gigabytes on damaged files. Only their process ends then.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from zoo.core.errors import WeightsError, WorkerError, WorkerTimeoutError, reason
from zoo.core.isolated import Worker, serve
from zoo.formats import sizes

SECONDS = 3.0  # of processor time, for a small file
STARTING = 120.0  # s that importing TensorFlow takes on a busy machine, at most
_SPEED = 10e6  # bytes that are read in a second at least
_PATIENCE = 10  # times the limit of processor time, on a busy machine
_MEMORY = 256 << 20  # bytes beside the arrays
_LARGEST = 64 << 30  # bytes of a process; each request has a lower limit
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}


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
    largest = sizes.max_bytes(path)
    seconds = SECONDS + largest / sizes.RATIO / _SPEED
    try:
        with Worker(__name__, module, max_bytes=_LARGEST, env=_QUIET) as worker:
            started, _ = worker.call({}, seconds=STARTING)
            answer, values = worker.call(
                {"path": os.fspath(path)},
                seconds=_PATIENCE * seconds,
                cpu_seconds=seconds,
                max_bytes=int(started["memory"]) + _MEMORY + 2 * largest,  # the arrays, and the copy sent
            )
            return dict(zip(answer["names"], values, strict=True))
    except WeightsError:
        raise
    except WorkerTimeoutError:
        raise WeightsError(f"{path} is not {kind}: reading it takes too long.") from None
    except (WorkerError, LookupError, TypeError, ValueError) as error:
        raise WeightsError(f"{path} is not {kind}: {str(error).rstrip('.')}.") from error


def _main(module: str) -> None:
    reader = import_module(module)

    def answer(request: dict[str, Any]) -> tuple[dict[str, Any], list[np.ndarray]]:
        if "path" not in request:
            return {"memory": psutil.Process().memory_info().rss}, []
        try:
            arrays = reader.read(request["path"])
        except WeightsError:
            raise
        except Exception as error:  # the libraries raise what a damaged file makes them run into
            raise WorkerError(reason(error)) from error
        return {"names": list(arrays)}, list(arrays.values())

    serve(answer)


if __name__ == "__main__":
    _main(*sys.argv[1:])
