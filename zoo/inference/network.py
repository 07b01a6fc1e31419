"""A network: its record, its module and its preprocessing, with the verbs that go with them."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch
from torch import nn

from zoo.audio.options import PitchOptions, SoundEventOptions
from zoo.core.errors import InputError
from zoo.core.labels import Label
from zoo.core.layers import freeze, measure
from zoo.core.spec import Head, Spec
from zoo.core.validation import count
from zoo.hub.saved import save
from zoo.inference.heads import replace_head
from zoo.inference.model import Model, joined
from zoo.inference.streaming import ProgressCallback, Stream, run
from zoo.inference.tasks import pitch, sound_events
from zoo.inference.tasks.embedding import EmbeddingExtractor
from zoo.inference.tasks.explanation import explain
from zoo.inference.tasks.processors import PROCESSORS
from zoo.results import Classification, Embedding, Explanation, PitchTrack, SoundEvents, Summary

if TYPE_CHECKING:
    import pandas as pd


class Network(Model):
    """A network of the zoo with its verbs. Made by `load`; its verbs never change it.

    The attributes and parameters are those of `Model`.
    """

    def classify(
        self, x: Any, *, top: int = 5, sample_rate: float | None = None, overlap: float | None = None
    ) -> Classification | list[Classification]:
        """The best classes of each input.

        Parameters
        ----------
        x : path, URL, bytes, array, tensor, PIL image, or a list of these
        top : int
            How many classes to name, best first; all scores come along.
        sample_rate : float, optional
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
        for batch in self.batches(x, sample_rate=sample_rate, overlap=overlap):
            for index, name, row in zip(batch.inputs, batch.names, self.scores(batch.data), strict=True):
                sums[index] = sums.get(index, 0) + row
                counts[index] = counts.get(index, 0) + 1
                names[index] = name
        results = [self.classification(sums[i] / counts[i], names[i], top) for i in sums]
        return results[0] if self.preprocessor.is_one(x) else results

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
        sample_rate: float | None = None,
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
        sample_rate : float, optional
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
        extractor = EmbeddingExtractor(self, layer=layer, pool=pool)
        return run(extractor, self.batches(x, sample_rate=sample_rate, overlap=overlap))

    def sound_events(
        self,
        x: Any,
        *,
        sample_rate: float | None = None,
        overlap: float | None = None,
        threshold: float = SoundEventOptions.threshold,
        separation: float = SoundEventOptions.separation,
        min_duration: float = SoundEventOptions.min_duration,
        specificity: str = SoundEventOptions.specificity,
        include: str | Sequence[str] = SoundEventOptions.include,
        exclude: str | Sequence[str] = SoundEventOptions.exclude,
        top: int = sound_events.TOP,
        progress: ProgressCallback | None = None,
    ) -> SoundEvents | list[SoundEvents]:
        """Detect which sounds occur when.

        Scores are independent of each other and not calibrated across classes: one threshold does not mean
        the same certainty for every class. A class and the more general one that it belongs to ("Dog" and
        "Animal") are both reported if both reach the threshold; a lower `specificity` reports the general
        ones only.

        Parameters
        ----------
        x : path, URL, bytes, or array (with `sample_rate`), or a list of these
        sample_rate : float, optional
            Sample rate of an array, in Hz.
        overlap : float, optional
            Fraction of a patch, from 0 to less than 1, that the next one repeats; by default what the record
            says (0.5 for YAMNet). More overlap finds beginnings and ends more finely and takes longer.
        threshold, separation, min_duration, specificity, include, exclude
            As in `SoundEventOptions`.
        top : int
            How many classes `SoundEvents.clip` names.
        progress : callable, optional
            Called with the seconds of a recording that are done.

        Returns
        -------
        SoundEvents, or a list of them for a list

        Raises
        ------
        InputError
            If a recording or an option cannot be used.
        UnknownNameError
            If there is no such class.
        """
        self.require("events")
        count("top", top)
        options = SoundEventOptions(
            threshold=threshold,
            separation=separation,
            min_duration=min_duration,
            specificity=specificity,
            include=include,
            exclude=exclude,
        )
        found = [
            sound_events.detect(
                self, one, options, sample_rate=sample_rate, overlap=overlap, top=top, progress=progress
            )
            for one in self.preprocessor.several(x)
        ]
        return found[0] if self.preprocessor.is_one(x) else found

    def pitch(
        self,
        x: Any,
        *,
        sample_rate: float | None = None,
        step: float = PitchOptions.step,
        decoder: str = PitchOptions.decoder,
        threshold: float = PitchOptions.threshold,
        silence: float | None = PitchOptions.silence,
        fmin: float | None = PitchOptions.fmin,
        fmax: float | None = PitchOptions.fmax,
        smooth: int = PitchOptions.smooth,
        smoother: str = PitchOptions.smoother,
        keep_activations: bool = PitchOptions.keep_activations,
        progress: ProgressCallback | None = None,
    ) -> PitchTrack | list[PitchTrack]:
        """Track the fundamental frequency of a voice, or of an instrument that plays one note at a time.

        Parameters
        ----------
        x : path, URL, bytes, or array (with `sample_rate`), or a list of these
        sample_rate : float, optional
            Sample rate of an array, in Hz.
        step, decoder, threshold, silence, fmin, fmax, smooth, smoother, keep_activations
            As in `PitchOptions`.
        progress : callable, optional
            Called with the seconds of a recording that are done.

        Returns
        -------
        PitchTrack, or a list of them for a list

        Raises
        ------
        InputError
            If a recording or an option cannot be used.
        """
        self.require("pitch")
        options = {
            "step": step,
            "decoder": decoder,
            "threshold": threshold,
            "silence": silence,
            "fmin": fmin,
            "fmax": fmax,
            "smooth": smooth,
            "smoother": smoother,
            "keep_activations": keep_activations,
        }
        tracks = []
        for one in self.preprocessor.several(x):
            tracker = pitch.PitchTracker(self, **options)
            tracks.append(run(tracker, tracker.preprocessor.batches(one, sample_rate=sample_rate), progress))
        return tracks[0] if self.preprocessor.is_one(x) else tracks

    def stream(self, sample_rate: float, *, task: str | None = None, **options: Any) -> Stream:
        """Begin a live stream of sound, which takes chunks of samples and gives what has become certain.

        Parameters
        ----------
        sample_rate : float
            Of the samples, in Hz.
        task : {"events", "pitch", "embed"}, optional
            By default the first of these that the network is made for.
        **options
            As of `zoo.sound_events`, `zoo.pitch` or `embed`, but for `sample_rate`, `overlap` and `progress`.

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
        tasks = [known for known in PROCESSORS if known in self.spec.tasks]
        if not tasks or self.spec.modality != "audio":
            raise InputError(f"{self.name} takes no sound, and has no stream.")
        self.require(task := task or tasks[0])
        processor = PROCESSORS[task](self, **options)
        return Stream(getattr(processor, "preprocessor", self.preprocessor), sample_rate, processor)

    def activations(
        self, x: Any, *, layers: Sequence[str], sample_rate: float | None = None
    ) -> dict[str, torch.Tensor]:
        """Outputs of the named layers.

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
            If there is no such layer.
        InputError
            If an input cannot be used, or `layers` is a string.
        """
        if isinstance(layers, str):
            raise InputError(f"layers={layers!r} is a string; pass a list of names, as [{layers!r}].")
        parts = [self._outputs(batch.data, layers) for batch in self.batches(x, sample_rate=sample_rate)]
        return {layer: joined([part[layer].cpu() for part in parts]) for layer in layers}

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

    def body(self) -> Network:
        """A copy without its head, whose outputs are what the head would see: averaged, where that is a map.

        Raises
        ------
        InputError
            If the network has no head.
        """
        module = copy.deepcopy(self.module)
        replace_head(module, self.spec.head_layer, Head(1), after=self.spec.head_activation)
        module.set_submodule(self.spec.head_layer, nn.Identity())
        return self._like(self.spec.replace(fft_builder=""), module, ())

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
        freeze(module, last if last is not None else _before(module, self.spec.head_layer))
        return self._like(self.spec, module, self.labels)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write this network to a folder, which `zoo.load` takes; see `zoo.hub.saved.save`."""
        return save(folder, self.spec, self.module.state_dict(), self.labels, self.preprocessor.describe())

    def _like(self, spec: Spec, module: nn.Module, classes: tuple[Label, ...]) -> Network:
        engine = self._engine if self._engine != "fft" or spec.fft_builder else "auto"
        return Network(spec, module, classes, device=str(self.device), engine=engine, dtype=self.dtype)


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
