"""A file of TensorFlow inside the process that converts it: its graph, and its outputs."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from zoo.core.errors import InputError, WeightsError, ZooError, reason

READERS = {
    "keras": "zoo.exchange.keras_reader",
    "hdf5": "zoo.exchange.keras_reader",
    "tflite": "zoo.exchange.tflite_reader",
    "savedmodel": "zoo.exchange.savedmodel_reader",
}


class Reader(Protocol):
    """A file that was opened.

    Attributes
    ----------
    facts : dict
        As of `zoo.exchange.tensorflow_file.Facts`, but for the names of the outputs.
    """

    facts: dict[str, Any]

    def model(self) -> Any:
        """Return the graph of ONNX."""
        ...

    def outputs(self, batch: np.ndarray) -> list[np.ndarray]:
        """Compute the outputs of the original."""
        ...


class Original:
    """A file, opened at the first request.

    Parameters
    ----------
    kind : str
        Key of `READERS`.
    path : Path
    """

    def __init__(self, kind: str, path: Path):
        self._kind, self._path = kind, path
        self._reader: Reader | None = None

    def answer(self, _: dict[str, Any], *batches: np.ndarray) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Return the facts and the graph, or the outputs for a batch.

        Raises
        ------
        InputError
            If TensorFlow or tf2onnx cannot convert the file.
        WeightsError
            If it is damaged.
        """
        reader: Reader = self._reader or self._tried(self._opened, "read", WeightsError)
        self._reader = reader
        if batches:
            (batch,) = batches
            return {}, self._tried(lambda: reader.outputs(batch), "run", InputError)
        model = self._tried(reader.model, "converted", InputError)
        outputs = [output.name for output in model.graph.output]
        content = np.frombuffer(model.SerializeToString(), np.uint8)
        return {**reader.facts, "outputs": outputs}, [content]

    def _opened(self) -> Reader:
        return import_module(READERS[self._kind]).read(self._path)

    def _tried(self, do: Callable[[], Any], verb: str, error_type: type[ZooError]) -> Any:
        try:
            return do()
        except ZooError:
            raise
        except MemoryError as error:
            raise WeightsError(f"{self._path.name} asks for too much memory.") from error
        except Exception as error:  # the libraries raise what a file makes them run into
            raise error_type(f"{self._path.name} cannot be {verb}: {_plain(error)}.") from error


def _plain(error: Exception) -> str:
    """Return the printable start of the first line of an error."""
    return "".join(sign for sign in reason(error)[:200] if sign.isprintable()).rstrip(".")
