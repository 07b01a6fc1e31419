"""TorchScript (``.pt``) as a graph of ONNX: a program, which PyTorch loads, converts and runs in a sandbox.

TorchScript can read and write files (``aten::save``, ``aten::from_file``), and begins to run when it is
loaded. The process that does so can open no other file than this one, see `zoo.core.sandbox`. What comes back
from it is data of a stranger, like an ONNX file.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from zoo.core import sandbox
from zoo.core.errors import InputError, WeightsError, WorkerMemoryError, WorkerTimeoutError, ZooError
from zoo.core.isolated import Worker
from zoo.formats import sizes

SECONDS = 600.0  # for one answer, the start of PyTorch included
CPU_SECONDS = 240.0  # of all threads
MAX_BYTES = 8 * 10**9  # that the process may occupy
MAX_RESERVED = 2 * MAX_BYTES  # stacks of threads count, used or not
MAX_ANSWER = 2**31 - 1  # bytes, as of an ONNX file
# Sides of images that are tried where none is asked for: of ImageNet's networks, and of small data sets.
SIDES = (224, 256, 299, 384, 32, 28, 64, 96, 128, 512)
CHANNELS = (3, 1)
_ENVIRONMENT = {"CUDA_VISIBLE_DEVICES": ""}


class ScriptedProgram:
    """A program that was converted, with what `zoo.exchange.onnx_file.OnnxFile` needs of it.

    Parameters
    ----------
    path : Path
    shape : tuple of int or None
        Of an input without the batch axis; None where nobody said it, and usual sizes of images are tried.

    Attributes
    ----------
    model : onnx.ModelProto
    format, runtime : str
        For the report.
    source : str
        Key of the format of weights.
    size_origin : str
        How the size of the input was found, if it was tried.

    Raises
    ------
    SandboxError
        If this machine has no sandbox.
    WeightsError
        If the file is damaged, or its program passes a limit of time or memory.
    InputError
        If PyTorch cannot run the program for inputs of this size, or cannot convert it.
    """

    runtime = "PyTorch"
    source = "torch"

    def __init__(self, path: Path, shape: tuple[int, ...] | None):
        sandbox.require()
        _require_sizes(path)
        self.path = path
        self._worker = Worker(
            "zoo.exchange.scripted_process",
            os.fspath(path.absolute()),
            str(MAX_RESERVED),
            max_bytes=MAX_BYTES,
            max_answer=MAX_ANSWER,
            env=_ENVIRONMENT,
        )
        shapes = [shape] if shape else [(channels, side, side) for channels, side in product(CHANNELS, SIDES)]
        advice = "" if shape else "; pass preprocess= with the size that it takes"
        answer, (content,) = self._ask({"shapes": shapes}, advice=advice)
        self.model = _parsed(path, content)
        self.rows = 1 if answer.get("rows") == 1 else None  # at once
        self.size_origin = "" if shape else "the first of the usual sizes that the program runs with"
        self.format = (
            f"TorchScript, run by PyTorch {_printable(str(answer.get('version'))).partition('+')[0]}"
        )

    def gives(self, tensors: Sequence[str]) -> bool:
        """Tell whether these tensors are outputs of the program, whose inner tensors have no names."""
        return set(tensors) <= {output.name for output in self.model.graph.output}

    def outputs(self, batch: np.ndarray, tensors: Sequence[str]) -> dict[str, np.ndarray]:
        """Run the program in its process, and return some of its outputs.

        Raises
        ------
        InputError, WeightsError
            If it does not run.
        """
        rows = self.rows or len(batch)
        runs = [
            self._ask({}, np.ascontiguousarray(batch[i : i + rows]))[1] for i in range(0, len(batch), rows)
        ]
        names = [output.name for output in self.model.graph.output]
        if any(len(run) != len(names) for run in runs):
            raise InputError(f"{self.path.name} gave {len(runs[0])} outputs, and its graph has {len(names)}.")
        try:
            return {
                name: np.concatenate([run[names.index(name)] for run in runs])
                for name in dict.fromkeys(tensors)
            }
        except ValueError as error:
            raise InputError(f"{self.path.name} gave outputs whose shapes do not fit each other.") from error

    def _ask(
        self, request: dict[str, Any], *arrays: np.ndarray, advice: str = ""
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        name = self.path.name
        try:
            return self._worker.call(request, *arrays, seconds=SECONDS, cpu_seconds=CPU_SECONDS)
        except WorkerTimeoutError as error:
            raise WeightsError(
                f"{name} cannot be imported: its program takes more than {CPU_SECONDS:g} s."
            ) from error
        except WorkerMemoryError as error:
            limit = f"{MAX_BYTES / 1e9:g} GB of memory"
            raise WeightsError(f"{name} cannot be imported: its program takes more than {limit}.") from error
        except InputError as error:
            raise InputError(f"PyTorch cannot run {name}: {_printable(str(error))}{advice}.") from error
        except ZooError as error:
            raise WeightsError(
                f"{name} is not a complete TorchScript file: {_printable(str(error))}."
            ) from error


def _require_sizes(path: Path) -> None:
    """Refuse an archive that unpacks to far more than its size."""
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise WeightsError(f"{path} is not a complete TorchScript file.") from error
    sizes.require(path, total)


def _parsed(path: Path, content: np.ndarray) -> Any:
    """Read what the process answered; a program that took it over may have written that."""
    import onnx

    try:
        model = onnx.load_model_from_string(content.tobytes())
    except Exception as error:  # of protobuf, which has classes of its own
        raise WeightsError(f"{path.name} cannot be imported: its process sent an invalid graph.") from error
    if any(tensor.data_location for tensor in model.graph.initializer) or model.functions:
        raise WeightsError(f"{path.name} cannot be imported: its process sent a graph in several pieces.")
    return model


def _printable(text: str) -> str:
    """Return the printable first line of a text that a stranger's program may have written."""
    line = next(iter(text.strip().splitlines()), "")[:300]
    return "".join(sign for sign in line if sign.isprintable()).rstrip(".")
