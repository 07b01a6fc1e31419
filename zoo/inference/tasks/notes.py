"""Notes: what several voices or instruments play at once."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.audio.basicpitch import frame_times, posteriors
from zoo.audio.note_decoder import FrameNote, NoteDecoder
from zoo.audio.options import NoteOptions
from zoo.core.inputs import name_of
from zoo.inference.streaming import ProgressCallback
from zoo.results import Note, Notes
from zoo.results.recording import Recording

if TYPE_CHECKING:
    from zoo.inference.model import Model


def transcribe(
    net: Model,
    x: Any,
    options: NoteOptions,
    position: int = 0,
    *,
    sample_rate: float | None = None,
    progress: ProgressCallback | None = None,
) -> Notes:
    """Find the notes of one recording, at a position of a list; see `Network.notes`."""
    decoder, seconds, score = NoteDecoder(options), 0.0, net.scorer()
    notes: list[Note] = []
    with closing(net.batches(x, sample_rate=sample_rate)) as batches:
        for batch in batches:
            notes += _in_seconds(decoder.feed(posteriors(score(batch.data))), np.inf)
            seconds = batch.seconds
            if progress:
                progress(seconds)
    frames = _frames(seconds)
    notes += _in_seconds(decoder.finish(frames), seconds)
    return Notes(
        network=net.name,
        input=name_of(x, position),
        notes=tuple(sorted(notes, key=lambda note: note[:3])),
        duration=seconds,
        recording=Recording.of(x, sample_rate),
    )


def _frames(seconds: float) -> int:
    """Return the number of frames that begin within a recording."""
    guess = int(seconds * 87) + 1  # more than there are in a second
    return int(np.searchsorted(frame_times(np.arange(guess)), seconds))


def _in_seconds(notes: Iterable[FrameNote], duration: float) -> list[Note]:
    rows = list(notes)
    starts = frame_times(np.array([note.start for note in rows], int))
    ends = frame_times(np.array([note.end for note in rows], int)).clip(max=duration)
    return [
        Note(float(start), float(end), note.midi, note.amplitude, note.bends)
        for start, end, note in zip(starts, ends, rows, strict=True)
    ]
