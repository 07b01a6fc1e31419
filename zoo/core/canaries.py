"""Canary inputs: small pictures and a sound that any machine makes anew, bit by bit the same.

Vectors that are stored with canaries show later whether a network still gives the same. The inputs need no
files and no random generator of a library, whose numbers may change with its version: their noise is the
output of SHAKE-128 (FIPS 202), and all arithmetic is that of integers.
"""

from __future__ import annotations

import hashlib

import numpy as np

VERSION = 1  # raised when a recipe changes what it makes
SAMPLE_RATE = 44_100  # Hz
SECONDS = 3

_SIZES = ((240, 320), (320, 240), (256, 256))  # height and width, in pixels: wide, tall and square
_BLOCKS = (64, 16, 4)  # pixels on a side, from coarse to fine
_TONES = (220, 440, 990)  # Hz, one a second


def pictures() -> list[np.ndarray]:
    """Make three pictures of colored squares of three sizes, one over the other.

    Returns
    -------
    list of ndarray of uint8, shape (height, width, 3)
        Squares of `_BLOCKS` pixels, whose colors are the bytes of SHAKE-128 of ``zoo canary picture I B``
        (I from 0, B the side of a square); the coarsest count half, the others a quarter each.
    """
    return [_picture(index, *size) for index, size in enumerate(_SIZES)]


def sound(seconds: int = SECONDS) -> np.ndarray:
    """Make a sound: each second a tone that fades, with noise.

    Parameters
    ----------
    seconds : int
        A longer sound begins with the shorter one.

    Returns
    -------
    ndarray of float32, shape (seconds * SAMPLE_RATE,)
        Whole numbers of 16 bits divided by 32768: a sawtooth of one of `_TONES`, a triangle a fifth above it,
        and the bytes of SHAKE-128 of ``zoo canary sound S`` (S the second, from 0) as noise.
    """
    return np.concatenate([_second(second) for second in range(seconds)])


def sha256(arrays: list[np.ndarray]) -> str:
    """Hash the bytes of arrays, one after the other, in little-endian and C order."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def _picture(index: int, height: int, width: int) -> np.ndarray:
    mixture = np.zeros((height, width, 3), np.uint16)
    for block, weight in zip(_BLOCKS, (2, 1, 1), strict=True):
        shape = (-(-height // block), -(-width // block), 3)
        colors = _noise(f"picture {index} {block}", shape, "u1").astype(np.uint16)
        mixture += weight * colors.repeat(block, axis=0).repeat(block, axis=1)[:height, :width]
    return (mixture // 4).astype(np.uint8)


def _second(second: int) -> np.ndarray:
    time = np.arange(SAMPLE_RATE)
    tone = _TONES[second % len(_TONES)]
    triangle = 2 * abs(_sawtooth(time, 3 * tone // 2)) - 32768
    noise = _noise(f"sound {second}", (SAMPLE_RATE,), "<i2").astype(np.int64)
    mixture = (3 * _sawtooth(time, tone) + 2 * triangle + noise) // 8
    return (mixture * (SAMPLE_RATE - time) // SAMPLE_RATE).astype(np.float32) / np.float32(32768)


def _sawtooth(time: np.ndarray, tone: int) -> np.ndarray:
    """Return a sawtooth from -32768 to 32767, of type int64."""
    return time * tone * 65536 // SAMPLE_RATE % 65536 - 32768


def _noise(name: str, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(hashlib.shake_128(f"zoo canary {name}".encode()).digest(size), dtype).reshape(shape)
