"""The verbs for sound: sound events, pitch, notes, and live streams."""

# A string is one input, and iterable too: the first overload that fits is meant.
# pyright: reportOverlappingOverload=false

from __future__ import annotations

from collections.abc import Sequence
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
from zoo.inference.tasks.inputs import Input, Inputs, OneOrMany, OnError, run_each
from zoo.inference.tasks.keywords import (
    NotesKeywords,
    PitchKeywords,
    SoundEventsKeywords,
    StreamKeywords,
)
from zoo.inference.tasks.processors import PROCESSORS
from zoo.inference.tasks.sound_events import TOP
from zoo.results import Notes, PitchTrack, Problem, SoundEvents
from zoo.results.recording import Recording


class AudioTasks(Model):
    """A network with the verbs that give results about sound; `zoo.inference.verbs` adds the others."""

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
