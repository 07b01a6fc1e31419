"""Decoding sound files: the only place in `audio` that meets untrusted bytes.

The decoders are imported where a file needs them.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import IO, TYPE_CHECKING

import numpy as np

from zoo.core.errors import InputError

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

BLOCK_SECONDS = 10
MAX_SAMPLES = 1_600_000  # a second, of all channels: 8 of 192 kHz, or 33 of 48 kHz
DECODE_SECONDS = (30, 0.1)  # of the processor: for any recording, and more for each second of it
_MAX_FRAMES = 5000  # of FFmpeg's, kept until they make a block
_SHORTEST_FRAME = 16  # samples, on average; codecs have 100 and more

# FFmpeg also knows play lists, which name other files and addresses. Only containers of sound are let in.
_CONTAINERS = "aac,aiff,asf,avi,caf,flac,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpegts,ogg,wav,w64,amr"

Decoded = tuple[float, float | None, Generator[np.ndarray, None, None]]
"""Sample rate in Hz, duration in s where the file states it, and blocks of shape (samples, 1), float32."""


def decode(stream: IO[bytes], name: str) -> Decoded:
    """Begin to decode a sound file.

    Parameters
    ----------
    stream : binary file
        Seekable; the last of the blocks closes it, or their ``close()`` once the first was taken.
    name : str
        Of the recording, for errors.

    Raises
    ------
    InputError
        If it is not sound, has too many channels, or is damaged; the blocks raise it too.
    """
    return _open_soundfile(stream, name) or _open_ffmpeg(stream, name)


def _open_soundfile(stream: IO[bytes], name: str) -> Decoded | None:
    """wav, flac, aiff and their kin; None where FFmpeg is to take the file."""
    import soundfile

    try:
        file = soundfile.SoundFile(stream)
    except (soundfile.SoundFileError, TypeError):  # TypeError: a name that ends with .raw
        file = None
    # FFmpeg takes what libsndfile does not know, what does not say its length, and mp3 and ogg, which
    # libsndfile cuts at an estimate of their length.
    if file is None or not 0 < file.frames < 2**62 or file.format in ("MP3", "MPEG", "OGG"):
        stream.seek(0)
        return None

    _require_few_samples(name, file.channels, file.samplerate)

    def blocks() -> Generator[np.ndarray, None, None]:
        with stream, file:
            while True:
                try:
                    block = file.read(BLOCK_SECONDS * file.samplerate, dtype="float32", always_2d=True)
                except soundfile.SoundFileError as error:
                    raise InputError(f"{name} is a damaged sound file: {error}.") from error
                if not len(block):
                    return
                yield _mean(block)

    return file.samplerate, file.frames / max(file.samplerate, 1), blocks()


def _mean(samples: np.ndarray) -> np.ndarray:
    """Return the mean of the channels, shape (samples, 1)."""
    return samples.T.copy().mean(axis=0, dtype=np.float32)[:, None]  # one row a channel is four times faster


def _require_few_samples(name: str, channels: int, sample_rate: int) -> None:
    if channels * sample_rate > MAX_SAMPLES:
        raise InputError(
            f"{name} has {channels} channels of {sample_rate} Hz; at most "
            f"{MAX_SAMPLES / 1e6:g} million samples a second are allowed."
        )


def _open_ffmpeg(stream: IO[bytes], name: str) -> Decoded:
    """mp3, ogg, m4a, mp4, webm and the other containers listed above."""
    import av
    from av.error import FFmpegError

    try:
        container = av.open(
            stream, mode="r", options={"format_whitelist": _CONTAINERS, "protocol_whitelist": ""}
        )
    except (FFmpegError, ValueError) as error:
        raise InputError(f"{name} is not a sound file that can be read.") from error
    try:
        track = _track(container, name)
    except InputError:
        container.close()
        raise
    duration = container.duration / av.time_base if container.duration else None

    def blocks() -> Generator[np.ndarray, None, None]:
        waiting, length, resampler, kind = [], 0, None, None
        with stream, container:
            try:
                for frame in container.decode(track):
                    layout = frame.layout
                    if kind != (layout.name, frame.sample_rate, frame.format.name):  # may change midway
                        kind = (layout.name, frame.sample_rate, frame.format.name)
                        _require_few_samples(name, layout.nb_channels, frame.sample_rate)
                        # Packed: of 8 planes and more, PyAV reads beyond the last.
                        resampler = av.AudioResampler(
                            format="flt", layout=layout.name, rate=track.sample_rate
                        )
                    assert resampler is not None  # made for the first frame
                    for part in resampler.resample(frame):
                        waiting.append(_mean(part.to_ndarray().reshape(-1, layout.nb_channels)))
                        length += len(waiting[-1])
                    if len(waiting) >= _MAX_FRAMES and length < _SHORTEST_FRAME * _MAX_FRAMES:
                        raise InputError(f"{name} is split into too many pieces; save it again.")
                    if length >= BLOCK_SECONDS * track.sample_rate or len(waiting) >= _MAX_FRAMES:
                        yield np.concatenate(waiting)
                        waiting, length = [], 0
            except InputError:
                raise
            except (FFmpegError, ValueError) as error:
                raise InputError(f"{name} is a damaged sound file: {error}.") from error
        if waiting:
            yield np.concatenate(waiting)

    return track.sample_rate or 0, duration, blocks()


def _track(container: InputContainer, name: str) -> AudioStream:
    """Return the first audio track of a container that can be decoded."""
    if not container.streams.audio:
        raise InputError(f"{name} has no sound in it.")
    track = container.streams.audio[0]
    if track.codec_context is None:
        raise InputError(f"{name} is encoded in a way that cannot be decoded.")
    _require_few_samples(name, track.codec_context.channels, track.sample_rate or 0)
    return track
