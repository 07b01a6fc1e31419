"""The tasks of a network as methods: data in, results out."""

# A string is one input, and iterable too: the first overload that fits is meant.
# pyright: reportOverlappingOverload=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Unpack, overload

from zoo.inference.audio_verbs import AudioTasks
from zoo.inference.tasks.classification import ClassificationOptions, classify
from zoo.inference.tasks.embedding import EmbeddingOptions, embed
from zoo.inference.tasks.explanation import ExplanationOptions, explain
from zoo.inference.tasks.inputs import Input, Inputs, OneOrMany, OnError
from zoo.inference.tasks.keywords import (
    ClassifyKeywords,
    ExplainKeywords,
)
from zoo.results import Classification, Embedding, Explanation, Problem
from zoo.results.explanation import ExplanationMethod


class Tasks(AudioTasks):
    """A network with the verbs that give results; `zoo.Network` adds its layers and how to change it."""

    @overload
    def classify(
        self, x: Input, *, on_error: OnError = ..., **options: Unpack[ClassifyKeywords]
    ) -> Classification: ...

    @overload
    def classify(
        self, x: Inputs, *, on_error: Literal["raise"] = ..., **options: Unpack[ClassifyKeywords]
    ) -> list[Classification]: ...

    @overload
    def classify(
        self, x: Inputs, *, on_error: Literal["skip"], **options: Unpack[ClassifyKeywords]
    ) -> list[Classification | Problem]: ...

    def classify(
        self,
        x: Any,
        *,
        top: int = ClassificationOptions.top,
        sample_rate: float | None = None,
        overlap: float | None = None,
        on_error: OnError = "raise",
    ) -> OneOrMany[Classification]:
        """Return the best classes of each input.

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
        on_error : {"raise", "skip"}
            Of several inputs: raise the first error, or put a `Problem` in the place of that input's result.
            An input by itself always raises its error.

        Returns
        -------
        Classification, or a list of them for a list
            Of a sound: the mean over its patches.

        Raises
        ------
        InputError
            If an input or option cannot be used, or the network does not classify.
        """
        options = ClassificationOptions(top=top)
        return classify(self, x, options, sample_rate=sample_rate, overlap=overlap, on_error=on_error)

    @overload
    def explain(
        self, x: Input, *, on_error: OnError = ..., **options: Unpack[ExplainKeywords]
    ) -> Explanation: ...

    @overload
    def explain(
        self, x: Inputs, *, on_error: Literal["raise"] = ..., **options: Unpack[ExplainKeywords]
    ) -> list[Explanation]: ...

    @overload
    def explain(
        self, x: Inputs, *, on_error: Literal["skip"], **options: Unpack[ExplainKeywords]
    ) -> list[Explanation | Problem]: ...

    def explain(
        self,
        x: Any,
        *,
        target: int | str | None = None,
        method: ExplanationMethod = ExplanationOptions.method,
        layer: str | None = None,
        progress: Callable[[float], object] | None = None,
        on_error: OnError = "raise",
    ) -> OneOrMany[Explanation]:
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
        progress : callable, optional
            Called during occlusion with the fraction of the parts of a picture that were hidden.
        on_error : {"raise", "skip"}
            As in `classify`.

        Returns
        -------
        Explanation, or a list of them for a list

        Raises
        ------
        UnknownNameError
            If the class or layer is unknown.
        InputError
            If the method is unknown, an input or option cannot be used, or the network has no maps or no
            gradient.
        """
        options = ExplanationOptions(target=target, method=method, layer=layer)
        return explain(self, x, options, on_error=on_error, progress=progress)

    def embed(
        self,
        x: Input | Inputs,
        *,
        layer: str | None = None,
        pool: bool | None = None,
        sample_rate: float | None = None,
        overlap: float | None = None,
        on_error: OnError = "raise",
    ) -> Embedding:
        """Return a vector for each image, or for each window of audio.

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
        on_error : {"raise", "skip"}
            Of several inputs: raise the first error, or leave that input out and name it in
            `Embedding.problems`. An input by itself always raises its error.

        Returns
        -------
        Embedding
            Of several inputs too: their rows, one below the other, can be compared with each other.

        Raises
        ------
        UnknownNameError
            If the layer is unknown.
        InputError
            If an input or option cannot be used.
        """
        options = EmbeddingOptions(layer=layer, pool=pool)
        return embed(self, x, options, sample_rate=sample_rate, overlap=overlap, on_error=on_error)
