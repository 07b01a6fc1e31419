"""ONNX Runtime: the module exported once, its file kept beside the weights.

PyTorch's older exporter, which traces, is used on purpose: it takes 0.1 to 1 s for most networks where the
newer one takes 3 to 5 s, and gives graphs that run as fast.
"""

import copy
import glob
import hashlib
import os
import sys
import threading
import warnings
from collections.abc import Sequence
from importlib.metadata import distributions
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from zoo.core.errors import EngineError, MissingLibraryError
from zoo.core.extras import optional_libraries, require
from zoo.core.hashing import stamp
from zoo.core.layers import record_layers
from zoo.core.spec import Spec
from zoo.hub import weights
from zoo.inference.engines import Engine
from zoo.inference.engines.pytorch import PyTorch
from zoo.inference.engines.rows import by_rows
from zoo.inference.engines.snapshot import ModuleFingerprint

OPSET = 18
TOLERANCE = 1e-4  # of the outputs' scale: float32 sums in another order
_MAKERS = ("zoo-pretrained", "torch", "torchvision", "timm", "pytorchcv", "transformers")
_exporting = threading.Lock()  # the exporter keeps global state


def graph_path(spec: Spec) -> Path | None:
    """Where the graph of a pretrained network is kept; None where its weights are not in the cache.

    The name changes with the weights and with what builds and exports the module.
    """
    digest_of_weights = weights.record_of(spec).get("sha256")
    if not digest_of_weights:
        return None
    makers = [f"{name} {package.version}" for name in _MAKERS for package in distributions(name=name)]
    module = [spec.builder, repr(spec.arguments), repr(spec.new_head), repr(spec.input_shape)]
    origin = [digest_of_weights, *module, spec.embedding_layer, str(OPSET), *makers]
    key = hashlib.sha256("\n".join(origin).encode()).hexdigest()[:16]
    # Graphs of one name replace each other. Saved networks have no names of their own.
    name = digest_of_weights[:16] if spec.origin == "saved" else weights.path_of(spec).stem
    return weights.cache_folder() / "engines" / f"{name}-{key}.onnx"


