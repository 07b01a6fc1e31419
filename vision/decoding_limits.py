"""What a picture file may cost to decode, judged before its pixels are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from PIL import Image, TiffImagePlugin

from zoo.core.environment import setting
from zoo.core.errors import InputError

PILLOW_LIMIT = 89_478_485  # pixels above which Pillow itself warns
MAX_SCANS = 100  # of a JPEG; progressive ones of common encoders have about 10
MAX_SCANNED = 1_800_000_000  # scans times pixels: 20 scans of the largest picture
MAX_STRIPS = 100_000  # of a TIFF, or tiles
MAX_READS = 20_000  # to open a file: Pillow reads each segment, block or tag by itself
_READ_BYTES = 256  # that a read covers at least, on average, while pixels are decoded
_SCAN = b"\xff\xda"
_COMPRESSION, _STRIPS, _TILES = 259, 273, 324  # tags of TIFF
_JPEG_IN_TIFF = (6, 7)


def max_pixels() -> float:
    """Most pixels that a picture may have: ``ZOO_MAX_PIXELS``, else Pillow's own limit, 89 million."""
    return setting("ZOO_MAX_PIXELS", PILLOW_LIMIT)


def max_request_pixels() -> float:
    """Most pixels of the pictures of one request together: ``ZOO_MAX_REQUEST_PIXELS``, else a billion."""
    return setting("ZOO_MAX_REQUEST_PIXELS", 1_000_000_000)


class MeteredStream:
    """A binary stream that refuses to be read in too many pieces.

    A file of millions of tiny comments or chunks keeps Pillow busy for minutes.

    Parameters
    ----------
    stream : binary file
    name : str
        Of the file, for the error.
    """

    def __init__(self, stream: IO[bytes], name: str):
        self._stream, self._name, self._left = stream, name, MAX_READS

    def read(self, size: int = -1) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise InputError(f"{self._name} is split into too many pieces; save the picture again.")
        return self._stream.read(size)

    def allow_pixels(self) -> None:
        """Allow for the reads that the pixels of a file of this size need."""
        place = self._stream.tell()
        self._left = MAX_READS + self._stream.seek(0, 2) // _READ_BYTES
        self._stream.seek(place)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def require_few_strips(stream: IO[bytes], name: str) -> None:
    """Refuse a TIFF in pieces so many that listing them takes Pillow seconds.

    Raises
    ------
    InputError
        If it has more than `MAX_STRIPS` strips or tiles.
    """
    place = stream.tell()
    header = stream.read(16)
    if header.startswith(tuple(TiffImagePlugin.PREFIXES)) and len(header) == 16:
        big = header[2] == 43  # BigTIFF, as Pillow tells it
        directory = TiffImagePlugin.ImageFileDirectory_v2(header if big else header[:8])
        stream.seek(directory.next)
        directory.load(stream)
        if (parts := _parts(directory)) > MAX_STRIPS:
            raise InputError(f"{name} consists of {parts} strips or tiles; {MAX_STRIPS} are allowed.")
    stream.seek(place)


def _parts(directory: Mapping[int, Any]) -> int:
    return max(len(directory.get(tag, ())) for tag in (_STRIPS, _TILES)) or 1


def require_few_scans(image: Image.Image, stream: IO[bytes], name: str) -> None:
    """Refuse a JPEG, or a TIFF of JPEGs, whose pixels are sent too many times over.

    Raises
    ------
    InputError
        If it has more than `MAX_SCANS`, or so many that the decoder would run for more than some seconds.
    """
    parts = 1
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        if image.tag_v2.get(_COMPRESSION) not in _JPEG_IN_TIFF:
            return
        parts = _parts(image.tag_v2)
    elif image.format not in ("JPEG", "MPO"):
        return
    place = stream.tell()
    stream.seek(0)
    scans = stream.read().count(_SCAN) / parts  # other bytes of 255 are followed by 0
    stream.seek(place)
    if scans > MAX_SCANS or scans * image.width * image.height > MAX_SCANNED:
        raise InputError(f"{name} has {scans:.0f} scans, which take too long to decode; save it again.")
