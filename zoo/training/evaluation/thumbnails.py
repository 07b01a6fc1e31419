"""Examples to look at and to listen to, in a page that needs no other file."""

from __future__ import annotations

import base64
import io
from typing import NamedTuple

import numpy as np
import soundfile

from zoo.audio.signal import mono, open_sound
from zoo.core.errors import InputError
from zoo.training.data.dataset import Dataset
from zoo.vision.decoding import thumbnail

SIDE = 320  # pixels
SECONDS = 10
RATE = 22050  # Hz: speech and music stay recognizable, and a clip of MP3 takes 50 kB


class Thumbnail(NamedTuple):
    """A small copy of an example as a data URL, and what kind: picture or sound."""

    kind: str
    url: str


def thumbnail_of(data: Dataset, position: int) -> Thumbnail | None:
    """Return a small JPEG of an image, or the start of a recording as MP3; None if it cannot be decoded."""
    try:
        x = data.inputs[position]
        if data.modality == "image":
            return Thumbnail("image", _url("image/jpeg", _jpeg(x)))
        return Thumbnail("audio", _url("audio/mpeg", _mp3(x, data.sample_rate)))
    except InputError:
        return None


def _jpeg(x: object) -> bytes:
    file = io.BytesIO()
    thumbnail(x, (SIDE, SIDE)).save(file, "JPEG", quality=80)
    return file.getvalue()


def _mp3(x: object, sample_rate: float | None) -> bytes:
    blocks, remaining = [], SECONDS * RATE
    for block in mono(open_sound(x, sample_rate), RATE):
        blocks.append(block)
        remaining -= len(block)
        if remaining <= 0:
            break
    file = io.BytesIO()
    soundfile.write(file, np.concatenate(blocks)[: SECONDS * RATE], RATE, format="MP3")
    return file.getvalue()


def _url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
