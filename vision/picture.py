"""Decoding pictures: the only place in `vision` that meets untrusted bytes."""

import struct
from collections.abc import Iterable
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from zoo.errors import InputError
from zoo.inputs import is_file, name_of, open_input, setting

PILLOWS_LIMIT = 89_478_485  # from which on Pillow itself warns
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
_PHOTOMETRIC = 262  # tag of TIFF
# What Pillow raises on damaged files.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    MemoryError,
    LookupError,
    TypeError,
    AttributeError,
    struct.error,
)
# What brings a picture upright, by its EXIF orientation.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def max_pixels() -> float:
    """Most pixels that a picture may have: ``ZOO_MAX_PIXELS``, else Pillow's own limit, 89 million."""
    return setting("ZOO_MAX_PIXELS", PILLOWS_LIMIT)


def decode(x: Any) -> Image.Image:
    """A picture as a viewer would show it: upright, 8-bit RGB, transparency over white.

    Colour profiles count for CMYK only: the networks were trained on RGB pictures without regard to theirs.

    Parameters
    ----------
    x : str, path, bytes, binary file, PIL image, array or tensor
        An array is (height, width) or (height, width, 1, 3 or 4), a tensor may also be
        (1, 3 or 4, height, width); uint16 runs to 65535, other integers to 255, floats from 0 to 1.

    Returns
    -------
    PIL.Image.Image
        Mode RGB.

    Raises
    ------
    InputError
        If it is no picture, is damaged, or has more than `max_pixels` pixels.
    """
    if isinstance(x, Image.Image):
        return _decode(x, name_of(x))
    if is_file(x):
        with open_input(x) as stream:
            return _decode(stream, name_of(x))
    return _rgb(_from_array(x), "the array")


def is_one(x: Any) -> bool:
    """Whether `x` is one picture, not several."""
    return isinstance(x, Image.Image) or is_file(x) or (hasattr(x, "shape") and len(x.shape) < 4)


def several(x: Any) -> list[Any]:
    """The pictures that `x` stands for: itself, or its items (a list, or an array with four axes)."""
    if is_one(x):
        return [x]
    if not isinstance(x, Iterable):
        raise InputError(f"A {type(x).__name__} is no picture.")
    pictures = list(x)
    if not pictures:
        raise InputError("There is no picture in the list.")
    return pictures


def _decode(x: BinaryIO | Image.Image, name: str) -> Image.Image:
    limit = max_pixels()
    if Image.MAX_IMAGE_PIXELS is not None and limit > Image.MAX_IMAGE_PIXELS:
        Image.MAX_IMAGE_PIXELS = int(limit)  # the user asked for more than Pillow allows
    try:
        image = x if isinstance(x, Image.Image) else Image.open(x, formats=FORMATS)
        if (pixels := image.width * image.height) > limit:
            raise InputError(_too_large(name, pixels, limit))
        image.load()
        return _rgb(image, name)
    except UnidentifiedImageError:
        raise InputError(f"{name} is not a picture (JPEG, PNG, WebP, BMP, TIFF or GIF).") from None
    except Image.DecompressionBombError:
        raise InputError(_too_large(name, None, limit)) from None
    except InputError:
        raise
    except _BROKEN as error:
        raise InputError(f"{name} is a damaged picture: {str(error).rstrip('.')}.") from error


def _too_large(name: str, pixels: int | None, limit: float) -> str:
    size = f"{pixels / 1e6:.0f} million" if pixels else "far too many"
    most = f"{limit / 1e6:.0f} million"
    return f"{name} has {size} pixels, more than the {most} allowed; ZOO_MAX_PIXELS raises it."


def _rgb(image: Image.Image, name: str) -> Image.Image:
    if image.width == 0 or image.height == 0:
        raise InputError(f"{name} has no pixels.")
    image = _upright(image)
    if image.mode == "CMYK":
        image = _from_cmyk(image)
    elif image.mode.startswith("I;16") or image.mode in ("I", "F"):
        image = _from_deep(image, name)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _upright(image: Image.Image) -> Image.Image:
    try:
        turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation))
    except _BROKEN:
        turn = None  # a broken EXIF says nothing
    return image if turn is None else image.transpose(turn)


def _from_cmyk(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if not profile:
        return image
    try:
        return ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError):
        return image  # a broken profile: the plain conversion is the best there is


def _from_deep(image: Image.Image, name: str) -> Image.Image:
    """16-bit grey by its high byte; 32-bit and float, which have no fixed range, over the range they use."""
    values = np.asarray(image)
    if values.dtype.kind == "u" and values.itemsize == 2:
        shown = (values >> 8).astype(np.uint8)
        if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0:  # TIFF's "0 is white"
            shown = 255 - shown
        if (clear := image.info.get("transparency")) is not None:
            shown[values == clear] = 255
        return Image.fromarray(shown)
    if not np.isfinite(values).all():
        raise InputError(f"{name} has pixels that are not a number.")
    low, high = float(values.min()), float(values.max())
    return Image.fromarray(((values - low) * (255 / max(high - low, 1e-12))).round().astype(np.uint8))


def _from_array(x: Any) -> Image.Image:
    tensor = hasattr(x, "detach")
    try:
        values = np.asarray(x.detach().cpu() if tensor else x)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise InputError(f"A {type(x).__name__} of this kind is no picture.") from error
    if values.size > 4 * max_pixels():
        raise InputError(_too_large("the array", values.size, max_pixels()))
    if tensor and values.ndim == 3 and values.shape[0] in (1, 3, 4) and values.shape[2] not in (1, 3, 4):
        values = values.transpose(1, 2, 0)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if values.size == 0 or not (values.ndim == 2 or (values.ndim == 3 and values.shape[2] in (3, 4))):
        raise InputError(f"An array of shape {values.shape} is no picture: (height, width, 3) is expected.")
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise InputError("The picture has pixels that are not a number.")
        if values.min() < 0 or values.max() > 1:
            raise InputError("A picture of floats runs from 0 to 1; this one does not.")
        values = (values * 255).round()
    elif values.dtype == np.uint16:
        values = values >> 8
    elif values.dtype == bool:
        values = values * 255
    elif values.dtype.kind not in "iu" or values.min() < 0 or values.max() > 255:
        raise InputError(f"A picture of {values.dtype} cannot be used; uint8, uint16 or float is expected.")
    return Image.fromarray(values.astype(np.uint8))
