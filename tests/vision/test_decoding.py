"""Every kind of picture comes out as a viewer shows it; everything else is refused in one sentence."""

import io
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from zoo.core.errors import InputError
from zoo.vision.decoding import FORMATS, SUFFIXES, decode, is_one, several

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def quarters() -> Image.Image:
    """Red and green above, blue and white below: 40 × 20 pixels."""
    image = Image.new("RGB", (40, 20), RED)
    image.paste(GREEN, (20, 0, 40, 10))
    image.paste(BLUE, (0, 10, 20, 20))
    image.paste(WHITE, (20, 10, 40, 20))
    return image


def encode(image: Image.Image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    w, h = image.size
    return [
        image.getpixel(p)
        for p in ((w // 8, h // 8), (w * 7 // 8, h // 8), (w // 8, h * 7 // 8), (w * 7 // 8, h * 7 // 8))
    ]


def assert_close(actual, expected, tolerance):
    assert np.abs(np.array(actual, int) - np.array(expected, int)).max() <= tolerance, actual


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("JPEG", {"quality": 95, "subsampling": 0}, 6),
        ("PNG", {}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("GIF", {}, 0),
    ],
)
def test_every_format(kind, options, tolerance):
    assert_close(corners(decode(encode(quarters(), kind, **options))), [RED, GREEN, BLUE, WHITE], tolerance)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_the_picture_upright(orientation):
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)
    stored = quarters().transpose(turn) if turn is not None else quarters()
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = decode(encode(stored, "PNG", exif=exif))
    assert upright.size == (40, 20)
    assert corners(upright) == [RED, GREEN, BLUE, WHITE]


def test_an_exif_with_broken_tags_still_turns_the_picture():
    exif = Image.Exif()
    exif[0x0112] = 3
    exif[0x0128] = 2
    data = bytearray(encode(quarters(), "JPEG", exif=exif, quality=95, subsampling=0))
    place = data.index(bytes.fromhex("0128 0003"))
    data[place + 3] = 2  # ResolutionUnit, said to be text
    assert_close(corners(decode(bytes(data))), [WHITE, BLUE, GREEN, RED], 6)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_over_white(mode):
    image = Image.new(mode, (4, 4), (255, 0, 0, 0) if mode == "RGBA" else (0, 0))
    assert decode(encode(image, "PNG")).getpixel((0, 0)) == WHITE
    half = Image.new("RGBA", (4, 4), (255, 0, 0, 128))
    assert_close(decode(encode(half, "PNG")).getpixel((0, 0)), (255, 127, 127), 1)


def test_a_palette_and_its_transparent_color():
    image = quarters().quantize(8)
    assert_close(corners(decode(encode(image, "PNG"))), [RED, GREEN, BLUE, WHITE], 0)
    red = image.getpixel((5, 2))
    assert corners(decode(encode(image, "PNG", transparency=red)))[0] == WHITE


def test_sixteen_bits_are_scaled_not_clipped():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    pixels = np.asarray(decode(encode(Image.fromarray(ramp), "PNG")))[..., 0]
    assert_close(pixels.ravel(), np.arange(256), 1)
    tiff = np.asarray(decode(encode(Image.fromarray(ramp), "TIFF")))[..., 0]
    assert_close(tiff.ravel(), np.arange(256), 1)


def test_sixteen_bits_with_a_transparent_value_or_with_white_at_0():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    pixels = np.asarray(decode(encode(Image.fromarray(ramp), "PNG", transparency=0)))[..., 0]
    assert_close(pixels.ravel(), [255, *range(1, 256)], 1)
    inverted = encode(Image.fromarray(ramp), "TIFF", tiffinfo={262: 0})
    assert_close(np.asarray(decode(inverted))[..., 0].ravel(), np.arange(255, -1, -1), 1)


def test_a_float_tiff_is_shown_over_its_range():
    ramp = np.linspace(-3, 7, 256, dtype=np.float32).reshape(16, 16)
    pixels = np.asarray(decode(encode(Image.fromarray(ramp), "TIFF")))[..., 0]
    assert_close(pixels.ravel(), np.arange(256), 1)


def test_cmyk_with_and_without_a_profile():
    image = quarters().convert("CMYK")
    assert_close(
        corners(decode(encode(image, "JPEG", quality=100, subsampling=0))), [RED, GREEN, BLUE, WHITE], 8
    )
    broken = encode(image, "JPEG", icc_profile=b"no profile")
    assert_close(corners(decode(broken)), [RED, GREEN, BLUE, WHITE], 12)
    inverted = image.point(lambda value: 255 - value)  # the two ways in which files store CMYK
    assert_close(corners(decode(inverted)), corners(inverted.convert("RGB")), 0)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    wrong_kind = encode(image, "JPEG", icc_profile=srgb)
    assert_close(corners(decode(wrong_kind)), [RED, GREEN, BLUE, WHITE], 12)


def test_the_first_frame_of_an_animation():
    frames = [Image.new("RGB", (8, 8), color) for color in (RED, BLUE)]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(data).getpixel((0, 0)) == RED


@pytest.mark.parametrize(
    "x",
    [
        np.asarray(quarters()),
        np.asarray(quarters()) / 255,
        np.asarray(quarters()).astype(np.uint16) * 257,
        np.asarray(quarters()).transpose(2, 0, 1),
        torch.from_numpy(np.asarray(quarters()).copy()).permute(2, 0, 1),
        torch.from_numpy(np.asarray(quarters()) / 255).to(torch.bfloat16).permute(2, 0, 1),
        (np.asarray(quarters()) / 255).astype(np.float16),
        quarters(),
        quarters().convert("RGBA"),
    ],
    ids=["uint8", "float", "uint16", "channels first", "tensor", "bfloat16", "float16", "PIL", "PIL RGBA"],
)
def test_arrays_tensors_and_pil(x):
    assert corners(decode(x)) == [RED, GREEN, BLUE, WHITE]


def test_channels_are_last_where_they_could_be_first():
    array = np.zeros((3, 20, 3), np.uint8)
    array[0, :, 0] = 255
    assert decode(array).size == (20, 3)
    assert decode(array).getpixel((10, 0)) == RED


def test_a_gray_array():
    assert decode(np.full((4, 4), 7, np.uint8)).getpixel((0, 0)) == (7, 7, 7)
    assert decode(np.ones((4, 4, 1), bool)).getpixel((0, 0)) == WHITE


PHOTO = encode(Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)), "JPEG")


