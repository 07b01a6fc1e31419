"""Files of Keras, TensorFlow Lite and TensorFlow, converted into graphs of ONNX by a process of its own.

The process enters the sandbox (`zoo.core.sandbox`), checks the file, and only then gives it to TensorFlow.
What comes back is a graph of ONNX, which is read and checked like that of any file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta, Struct

from zoo.core import sandbox
from zoo.core.errors import WeightsError
from zoo.core.extras import require
from zoo.exchange.conversion_process import ConversionProcess
from zoo.hub.tf_process import ENVIRONMENT

KERAS, HDF5, LITE, SAVED_MODEL = "keras", "hdf5", "tflite", "savedmodel"
SOURCES = {KERAS: "keras", HDF5: "keras", LITE: "tflite", SAVED_MODEL: "graph"}
RUNTIMES = {KERAS: "Keras", HDF5: "Keras", LITE: "TensorFlow Lite", SAVED_MODEL: "TensorFlow"}
MAX_BYTES = 4 * 10**9  # that the process may occupy

_Text = Annotated[str, Meta(max_length=500)]
_Number = Annotated[float, Meta(ge=-1e6, le=1e6)]


class Guess(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the file tells of its preprocessing: fields of the preprocessing, and why they are guessed."""

    fields: dict[str, str | int | list[_Number]]
    reason: _Text


class Facts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the process found out about a file.

    Attributes
    ----------
    format : str
        For the report.
    outputs : tuple of str
        Names of the outputs of the graph, in the order in which the runtime gives them.
    guess : Guess or None
    is_rounded : bool
        Whether the original computes with whole numbers, and the graph does not.
    """

    format: _Text
    outputs: Annotated[tuple[_Text, ...], Meta(min_length=1, max_length=1000)]
    guess: Guess | None = None
    is_rounded: bool = False


class TensorFlowFile:
    """A network that was converted, and its own runtime; see `zoo.exchange.onnx_file.Foreign`.

    Parameters
    ----------
    path : Path
    kind : {"keras", "hdf5", "tflite", "savedmodel"}

    Raises
    ------
    InputError
        If it has layers or operators that are not imported.
    MissingLibraryError
        If TensorFlow or tf2onnx is not installed.
    SandboxError
        If it is a SavedModel, and this machine has no sandbox.
    WeightsError
        If it is damaged, or passes a limit of time or memory.
    """

    size_origin = ""

    def __init__(self, path: Path, kind: str):
        for library in ("onnx", "tensorflow", "tf2onnx"):
            require(library)
        if kind == SAVED_MODEL:
            sandbox.require()
        else:
            sandbox.warn_if_missing()
        self.path = path
        self.source = SOURCES[kind]
        self._process = ConversionProcess(
            "zoo.exchange.tensorflow_process",
            path,
            kind,
            env={**ENVIRONMENT, "KERAS_BACKEND": "tensorflow"},
            max_bytes=MAX_BYTES,
        )
        answer, arrays = self._process.ask({})
        try:
            self.facts = msgspec.convert(answer, Facts)
            (content,) = arrays
        except (msgspec.ValidationError, ValueError) as error:
            raise WeightsError(f"{path} was not converted: the process sent an invalid answer.") from error
        self.model = self._process.model(content)
        self.format = self.facts.format
        self.guess, self.is_rounded = self.facts.guess, self.facts.is_rounded
        self.runtime = (
            f"{RUNTIMES[kind]}, which rounds to whole numbers" if self.is_rounded else RUNTIMES[kind]
        )

    def gives(self, tensors: Sequence[str]) -> bool:
        """Tell whether these tensors are outputs of the file: the runtime names the others differently."""
        return set(tensors) <= set(self.facts.outputs)

    def outputs(self, batch: np.ndarray, tensors: Sequence[str]) -> dict[str, np.ndarray]:
        """Have the original compute its outputs.

        Raises
        ------
        WeightsError
            If it fails, or passes a limit of time or memory.
        """
        _, arrays = self._process.ask({}, np.ascontiguousarray(batch, np.float32))
        if len(arrays) != len(self.facts.outputs):
            raise WeightsError(f"{self.path} gave {len(arrays)} outputs, and has {len(self.facts.outputs)}.")
        by_name = dict(zip(self.facts.outputs, arrays, strict=True))
        return {name: by_name[name] for name in tensors}
