"""Small files that are costly to decode, each valid as far as its decoder can see."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image

SIDE = 9000


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def webp(side: int = SIDE, *, clear: bool = True) -> bytes:
    """One color, some 40 bytes; transparency takes the decoder the most memory."""
    image = Image.new("RGBA", (side, side), (10, 200, 30, 90)) if clear else Image.new("RGB", (side, side))
    return encoded(image, "WEBP", lossless=True, method=0)


def jpeg_of_scans(scans: int, side: int = 1000) -> bytes:
    """A progressive JPEG of one color that refines the same coefficients over and over."""
    data = encoded(Image.new("L", (side, side), 90), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")  # refines all AC coefficients by their last bit
    scan = data[data.rindex(b"\xff\xc4", 0, last) : -2]
    return data[:-2] + scan * (scans - data.count(b"\xff\xda")) + data[-2:]


def gif_of_comments(count: int) -> bytes:
    """A GIF whose comments Pillow puts together one by one, each time copying those before."""
    data = encoded(Image.new("P", (8, 8)), "GIF")
    place = data.index(b",", 13 + 3 * (2 << (data[10] & 7)) if data[10] & 128 else 13)
    return data[:place] + b"!\xfe\x01a\x00" * count + data[place:]


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of_chunks(count: int) -> bytes:
    """A PNG with chunks of nothing before its pixels."""
    data = encoded(Image.new("L", (8, 8)), "PNG")
    return data[:33] + png_chunk(b"zoOo", b"") * count + data[33:]


def png_of_size(side: int) -> bytes:
    """A PNG that says it is `side` pixels wide and high, and ends early."""
    return _png(side, 8, 2, zlib.compress(bytes(1 << 20)))


def png_of_pixels(side: int = SIDE) -> bytes:
    """A PNG of 16 bits a channel with transparency: all zero."""
    return _png(side, 16, 6, zlib.compress(bytes((1 + 8 * side) * side), 1))


def _png(side: int, depth: int, color: int, pixels: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", side, side, depth, color, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, data) for kind, data in chunks)


def tiff_of_strips(count: int) -> bytes:
    """A TIFF of one column with a strip for each pixel, all at the same place."""
    tags = [
        (256, 4, 1, 1),
        (257, 4, 1, count),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, count, 0),
        (277, 3, 1, 1),
        (278, 4, 1, 1),
        (279, 4, count, 0),
    ]
    end = 8 + 2 + 12 * len(tags) + 4
    values = {273: end, 279: end + 4 * count}
    entries = b"".join(
        struct.pack("<HHII", tag, kind, n, values.get(tag, value)) for tag, kind, n, value in tags
    )
    table = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\x00\x08\x00\x00\x00" + table + struct.pack("<I", 8) * count + struct.pack("<I", 1) * count


def worst() -> dict[str, bytes]:
    """Twenty files: the most memory, the most time, and the most pieces that a visitor can ask for."""
    flat = (SIDE, SIDE)
    files = {
        **{f"clear-{n}.webp": webp() for n in range(7)},
        **{f"refined-{n}.jpg": jpeg_of_scans(3000, 6000) for n in range(2)},
        **{f"slow-{n}.jpg": jpeg_of_scans(100, 4200) for n in range(3)},
        "deep.png": png_of_pixels(),
        "float.tif": encoded(Image.new("F", flat, 1.5), "TIFF", compression="tiff_lzw"),
        "integer.tif": encoded(Image.new("I", flat, 500), "TIFF", compression="tiff_lzw"),
        "clear.tif": encoded(Image.new("RGBA", flat, (1, 2, 3, 4)), "TIFF", compression="tiff_lzw"),
        "comments.gif": gif_of_comments(2_000_000),
        "chunks.png": png_of_chunks(1_000_000),
        "strips.tif": tiff_of_strips(5_000_000),
        "huge.png": png_of_size(60_000),
    }
    assert len(files) == 20
    return files
