"""Read an ONNX file by a stranger: its graph and its tensors, and nothing outside of its folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from zoo.core.errors import WeightsError, reason
from zoo.core.extras import optional_libraries
from zoo.formats import sizes
from zoo.inference.imported.runtime import DOMAINS, graphs_of

MAX_BYTES = 2**31 - 1  # of a message of protobuf
MAX_NODES = 50_000
OLDEST_OPSET = 7  # before, operators did not broadcast as they do now


class Foreign(Protocol):
    """A network of another format that was converted into a graph of ONNX, and its own runtime.

    Attributes
    ----------
    model : onnx.ModelProto
    format, runtime : str
        For the report.
    source : str
        Key of the format of weights.
    size_origin : str
        How the size of the input was found, where the file does not say it.
    guess : object or None
        Fields of the preprocessing that the file tells (`fields`), and why they are guessed (`reason`).
    is_rounded : bool
        Whether the original computes with whole numbers, and the graph does not.
    """

    model: Any
    format: str
    runtime: str
    source: str
    size_origin: str
    guess: Any
    is_rounded: bool

    def gives(self, tensors: Sequence[str]) -> bool:
        """Tell whether the runtime gives these tensors."""
        ...

    def outputs(self, batch: np.ndarray, tensors: Sequence[str]) -> dict[str, np.ndarray]:
        """Compute some tensors for a batch."""
        ...


class OnnxFile:
    """A file that was read and checked.

    Attributes
    ----------
    path : Path
    model : onnx.ModelProto
    opset : int
    metadata : dict of str to str
    foreign : Foreign or None
        What the graph was made of, if the file is none of ONNX.
    """

    def __init__(self, path: Path, foreign: Foreign | None = None):
        self.path = path
        self.foreign = foreign
        self.model = foreign.model if foreign else _parsed(path)
        self.opset = max(
            (entry.version for entry in self.model.opset_import if entry.domain in DOMAINS[:2]), default=0
        )
        self._check()
        self.metadata = {entry.key: entry.value for entry in self.model.metadata_props}

    @property
    def format(self) -> str:
        """The format, for the report."""
        return self.foreign.format if self.foreign else f"ONNX, opset {self.opset}"

    @property
    def runtime(self) -> str:
        """The library that runs the original."""
        return self.foreign.runtime if self.foreign else "ONNX Runtime"

    @property
    def source(self) -> str:
        """Key of the format of the weights."""
        return self.foreign.source if self.foreign else "onnx"

    @property
    def graph(self) -> Any:
        return self.model.graph

    def inputs(self) -> list[Any]:
        """Return the inputs that are not constants."""
        constants = {tensor.name for tensor in self.graph.initializer}
        return [field for field in self.graph.input if field.name not in constants]

    def tensor(self, tensor: Any) -> torch.Tensor:
        """Return a tensor of the file; half precision becomes float32.

        Raises
        ------
        WeightsError
            If it is damaged, of a type that no layer takes, or outside of the file's folder.
        """
        array = self.stored(tensor)
        if str(array.dtype) in ("float16", "bfloat16"):
            array = array.astype(np.float32)
        if array.dtype.name in ("uint16", "uint32", "uint64"):
            array = array.astype(np.int64)
        try:
            return torch.from_numpy(np.array(array))
        except TypeError as error:
            raise WeightsError(
                f"{self.path} has the tensor {tensor.name!r} of the type {array.dtype}, which no layer takes."
            ) from error

    def stored(self, tensor: Any) -> np.ndarray:
        """Return a tensor of the file in its own type; raises as `tensor` does."""
        from onnx import numpy_helper

        try:
            return self._external(tensor) if tensor.data_location else numpy_helper.to_array(tensor)
        except WeightsError:
            raise
        except Exception as error:  # of the library, for whatever a damaged tensor makes it run into
            raise WeightsError(
                f"{self.path} is damaged: its tensor {tensor.name!r} cannot be read ({reason(error)})."
            ) from error

    def _external(self, tensor: Any) -> np.ndarray:
        import onnx

        entries = {entry.key: entry.value for entry in tensor.external_data}
        file = self._beside(entries.get("location", ""))
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
        size = prod(tensor.dims) * dtype.itemsize
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", size))
        if (
            min(tensor.dims, default=0) < 0
            or length != size
            or offset < 0
            or offset + size > file.stat().st_size
        ):
            raise WeightsError(f"{file} does not hold the tensor {tensor.name!r} of {self.path.name}.")
        with file.open("rb") as stream:
            stream.seek(offset)
            return np.frombuffer(stream.read(size), dtype).reshape(tuple(tensor.dims))

    def _beside(self, location: str) -> Path:
        """Return a file that lies in the folder of this one, and is no link to another place."""
        folder = self.path.parent.resolve()
        file = folder / location
        steps = Path(location).parts
        if not location or os.path.isabs(location) or ".." in steps or "\\" in location or ":" in location:
            raise WeightsError(f"{self.path} asks for tensors outside of its folder, in {location!r}.")
        if file.resolve() != file or not file.is_file():
            raise WeightsError(
                f"{self.path} needs the file {location!r} beside it, which is missing or a link."
            )
        return file

    def _check(self) -> None:
        name = self.path
        if not self.graph.node or not self.graph.output:
            raise WeightsError(f"{name} is not a complete ONNX file: it has no nodes or no outputs.")
        if self.opset < OLDEST_OPSET:
            raise WeightsError(
                f"{name} has operators of opset {self.opset}; save it with opset {OLDEST_OPSET} or later."
            )
        tensors = []
        for graph in graphs_of(self.graph):
            if len(graph.node) > MAX_NODES:
                raise WeightsError(f"{name} has more than {MAX_NODES} nodes.")
            if graph.sparse_initializer:
                raise WeightsError(f"{name} has sparse tensors; save it with dense ones.")
            tensors += graph.initializer
            for node in graph.node:
                if not node.output:
                    raise WeightsError(f"{name} is damaged: its node {node.name!r} has no output.")
                if node.domain not in DOMAINS:
                    raise WeightsError(
                        f"{name} has the operator {node.op_type} of {node.domain!r}, a library of its own; "
                        "only operators of ONNX are imported."
                    )
                tensors += [attribute.t for attribute in node.attribute if attribute.HasField("t")]
        external = [tensor for tensor in tensors if tensor.data_location]
        if not external:  # else each is compared with the size of its file
            sizes.require(name, sum(_bytes(tensor) for tensor in tensors))


def _bytes(tensor: Any) -> int:
    return 4 * prod(max(0, size) for size in tensor.dims)


def _parsed(path: Path) -> Any:
    with optional_libraries():
        import onnx
        import onnx.inliner

    try:
        if path.stat().st_size > MAX_BYTES:
            raise WeightsError(f"{path} has more than the 2 GB of an ONNX file; save its tensors beside it.")
        model = onnx.load_model_from_string(path.read_bytes())
        return onnx.inliner.inline_local_functions(model) if model.functions else model
    except WeightsError:
        raise
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {reason(error)}.") from error
    except Exception as error:  # of protobuf and of the inliner, which have classes of their own
        raise WeightsError(f"{path} is not a complete ONNX file.") from error
