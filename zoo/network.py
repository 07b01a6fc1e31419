"""A network: its record, its module and its preprocessing, with the verbs that go with them."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch
from torch import nn

from zoo import components, labels
from zoo.engines import Engine, choose
from zoo.engines.onnx import OnnxRuntime
from zoo.engines.pytorch import PyTorch
from zoo.engines.spectral import Spectral
from zoo.errors import InputError, UnknownNameError
from zoo.explaining import explain
from zoo.followers import FOLLOWERS, Vectors
from zoo.heads import replace_head
from zoo.inputs import Batch, count
from zoo.modules import freeze, measure
from zoo.results import Classification, Embedding, Explanation, Summary
from zoo.spec import Head, Spec
from zoo.storing import save
from zoo.streams import Stream, follow

if TYPE_CHECKING:
    import pandas as pd


class Network:
    """A network of the zoo. Made by `load`; it is in eval mode and its verbs never change it.

    Attributes
    ----------
    spec : Spec
    module : torch.nn.Module
    preset : object
        The preprocessing: ``describe()``, ``batches(x, rate=, size=)``.
    device : torch.device
    dtype : str
    engine : Engine
        What runs the module.
    eager : PyTorch
        The engine that knows gradients, beside it.
    labels : tuple of Label
        One a class; empty where the outputs are no classes.

    Parameters
    ----------
    graph : Path, optional
        Where an exported graph of the module is kept, see `zoo.engines.onnx.graph_path`.
    """

    def __init__(
        self,
        spec: Spec,
        module: nn.Module,
        classes: tuple[labels.Label, ...],
        *,
        device: str = "auto",
        engine: str = "auto",
        dtype: str = "fp32",
        graph: Path | None = None,
    ):
        self.spec = spec
        self.device = device_of(device)
        self.dtype = dtype
        self.preset = spec.preset()
        self.labels = classes
        self._engine = engine
        chosen = choose(engine, self.device, dtype, spec)
        eager = PyTorch(module.to(self.device).eval(), self.device, dtype)
        self.module = eager.module
        self.eager = eager
        self.engine: Engine = eager
        if chosen == "onnxruntime":
            required = engine == chosen
            by_rows = spec.modality == "sound"  # which comes in batches; pictures may come one by one
            self.engine = OnnxRuntime(
                eager, spec.input_shape, spec.embedding, graph, required=required, by_rows=by_rows
            )
        elif chosen == "spectral":
            self.engine = Spectral(eager, spec.input_shape, components.find(components.FORMS, spec.spectral))

    @property
    def name(self) -> str:
        return self.spec.name

    def __repr__(self) -> str:
        return f"<Network {self.name} on {self.device}>"

    def require(self, task: str) -> None:
        """Raise an `InputError` if the network is not made for a task."""
        if task not in self.spec.tasks:
            raise InputError(f"{self.name} does not {task}; it is made for {', '.join(self.spec.tasks)}.")

    def batches(
        self, x: Any, *, rate: float | None = None, overlap: float | None = None, size: int | None = None
    ) -> Iterator[Batch]:
        """Decode and preprocess: the batches that the network sees, each row with its input and time."""
        preset = self.preset if overlap is None else self.preset.with_overlap(overlap)
        return preset.batches(x, rate=rate, size=size)

    def preprocess(self, x: Any, *, rate: float | None = None) -> torch.Tensor:
        """What the network sees of an input.

        Returns
        -------
        Tensor of float32
            (n, channels, height, width) for pictures and log-mel patches, (n, samples) for waveforms.
        """
        return _joined([batch.data for batch in self.batches(x, rate=rate)])

    def scores(self, data: torch.Tensor) -> np.ndarray:
        """Scores of a preprocessed batch, from 0 to 1, shape (n, classes), float32."""
        outputs, _ = self.engine(data)
        activate = torch.sigmoid if self.spec.activation == "sigmoid" else _softmax
        return activate(outputs).cpu().numpy()

    def classify(
        self, x: Any, *, top: int = 5, rate: float | None = None, overlap: float | None = None
    ) -> Classification | list[Classification]:
        """The best classes of each input.

        Parameters
        ----------
        x : path, URL, bytes, array, tensor, PIL image, or a list of these
        top : int
            How many classes to name, best first; all scores come along.
        rate : float, optional
            Sample rate of an array of sound, in Hz.
        overlap : float, optional
            Share of a window of sound, from 0 to less than 1, that the next one repeats; by default what the
            record says.

        Returns
        -------
        Classification, or a list of them for a list
            Of a sound: the mean over its patches.

        Raises
        ------
        InputError
            If an input or option cannot be used, or the network does not classify.
        """
        self.require("classify")
        count("top", top)
        sums: dict[int, np.ndarray] = {}
        counts: dict[int, int] = {}
        names: dict[int, str] = {}
        for batch in self.batches(x, rate=rate, overlap=overlap):
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
            names=tuple(self.labels[i].name for i in best),
            groups=tuple(self.labels[i].group for i in best),
            scores=scores[best],
            all_scores=scores,
        )

    def explain(
        self, x: Any, *, target: int | str | None = None, method: str = "gradcam", layer: str | None = None
    ) -> Explanation | list[Explanation]:
        """Where on a picture the network finds a class.

        Parameters
        ----------
        x : path, URL, bytes, array, tensor, PIL image, or a list of these
        target : int or str, optional
            The class, by its number, label or identifier; by default the best one of each picture.
        method : {"gradcam", "occlusion"}
            Grad-CAM weights the maps of a layer by the gradient of the class. Occlusion hides one part after
            another and sees how far the score falls: it needs no layer and no gradient, so it does for every
            network, and takes 81 forward passes.
        layer : str, optional
            For Grad-CAM, whose output is maps; by default the record's, else the last one that there is.

        Returns
        -------
        Explanation, or a list of them for a list

        Raises
        ------
        UnknownNameError
            If there is no such class, method or layer.
        InputError
            If an input or option cannot be used, or the network has no maps or no gradient.
        """
        return explain(self, x, target=target, method=method, layer=layer)

    def embed(
        self,
        x: Any,
        *,
        layer: str | None = None,
        pool: bool | None = None,
        rate: float | None = None,
        overlap: float | None = None,
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
        overlap : float, optional
            As in `classify`.

        Returns
        -------
        Embedding

        Raises
        ------
        UnknownNameError
            If there is no such layer.
        InputError
            If an input or option cannot be used.
        """
        return follow(Vectors(self, layer=layer, pool=pool), self.batches(x, rate=rate, overlap=overlap))

    def vectors(
        self, data: torch.Tensor, *, layer: str | None = None, pool: bool | None = None
    ) -> np.ndarray:
        """Vectors of a preprocessed batch, shape (n, d), float32; the options are those of `embed`."""
        if pool is None:
            pool = layer is not None or self.spec.pool
        layer = self.spec.embedding if layer is None else str(layer)
        output = self._outputs(data, [layer])[layer].float()
        if pool and output.ndim == 3 and (self.spec.tokens or self.spec.modality == "picture"):
            output = output.mean(dim=1)  # a transformer's (n, tokens, channels)
        elif pool and output.ndim > 2:
            output = output.flatten(2).mean(dim=2)
        return output.flatten(1).cpu().numpy()

    def stream(self, rate: float, *, task: str | None = None, **options: Any) -> Stream:
        """Begin a live stream of sound, which takes chunks of samples and gives what has become certain.

        Parameters
        ----------
        rate : float
            Of the samples, in Hz.
        task : {"events", "pitch", "embed"}, optional
            By default the first of these that the network is made for.
        **options
            As of `zoo.sound_events`, `zoo.pitch` or `embed`, but for `rate`, `overlap` and `progress`.

        Returns
        -------
        Stream
            Its `feed` and `finish` give events, or pieces of a pitch track or of an embedding: all together
            what the verb gives for the whole recording.

        Raises
        ------
        InputError
            If the network does not do that, an option cannot be used, or the rate is none.

        Examples
        --------
        >>> import numpy as np, zoo
        >>> stream = zoo.load("crepe.tiny", weights=None).stream(16000, task="embed")
        >>> len(stream.feed(np.zeros(1600))), len(stream.finish())
        (8, 3)
        """
        tasks = [known for known in FOLLOWERS if known in self.spec.tasks]
        if not tasks or self.spec.modality != "sound":
            raise InputError(f"{self.name} takes no sound, and has no stream.")
        self.require(task := task or tasks[0])
        follower = FOLLOWERS[task](self, **options)
        return Stream(getattr(follower, "preset", self.preset), rate, follower)

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
        return {layer: _joined([part[layer].cpu() for part in parts]) for layer in layers}

    def layers(self) -> pd.DataFrame:
        """One row a layer: name, kind, shape of its output for one input, parameters, multiply-adds.

        A layer that holds others counts them in.
        """
        return self.summary().table()

    def summary(self) -> Summary:
        """The network counted: every layer, and the sums."""
        rows, multiply_adds = measure(self.module, torch.zeros(1, *self.spec.input_shape, device=self.device))
        parameters = sum(parameter.numel() for parameter in self.module.parameters())
        return Summary(self.name, self.spec.input_shape, tuple(rows), parameters, multiply_adds)

    def replace_head(self, classes: int | Sequence[str], *, kind: str = "linear", **sizes: int) -> Network:
        """A copy of this network with a fresh, untrained head, for classes that exclude each other.

        Parameters
        ----------
        classes : int or sequence of str
            How many classes, or their labels.
        kind, **sizes
            As of `zoo.spec.Head`.

        Returns
        -------
        Network

        Raises
        ------
        InputError
            If there are no classes, or two of the same label, or the network has no head to replace, or a
            head of this kind takes other sizes.
        """
        names = _class_names(classes)
        head = _head(len(names), kind, sizes)
        module = copy.deepcopy(self.module)
        replace_head(module, self.spec.head, head, after=self.spec.after_head)
        spec = self.spec.with_head(head, sum(parameter.numel() for parameter in module.parameters()))
        return self._like(spec, module, tuple(labels.Label(name, name) for name in names))

    def body(self) -> Network:
        """A copy without its head, whose outputs are what the head would see: averaged, where that is a map.

        Raises
        ------
        InputError
            If the network has no head.
        """
        module = copy.deepcopy(self.module)
        replace_head(module, self.spec.head, Head(1), after=self.spec.after_head)
        module.set_submodule(self.spec.head, nn.Identity())
        return self._like(self.spec.replace(spectral=""), module, ())

    def freeze(self, last: str | None = None) -> Network:
        """A copy of this network whose first layers stay as they are when the copy's module is trained.

        Parameters
        ----------
        last : str, optional
            The last layer that is frozen, in the order of `layers`; by default all but the head.

        Returns
        -------
        Network
            Its frozen parameters take no gradient, and its frozen layers stay in eval mode: batch norm keeps
            its statistics, dropout is off.

        Raises
        ------
        UnknownNameError
            If there is no such layer.
        """
        module = copy.deepcopy(self.module)
        freeze(module, last if last is not None else _before(module, self.spec.head))
        return self._like(self.spec, module, self.labels)

    def with_preset(self, preset: Any) -> Network:
        """The same network, its module and engine shared, with other preprocessing.

        Parameters
        ----------
        preset : object
            Made of `preset`, as ``net.preset.with_hop(0.48)`` or ``net.preset.padded()`` for sound.

        Returns
        -------
        Network
        """
        other = copy.copy(self)
        other.preset = preset
        return other

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write this network to a folder, which `zoo.load` takes; see `zoo.storing.save`."""
        return save(self, folder)

    def _like(self, spec: Spec, module: nn.Module, classes: tuple[labels.Label, ...]) -> Network:
        engine = self._engine if self._engine != "spectral" or spec.spectral else "auto"
        return Network(spec, module, classes, device=str(self.device), engine=engine, dtype=self.dtype)

    def _outputs(self, data: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        _, kept = self.engine(data, layers)
        if missing := [layer for layer in layers if layer not in kept]:
            raise UnknownNameError(f"{self.name} has a layer {missing[0]} and gets no tensor out of it.")
        return kept


def _class_names(classes: int | Sequence[str]) -> list[str]:
    if isinstance(classes, str) or not isinstance(classes, Sequence):
        return [f"class {i}" for i in range(count("num_classes", classes))]
    names = [str(name) for name in classes]
    if not names or len(set(names)) < len(names):
        raise InputError("The labels of the classes must be there, and differ from each other.")
    return names


def _before(module: nn.Module, head: str) -> str:
    """The last layer that the module lists before its head."""
    names = [name for name, layer in module.named_modules() if name and not list(layer.children())]
    position = names.index(head)
    if position == 0:
        raise InputError("This network is all head.")
    return names[position - 1]


def _head(classes: int, kind: str, sizes: dict[str, int]) -> Head:
    try:
        return msgspec.convert({"classes": classes, "kind": kind, **sizes}, Head)
    except msgspec.ValidationError as error:
        raise InputError(f"The network cannot get this head: {error}.") from error


def device_of(name: str) -> torch.device:
    """The device of a name; ``"auto"``: a GPU where there is one.

    Raises
    ------
    InputError
        If it is not on this machine.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device).item()
    except (RuntimeError, AssertionError, TypeError) as error:
        raise InputError(f"The device {name!r} is not on this machine.") from error
    return device


def _joined(rows: list[torch.Tensor]) -> torch.Tensor:
    if len({part.shape[1:] for part in rows}) > 1:  # some networks take short recordings as they are
        raise InputError("These recordings are windows of different lengths; pass them one by one.")
    return torch.cat(rows)


def _softmax(outputs: torch.Tensor) -> torch.Tensor:
    return torch.softmax(outputs, dim=1)
