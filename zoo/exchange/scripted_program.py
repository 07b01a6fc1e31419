"""TorchScript (``.pt``) as a graph of ONNX: a program, which PyTorch loads, converts and runs in a sandbox.

TorchScript can read and write files (``aten::save``, ``aten::from_file``), and begins to run when it is
loaded. The process that does so can open no other file than this one, see `zoo.core.sandbox`. What comes back
from it is data of a stranger, like an ONNX file.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np

from zoo.core import sandbox
from zoo.core.errors import InputError, WeightsError
from zoo.core.isolated import first_line
from zoo.exchange.conversion_process import ConversionProcess
from zoo.formats import sizes

CPU_SECONDS = 240.0  # of all threads
MAX_BYTES = 8 * 10**9  # that the process may occupy
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
        Of an input without the batch axis; None if it is unknown: usual sizes of images are tried.

    Attributes
    ----------
    model : onnx.ModelProto
    format, runtime : str
        For the report.
    source : str
        Key of the format of weights.
    size_origin : str
        How the size of the input was found, if it was tried.
    guess, is_rounded
        None and false, as `zoo.exchange.onnx_file.Foreign` describes them.

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
    guess = None
    is_rounded = False

    def __init__(self, path: Path, shape: tuple[int, ...] | None):
        sandbox.require()
        _require_sizes(path)
        self.path = path
        self._process = ConversionProcess(
            "zoo.exchange.scripted_process",
            path,
            env=_ENVIRONMENT,
            max_bytes=MAX_BYTES,
            cpu_seconds=CPU_SECONDS,
        )
        shapes = [shape] if shape else [(channels, side, side) for channels, side in product(CHANNELS, SIDES)]
        answer, (content,) = self._process.ask({"shapes": shapes})
        self.model = self._process.model(content)
        self.rows = 1 if answer.get("rows") == 1 else None  # at once
        self.size_origin = "" if shape else "the first of the usual sizes that the program runs with"
        self.format = f"TorchScript, run by PyTorch {first_line(answer.get('version')).partition('+')[0]}"

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
            self._process.ask({}, np.ascontiguousarray(batch[i : i + rows]))[1]
            for i in range(0, len(batch), rows)
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


def _require_sizes(path: Path) -> None:
    """Refuse an archive that unpacks to far more than its size."""
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise WeightsError(f"{path} is not a complete TorchScript file.") from error
    sizes.require(path, total)
