"""Files that are made to be slow are refused by the library before their pixels are decoded."""

import io
import time

import pytest
from PIL import Image

from tests import bombs
from zoo.core.errors import InputError
from zoo.vision import decoding_limits
from zoo.vision.decoding import PixelBudget, check, count_pixels, decode, thumbnail

FEW = [
    bombs.jpeg_of_scans(60),
    bombs.gif_of_comments(1000),
    bombs.png_of_chunks(1000),
    bombs.tiff_of_strips(1000),
]
MANY = {
    "thousands of scans": (bombs.jpeg_of_scans(3000), "3000 scans"),
    "scans of a large picture": (bombs.jpeg_of_scans(95, 4500), "95 scans"),
    "comments": (bombs.gif_of_comments(1_000_000), "too many pieces"),
    "chunks": (bombs.png_of_chunks(500_000), "too many pieces"),
    "strips": (bombs.tiff_of_strips(1_000_000), "1000000 strips"),
}


@pytest.mark.parametrize("data", FEW, ids=["scans", "comments", "chunks", "strips"])
def test_a_few_pieces_are_fine(data):
    assert decode(data).size == Image.open(io.BytesIO(data)).size


@pytest.mark.parametrize(("data", "words"), MANY.values(), ids=MANY)
def test_too_many_pieces_are_refused_in_one_sentence(data, words):
    for read in (decode, check, lambda x: thumbnail(x, (100, 100))):
        begin = time.process_time()
        with pytest.raises(InputError, match=words) as caught:
            read(data)
        assert time.process_time() - begin < 60  # Pillow alone takes minutes; no speed is promised
        assert str(caught.value).count(".") == 1


def test_a_tiff_of_jpegs_is_held_to_the_same_number_of_scans():
    data = bombs.encoded(Image.new("RGB", (600, 600)), "TIFF", compression="jpeg")
    assert decode(data).size == (600, 600)
    with pytest.raises(InputError, match="scans"):
        decode(data + b"\xff\xda" * 10_000)


def test_a_tiff_may_have_a_jpeg_in_each_of_many_strips():
    data = bombs.encoded(Image.new("RGB", (8, 4000)), "TIFF", compression="jpeg", tiffinfo={278: 8})
    assert data.count(b"\xff\xda") > decoding_limits.MAX_SCANS
    assert decode(data).size == (8, 4000)


def test_pixels_decoded_in_small_pieces_are_fine():
    whole = bombs.encoded(Image.effect_noise((600, 600), 90), "PNG")
    place = whole.index(b"IDAT") - 4
    length = int.from_bytes(whole[place : place + 4], "big")
    pixels = whole[place + 8 : place + 8 + length]
    pieces = b"".join(
        bombs.png_chunk(b"IDAT", pixels[start : start + 1024]) for start in range(0, length, 1024)
    )
    assert decode(whole[:place] + pieces + whole[place + 12 + length :]).size == (600, 600)


def test_a_header_says_how_many_pixels():
    assert count_pixels(bombs.webp(300)) == 90_000
    assert count_pixels(Image.new("L", (3, 4))) == 12
    with pytest.raises(InputError, match="not a picture"):
        count_pixels(b"text")
    with pytest.raises(InputError, match="pixels, more than"):
        count_pixels(bombs.png_of_size(18_000))


def test_an_open_file_is_left_at_its_place(tmp_path):
    (tmp_path / "a.webp").write_bytes(bombs.webp(30))
    with (tmp_path / "a.webp").open("rb") as stream:
        assert count_pixels(stream) == 900
        assert decode(stream).size == (30, 30)


def test_pictures_share_a_budget(monkeypatch):
    budget = PixelBudget(1000)
    budget.take("a", 600)
    with pytest.raises(InputError, match=r"^b is left out"):
        budget.take("b", 500)
    budget.take("c", 400)
    monkeypatch.setenv("ZOO_MAX_REQUEST_PIXELS", "50")
    with pytest.raises(InputError, match=r"^d is left out"):
        PixelBudget().take("d", 51)
