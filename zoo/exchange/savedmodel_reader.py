"""SavedModels of trusted authors, inside the sandbox: their operators are checked before they are loaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry

from zoo.core.errors import InputError, WeightsError

SIGNATURES = ("serving_default", "serve")
# Operators with a state that a network needs: variables, their storage, calls, random numbers of layers for
# training, and tables. All others with a state are refused: files, processes, connections, Python.
_STATEFUL = frozenset(
    (
        "AssignAddVariableOp",
        "AssignSubVariableOp",
        "AssignVariableOp",
        "Assert",
        "DisableCopyOnRead",
        "If",
        "MergeV2Checkpoints",
        "Placeholder",
        "RandomStandardNormal",
        "RandomUniform",
        "RandomUniformInt",
        "ReadVariableOp",
        "ResourceGather",
        "RestoreV2",
        "SaveV2",
        "StatefulPartitionedCall",
        "StatelessIf",
        "StatelessWhile",
        "TruncatedNormal",
        "VarHandleOp",
        "VarIsInitializedOp",
        "VariableV2",
        "Assign",
        "While",
    )
)
_STATELESS_PROGRAMS = frozenset(["PyFuncStateless", "MatchingFiles", "ReadFile", "WriteFile", "LoadLibrary"])


class SavedNetwork:
    """A SavedModel that TensorFlow loaded.

    Attributes
    ----------
    facts : dict
    """

    def __init__(self, path: Path):
        self._loaded = tf.saved_model.load(str(path))  # keeps the variables
        signatures = self._loaded.signatures
        name = next((name for name in SIGNATURES if name in signatures), next(iter(signatures), None))
        if name is None:
            raise InputError(
                f"{path.name} has no signature, so what it takes is not known; save it with "
                "model.export(path)."
            )
        self._function = signatures[name]
        _, inputs = self._function.structured_input_signature
        if len(inputs) != 1:
            raise InputError(f"{path.name} takes {len(inputs)} inputs; networks of one are imported.")
        ((self._input, self._field),) = inputs.items()
        self.facts = {"format": f"a SavedModel of TensorFlow, signature {name[:80]}"}

    def model(self) -> Any:
        """Return the graph of ONNX."""
        from zoo.exchange import tensorflow_graph

        return tensorflow_graph.of_function(self._function)

    def outputs(self, batch: np.ndarray) -> list[np.ndarray]:
        """Compute the outputs of the signature, row by row where it was made for one row."""
        rows = self._field.shape[0] or len(batch)
        data = tf.cast(tf.constant(batch), self._field.dtype)
        results = [
            tf.nest.flatten(self._function(**{self._input: data[i : i + rows]}))
            for i in range(0, len(batch), rows)
        ]
        return [
            np.concatenate([np.asarray(part, np.float32) for part in parts])
            for parts in zip(*results, strict=True)
        ]


def read(path: Path) -> SavedNetwork:
    """Load a SavedModel.

    Raises
    ------
    InputError
        If it has operators that reach outside of it, or no signature.
    WeightsError
        If it is damaged.
    """
    for other in ("saved_model.cpb", "saved_model.pbtxt"):  # TensorFlow may read these in place of the .pb
        if (path / other).exists():
            raise InputError(f"{path.name} holds {other}; save it as one file saved_model.pb.")
    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString((path / "saved_model.pb").read_bytes())
    except DecodeError as error:
        raise WeightsError(f"{path} is not a complete SavedModel.") from error
    if refused := sorted({operator for operator in _operators(saved) if not _is_allowed(operator)}):
        raise InputError(
            f"{path.name} has the operator {refused[0][:80]!r}, which is not imported: it may reach files, "
            "processes or connections."
        )
    return SavedNetwork(path)


def _operators(saved: Any) -> Iterator[str]:
    for graph in saved.meta_graphs:
        yield from (node.op for node in graph.graph_def.node)
        for function in graph.graph_def.library.function:
            yield from (node.op for node in function.node_def)


def _is_allowed(operator: str) -> bool:
    if operator in _STATELESS_PROGRAMS:
        return False
    definition = op_def_registry.get(operator)
    if definition is None:
        return True  # a function of the file itself, or unknown to TensorFlow, which says so
    return not definition.is_stateful or operator in _STATEFUL
