"""The tasks of a network as methods: data in, results out."""

# A string is one input, and iterable too: the first overload that fits is meant.
# pyright: reportOverlappingOverload=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, Unpack, overload

from zoo.audio.class_grouping import ClassGrouping
from zoo.audio.options import NoteOptions, PitchOptions, SoundEventOptions
from zoo.core.errors import InputError
from zoo.core.inputs import name_of
from zoo.core.validation import count
from zoo.inference.model import Model
from zoo.inference.streaming import ProgressCallback, Stream, run
from zoo.inference.tasks import notes, pitch, sound_events
from zoo.inference.tasks.classification import ClassificationOptions, classify
from zoo.inference.tasks.embedding import EmbeddingOptions, embed
from zoo.inference.tasks.explanation import ExplanationOptions, explain
from zoo.inference.tasks.inputs import Input, Inputs, OneOrMany, OnError, run_each
from zoo.inference.tasks.keywords import (
    ClassifyKeywords,
    ExplainKeywords,
    NotesKeywords,
    PitchKeywords,
    SoundEventsKeywords,
    StreamKeywords,
)
from zoo.inference.tasks.processors import PROCESSORS
from zoo.inference.tasks.sound_events import TOP
from zoo.results import Classification, Embedding, Explanation, Notes, PitchTrack, Problem, SoundEvents
from zoo.results.explanation import ExplanationMethod
from zoo.results.recording import Recording


