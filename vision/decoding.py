"""Decoding pictures: the only place in `vision` that meets untrusted bytes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

import numpy as np
from PIL import Image, UnidentifiedImageError

from zoo.core.arrays import as_array
from zoo.core.environment import ISOLATED
from zoo.core.errors import InputError
from zoo.core.inputs import flat_list, is_column, is_file, name_of, open_input
from zoo.core.paths import is_group
from zoo.vision.color_modes import PILLOW_ERRORS, to_rgb
from zoo.vision.decoding_limits import (
    PILLOW_LIMIT,
    MeteredStream,
    max_pixels,
    max_request_pixels,
    require_few_scans,
    require_few_strips,
)

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"}


def is_isolated() -> bool:
    """Whether files are decoded in helper processes.

    ``ZOO_ISOLATED_DECODING=1`` asks for it, as the app does. Pictures that Pillow refuses without a change of
    its global limit are decoded there too.
    """
    asked = os.environ.get(ISOLATED)
    return asked == "1" or (asked != "0" and max_pixels() > PILLOW_LIMIT)


def decode(x: Any) -> Image.Image:
    """Decode an image as a viewer would show it: upright, 8-bit RGB, transparency over white.

    Color profiles count for CMYK only: the networks were trained on RGB pictures without regard to theirs.

    Parameters
    ----------
    x : str, path, bytes, binary file, PIL image, array or tensor
        Of shape (height, width), (height, width, 1, 3 or 4) or (1, 3 or 4, height, width). Channels come last
        where both are possible, as in (3, 224, 3). uint16 runs to 65535, other integers to 255, floats from 0
        to 1.

    Returns
    -------
    PIL.Image.Image
        Mode RGB.

    Raises
    ------
    InputError
        If it is not a picture, is damaged, has more than `max_pixels` pixels or values that cannot be used,
        or takes too long to decode.
    """
    if is_file(x):
        if is_isolated():
            return _isolated("decode", x)
        with open_input(x) as stream:
            return _decode(stream, name_of(x))
    if isinstance(x, Image.Image):
        return _decode(x, name_of(x))
    return to_rgb(_from_array(x), "the array")


def thumbnail(x: Any, size: tuple[int, int]) -> Image.Image:
    """Return a copy of an image, no wider and no higher than `size`; see `decode`.

    Of a JPEG no more is decoded than the copy needs.
    """
    if is_file(x):
        if is_isolated():
            return _isolated("thumbnail", x, size=size)
        with open_input(x) as stream:
            image = _decode(stream, name_of(x), side=2 * max(size))
    else:
        image = decode(x).copy()
    image.thumbnail(size)
    return image


def check(x: Any) -> tuple[int, int]:
    """Decode a picture to see that it is whole; its width and height, upright.

    Raises
    ------
    InputError
        As of `decode`.
    """
    return _isolated("check", x) if is_file(x) and is_isolated() else decode(x).size


def stored_size(x: Any) -> tuple[int, int]:
    """Width and height of a picture as its header states them; an open file is left at its place.

    Raises
    ------
    InputError
        If it is not a picture, or has more than `max_pixels` pixels.
    """
    if not is_file(x):
        return decode(x).size
    place = x.tell() if hasattr(x, "seek") else None
    try:
        return _isolated("size", x) if is_isolated() else _stored_size(x)
    finally:
        if place is not None:
            x.seek(place)


def count_pixels(x: Any) -> int:
    """Pixels of a picture; see `stored_size`."""
    width, height = stored_size(x)
    return width * height


class PixelBudget:
    """Pixels that the pictures of one request may have together.

    Parameters
    ----------
    limit : float, optional
        `max_request_pixels` by default.
    """

    def __init__(self, limit: float | None = None):
        self.limit = max_request_pixels() if limit is None else limit
        self.used = 0

    def take(self, name: str, pixels: int) -> None:
        """Count a picture.

        Raises
        ------
        InputError
            If it has too many pixels, together with those before.
        """
        if self.used + pixels > self.limit:
            raise InputError(
                f"{name} is left out: all pictures together may have {self.limit / 1e6:.0f} million pixels; "
                "bring fewer, or smaller ones."
            )
        self.used += pixels


def is_one(x: Any) -> bool:
    """Tell whether `x` is one picture, not a list, folder, pattern, column of paths or array of pictures."""
    if is_group(x) or is_column(x):
        return False
    return isinstance(x, Image.Image) or is_file(x) or (hasattr(x, "shape") and len(x.shape) < 4)


def several(x: Any) -> list[Any]:
    """List the pictures that `x` stands for: itself if it `is_one`, else as of `zoo.core.inputs.flat_list`.

    Parameters
    ----------
    x : what `decode` takes, a folder, a glob pattern, or an iterable of these
        Among iterables are pandas Series, arrays of paths and arrays with four axes. An empty one gives an
        empty list.

    Raises
    ------
    InputError
        If it is not iterable, or is a list of numbers or of lists.
    """
    return [x] if is_one(x) else flat_list(x, SUFFIXES, "an image")


def _isolated(action: str, x: Any, **options: Any) -> Any:
    from zoo.vision import decoding_worker

    with open_input(x) as stream:
        return decoding_worker.run(action, stream.read(), name_of(x), **options)


def _stored_size(x: Any) -> tuple[int, int]:
    name = name_of(x)
    with open_input(x) as stream, _sentences(name):
        return _open(MeteredStream(stream, name), name).size


def _decode(x: IO[bytes] | Image.Image, name: str, side: int | None = None) -> Image.Image:
    """Decode all of a picture, or of a JPEG as much as gives it that many pixels on its longer side."""
    with _sentences(name):
        if isinstance(x, Image.Image):
            image = _within_limit(x, name)
        else:
            stream = MeteredStream(x, name)
            image = _open(stream, name)
            require_few_scans(image, x, name)
            stream.allow_pixels()
        if side:
            image.draft(None, (side, side))
        image.load()
        return to_rgb(image, name)


def _open(stream: MeteredStream, name: str) -> Image.Image:
    file = cast("IO[bytes]", stream)  # it passes on what it does not meter
    require_few_strips(file, name)
    return _within_limit(Image.open(file, formats=FORMATS), name)


def _within_limit(image: Image.Image, name: str) -> Image.Image:
    if (pixels := image.width * image.height) > (limit := max_pixels()):
        raise InputError(_too_large(name, pixels, limit))
    return image


@contextmanager
def _sentences(name: str) -> Iterator[None]:
    """Turn Pillow's errors into one sentence."""
    try:
        yield
    except UnidentifiedImageError:
        raise InputError(f"{name} is not a picture (JPEG, PNG, WebP, BMP, TIFF or GIF).") from None
    except Image.DecompressionBombError:
        raise InputError(_too_large(name, None, max_pixels())) from None
    except InputError:
        raise
    except PILLOW_ERRORS as error:
        raise InputError(f"{name} is a damaged picture: {str(error).rstrip('.')}.") from error


