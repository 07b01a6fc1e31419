"""From every mode of Pillow to upright RGB."""

import struct
from collections.abc import Callable, Iterator
from io import BytesIO

import numpy as np
from PIL import ExifTags, Image, ImageCms

from zoo.core.errors import InputError

_PHOTOMETRIC = 262  # tag of TIFF
_STRIP = 1 << 22  # pixels that are converted at once
# What Pillow raises on damaged files.
PILLOW_ERRORS = (
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


def to_rgb(image: Image.Image, name: str) -> Image.Image:
    """Convert a loaded image to 8-bit RGB, upright, with transparency over white.

    Raises
    ------
    InputError
        If it has no pixels, or some that are not a number.
    """
    if image.width == 0 or image.height == 0:
        raise InputError(f"{name} has no pixels.")
    turn = _turn(image)
    if image.mode == "CMYK":
        image = _from_cmyk(image)
    elif image.mode.startswith("I;16") or image.mode in ("I", "F"):
        image = _from_deep(image, name)
    if image.has_transparency_data:
        image = _by_strips(image, "RGB", _over_white)
    image = image if image.mode == "RGB" else image.convert("RGB")
    return image if turn is None else image.transpose(turn)


def _by_strips(image: Image.Image, mode: str, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Convert some rows at once: the steps between take several times the memory of what they convert."""
    whole = Image.new(mode, image.size)
    for top, strip in _strips(image):
        whole.paste(convert(strip), (0, top))
    return whole


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    rows = max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _over_white(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def _turn(image: Image.Image) -> Image.Transpose | None:
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except PILLOW_ERRORS:
        return None  # a broken EXIF says nothing


def _from_cmyk(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if not profile:
        return image
    try:
        converted = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
        return converted or image  # it returns None only for a conversion in place
    except (ImageCms.PyCMSError, OSError):
        return image  # a broken profile: the plain conversion is the best there is


def _from_deep(image: Image.Image, name: str) -> Image.Image:
    """16-bit gray by its high byte; 32-bit and float, which have no fixed range, over the range they use."""
    if image.mode.startswith("I;16"):
        inverted = getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0  # TIFF's "0 is white"
        clear = image.info.get("transparency")
        return _by_strips(image, "L", lambda strip: _high_byte(strip, inverted, clear))
    ends = [_ends(strip, name) for _, strip in _strips(image)]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    scale = 255 / max(high - low, 1e-12)

    def scaled(strip: Image.Image) -> Image.Image:
        return Image.fromarray(((np.asarray(strip) - low) * scale).round().astype(np.uint8))

    return _by_strips(image, "L", scaled)


def _high_byte(strip: Image.Image, inverted: bool, clear: int | None) -> Image.Image:
    values = np.asarray(strip)
    shown = (values >> 8).astype(np.uint8)
    if inverted:
        shown = 255 - shown
    if clear is not None:
        shown[values == clear] = 255
    return Image.fromarray(shown)


def _ends(strip: Image.Image, name: str) -> tuple[float, float]:
    values = np.asarray(strip)
    if not np.isfinite(values).all():
        raise InputError(f"{name} has pixels that are not a number.")
    return float(values.min()), float(values.max())