class OnnxRuntime(Engine):
    """Runs the exported module; what it cannot do, other layers and other shapes, PyTorch does.

    Parameters
    ----------
    eager : PyTorch
    shape : tuple of int
        Of the input without the batch axis.
    layer : str
        The layer whose output the graph gives besides the scores.
    file : Path, optional
        Where the graph of the module as it is now is kept; without one it is exported for this network alone.
    required : bool
        Whether to raise an `EngineError` where the module cannot be exported, or to leave it to PyTorch.
    by_rows : bool
        Whether threads share the rows of a batch, or the operations on it, which is faster for one row.
    """

    name = "onnxruntime"

    def __init__(
        self,
        eager: PyTorch,
        shape: tuple[int, ...],
        layer: str,
        file: Path | None,
        *,
        required: bool,
        by_rows: bool = False,
    ):
        self.eager, self.shape, self.layer = eager, tuple(shape), layer
        self._file, self._loaded = file, ModuleFingerprint(eager.module)
        self.required, self.by_rows = required, by_rows
        self._session: Any = None
        self._exported: ModuleFingerprint | None = None
        self._lock = threading.Lock()

    def __call__(
        self, data: torch.Tensor, layers: Sequence[str] = ()
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        other = set(layers) - {self.layer} or tuple(data.shape[1:]) != self.shape
        session = None if other else self._current()
        if session is None:
            return self.eager(data, layers)
        names = ["outputs", "layer"] if layers else ["outputs"]

        def run(rows: torch.Tensor) -> list[np.ndarray]:
            return session.run(names, {"data": rows.numpy()})

        parts = by_rows(run, data, least=1) if self.by_rows else [run(data)]
        tensors = [torch.from_numpy(np.concatenate(arrays)) for arrays in zip(*parts, strict=True)]
        return tensors[0], dict.fromkeys(layers, tensors[-1])  # no other than self.layer

    @property
    def file(self) -> Path | None:
        """Where the graph of the loaded weights is kept; None once the module has changed."""
        return self._file if self._loaded.holds() else None

    @property
    def has_session(self) -> bool:
        """Whether a session computes: False before the first call, and where there can be none."""
        return self._session is not None

    def _current(self) -> Any:
        """Return the session for the module as it is now, or None if it cannot be exported."""
        with self._lock:
            if self._exported and self._exported.holds():
                return self._session
            self._exported = ModuleFingerprint(self.eager.module)
            try:
                self._session = self._open(self.file)
            except (EngineError, MissingLibraryError):
                self._session = None
                if self.required:
                    self._exported = None
                    raise
            return self._session

    def _open(self, file: Path | None) -> Any:
        if file and file.is_file() and weights.is_intact(file, weights.read_record(file)):
            return self._session_of(str(file))
        graph = exported(self.eager, self.shape, self.layer)
        session = self._session_of(graph)
        check(session, self.eager, self.shape)
        if file:
            self._keep(graph, file)
        return session

    def _session_of(self, graph: bytes | str) -> Any:
        return session_of(graph, 1 if self.by_rows else torch.get_num_threads())

    def _keep(self, graph: bytes, file: Path) -> None:
        """Put the graph into the cache in the place of older ones; it may as well be made again next time."""
        name, _, _ = file.stem.rpartition("-")

        def save(temporary: Path) -> None:
            temporary.write_bytes(graph)
            sha256 = hashlib.sha256(graph).hexdigest()
            weights.write_record(file, {"stamp": stamp(temporary), "sha256": sha256})

        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            for old in file.parent.glob(f"{glob.escape(name)}-*"):
                old.unlink(missing_ok=True)
            weights.write(file, save)
        except OSError:
            return


def exported(eager: PyTorch, shape: tuple[int, ...], layer: str) -> bytes:
    """Export a module as an ONNX graph, from `data` to `outputs` and `layer`, in rows of any number.

    Parameters
    ----------
    eager : PyTorch
        On the CPU.
    shape : tuple of int
        Of the input without the batch axis.
    layer : str
        The layer whose output the graph gives besides the module's own.

    Raises
    ------
    EngineError
        If the module does something that ONNX does not know.
    MissingLibraryError
        If the library onnx is not installed.
    """
    require("onnx")  # which the exporter imports
    example, graph = _examples(2, shape), BytesIO()
    with _exporting, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # that it is the older exporter, and of what it traced
        try:
            module = _sharing_copy(eager.module)
            if "timm" in sys.modules:  # else no layer is timm's, and importing it takes three seconds
                from zoo.vision.same_padding import settle_padding

                settle_padding(module, example)
            torch.onnx.export(
                _WithLayer(module, layer).eval(),
                (example,),
                graph,  # pyright: ignore[reportArgumentType]  (this exporter takes files)
                dynamo=False,
                opset_version=OPSET,
                input_names=["data"],
                output_names=["outputs", "layer"],
                dynamic_axes={name: {0: "n"} for name in ("data", "outputs", "layer")},
            )
        except (RuntimeError, ValueError, TypeError, AttributeError, NotImplementedError) as error:
            raise EngineError(f"This network cannot be exported to ONNX ({_first(error)}).") from error
    return graph.getvalue()


def check(session: Any, eager: PyTorch, shape: tuple[int, ...]) -> None:
    """See that a graph gives what the module gives.

    Raises
    ------
    EngineError
        If it does not.
    """
    data = _examples(3, shape)
    expected, _ = eager(data)
    if not expected.isfinite().all():
        raise EngineError("This network gives outputs that are not numbers; its weights are damaged.")
    try:
        outputs = torch.from_numpy(session.run(["outputs"], {"data": data.numpy()})[0])
    except RuntimeError as error:  # all errors of ONNX Runtime are
        raise EngineError(f"ONNX Runtime cannot run this network ({_first(error)}).") from error
    largest = TOLERANCE * float(expected.abs().max())
    if outputs.shape != expected.shape or not torch.allclose(outputs, expected, rtol=0, atol=largest):
        raise EngineError("The exported network does not give what PyTorch gives.")


class _WithLayer(nn.Module):
    """A module that gives the output of one of its layers besides its own."""

    def __init__(self, module: nn.Module, layer: str):
        super().__init__()
        self.module, self.layer = module, layer

    def forward(self, data: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with record_layers(self.module, [self.layer]) as recorded:
            outputs = self.module(data)
        return outputs, recorded[self.layer]


def session_of(graph: bytes | str, threads: int) -> Any:
    """ONNX Runtime's session for a graph, or for the file of one."""
    # Since 1.29 it sends data about each session to its makers, unless this is set before its import.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    with optional_libraries():
        import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    options.intra_op_num_threads = threads
    # Between two passes its threads would stand in the way of those that prepare the next picture.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except RuntimeError as error:
        raise EngineError(f"ONNX Runtime cannot run this network ({_first(error)}).") from error


def _sharing_copy(module: nn.Module) -> nn.Module:
    """Copy a module, but share its parameters and buffers: layers and hooks are its own."""
    shared = {id(tensor): tensor for tensor in [*module.parameters(), *module.buffers()]}
    return copy.deepcopy(module, shared)


def _examples(rows: int, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.rand(rows, *shape, generator=torch.Generator().manual_seed(0))


def _first(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
