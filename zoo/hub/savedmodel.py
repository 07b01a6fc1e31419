"""A SavedModel that classifies or embeds sound, as TensorFlow runs it in `zoo.hub.tf_worker`."""

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub

from zoo.core.errors import WorkerError
from zoo.hub.tf_process import HOPS, WINDOW


class SavedModel:
    """The module of a SavedModel that takes waveforms: its own, or the first one inside (Keras may wrap it).

    Parameters
    ----------
    folder : str
    """

    def __init__(self, folder: str):
        self._folder = folder
        self._module, self._facts = None, {}

    def answer(self, _: dict[str, Any], *waveforms: np.ndarray) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Return the facts about the module, none if it is of another kind; or its outputs for a waveform.

        Raises
        ------
        WorkerError
            If TensorFlow fails.
        """
        try:
            if self._module is None:
                self._module, self._facts = _find(hub.load(self._folder))
            outputs = [output for waveform in waveforms for output in _outputs(self._module, waveform)[:2]]
        except tf.errors.OpError as error:  # which begins with the place in the graph
            raise WorkerError(error.message.rpartition("<stack traces unavailable>")[2].strip()) from error
        return {} if waveforms else self._facts, [np.asarray(output, np.float32) for output in outputs]


def _find(root: Any) -> tuple[Any, dict[str, Any]]:
    for module in _modules(root):
        if any(_takes_waveforms(function) for function in _functions(module)) and (facts := _facts(module)):
            return module, facts
    return None, {}


def _modules(root: Any) -> Iterator[Any]:
    """Return an object that was saved and all that it holds, the outermost first."""
    modules, visited = [root], {id(root)}
    for module in modules:
        yield module
        for child in vars(module).values():
            if isinstance(child, tf.__internal__.tracking.AutoTrackable) and id(child) not in visited:
                visited.add(id(child))
                modules.append(child)


def _functions(module: Any) -> list[Any]:
    return getattr(vars(module).get("__call__"), "concrete_functions", [])


def _takes_waveforms(function: Any) -> bool:
    positional, _ = function.structured_input_signature
    tensors = [spec for spec in positional if isinstance(spec, tf.TensorSpec)]
    return [(spec.shape.rank, spec.dtype) for spec in tensors] == [(1, tf.float32)]


def _outputs(module: Any, waveform: np.ndarray) -> list[Any]:
    outputs = module(waveform)
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def _facts(module: Any) -> dict[str, Any]:
    """Recognize a graph by its outputs for three patches of silence; None if it is of another kind."""
    labels = _labels(module)
    kind = "classes" if labels else "embedding"
    patches = 3  # for so many whole windows even YAMNet's graph gives no more, see zoo.hub.tfhub
    try:
        outputs = _outputs(module, np.zeros(WINDOW + (patches - 1) * HOPS[kind], np.float32))
    except (TypeError, ValueError, tf.errors.InvalidArgumentError):
        return {}
    shapes = [tuple(output.shape) for output in outputs]
    *scores, vectors = shapes[:2]
    if len(shapes) != (3 if labels else 1) or len(vectors) != 2 or vectors[0] != patches:
        return {}
    if scores != [(patches, len(labels))] * bool(labels):
        return {}
    if labels and not 0 <= np.min(outputs[0]) <= np.max(outputs[0]) <= 1:
        return {}
    return {"kind": kind, "width": vectors[1], "parameters": _parameters(module), "labels": labels}


def _labels(module: Any) -> list[tuple[str, str]]:
    """Read the identifier and name of each class, from the CSV file that a graph of YAMNet's kind names."""
    if not hasattr(module, "class_map_path"):
        return []
    text = Path(os.fsdecode(module.class_map_path().numpy())).read_text(encoding="utf-8")
    return [(row["mid"], row["display_name"]) for row in csv.DictReader(text.splitlines())]


def _parameters(module: Any) -> int:
    functions = _functions(module)
    trainable = {id(v): v for function in functions for v in function.trainable_variables}
    variables = trainable or {id(v): v for function in functions for v in function.variables}
    return sum(int(np.prod(variable.shape)) for variable in variables.values())
