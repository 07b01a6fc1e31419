"""A network: its record, its module and its preprocessing, with the verbs that go with them."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import msgspec
import torch
from torch import nn

from zoo.core.errors import InputError
from zoo.core.labels import Label
from zoo.core.layers import freeze, measure
from zoo.core.spec import Head, HeadKind, Spec
from zoo.core.validation import choice, count
from zoo.hub.saved import save
from zoo.inference.heads import replace_head
from zoo.inference.model import joined
from zoo.inference.verbs import Tasks
from zoo.results import Summary

if TYPE_CHECKING:
    import pandas as pd


class Network(Tasks):
    """A network of the zoo with its verbs. Made by `load`; its verbs never change it.

    The attributes and parameters are those of `Model`.
    """

    def activations(
        self, x: Any, *, layers: Sequence[str], sample_rate: float | None = None
    ) -> dict[str, torch.Tensor]:
        """Return the outputs of the named layers.

        Parameters
        ----------
        x : path, URL, bytes, array, tensor, PIL image, or a list of these
        layers : sequence of str
        sample_rate : float, optional
            Sample rate of an array of sound, in Hz.

        Returns
        -------
        dict of str to Tensor
            Of shape (n, ...), on the CPU: one row a picture, or a window of sound.

        Raises
        ------
        UnknownNameError
            If the layer is unknown.
        InputError
            If an input cannot be used, or `layers` is a string.
        """
        if isinstance(layers, str):
            raise InputError(f"layers={layers!r} is a string; pass a list of names, as [{layers!r}].")
        batches = self.batches(x, sample_rate=sample_rate)
        parts = [self._outputs(batch.data, layers) for batch in batches] or [self._no_outputs(layers)]
        return {layer: joined([part[layer].cpu() for part in parts]) for layer in layers}

    def _no_outputs(self, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return the outputs of layers for an empty list of inputs, shape (0, ...)."""
        outputs = self._outputs(torch.zeros(1, *self.spec.input_shape), layers)
        return {layer: output[:0] for layer, output in outputs.items()}

    def layers(self) -> pd.DataFrame:
        """One row a layer: name, kind, shape of its output for one input, parameters, multiply-adds.

        A layer that holds others counts them in.
        """
        return self.summary().table()

    def summary(self) -> Summary:
        """Count parameters and multiply-adds of every layer, and their sums.

        Returns
        -------
        Summary
            Of a forward pass of one input.
        """
        rows, multiply_adds = measure(self.module, torch.zeros(1, *self.spec.input_shape, device=self.device))
        parameters = sum(parameter.numel() for parameter in self.module.parameters())
        return Summary(self.name, self.spec.input_shape, tuple(rows), parameters, multiply_adds)

    def replace_head(self, classes: int | Sequence[str], *, kind: str = "linear", **sizes: int) -> Network:
        """Return a copy of this network with a fresh, untrained head, for classes that exclude each other.

        Parameters
        ----------
        classes : int or sequence of str
            How many classes, or their labels.
        kind, **sizes
            As of `zoo.core.spec.Head`.

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
        replace_head(module, self.spec.head_layer, head, after=self.spec.head_activation)
        spec = self.spec.with_head(head, sum(parameter.numel() for parameter in module.parameters()))
        return self._like(spec, module, tuple(Label(name, name) for name in names))

    def body(self, embedding_layer: str | None = None) -> Network:
        """Return a copy without its head, whose outputs are the head's inputs: averaged, if that is a map.

        Parameters
        ----------
        embedding_layer : str, optional
            The layer that the copy embeds with, by default that of this network.

        Returns
        -------
        Network
            Its outputs have the shape (n, d).

        Raises
        ------
        InputError
            If the network has no head.
        """
        module = copy.deepcopy(self.module)
        replace_head(module, self.spec.head_layer, Head(1), after=self.spec.head_activation)
        module.set_submodule(self.spec.head_layer, nn.Identity())
        layer = embedding_layer or self.spec.embedding_layer
        return self._like(self.spec.replace(fft_builder="", embedding_layer=layer), module, ())

    def freeze(self, last: str | None = None) -> Network:
        """Return a copy of this network whose first layers stay fixed when the copy's module is trained.

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
            If the layer is unknown.
        InputError
            If `last` is left out, and the network has no layer before its head.
        """
        module = copy.deepcopy(self.module)
        freeze(module, last if last is not None else _before(module, self.spec.head_layer))
        return self._like(self.spec, module, self.labels)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write this network to a folder, which `zoo.load` takes; see `zoo.hub.saved.save`.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        InputError
            If the folder holds something else, or cannot be written.
        """
        return save(folder, self.spec, self.module.state_dict(), self.labels, self.preprocessor.describe())

    def _like(self, spec: Spec, module: nn.Module, classes: tuple[Label, ...]) -> Network:
        engine = self._engine if self._engine != "fft" or spec.fft_builder else "auto"
        return Network(spec, module, classes, device=str(self.device), engine=engine, dtype=self.dtype)


def _class_names(classes: int | Sequence[str]) -> list[str]:
    if isinstance(classes, str) or not isinstance(classes, Sequence):
        return [f"class {i}" for i in range(count("num_classes", classes))]
    names = [str(name) for name in classes]
    if not names or len(set(names)) < len(names):
        raise InputError("The names of the classes must be unique, and there must be at least one.")
    return names


def _before(module: nn.Module, head: str) -> str:
    """Return the last layer that the module lists before its head."""
    names = [name for name, layer in module.named_modules() if name and not list(layer.children())]
    position = names.index(head)
    if position == 0:
        raise InputError("This network is all head.")
    return names[position - 1]


def _head(classes: int, kind: str, sizes: dict[str, int]) -> Head:
    choice("kind of head", kind, get_args(HeadKind))
    try:
        return msgspec.convert({"classes": classes, "kind": kind, **sizes}, Head)
    except msgspec.ValidationError as error:
        raise InputError(f"The network cannot get this head: {error}.") from error
