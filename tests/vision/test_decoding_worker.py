"""Helper processes decode as the library does, and end at their limits."""

import io
import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from tests import bombs
from zoo.core.errors import InputError
from zoo.core.isolated import Worker
from zoo.vision import decoding, decoding_worker
from zoo.vision.decoding import check, count_pixels, decode, thumbnail

NOISE = Image.effect_noise((301, 200), 60)
TURNED = Image.Exif()
TURNED[0x0112] = 6
PICTURES = {
    "JPEG": bombs.encoded(NOISE.convert("RGB"), "JPEG", exif=TURNED),
    "CMYK": bombs.encoded(NOISE.convert("CMYK"), "JPEG"),
    "PNG": bombs.encoded(NOISE.convert("LA"), "PNG"),
    "WebP": bombs.webp(200),
    "float TIFF": bombs.encoded(NOISE.convert("F"), "TIFF"),
    "one pixel": bombs.encoded(Image.new("1", (1, 1)), "GIF"),
}


@pytest.fixture(autouse=True)
def isolated(monkeypatch):
    monkeypatch.setenv(decoding.ISOLATED, "1")
    monkeypatch.setattr(decoding_worker, "max_seconds", lambda: 60)


@pytest.fixture
def in_process(monkeypatch):
    """The same without helper processes."""

    def call(function, *arguments):
        with monkeypatch.context() as here:
            here.setenv(decoding.ISOLATED, "0")
            return function(*arguments)

    return call


@pytest.mark.parametrize("data", PICTURES.values(), ids=PICTURES)
def test_helpers_give_the_same_as_the_library(data, in_process):
    for function, *arguments in ((decode,), (thumbnail, (64, 80)), (check,), (count_pixels,)):
        actual, expected = function(data, *arguments), in_process(function, data, *arguments)
        if isinstance(expected, Image.Image):
            assert actual.mode == "RGB"
            np.testing.assert_array_equal(np.asarray(actual), np.asarray(expected))
        else:
            assert actual == expected
    assert check(data) == decode(data).size


def test_errors_are_the_same_and_name_the_file(tmp_path, in_process):
    for name, data in {"text.png": b"text", "cut.jpg": PICTURES["JPEG"][:900], "empty.gif": b""}.items():
        path = tmp_path / name
        path.write_bytes(data)
        for function in (decode, check, lambda x: thumbnail(x, (9, 9))):
            with pytest.raises(InputError) as expected:
                in_process(function, path)
            with pytest.raises(InputError) as raised:
                function(path)
            assert str(raised.value) == str(expected.value)
            assert str(path) in str(raised.value)


def test_pixels_never_meet_the_decoder_in_this_process(monkeypatch):
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("decoded here"))
    assert decode(PICTURES["PNG"]).size == (301, 200)


def test_a_slow_file_is_ended_and_the_next_is_decoded(monkeypatch):
    monkeypatch.setattr(decoding_worker, "max_seconds", lambda: 0.2)
    stream = io.BytesIO(bombs.png_of_pixels(4000))
    stream.name = "slow.png"
    for function in (decode, check, lambda x: thumbnail(x, (9, 9))):
        with pytest.raises(InputError, match=r"^slow\.png takes more than 0\.2 s to decode;"):
            function(stream)
    monkeypatch.setattr(decoding_worker, "max_seconds", lambda: 60)
    assert decode(PICTURES["JPEG"]).size == (200, 301)


def test_a_file_that_takes_too_much_memory_is_ended(monkeypatch):
    monkeypatch.setattr(decoding_worker, "_PIXEL_BYTES", 0)
    monkeypatch.setattr(decoding_worker, "_BASE_BYTES", 120_000_000)
    with pytest.raises(InputError, match="takes more than 120 MB of memory"):
        decode(bombs.webp(5000))
    assert decode(PICTURES["JPEG"]).size == (200, 301)


def running_helpers():
    decode(PICTURES["PNG"])
    helpers = [one for one in psutil.Process().children() if "zoo.vision.decoding_process" in one.cmdline()]
    assert len(helpers) == decoding_worker.WORKERS
    return helpers


@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is a part of Linux")
def test_helpers_decode_in_the_sandbox():
    for one in running_helpers():
        status = Path(f"/proc/{one.pid}/status").read_text().splitlines()
        assert "Seccomp:\t2" in status  # filtered
        assert "NoNewPrivs:\t1" in status


def test_a_helper_that_crashes_costs_one_file(monkeypatch):
    helpers, begun, call = running_helpers(), threading.Event(), Worker.call
    monkeypatch.setattr(Worker, "call", lambda *a, **options: (begun.set(), call(*a, **options))[1])
    for one in helpers:
        one.send_signal(signal.SIGSTOP)

    def crash():
        begun.wait(60)
        time.sleep(0.3)
        for one in helpers:
            os.kill(one.pid, signal.SIGKILL)

    thread = threading.Thread(target=crash)
    thread.start()
    with pytest.raises(InputError, match="cannot be decoded"):
        decode(PICTURES["PNG"])
    thread.join()
    assert decode(PICTURES["PNG"]).size == (301, 200)


@pytest.mark.parametrize(
    "arrays",
    [
        [],
        [np.zeros((2, 2), np.uint8)],
        [np.zeros((2, 2, 3), np.float32)],
        [np.zeros((0, 2, 3), np.uint8)],
        [np.zeros((2, 2, 4), np.uint8)],
        [np.zeros((2, 2, 3), np.uint8)] * 2,
    ],
)
def test_pictures_that_a_helper_sends_are_checked(arrays, monkeypatch):
    monkeypatch.setattr(decoding_worker, "_call", lambda *_: ({"size": [2, 2]}, arrays))
    for function in (decode, lambda x: thumbnail(x, (9, 9))):
        with pytest.raises(InputError, match=r"^bytes 1 cannot be decoded\.$"):
            function(b"any")


@pytest.mark.parametrize(
    "answer", [{}, {"size": 3}, {"size": ["2", 2]}, {"size": [10**9, 10**9]}, {"size": [-2, -2]}]
)
def test_sizes_that_a_helper_sends_are_checked(answer, monkeypatch):
    monkeypatch.setattr(decoding_worker, "_call", lambda *_: (answer, []))
    for function in (decode, check, count_pixels):
        with pytest.raises(InputError, match=r"^bytes 1 cannot be decoded\.$"):
            function(b"any")


def test_large_pictures_are_decoded_one_at_a_time(monkeypatch):
    monkeypatch.setattr(decoding_worker, "LARGE", 1000)
    call, busy, counts = decoding_worker._call, [], []

    def watched(request, file, pixels):
        busy.append(request) if pixels else None
        counts.append(len(busy))
        try:
            return call(request, file, pixels)
        finally:
            busy.remove(request) if pixels else None

    monkeypatch.setattr(decoding_worker, "_call", watched)
    threads = [threading.Thread(target=decode, args=(PICTURES["PNG"],)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(counts) == 1


def test_more_pixels_than_pillow_allows_leave_its_limit_alone(monkeypatch):
    monkeypatch.delenv(decoding.ISOLATED)
    before = Image.MAX_IMAGE_PIXELS
    assert not decoding.is_isolated()
    monkeypatch.setenv("ZOO_MAX_PIXELS", "400000000")
    assert decoding.is_isolated()
    assert count_pixels(bombs.png_of_size(18_000)) == 324_000_000
    assert before == Image.MAX_IMAGE_PIXELS
