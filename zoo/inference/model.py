"""A loaded network without its verbs: record, module, preprocessing, labels and engine."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import torch
from torch import nn

from zoo.core import components
from zoo.core.batch import Batch
from zoo.core.errors import InputError, UnknownNameError
from zoo.core.inputs import Failures
from zoo.core.labels import Label
from zoo.core.spec import Spec
from zoo.inference.build import preprocessor
from zoo.inference.engines import Engine, choose
from zoo.inference.engines.fft import FFTEngine
from zoo.inference.engines.onnx import OnnxRuntime
from zoo.inference.engines.pytorch import PyTorch
from zoo.inference.forks import require_unforked
from zoo.inference.module_memo import ModuleMemo
from zoo.inference.preprocessing import Preprocessor
from zoo.results import Classification


@runtime_checkable
class Recurrent(Protocol):
    """A module whose windows are not independent of those before."""

    def follow(self, windows: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        """Return the logits of windows that follow each other, and the state after them."""
        ...


DeviceLike = str | torch.device
"""``"auto"``, the name of a device, or a device of torch."""


class Model:
    """A loaded network, in eval mode, which nothing here changes.

    Attributes
    ----------
    spec : Spec
    module : torch.nn.Module
    preprocessor : Preprocessor
        An `AudioFrontend` or `ImagePreprocessor`.
    device : torch.device
    dtype : str
    engine : Engine
        What runs the module.
    eager : PyTorch
        The engine that knows gradients, beside it.
    labels : tuple of Label
        One a class; empty where the outputs are not classes.
    memo : ModuleMemo
        What was computed from the module.
    file_hash : str or None
        SHA-256 of the cached file that the module was loaded from; None where there is none.

    Parameters
    ----------
    graph : Path, optional
        Where an exported graph of the module is kept, see `zoo.inference.engines.onnx.graph_path`.
    """

    def __init__(
        self,
        spec: Spec,
        module: nn.Module,
        classes: tuple[Label, ...],
        *,
        device: DeviceLike = "auto",
        engine: str = "auto",
        dtype: str = "fp32",
        graph: Path | None = None,
        file_hash: str | None = None,
    ):
        self.spec = spec
        self.file_hash = file_hash
        self.device = device_of(device)
        self.dtype = dtype
        self.preprocessor: Preprocessor = preprocessor(spec)
        self.labels = classes
        self._engine = engine
        kind = choose(engine, self.device, dtype, spec)
        eager = PyTorch(module.to(self.device).eval(), self.device, dtype)
        self.memo = ModuleMemo(eager.module)
        self._eager = eager
        self._forward: Engine = eager
        if kind == "onnxruntime":
            required = engine == kind
            by_rows = spec.modality == "audio"  # which comes in batches; pictures may come one by one
            self._forward = OnnxRuntime(
                eager, spec.input_shape, spec.embedding_layer, graph, required=required, by_rows=by_rows
            )
        elif kind == "fft":
            self._forward = FFTEngine(
                eager, spec.input_shape, components.find(components.FORMS, spec.fft_builder)
            )

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def module(self) -> Any:  # an nn.Module, whose layers have no types
        return self.eager.module

    @property
    def eager(self) -> PyTorch:
        require_unforked()
        return self._eager

    @property
    def engine(self) -> Engine:
        require_unforked()
        return self._forward

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} on {self.device}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle or deep-copy all but the engine, whose sessions and locks are made anew."""
        options = {
            "device": str(self.device),
            "engine": self._engine,
            "dtype": self.dtype,
            "graph": self._forward.file if isinstance(self._forward, OnnxRuntime) else None,
            "file_hash": self.file_hash if self.memo.is_as_loaded else None,
        }
        return _restore, (type(self), self.spec, self.module, self.labels, options, self.preprocessor)

    def __copy__(self) -> Self:
        """Share the module and the engine."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def require(self, task: str) -> None:
        """Raise an `InputError` if the network is not made for a task.

        Raises
        ------
        EngineError
            In a process that was forked after a network was loaded.
        """
        require_unforked()
        if task not in self.spec.tasks:
            raise InputError(
                f"{self.name} does not support the task {task}; it supports {', '.join(self.spec.tasks)}."
            )

    def batches(
        self,
        x: Any,
        *,
        sample_rate: float | None = None,
        overlap: float | None = None,
        size: int | None = None,
        failures: Failures | None = None,
    ) -> Generator[Batch, None, None]:
        """Decode and preprocess: the batches that the network sees, each row with its input and time.

        `failures` takes the errors of inputs that cannot be used; by default the first is raised.
        """
        require_unforked()
        overlapping = self.preprocessor if overlap is None else self.preprocessor.with_overlap(overlap)
        return overlapping.batches(x, sample_rate=sample_rate, size=size, failures=failures)

    def preprocess(self, x: Any, *, sample_rate: float | None = None) -> torch.Tensor:
        """Return the network's input tensors for an input.

        Returns
        -------
        Tensor of float32
            (n, channels, height, width) for pictures and log-mel patches, (n, samples) for waveforms.

        Raises
        ------
        InputError
            If an input cannot be used.
        """
        batches = self.batches(x, sample_rate=sample_rate)
        return joined([batch.data for batch in batches] or [torch.zeros(0, *self.spec.input_shape)])

    def outputs(self, data: torch.Tensor) -> np.ndarray:
        """Return outputs of the last layer for a preprocessed batch, shape (n, classes), float32."""
        return self.engine(data)[0].cpu().numpy()

    def scores(self, data: torch.Tensor) -> np.ndarray:
        """Scores of a preprocessed batch, from 0 to 1, shape (n, classes), float32."""
        outputs, _ = self.engine(data)
        activate = torch.sigmoid if self.spec.activation == "sigmoid" else _softmax
        return activate(outputs).cpu().numpy()

    def scorer(self) -> Callable[[torch.Tensor], np.ndarray]:
        """Return what scores the batches of one recording in their order: `scores`, or with a state.

        A recurrent network continues with the state in which the windows before have left it. PyTorch runs
        it, whatever the engine.
        """
        if not isinstance(self.module, Recurrent):
            return self.scores
        state: Any = None

        def follow(data: torch.Tensor) -> np.ndarray:
            nonlocal state
            with torch.inference_mode():
                outputs, state = self.module.follow(data.to(self.device), state)
                return torch.sigmoid(outputs).cpu().numpy()

        return follow

    def classification(self, scores: np.ndarray, name: str, top: int) -> Classification:
        """Make the result for one input's scores, shape (classes,)."""
        best = np.argsort(-scores, kind="stable")[:top]
        return Classification(
            network=self.name,
            input=name,
            indices=best,
            ids=tuple(self.labels[i].id for i in best),
            labels=tuple(self.labels[i].label for i in best),
            names=tuple(self.labels[i].name for i in best),
            groups=tuple(self.labels[i].group for i in best),
            scores=scores[best],
            all_scores=scores,
        )

    def vectors(
        self, data: torch.Tensor, *, layer: str | None = None, pool: bool | None = None
    ) -> np.ndarray:
        """Vectors of a preprocessed batch, shape (n, d), float32; the options are those of `embed`."""
        if pool is None:
            pool = layer is not None or self.spec.pool
        layer = self.spec.embedding_layer if layer is None else str(layer)
        output = self._outputs(data, [layer])[layer].float()
        return (pooled(output, self.spec) if pool else output).flatten(1).cpu().numpy()

    def with_preprocessor(self, preprocessor: Preprocessor) -> Self:
        """Return the same network, its module and engine shared, with other preprocessing.

        Parameters
        ----------
        preprocessor : Preprocessor
            Made of `preprocessor`, for sound as ``net.preprocessor.with_hop(0.48)`` or
            ``net.preprocessor.padded()``.

        Returns
        -------
        The same kind of network.
        """
        other = copy.copy(self)
        other.preprocessor = preprocessor
        return other

    def _outputs(self, data: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        _, outputs = self.engine(data, layers)
        if missing := [layer for layer in layers if layer not in outputs]:
            raise UnknownNameError(f"{self.name} has a layer {missing[0]} and gets no tensor out of it.")
        return outputs


def _restore(
    kind: type[Model],
    spec: Spec,
    module: nn.Module,
    labels: tuple[Label, ...],
    options: dict[str, Any],
    preprocessing: Preprocessor,
) -> Model:
    net = kind(spec, module, labels, **options)
    net.preprocessor = preprocessing
    return net


def device_of(device: DeviceLike) -> torch.device:
    """Return a device by its name; ``"auto"``: a GPU if there is one.

    Raises
    ------
    InputError
        If it is not on this machine.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(device)
        torch.empty(1, device=device).item()
    except (RuntimeError, AssertionError, TypeError) as error:
        raise InputError(
            f"This machine has no device {str(device)!r}; choose one of {', '.join(_devices())}."
        ) from error
    return device


def _devices() -> list[str]:
    """Return the devices of this machine."""
    gpus = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    return ["auto", "cpu", *gpus, *(["mps"] if torch.backends.mps.is_available() else [])]


def pooled(output: torch.Tensor, spec: Spec) -> torch.Tensor:
    """Average a layer's output over its positions, or over a transformer's tokens: (n, ...) -> (n, d)."""
    if output.ndim == 3 and (spec.tokens_first or spec.modality == "image"):
        return output.mean(dim=1)  # (n, tokens, channels)
    return output.flatten(2).mean(dim=2) if output.ndim > 2 else output


def joined(rows: list[torch.Tensor]) -> torch.Tensor:
    if len({part.shape[1:] for part in rows}) > 1:  # some networks take short recordings as they are
        raise InputError("These recordings are windows of different lengths; pass them one by one.")
    return torch.cat(rows)


def _softmax(outputs: torch.Tensor) -> torch.Tensor:
    return torch.softmax(outputs, dim=1)