class Tasks(Model):
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

    @overload
    def sound_events(
        self, x: Input, *, on_error: OnError = ..., **options: Unpack[SoundEventsKeywords]
    ) -> SoundEvents: ...

    @overload
    def sound_events(
        self, x: Inputs, *, on_error: Literal["raise"] = ..., **options: Unpack[SoundEventsKeywords]
    ) -> list[SoundEvents]: ...

    @overload
    def sound_events(
        self, x: Inputs, *, on_error: Literal["skip"], **options: Unpack[SoundEventsKeywords]
    ) -> list[SoundEvents | Problem]: ...

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
        top: int = TOP,
        progress: ProgressCallback | None = None,
        on_error: OnError = "raise",
    ) -> OneOrMany[SoundEvents]:
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
        on_error : {"raise", "skip"}
            As in `classify`.

        Returns
        -------
        SoundEvents, or a list of them for a list

        Raises
        ------
        InputError
            If a recording or an option cannot be used.
        UnknownNameError
            If the class is unknown.
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
        net = self if overlap is None else self.with_preprocessor(self.preprocessor.with_overlap(overlap))
        ClassGrouping(self.labels, options)  # refuses what does not fit the classes before the work

        def detect(one: Any, position: int) -> SoundEvents:
            return sound_events.detect(
                net, one, options, position, sample_rate=sample_rate, top=top, progress=progress
            )

        return run_each(self, x, on_error, detect)

    @overload
    def pitch(self, x: Input, *, on_error: OnError = ..., **options: Unpack[PitchKeywords]) -> PitchTrack: ...

    @overload
    def pitch(
        self, x: Inputs, *, on_error: Literal["raise"] = ..., **options: Unpack[PitchKeywords]
    ) -> list[PitchTrack]: ...

    @overload
    def pitch(
        self, x: Inputs, *, on_error: Literal["skip"], **options: Unpack[PitchKeywords]
    ) -> list[PitchTrack | Problem]: ...

    def pitch(
        self,
        x: Any,
        *,
        sample_rate: float | None = None,
        hop: float = PitchOptions.hop,
        decoder: str = PitchOptions.decoder,
        threshold: float = PitchOptions.threshold,
        silence: float | None = PitchOptions.silence,
        fmin: float | None = PitchOptions.fmin,
        fmax: float | None = PitchOptions.fmax,
        smooth: int = PitchOptions.smooth,
        smoother: str = PitchOptions.smoother,
        keep_activations: bool = PitchOptions.keep_activations,
        progress: ProgressCallback | None = None,
        on_error: OnError = "raise",
    ) -> OneOrMany[PitchTrack]:
        """Track the fundamental frequency of a voice, or of an instrument that plays one note at a time.

        Parameters
        ----------
        x : path, URL, bytes, or array (with `sample_rate`), or a list of these
        sample_rate : float, optional
            Sample rate of an array, in Hz.
        hop, decoder, threshold, silence, fmin, fmax, smooth, smoother, keep_activations
            As in `PitchOptions`.
        progress : callable, optional
            Called with the seconds of a recording that are done.
        on_error : {"raise", "skip"}
            As in `classify`.

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
            "hop": hop,
            "decoder": decoder,
            "threshold": threshold,
            "silence": silence,
            "fmin": fmin,
            "fmax": fmax,
            "smooth": smooth,
            "smoother": smoother,
            "keep_activations": keep_activations,
        }
        pitch.PitchTracker(self, **options)  # refuses options before the work

        def work(one: Any, position: int) -> PitchTrack:
            tracker = pitch.PitchTracker(self, **options)
            batches = tracker.preprocessor.batches(one, sample_rate=sample_rate)
            track = run(tracker, batches, progress)
            return replace(track, input=name_of(one, position), recording=Recording.of(one, sample_rate))

        return run_each(self, x, on_error, work)

    @overload
    def notes(self, x: Input, *, on_error: OnError = ..., **options: Unpack[NotesKeywords]) -> Notes: ...

    @overload
    def notes(
        self, x: Inputs, *, on_error: Literal["raise"] = ..., **options: Unpack[NotesKeywords]
    ) -> list[Notes]: ...

    @overload
    def notes(
        self, x: Inputs, *, on_error: Literal["skip"], **options: Unpack[NotesKeywords]
    ) -> list[Notes | Problem]: ...

    def notes(
        self,
        x: Any,
        *,
        sample_rate: float | None = None,
        threshold: float = NoteOptions.threshold,
        onset_threshold: float = NoteOptions.onset_threshold,
        min_duration: float = NoteOptions.min_duration,
        fmin: float | None = NoteOptions.fmin,
        fmax: float | None = NoteOptions.fmax,
        progress: ProgressCallback | None = None,
        on_error: OnError = "raise",
    ) -> OneOrMany[Notes]:
        """Find the notes of any number of voices or instruments.

        Parameters
        ----------
        x : path, URL, bytes, or array (with `sample_rate`), or a list of these
        sample_rate : float, optional
            Sample rate of an array, in Hz.
        threshold, onset_threshold, min_duration, fmin, fmax
            As in `NoteOptions`.
        progress : callable, optional
            Called with the seconds of a recording that are done.
        on_error : {"raise", "skip"}
            As in `classify`.

        Returns
        -------
        Notes, or a list of them for a list
            Without a note where nothing sounds.

        Raises
        ------
        InputError
            If a recording or an option cannot be used.
        """
        self.require("notes")
        options = NoteOptions(
            threshold=threshold,
            onset_threshold=onset_threshold,
            min_duration=min_duration,
            fmin=fmin,
            fmax=fmax,
        )

        def work(one: Any, position: int) -> Notes:
            return notes.transcribe(self, one, options, position, sample_rate=sample_rate, progress=progress)

        return run_each(self, x, on_error, work)

    def stream(
        self, sample_rate: float, *, task: str | None = None, **options: Unpack[StreamKeywords]
    ) -> Stream[Any]:
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
        (7, 4)
        """
        tasks = [supported for supported in PROCESSORS if supported in self.spec.tasks]
        if not tasks or self.spec.modality != "audio":
            raise InputError(f"{self.name} takes no sound, and has no stream.")
        self.require(task := task or tasks[0])
        processor = PROCESSORS[task](self, **options)
        return Stream(getattr(processor, "preprocessor", self.preprocessor), sample_rate, processor)