def _too_large(name: str, pixels: int | None, limit: float) -> str:
    size = f"{pixels / 1e6:.0f} million" if pixels else "far too many"
    allowed = f"{limit / 1e6:.0f} million"
    return f"{name} has {size} pixels, more than the {allowed} allowed; ZOO_MAX_PIXELS raises it."


def _from_array(x: Any) -> Image.Image:
    values = as_array(x, "an image")
    if values.size > 4 * max_pixels():
        raise InputError(_too_large("the array", values.size, max_pixels()))
    return Image.fromarray(_as_bytes(_channels_last(values)))


def _channels_last(values: np.ndarray) -> np.ndarray:
    """Return an array as (height, width) or (height, width, 3 or 4)."""
    if values.ndim == 3 and values.shape[0] in (1, 3, 4) and values.shape[2] not in (1, 3, 4):
        values = values.transpose(1, 2, 0)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if values.size == 0 or not (values.ndim == 2 or (values.ndim == 3 and values.shape[2] in (3, 4))):
        raise InputError(
            f"An array of shape {values.shape} is not a picture: (height, width, 3) is expected."
        )
    return values


def _as_bytes(values: np.ndarray) -> np.ndarray:
    """Scale the values of an array to 0 to 255, as uint8."""
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise InputError("The picture has pixels that are not a number.")
        if values.min() < 0 or values.max() > 1:
            raise InputError("A picture of floats runs from 0 to 1; this one does not.")
        values = (values * 255).round()
    elif values.dtype == np.uint16:
        if 0 < values.max() <= 255:
            raise InputError(
                "An image of uint16 runs to 65535, and this one only to 255, almost black: if it has 8 bits, "
                "pass it as uint8."
            )
        values = values >> 8
    elif values.dtype == bool:
        values = values * 255
    elif values.dtype.kind not in "iu" or values.min() < 0 or values.max() > 255:
        raise InputError(f"A picture of {values.dtype} cannot be used; uint8, uint16 or float is expected.")
    return values.astype(np.uint8)
