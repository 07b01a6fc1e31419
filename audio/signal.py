"""Recordings as streams of blocks, at the rate that is wanted.

Samples never travel without their rate, and never all at once. Files are decoded by
`zoo.audio.decoding`, here or in a helper process.
"""

import os
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from zoo.audio import decoding
from zoo.audio.decoding import BLOCK_SECONDS, DECODE_SECONDS, Decoded
from zoo.core.arrays import as_array
from zoo.core.environment import ISOLATED, setting
from zoo.core.errors import InputError
from zoo.core.inputs import flat_list, is_column, is_file, name_of, open_input
from zoo.core.paths import is_group
from zoo.core.validation import number

RATES = (100, 1_000_000)  # Hz; outside, a rate is a mistake
MAX_CHANNELS = 64
# Full scale is 1, and float recordings may exceed it: 32 leaves 30 dB of headroom. Floats at the scale of
# 16 bits exceed 32 unless the whole recording is below -60 dB.
LOUDEST = 32
SUFFIXES = {
    *(".aac", ".aif", ".aiff", ".amr", ".caf", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".wav"),
    *(".3gp", ".m4b", ".mka", ".mkv", ".mov", ".mp4", ".w64", ".webm", ".wma"),
}


@dataclass(frozen=True)
class AudioStream:
    """A recording as a stream.

    Attributes
    ----------
    name : str
    sample_rate : float
        Samples a second, in Hz.
    duration : float or None
        In s, as far as the file says.
    blocks : generator of ndarray, shape (samples, channels), float32
        Full scale is 1. Of a file, they are the mean of its channels.
    max_duration : float
        Longest recording accepted, in s.
    """

    name: str
    sample_rate: float
    duration: float | None
    blocks: Generator[np.ndarray, None, None]
    max_duration: float


def max_seconds() -> float:
    """Longest recording that is accepted, in s: ``ZOO_MAX_SECONDS``, else four hours."""
    return setting("ZOO_MAX_SECONDS", 4 * 3600)


def is_one(x: Any) -> bool:
    """Tell whether `x` is one recording: no list, folder, glob pattern or column of paths."""
    if is_group(x) or is_column(x):
        return False
    return is_file(x) or hasattr(x, "shape")


def several(x: Any) -> list[Any]:
    """List the recordings that `x` stands for: itself if it `is_one`, else as of `zoo.core.inputs.flat_list`.

    Parameters
    ----------
    x : what `open_sound` takes, a folder, a glob pattern, or an iterable of these
        Among iterables are pandas Series and arrays of paths. An empty one gives an empty list.

    Raises
    ------
    InputError
        If it is not iterable, or is a list of numbers or of lists.
    """
    return [x] if is_one(x) else flat_list(x, SUFFIXES, "a recording")


def open_sound(
    x: Any, sample_rate: float | None = None, *, index: int = 0, max_duration: float | None = None
) -> AudioStream:
    """Open a recording as a stream of blocks.

    Parameters
    ----------
    x : str, path, bytes, binary file, array or tensor
        An array is (samples,) or (channels, samples); integers of up to 32 bits run to the maximum of their
        type, floats from -1 to 1, with headroom up to `LOUDEST`.
    sample_rate : float, optional
        Of an array, in Hz: required there, refused for a file, which knows its own.
    index : int
        Position in a list, for the name of an input that has none.
    max_duration : float, optional
        Longest recording accepted, in s; `max_seconds` by default.

    Raises
    ------
    InputError
        If it is not a sound, is empty, damaged or too long, or the rate is missing or absurd.
    """
    max_duration = max_seconds() if max_duration is None else max_duration
    if not is_file(x):
        return _from_array(x, sample_rate, name_of(x, index), max_duration)
    if sample_rate is not None:
        raise InputError("sample_rate= is for arrays; a file states its own sample rate.")
    name = name_of(x, index)
    with ExitStack() as stack:
        stream = stack.enter_context(open_input(x))
        sound = AudioStream(name, *_decode(stream, name), max_duration)
        stack.enter_context(closing(sound.blocks))
        check_rate(sound.sample_rate, name)
        _check_duration(sound.duration, sound)
        stack.pop_all()  # the reader of the blocks closes the stream
    return sound


class MonoResampler:
    """The mean of the channels at another rate, block by block.

    Resampled with soxr, quality HQ; the result does not depend on how the stream is cut into blocks.

    Parameters
    ----------
    name : str
        Of the recording, for errors.
    sample_rate, to : float
        Sample rates in Hz, that of the blocks and that wanted.
    """

    def __init__(self, name: str, sample_rate: float, to: int):
        self._name, self._empty, self._resampler = name, True, None
        if sample_rate != to:
            import soxr

            self._resampler = soxr.ResampleStream(sample_rate, to, 1, "float32", "HQ")

    def feed(self, block: np.ndarray) -> np.ndarray:
        """Go on with a block of shape (samples, channels).

        Returns
        -------
        ndarray of float32, shape (samples,)

        Raises
        ------
        InputError
            If a sample is not a number, or beyond `LOUDEST`.
        """
        self._empty &= not len(block)
        block = block.mean(axis=1, dtype=np.float32)
        if not np.isfinite(block).all():
            raise InputError(f"{self._name} has samples that are not a number.")
        if np.abs(block).max(initial=0) > LOUDEST:
            raise InputError(
                f"{self._name} has samples of up to {np.abs(block).max():.6g}, where full scale is 1: "
                "pass 16-bit samples as int16, or divide them by 32768."
            )
        return self._resampler.resample_chunk(block) if self._resampler else block

    def finish(self) -> np.ndarray:
        """Return what is left in the resampler, shape (samples,).

        Raises
        ------
        InputError
            If there was nothing at all.
        """
        if self._empty:
            raise InputError(f"{self._name} has no samples.")
        rest = np.zeros(0, np.float32)
        return self._resampler.resample_chunk(rest, last=True) if self._resampler else rest


