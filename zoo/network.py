"""A network: its record, its module and its preprocessing, with the verbs that go with them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from zoo import labels, weights
from zoo.errors import InputError, UnknownNameError, WeightsError
from zoo.growing import Growing
from zoo.inputs import Batch, count
from zoo.registry import describe
from zoo.results import Classification, Embedding
from zoo.spec import Spec

if TYPE_CHECKING:
    import pandas as pd

PRETRAINED = "pretrained"
_INPUT = "input of "  # before a layer's name: what goes into it


class Network:
    """A network of the zoo. Made by `load`; it is in eval mode and its verbs never change it.

    Attributes
    ----------
    spec : Spec
    module : torch.nn.Module
    preset : object
        The preprocessing: ``describe()``, ``batches(x, rate=, size=)``.
    device : torch.device
    labels : tuple of Label
        One a class; empty where the outputs are no classes.
    """

    def __init__(
        self, spec: Spec, module: nn.Module, classes: tuple[labels.Label, ...], device: str = "auto"
    ):
        self.spec = spec
        self.device = _device(device)
        self.module = module.to(self.device).eval()
        self.preset = preset_of(spec)
        self.labels = classes
        self._lock = threading.Lock()  # hooks and the device are shared by all who hold this network

    @property
    def name(self) -> str:
        return self.spec.name

    def __repr__(self) -> str:
        return f"<Network {self.name} on {self.device}>"

    def require(self, task: str) -> None:
        """Raise an `InputError` if the network is not made for a task."""
        if task not in self.spec.tasks:
            raise InputError(f"{self.name} does not {task}; it is made for {', '.join(self.spec.tasks)}.")

    def batches(self, x: Any, *, rate: float | None = None, size: int | None = None) -> Iterator[Batch]:
        """Decode and preprocess: the batches that the network sees, each row with its input and time."""
        return self.preset.batches(x, rate=rate, size=size)

    def preprocess(self, x: Any, *, rate: float | None = None) -> torch.Tensor:
        """What the network sees of an input.

        Returns
        -------
        Tensor of float32
            (n, channels, height, width) for pictures and log-mel patches, (n, samples) for waveforms.
        """
        return torch.cat([batch.data for batch in self.batches(x, rate=rate)])

    def scores(self, data: torch.Tensor) -> np.ndarray:
        """Scores of a preprocessed batch, from 0 to 1, shape (n, classes), float32."""
        outputs, _ = self._forward(data)
        activate = torch.sigmoid if self.spec.activation == "sigmoid" else _softmax
        return activate(outputs.float()).cpu().numpy()

    def classify(
        self, x: Any, *, top: int = 5, rate: float | None = None
    ) -> Classification | list[Classification]:
        """The best classes of each input.

        Parameters
        ----------
        x : path, URL, bytes, array, tensor, PIL image, or a list of these
        top : int
            How many classes to name, best first; all scores come along.
        rate : float, optional
            Sample rate of an array of sound, in Hz.

        Returns
        -------
        Classification, or a list of them for a list
            Of a sound: the mean over its patches.

        Raises
        ------
        InputError
            If an input cannot be used, or the network does not classify.
        """
        self.require("classify")
        count("top", top)
        sums: dict[int, np.ndarray] = {}
        counts: dict[int, int] = {}
        names: dict[int, str] = {}
        for batch in self.batches(x, rate=rate):
            for index, name, row in zip(batch.inputs, batch.names, self.scores(batch.data), strict=True):
                sums[index] = sums.get(index, 0) + row
                counts[index] = counts.get(index, 0) + 1
                names[index] = name
        results = [self.classification(sums[i] / counts[i], names[i], top) for i in sums]
        return results[0] if self.preset.is_one(x) else results

    def classification(self, scores: np.ndarray, name: str, top: int) -> Classification:
        """The result for one input's scores, shape (classes,)."""
        best = np.argsort(-scores, kind="stable")[:top]
        return Classification(
            network=self.name,
            input=name,
            indices=best,
            ids=tuple(self.labels[i].id for i in best),
            labels=tuple(self.labels[i].label for i in best),
            scores=scores[best],
            all_scores=scores,
        )

    def embed(
        self, x: Any, *, layer: str | None = None, pool: bool | None = None, rate: float | None = None
    ) -> Embedding:
        """A vector for each picture, or for each window of sound.

        Parameters
        ----------
        x : path, URL, bytes, array, tensor, PIL image, or a list of these
        layer : str, optional
            The layer whose output to take (see `layers`), or ``"input of <layer>"``; the record's
            embedding by default.
        pool : bool, optional
            Average a map over its positions, or tokens; False flattens it. By default what the record says
            (`Spec.pool`) for the default layer, True for any other.
        rate : float, optional
            Sample rate of an array of sound, in Hz.

        Returns
        -------
        Embedding

        Raises
        ------
        UnknownNameError
            If there is no such layer.
        InputError
            If an input cannot be used.
        """
        self.require("embed")
        if pool is None:
            pool = layer is not None or self.spec.pool
        layer = self.spec.embedding if layer is None else str(layer)
        values: Growing | None = None
        times, inputs = Growing(np.float64, (2,)), []
        for batch in self.batches(x, rate=rate):
            output = self._outputs(batch.data, [layer])[layer].float()
            if pool and output.ndim == 3 and self.spec.modality == "picture":
                output = output.mean(dim=1)  # a transformer's (n, tokens, channels)
            elif pool and output.ndim > 2:
                output = output.flatten(2).mean(dim=2)
            rows = output.flatten(1).cpu().numpy()
            values = values or Growing(np.float32, rows.shape[1:])
            values.add(rows)
            inputs.extend(batch.names)
            if batch.times is not None:
                times.add(batch.times)
        return Embedding(
            network=self.name,
            layer=layer,
            values=values.array(),
            times=times.array() if self.spec.modality == "sound" else None,
            inputs=tuple(inputs),
        )

    def activations(
        self, x: Any, *, layers: Sequence[str], rate: float | None = None
    ) -> dict[str, torch.Tensor]:
        """Outputs of the named layers.

        Parameters
        ----------
        x : path, URL, bytes, array, tensor, PIL image, or a list of these
        layers : sequence of str
        rate : float, optional
            Sample rate of an array of sound, in Hz.

        Returns
        -------
        dict of str to Tensor
            Of shape (n, ...), on the CPU: one row a picture, or a window of sound.

        Raises
        ------
        UnknownNameError
            If there is no such layer.
        InputError
            If an input cannot be used.
        """
        parts = [self._outputs(batch.data, layers) for batch in self.batches(x, rate=rate)]
        return {layer: torch.cat([part[layer].cpu() for part in parts]) for layer in layers}

    def layers(self) -> pd.DataFrame:
        """One row a layer: name, kind, shape of its output for one input, parameters."""
        import pandas as pd

        modules = {name: module for name, module in self.module.named_modules() if name}
        _, outputs = self._forward(torch.zeros(1, *self.spec.input_shape), list(modules))
        return pd.DataFrame(
            [
                {
                    "name": name,
                    "kind": type(module).__name__,
                    "shape": tuple(outputs[name].shape[1:]) if name in outputs else None,
                    "parameters": sum(p.numel() for p in module.parameters()),
                }
                for name, module in modules.items()
            ]
        )

    def _forward(
        self, data: torch.Tensor, layers: Sequence[str] = ()
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Outputs of the network and of some of its layers.

        A layer may change its output in place after the hook has seen it (ReLU does), so a copy is kept.
        """
        kept: dict[str, torch.Tensor] = {}

        def keep(layer: str, value: Any) -> None:
            if isinstance(value, (tuple, list)) or hasattr(value, "to_tuple"):
                value = value[0]
            if isinstance(value, torch.Tensor):
                kept[layer] = value.clone()

        modules = {layer: self._layer(layer.removeprefix(_INPUT)) for layer in map(str, layers)}
        with self._lock, torch.inference_mode():
            hooks = [
                module.register_forward_pre_hook(lambda _m, given, layer=layer: keep(layer, given))
                if layer.startswith(_INPUT)
                else module.register_forward_hook(lambda _m, _i, out, layer=layer: keep(layer, out))
                for layer, module in modules.items()
            ]
            try:
                outputs = self.module(data.to(self.device))
            finally:
                for hook in hooks:
                    hook.remove()
        return outputs, kept

    def _outputs(self, data: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        _, kept = self._forward(data, layers)
        if missing := [layer for layer in layers if layer not in kept]:
            raise UnknownNameError(f"{self.name} has a layer {missing[0]} and gets no tensor out of it.")
        return kept

    def _layer(self, name: str) -> nn.Module:
        modules = {known: module for known, module in self.module.named_modules() if known}
        if name not in modules:
            close = get_close_matches(name, modules, n=3, cutoff=0.3)
            hint = f"did you mean {' or '.join(close)}?" if close else "layers() names them all."
            raise UnknownNameError(f"{self.name} has no layer {name!r}; {hint}")
        return modules[name]


def load(
    name: str,
    *,
    weights: str | os.PathLike[str] | None = PRETRAINED,
    num_classes: int | None = None,
    device: str = "auto",
    engine: str = "auto",
) -> Network:
    """Build a network of the zoo and give it its weights, which are fetched on first use.

    Parameters
    ----------
    name : str
        ``arch`` or ``arch.tag``, see `zoo.networks`; ``timm:name`` or ``hf:owner/repository``, see
        `zoo.describe`.
    weights : str, path or None
        ``"pretrained"``, a local file, or None for an untrained network.
    num_classes : int, optional
        Give the network a fresh, untrained head of that many classes.
    device : str
        ``"auto"`` (a GPU where there is one), ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ...
    engine : {"auto", "torch"}

    Returns
    -------
    Network

    Raises
    ------
    UnknownNameError
        If there is no such network or engine.
    WeightsError
        If the weights cannot be had or do not fit.

    Examples
    --------
    >>> import zoo
    >>> zoo.load("crepe.tiny", weights=None, device="cpu")
    <Network crepe.tiny on cpu>
    """
    spec = describe(name)
    if engine not in ("auto", "torch"):
        raise UnknownNameError(f"There is no engine {engine!r}; choose auto or torch.")
    module = _resolve(spec.builder)(**spec.arguments)
    if weights is not None:
        _load_weights(module, spec, None if weights == PRETRAINED else weights)
    classes = labels.read(spec.labels) if spec.labels else ()
    if num_classes is not None:
        _replace_head(module, spec.head, count("num_classes", num_classes))
        tasks = tuple(task for task in spec.tasks if task != "pitch")  # which takes the original's bins
        spec = replace(spec, classes=num_classes, tasks=tasks)
        classes = tuple(labels.Label(f"class{i}", f"class {i}") for i in range(num_classes))
    return Network(spec, module, classes, device)


def preset_of(spec: Spec) -> Any:
    """The preprocessing of a record: an object with ``describe()`` and ``batches(x, rate=, size=)``."""
    settings = {
        key: tuple(value) if isinstance(value, list) else value for key, value in spec.preprocess.items()
    }
    return _resolve(settings.pop("type"))(**settings)


def _load_weights(module: nn.Module, spec: Spec, file: str | os.PathLike[str] | None) -> None:
    tensors = {key: torch.from_numpy(value) for key, value in weights.load(spec, file).items()}
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        first = str(error).strip().splitlines()[-1].strip()
        raise WeightsError(f"The weights in {file or 'the cache'} do not fit {spec.name}: {first}") from error


def _replace_head(module: nn.Module, name: str, num_classes: int) -> None:
    parent, _, child = name.rpartition(".")
    old = module.get_submodule(name)
    if isinstance(old, nn.Linear):
        new: nn.Module = nn.Linear(old.in_features, num_classes, bias=old.bias is not None)
    else:
        new = nn.Conv2d(old.in_channels, num_classes, old.kernel_size, old.stride, bias=old.bias is not None)
    setattr(module.get_submodule(parent), child, new)


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device).item()
    except (RuntimeError, AssertionError, TypeError) as error:
        raise InputError(f"The device {name!r} is not on this machine.") from error
    return device


def _softmax(outputs: torch.Tensor) -> torch.Tensor:
    return torch.softmax(outputs, dim=1)


def _resolve(address: str) -> Any:
    module, _, name = address.partition(":")
    return getattr(import_module(module), name)
