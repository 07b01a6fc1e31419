"""A process that converts a foreign file into a graph of ONNX, and runs the original: its limits.

The process meets a stranger's file, and may run a stranger's program. What comes back from it is data of that
stranger, like an ONNX file.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.core.errors import (
    InputError,
    TrustError,
    WeightsError,
    WorkerError,
    WorkerMemoryError,
    WorkerTimeoutError,
)
from zoo.core.extras import optional_libraries
from zoo.core.isolated import Worker, first_line

SECONDS = 600.0  # for one answer, the start of the library included
MAX_ANSWER = 2**31 - 1  # of a message of protobuf


class ConversionProcess:
    """A process of its own for one file.

    Parameters
    ----------
    module : str
        That the process runs, with `arguments`, the path of the file, and the bytes that it may reserve.
    path : Path
    *arguments : str
    env : mapping
        Environment variables to set beside those of this process.
    max_bytes : int
        That the process may occupy. It may reserve twice as much, for stacks of threads count, used or not.
    cpu_seconds : float, optional
        Limit of processor time of one answer, of all threads.
    """

    def __init__(
        self,
        module: str,
        path: Path,
        *arguments: str,
        env: Mapping[str, str],
        max_bytes: int,
        cpu_seconds: float = math.inf,
    ):
        self._name, self._max_bytes, self._cpu_seconds = path.name, max_bytes, cpu_seconds
        self._worker = Worker(
            module,
            *arguments,
            os.fspath(path.absolute()),
            str(2 * max_bytes),
            max_bytes=max_bytes,
            max_answer=MAX_ANSWER,
            env=env,
        )

    def ask(self, request: dict[str, Any], *arrays: np.ndarray) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Send a request and return the answer, as `Worker.call`.

        Raises
        ------
        InputError, TrustError
            As the process says.
        WeightsError
            As the process says, or if it ends or passes a limit of time or memory.
        """
        name = self._name
        try:
            return self._worker.call(request, *arrays, seconds=SECONDS, cpu_seconds=self._cpu_seconds)
        except WorkerTimeoutError as error:
            limit = f"{min(SECONDS, self._cpu_seconds):g} s"
            raise WeightsError(f"{name} cannot be imported: it takes more than {limit}.") from error
        except WorkerMemoryError as error:
            limit = f"{self._max_bytes / 1e9:g} GB of memory"
            raise WeightsError(f"{name} cannot be imported: it takes more than {limit}.") from error
        except WorkerError as error:
            raise WeightsError(f"{name} cannot be imported: {first_line(error)}.") from error
        except (InputError, TrustError, WeightsError) as error:
            raise type(error)(f"{first_line(error)}.") from error

    def model(self, content: np.ndarray) -> Any:
        """Return the graph of ONNX that the process sent, all in one piece.

        Raises
        ------
        WeightsError
            If it is none.
        """
        with optional_libraries():
            import onnx
        from google.protobuf.message import DecodeError

        try:
            model = onnx.load_model_from_string(content.tobytes())
        except DecodeError as error:
            raise WeightsError(
                f"{self._name} was not converted: its process sent an invalid graph."
            ) from error
        if any(tensor.data_location for tensor in model.graph.initializer) or model.functions:
            raise WeightsError(f"{self._name} was not converted: its process sent a graph in several pieces.")
        return model