def limited(sound: AudioStream) -> Iterator[np.ndarray]:
    """Pass on the blocks of a recording, up to the longest duration allowed.

    Raises
    ------
    InputError
        If it turns out to be damaged or too long, or takes too long to decode.
    """
    count, busy = 0, 0.0
    with closing(sound.blocks):
        while True:
            begin = time.thread_time()
            block = next(sound.blocks, None)
            busy += time.thread_time() - begin
            if block is None:
                return
            count += len(block)
            _check_duration(count / sound.sample_rate, sound)
            if busy > DECODE_SECONDS[0] + DECODE_SECONDS[1] * count / sound.sample_rate:
                raise InputError(f"{sound.name} takes too long to decode; save it again, as WAV or FLAC.")
            yield block


def mono(sound: AudioStream, sample_rate: int) -> Iterator[np.ndarray]:
    """Average the channels and resample them block by block, see `MonoResampler`.

    Yields
    ------
    ndarray of float32, shape (samples,)

    Raises
    ------
    InputError
        If a sample is not a number, or the recording turns out to be damaged, empty or too long.
    """
    converter = MonoResampler(sound.name, sound.sample_rate, sample_rate)
    for block in limited(sound):
        yield converter.feed(block)
    yield converter.finish()


def read_mono(x: Any, sample_rate: int, *, max_duration: float | None = None) -> np.ndarray:
    """Read a whole recording at once, for drawing.

    Parameters
    ----------
    x : str, path, bytes or binary file
    sample_rate : int
        Wanted, in Hz.
    max_duration : float, optional
        Longest recording accepted, in s.

    Returns
    -------
    ndarray of float32, shape (samples,)

    Raises
    ------
    InputError
        As `open_sound` and `mono`.
    """
    return np.concatenate(list(mono(open_sound(x, max_duration=max_duration), sample_rate)))


def _decode(stream: IO[bytes], name: str) -> Decoded:
    """Decode here, or in a helper process if ``ZOO_ISOLATED_DECODING=1`` asks for it, as the app does."""
    if os.environ.get(ISOLATED) != "1":
        return decoding.decode(stream, name)
    from zoo.audio import decoding_worker

    return decoding_worker.decode(stream, name)


def _from_array(x: Any, sample_rate: float | None, name: str, max_duration: float) -> AudioStream:
    if sample_rate is None:
        raise InputError("An array of samples needs its rate in Hz: pass sample_rate=.")
    sample_rate = check_rate(sample_rate, name)
    samples = as_channels(x, name)
    count = samples.shape[1]
    step = int(BLOCK_SECONDS * sample_rate)
    blocks = (as_float(samples[:, start : start + step].T) for start in range(0, count, step))
    sound = AudioStream(name, sample_rate, count / sample_rate, blocks, max_duration)
    _check_duration(sound.duration, sound)
    return sound


def as_channels(x: Any, name: str) -> np.ndarray:
    """Return samples of an array or tensor of any type as (channels, samples).

    Raises
    ------
    InputError
        If it is not a sound, or empty.
    """
    samples = as_array(x, "a recording")
    if samples.ndim not in (1, 2) or samples.dtype.kind not in "iuf":
        raise InputError(f"An array of shape {samples.shape} and type {samples.dtype} is not a recording.")
    if samples.dtype.kind != "f" and samples.dtype.itemsize == 8:  # as 64-bit samples these would be silence
        raise InputError(
            f"{name} has samples of {samples.dtype}, whose full scale is unknown: pass int16, int32, or "
            "floats from -1 to 1."
        )
    samples = np.atleast_2d(samples)
    if samples.size == 0:
        raise InputError(f"{name} has no samples.")
    if samples.shape[0] > MAX_CHANNELS:
        raise InputError(
            f"An array of shape {samples.shape} would have {samples.shape[0]} channels; "
            "(channels, samples) is expected: pass its transpose."
        )
    return samples


def as_float(samples: np.ndarray) -> np.ndarray:
    """Convert samples to float32 with a full scale of 1: integers are over the maximum of their type."""
    if samples.dtype.kind == "f":
        return samples.astype(np.float32)
    middle = 2 ** (8 * samples.itemsize - 1)
    offset = middle if samples.dtype.kind == "u" else 0
    return ((samples.astype(np.float64) - offset) / middle).astype(np.float32)


def check_rate(sample_rate: float, name: str) -> float:
    """Check the sample rate of a recording, in Hz.

    Raises
    ------
    InputError
        If it is not a number from 100 Hz to 1 MHz; a text, such as ``"16000"``, is not.
    """
    try:
        return number("sample_rate", sample_rate, *RATES)
    except InputError:
        raise InputError(
            f"{name} has a sample rate of {sample_rate!r} Hz; a number from {RATES[0]} Hz to 1 MHz "
            "is expected."
        ) from None


def _check_duration(seconds: float | None, sound: AudioStream) -> None:
    if seconds is not None and seconds > sound.max_duration:
        hint = "; ZOO_MAX_SECONDS sets another limit" if sound.max_duration == max_seconds() else ""
        raise InputError(
            f"{sound.name} lasts {seconds:.0f} s or more, and {sound.max_duration:.0f} s are allowed{hint}."
        )