def bomb() -> bytes:
    """A png that says 20000 × 20000 and has hardly any bytes."""
    data = encode(Image.new("L", (8, 8)), "PNG")
    header = b"IHDR" + (20000).to_bytes(4, "big") * 2 + data[24:29]
    return data[:12] + header + zlib.crc32(header).to_bytes(4, "big") + data[33:]


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "is empty"),
        (b"this is text, whatever its name says", "not a picture"),
        (b"\x7fELF" + bytes(2000), "not a picture"),
        (PHOTO[: len(PHOTO) // 2], "damaged"),
        (encode(quarters(), "PNG")[:60], "damaged"),
        (encode(quarters(), "GIF")[:20], "damaged|not a picture"),
        (bomb(), "400 million pixels|far too many pixels"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
    ],
    ids=["empty", "text", "executable", "half a jpeg", "cut png", "cut gif", "bomb", "PostScript"],
)
def test_what_is_no_picture_is_refused(data, word):
    with pytest.raises(InputError, match=word):
        decode(data)


def test_a_pil_image_is_held_to_the_same_rules():
    with pytest.raises(InputError, match="damaged"):
        decode(Image.open(io.BytesIO(PHOTO[: len(PHOTO) // 2])))
    with pytest.raises(InputError, match="pixels"):
        decode(Image.new("1", (20000, 20000)))


def test_the_limit_on_pixels_can_be_moved(monkeypatch):
    data = encode(Image.new("L", (300, 300)), "PNG")
    monkeypatch.setenv("ZOO_MAX_PIXELS", "50000")
    with pytest.raises(InputError, match="ZOO_MAX_PIXELS"):
        decode(data)
    monkeypatch.setenv("ZOO_MAX_PIXELS", "500000000")
    assert decode(data).size == (300, 300)
    with pytest.raises(InputError, match="damaged"):  # now the bomb is opened, and found out
        decode(bomb())


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((0, 10, 3), np.uint8),
        np.zeros((5, 4, 7), np.uint8),
        np.zeros(10, np.uint8),
        np.full((4, 4), np.nan),
        np.full((4, 4), np.inf, np.float16),
        torch.full((4, 4), float("nan")),
        torch.full((3, 4, 4), float("-inf"), dtype=torch.bfloat16),
        Image.fromarray(np.full((4, 4), np.nan, np.float32)),
        np.full((4, 4), 300.0),
        np.full((4, 4), -1),
        np.array([["a"]]),
        42,
    ],
    ids=lambda x: str(getattr(x, "shape", type(x).__name__)),
)
def test_arrays_that_are_no_picture(x):
    with pytest.raises(InputError):
        decode(x)


def test_eight_bits_in_an_array_of_sixteen_are_refused():
    with pytest.raises(InputError, match="pass it as uint8"):
        decode(np.asarray(quarters()).astype(np.uint16))
    assert decode(np.zeros((4, 4), np.uint16)).getpixel((0, 0)) == (0, 0, 0)
    assert decode(np.full((4, 4), 256, np.uint16)).getpixel((0, 0)) == (1, 1, 1)


def test_a_folder_and_a_pattern_are_several_pictures(tmp_path):
    for name in ("b.PNG", "sub/a.png", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encode(quarters(), "PNG"))
    paths = [tmp_path / "b.PNG", tmp_path / "sub" / "a.png"]
    for x in (tmp_path, str(tmp_path), f"{tmp_path}/**/*", [tmp_path]):
        assert not is_one(x)
        assert several(x) == paths
    assert is_one(str(paths[0]))
    assert several(str(paths[0])) == [str(paths[0])]


def test_a_folder_of_real_pictures(media):
    paths = several(media / "ants-bees")
    assert len(paths) == len(list((media / "ants-bees").rglob("*.jpg")))
    assert {decode(path).mode for path in paths[::100]} == {"RGB"}


def test_the_suffixes_are_those_of_the_formats():
    from PIL.Image import registered_extensions

    assert {registered_extensions()[suffix] for suffix in SUFFIXES} == set(FORMATS)


def test_arrays_of_paths_and_of_pictures_are_several():
    pixels = np.zeros((2, 4, 5, 3), np.uint8)
    for x, items in ((np.array(["a.jpg", "b.jpg"]), ["a.jpg", "b.jpg"]), (pixels, list(pixels))):
        assert not is_one(x)
        assert all(np.array_equal(*pair) for pair in zip(several(x), items, strict=True))


def test_nested_lists_are_refused():
    """A picture as lists would be taken for as many gray ones as it has rows."""
    with pytest.raises(InputError, match="NumPy array"):
        several(np.asarray(quarters()).tolist())


def test_an_empty_list_and_a_folder(tmp_path):
    assert several([]) == []
    with pytest.raises(InputError, match="folder"):
        decode(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        decode(tmp_path / "missing" / "a.jpg")
