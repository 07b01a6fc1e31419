"""Files that are broken, or not what their name says, as people and programs hand them over."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import numpy as np
import soundfile
from PIL import Image

LONG = "a very long name " * 14  # 238 bytes: with its end, what a file system just takes
ODD_NAMES = (
    "Gänse – 雁 🪿.{}",
    LONG + ".{}",
    'it\'s "quoted" & <b>bold<b>.{}',
    "100% *of* [it](x) `$x$`.{}",
    "..{}",
)


def photo(kind: str = "JPEG") -> bytes:
    """A picture of noise around red."""
    noise = np.random.default_rng(0).normal((200, 40, 40), 30, (96, 96, 3)).clip(0, 255)
    stream = io.BytesIO()
    Image.fromarray(noise.astype(np.uint8)).save(stream, kind)
    return stream.getvalue()


def wav(samples: np.ndarray | None = None, sample_rate: int = 16000, subtype: str = "PCM_16") -> bytes:
    """A tone of two seconds, or what is given."""
    if samples is None:
        samples = 0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * sample_rate) / sample_rate)
    stream = io.BytesIO()
    soundfile.write(stream, samples, sample_rate, format="wav", subtype=subtype)
    return stream.getvalue()


def mp3(seconds: int, sample_rate: int = 16000) -> bytes:
    """A quiet tone at 8 kbit/s. Ten seconds are encoded and repeated, so no header says how long it is."""
    import av

    stream = io.BytesIO()
    with av.open(stream, "w", format="mp3", options={"write_xing": "0", "id3v2_version": "0"}) as container:
        track = container.add_stream("mp3", rate=sample_rate, layout="mono", bit_rate=8000)
        tone = (1000 * np.sin(2 * np.pi * 440 * np.arange(10 * sample_rate) / sample_rate)).astype(np.int16)[
            None
        ]
        frame = av.AudioFrame.from_ndarray(tone, format="s16p", layout="mono")
        frame.sample_rate = sample_rate
        container.mux([*track.encode(frame), *track.encode(None)])
    return stream.getvalue() * -(-seconds // 10)


def bomb(side: int = 60_000) -> bytes:
    """A PNG of a few kilobytes that says it is `side` pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1 << 22), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


ANYTHING = {
    "empty": b"",
    "text": b"this is text",
    "elf": b"\x7fELF\x02\x01\x01" + bytes(3000),
    "mz": b"MZ\x90\x00" + bytes(3000),
    "pdf": b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n",
    "html": b"<!doctype html><html><script>alert(1)</script><img src=x onerror=alert(1)></html>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>',
    "heic": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(2000),
}
"""What is neither a picture, nor a sound, nor a zip, whatever it is called."""


def pictures() -> dict[str, bytes]:
    """Broken files by names that a box for pictures takes."""
    cut = {f"cut.{kind}": photo(name)[: len(photo(name)) // 2] for kind, name in PICTURES.items()}
    return {
        **{f"{name}.jpg": data for name, data in ANYTHING.items()},
        **cut,
        "header only.png": photo("PNG")[:40],
        "bomb.png": bomb(),
        "sound.jpg": wav(),
    }


PICTURES = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "gif": "GIF", "tif": "TIFF", "bmp": "BMP"}


def sounds() -> dict[str, bytes]:
    """Broken files by names that a box for sounds takes."""
    return {
        **{f"{name}.wav": data for name, data in ANYTHING.items()},
        "text.mp3": b"this is text",
        "elf.mp3": ANYTHING["elf"],
        "header only.wav": wav()[:20],
        "no samples.wav": wav(np.zeros(0)),
        "nan.wav": wav(np.full(16000, np.nan), subtype="FLOAT"),
        "huge.wav": wav(np.full(16000, 1e30), subtype="FLOAT"),
        "cut.mp3": mp3(2)[:30],
        "picture.wav": photo(),
        "playlist.mp3": b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
        "two hours.mp3": mp3(7200),
    }


def zips() -> dict[str, bytes]:
    """Broken files by names that a box for zips takes."""
    whole = zipped({f"{label}/{i}.png": photo("PNG") for label in "ab" for i in range(3)})
    return {
        **{f"{name}.zip": data for name, data in ANYTHING.items()},
        "cut.zip": whole[: len(whole) // 2],
        "bomb.zip": zipped({f"{label}/{i}.png": bytes(40 << 20) for label in "ab" for i in range(2)}),
        "out.zip": zipped({"../../out.png": photo("PNG"), "b/1.png": photo("PNG")}),
        "programs.zip": zipped({f"{label}/{i}.exe": ANYTHING["mz"] for label in "ab" for i in range(3)}),
        "long name.zip": zipped({f"{label}/{LONG * 2}.png": photo("PNG") for label in "ab"}),
        "no files.zip": zipped({}),
    }
