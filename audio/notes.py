"""From a pitch track to notes, to a MIDI file, and back to sound."""

import io
from bisect import insort
from collections.abc import Iterable, Iterator

import numpy as np

_PERIOD = 0.2  # s; one of a slow vibrato, of 5 Hz
_GAP = 0.05  # s; notes go on through shorter unvoiced gaps
_DIP = 6.0  # dB; vibrato and tremolo of a voice move its level by less
_TICKS = 480  # a beat of half a second, which is what a MIDI file means that states no tempo
VELOCITY = 80  # of a note whose loudness is unknown
_LOUDNESS = 0.8  # of the synthesized sound at its peak, full scale being 1
_BLOCK = 1 << 16  # samples that are synthesized at a time
_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def note_name(midi: int) -> str:
    """Name a note by its MIDI number: 69 is ``"A4"``."""
    octave, place = divmod(int(midi), 12)
    return f"{_NAMES[place]}{octave - 1}"


def segment(
    midi: np.ndarray, level: np.ndarray, step: float, *, tolerance: float, min_duration: float
) -> list[tuple[float, float, float]]:
    """Cut a pitch track into notes.

    Parameters
    ----------
    midi : ndarray of float64, shape (frames,)
        MIDI note numbers with fractions; NaN where unvoiced.
    level : ndarray, shape (frames,)
        In dB. Between two louder moments, a note ends where it dips.
    step : float
        Between frames, in s.
    tolerance : float
        Semitones by which the pitch, once vibrato is averaged out, may leave the median of the note so far.
    min_duration : float
        Shorter notes, in s, are dropped.

    Returns
    -------
    list of (start, end, pitch)
        Seconds, each frame standing for the time from itself to the next; and the median, less vibrato.
    """
    segments = []
    dips = _dips(level, max(round(_PERIOD / 2 / step), 1))
    for first, last in _runs(~np.isnan(midi), _GAP / step, dips):
        pitch = _without_vibrato(midi[first:last], _PERIOD / step)
        notes: list[tuple[int, int]] = []
        for begin, end in _steady(pitch, tolerance):
            if notes and round(np.median(pitch[slice(*notes[-1])])) == round(np.median(pitch[begin:end])):
                begin, _ = notes.pop()  # it has only wavered
            notes.append((begin, end))
        segments += [
            ((first + begin) * step, (first + end) * step, float(np.median(pitch[begin:end])))
            for begin, end in notes
            if (end - begin) * step >= min_duration
        ]
    return segments


def _dips(level: np.ndarray, reach: int) -> np.ndarray:
    """Frames that are the quietest within reach, by `_DIP` quieter than some frame on either side."""
    padded = np.pad(level.astype(float), reach, constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    louder = np.minimum(windows[:, :reach].max(axis=1), windows[:, reach + 1 :].max(axis=1))
    return np.flatnonzero((windows[:, reach] <= windows.min(axis=1)) & (louder >= level + _DIP))


def _runs(voiced: np.ndarray, gap: float, cuts: np.ndarray) -> Iterator[tuple[int, int]]:
    """First frame, and the one after the last, of stretches that are voiced but for shorter gaps."""
    frames = np.flatnonzero(voiced)
    if not len(frames):
        return
    cut = np.diff(np.searchsorted(cuts, frames, side="right")) > 0
    breaks = np.flatnonzero((np.diff(frames) - 1 >= max(gap, 1)) | cut)
    firsts, lasts = np.append(0, breaks + 1), np.append(breaks, len(frames) - 1)
    yield from zip(frames[firsts].tolist(), (frames[lasts] + 1).tolist(), strict=True)


def _without_vibrato(midi: np.ndarray, period: float) -> np.ndarray:
    """Medians over a period around each frame: a step stays as sharp as it is."""
    reach = round(period / 2)
    padded = np.pad(midi, reach, constant_values=np.nan)
    return np.nanmedian(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1), axis=1)


def _steady(midi: np.ndarray, tolerance: float) -> Iterator[tuple[int, int]]:
    """Stretches that stay within a tolerance of their own median so far."""
    begin, so_far = 0, []
    for i, pitch in enumerate(midi.tolist()):
        if so_far and abs(pitch - so_far[len(so_far) // 2]) > tolerance:
            yield begin, i
            begin, so_far = i, []
        insort(so_far, pitch)
    yield begin, len(midi)


def midi_file(notes: Iterable[tuple[float, float, int, int]]) -> bytes:
    """Return a standard MIDI file of one track.

    Parameters
    ----------
    notes : iterable of (start, end, number, velocity)
        Seconds, whole MIDI note numbers, and velocities from 1 to 127. Different numbers may overlap.
    """
    import mido

    events: list[tuple[int, int, int]] = []  # what ends comes before what begins at the same time
    for start, end, number, velocity in notes:
        begin = round(2 * _TICKS * start)
        events += [(begin, velocity, number), (max(round(2 * _TICKS * end), begin + 1), 0, number)]
    track = mido.MidiTrack()
    now = 0
    for time, velocity, number in sorted(events, key=lambda event: event[:2]):
        kind = "note_on" if velocity else "note_off"
        track.append(mido.Message(kind, note=number, velocity=velocity, time=time - now))
        now = time
    stream = io.BytesIO()
    mido.MidiFile(type=0, ticks_per_beat=_TICKS, tracks=[track]).save(file=stream)
    return stream.getvalue()


def synthesize(time: np.ndarray, frequency: np.ndarray, sample_rate: int, harmonics: int) -> np.ndarray:
    """Synthesize a pitch track.

    Parameters
    ----------
    time, frequency : ndarray of float64, shape (frames,)
        In s and Hz; NaN where unvoiced. Between frames the logarithm of the frequency is interpolated.
    sample_rate : int
        Hz.
    harmonics : int
        Each half as loud as the one before; none above half the rate.

    Returns
    -------
    ndarray of float32, shape (samples,)
        Up to the last frame. It fades in and out between a voiced and an unvoiced frame.
    """
    sound = np.zeros(round(time[-1] * sample_rate) + 1 if len(time) else 0, np.float32)
    voiced = ~np.isnan(frequency)
    if not voiced.any():
        return sound
    logarithm, turns = np.log(frequency[voiced]), 0.0
    loudness = _LOUDNESS / sum(0.5**k for k in range(harmonics))
    for first in range(0, len(sound), _BLOCK):
        seconds = np.arange(first, min(first + _BLOCK, len(sound))) / sample_rate
        hertz = np.exp(np.interp(seconds, time[voiced], logarithm))
        phase = turns + np.cumsum(hertz / sample_rate)
        turns = phase[-1] % 1
        wave = sum(
            0.5**k * np.sin(2 * np.pi * (k + 1) * phase) * ((k + 1) * hertz < sample_rate / 2)
            for k in range(harmonics)
        )
        envelope = np.interp(seconds, time, voiced.astype(float))
        sound[first : first + len(seconds)] = loudness * envelope * wave
    return sound
