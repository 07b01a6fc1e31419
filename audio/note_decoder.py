"""From the posteriors of notes, onsets and contours to notes.

After section 2.3 of R. M. Bittner et al., arXiv:2203.09893: notes that begin at a peak of the onsets, the
last first, each until its key is quiet; then notes without an onset, the loudest frame first. The onsets that
the package infers from rising posteriors are not in the paper, and changed no result (benchmarks/notes.py).
"""

from typing import NamedTuple

import numpy as np

from zoo.audio.basicpitch import KEYS, LOWEST, STEPS, Posteriors
from zoo.audio.options import NoteOptions

_QUIET = 11  # frames below the threshold, 0.13 s, that end a note (the paper's section 2.3)
_BEND_BINS, _BEND_WIDTH = 25, 5.0  # reach and standard deviation in bins of a contour (the package's)
_BLOCK = 20_000  # frames, 230 s, that are decoded at a time where nothing sounds over their border
_FRAME = 256 / 22050  # s
_DOUBTFUL = 2  # times as long a note must be that no onset begins: most shorter ones are partials of others


class FrameNote(NamedTuple):
    """A note in frames.

    Attributes
    ----------
    start, end : int
        First frame, and the one after the last.
    midi : int
    amplitude : float
        Mean of the key's posterior, from 0 to 1.
    bends : ndarray of float32, shape (end - start,)
        Semitones by which the contour is above the key.
    """

    start: int
    end: int
    midi: int
    amplitude: float
    bends: np.ndarray


class NoteDecoder:
    """Decodes the frames of a recording, block by block.

    A block ends where the fewest keys sound; a note that sounds over its end is one note.

    Parameters
    ----------
    options : NoteOptions
    block : int
        Frames that are decoded at a time, or more.
    """

    def __init__(self, options: NoteOptions, block: int = _BLOCK):
        self._options, self._block = options, block
        self._parts: list[Posteriors] = []
        self._waiting, self._first = 0, 0  # frames in the parts, and the number of the first
        self._open: dict[int, FrameNote] = {}  # by key; they sound at the end of the block before

    def feed(self, frames: Posteriors) -> list[FrameNote]:
        """Go on with the next frames; return the notes that are certain."""
        self._parts.append(frames)
        self._waiting += len(frames.notes)
        if self._waiting < 2 * self._block:
            return []
        whole = _joined(self._parts)
        cut = self._block + _quietest(whole.notes[self._block :] >= self._options.threshold)
        self._parts = [Posteriors(*(array[cut:] for array in whole))]
        self._waiting -= cut
        return self._decode(Posteriors(*(array[:cut] for array in whole)), last=False)

    def finish(self, frames: int) -> list[FrameNote]:
        """Return the notes that are left, of a recording of that many frames in all."""
        if not self._parts:
            return []
        whole = _joined(self._parts)
        return self._decode(
            Posteriors(*(array[: max(frames - self._first, 0)] for array in whole)), last=True
        )

    def _decode(self, frames: Posteriors, *, last: bool) -> list[FrameNote]:
        limits = key_range(self._options)
        inside = np.zeros(KEYS, bool)
        inside[limits] = True
        notes, onsets = np.where(inside, frames.notes, 0), np.where(inside, frames.onsets, 0)
        spans = _spans(notes, onsets, self._options)
        count, first = len(notes), self._first
        self._first += count
        result = []
        before, self._open = self._open, {}
        for start, end, key in sorted(spans):
            note = FrameNote(
                first + start,
                first + end,
                key + LOWEST,
                float(notes[start:end, key].mean()),
                _bends(frames.contours[start:end], key),
            )
            if start == 0 and key in before:
                note = _continued(before.pop(key), note)
            if end == count and not last:
                self._open[key] = note
            else:
                result.append(note)
        notes_done = [*before.values(), *result]
        shortest = self._options.min_duration / _FRAME
        return sorted(
            (note for note in notes_done if note.end - note.start >= shortest), key=lambda note: note[:3]
        )


def key_range(options: NoteOptions) -> slice:
    """Return the keys between the lowest and the highest pitch of the options."""
    low, high = 0, KEYS
    if options.fmin is not None:
        low = int(np.ceil(69 + 12 * np.log2(options.fmin / 440) - 0.5)) - LOWEST
    if options.fmax is not None:
        high = int(np.floor(69 + 12 * np.log2(options.fmax / 440) + 0.5)) - LOWEST + 1
    return slice(min(max(low, 0), KEYS), max(min(high, KEYS), 0))


def _joined(parts: list[Posteriors]) -> Posteriors:
    return Posteriors(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _quietest(sounding: np.ndarray) -> int:
    """Return the frame, in the middle of a pause at best, around which the fewest keys sound."""
    counts = np.convolve(sounding.sum(axis=1), np.ones(2 * _QUIET + 1), mode="valid")
    return int(counts.argmin()) + _QUIET if len(counts) else 0


def _spans(notes: np.ndarray, onsets: np.ndarray, options: NoteOptions) -> list[tuple[int, int, int]]:
    """Return the first frame, the one after the last, and the key of each note."""
    peaks = np.zeros(onsets.shape, bool)
    peaks[1:-1] = (onsets[1:-1] > onsets[:-2]) & (onsets[1:-1] > onsets[2:])
    peaks &= onsets >= options.onset_threshold
    left = notes.copy()  # what no note has used
    shortest = max(options.min_duration / _FRAME, 1)
    spans = []
    for start, key in np.argwhere(peaks)[::-1].tolist():
        end = _end(left[start + 1 :, key] >= options.threshold) + start + 1
        if end - start >= shortest:
            _use(left, start, end, key)
            spans.append((start, end, key))
    while left.size:
        middle, key = divmod(int(left.argmax()), KEYS)
        if left[middle, key] <= options.threshold:
            break
        loud = left[:, key] >= options.threshold
        end = _end(loud[middle + 1 :]) + middle + 1
        start = middle - _end(loud[:middle][::-1])
        _use(left, start, end, key)
        if end - start >= _DOUBTFUL * shortest or start == 0 or end == len(left):
            spans.append((start, end, key))
    return spans


def _end(loud: np.ndarray) -> int:
    """Return the frame behind the last loud one in front of the first `_QUIET` quiet ones."""
    frames = np.concatenate([[-1], np.flatnonzero(loud)])
    pauses = np.flatnonzero(np.diff(frames) > _QUIET)
    return int(frames[pauses[0] if len(pauses) else -1]) + 1


def _use(left: np.ndarray, start: int, end: int, key: int) -> None:
    """Remove a note, and what it leaves on the keys beside it."""
    left[start:end, max(key - 1, 0) : key + 2] = 0


def _continued(note: FrameNote, rest: FrameNote) -> FrameNote:
    frames, more = note.end - note.start, rest.end - rest.start
    amplitude = (note.amplitude * frames + rest.amplitude * more) / (frames + more)
    return FrameNote(note.start, rest.end, note.midi, amplitude, np.concatenate([note.bends, rest.bends]))


def _bends(contours: np.ndarray, key: int) -> np.ndarray:
    """Return the semitones by which the strongest bin near a key is above it, bins far away weighing less."""
    center = STEPS * key + 1  # in tune; the package counts from the bin below, which is a third flat
    low, high = max(center - _BEND_BINS, 0), min(center + _BEND_BINS + 1, contours.shape[1])
    weights = np.exp(-0.5 * ((np.arange(low, high) - center) / _BEND_WIDTH) ** 2)
    return ((contours[:, low:high] * weights).argmax(axis=1) + low - center).astype(np.float32) / STEPS
