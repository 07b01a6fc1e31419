"""Mutators of pictures and sounds: they change a piece, and write valid lengths and checksums."""

import struct
import zlib
from collections.abc import Callable
from functools import cache
from random import Random

from benchmarks.fuzz.mutations import mutate_bytes

Piece = tuple[bytes, bytes]
"""A kind and its content."""


def change_pieces(
    pieces: list[Piece], random: Random, deeper: Callable[[Piece, Random], Piece] | None = None
) -> list[Piece]:
    """Change, repeat, drop or move pieces of a container."""
    pieces = list(pieces)
    for _ in range(random.choice((1, 1, 2, 3))):
        if not pieces:
            break
        place = random.randrange(len(pieces))
        kind, content = pieces[place]
        way = random.randrange(10)
        if way < 3 and deeper:
            pieces[place] = deeper(pieces[place], random)
        elif way < 7:
            pieces[place] = kind, mutate_bytes(content, random.choice(pieces)[1], random)[0]
        elif way == 7:
            pieces[place:place] = [pieces[place]] * random.choice((1, 2, 40))
        elif way == 8:
            pieces.pop(place)
        else:
            pieces.insert(random.randrange(len(pieces)), pieces.pop(place))
    return pieces


# PNG: length, kind, content, CRC-32; the picture is a zlib stream.


def png(data: bytes, random: Random) -> bytes:
    pieces, place = [], 8
    while place + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        pieces.append((kind, data[place + 8 : place + 8 + length]))
        place += 12 + length
    changed = change_pieces(pieces, random, _png_piece)
    return data[:8] + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in changed
    )


def _png_piece(piece: Piece, random: Random) -> Piece:
    kind, content = piece
    try:
        plain = zlib.decompress(content)
    except zlib.error:
        if kind == b"IHDR":
            size = random.choice((0, 1, 7, 4000, 30_000, 2**31 - 1, 2**32 - 1))
            return kind, struct.pack(">I", size) + content[4:8] + bytes(
                random.choice(range(8)) for _ in range(5)
            )
        return kind, zlib.compress(random.choice((b"", content, bytes(10**6), content * 1000)))
    return kind, zlib.compress(mutate_bytes(plain, plain, random)[0])


# RIFF (WAV, WebP) and AIFF: kind, length, content, padded to an even length.


def riff(data: bytes, random: Random, order: str = "<") -> bytes:
    pieces, place = [], 12
    while place + 8 <= len(data):
        kind, length = struct.unpack_from(order + "4sI", data, place)
        pieces.append((kind, data[place + 8 : place + 8 + length]))
        place += 8 + length + length % 2
    body = b"".join(
        kind + struct.pack(order + "I", len(content)) + content + bytes(len(content) % 2)
        for kind, content in change_pieces(pieces, random)
    )
    return data[:4] + struct.pack(order + "I", len(body) + 4) + data[8:12] + body


def aiff(data: bytes, random: Random) -> bytes:
    return riff(data, random, ">")


# ISO media (M4A): length, kind, content; some kinds hold others.

_BOXES = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta", b"edts", b"dinf")


def boxes(data: bytes, random: Random) -> bytes:
    pieces, place = [], 0
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        length = max(length, 8)
        pieces.append((kind, data[place + 8 : place + length]))
        place += length

    def deeper(piece: Piece, random: Random) -> Piece:
        kind, content = piece
        return kind, boxes(content, random) if kind in _BOXES else mutate_bytes(content, content, random)[0]

    nested = [place for place, (kind, _) in enumerate(pieces) if kind in _BOXES]
    if nested and random.random() < 0.8:
        place = random.choice(nested)
        pieces[place] = deeper(pieces[place], random)
    else:
        pieces = change_pieces(pieces, random, deeper)
    return b"".join(struct.pack(">I", len(content) + 8) + kind + content for kind, content in pieces)


# Ogg: pages with a CRC-32 of their own.


def ogg(data: bytes, random: Random) -> bytes:
    pages, place = [], 0
    while data[place : place + 4] == b"OggS":
        head = 27 + data[place + 26]
        length = head + sum(data[place + 27 : place + head])
        pages.append((data[place : place + head], data[place + head : place + length]))
        place += length
    changed = []
    for head, content in change_pieces(
        pages, random, lambda page, random: (_page_head(page[0], random), page[1])
    ):
        content = content[: sum(head[27:])].ljust(sum(head[27:]), b"\0")  # as the segments of its head say
        page = head[:22] + bytes(4) + head[26:] + content
        changed.append(page[:22] + struct.pack("<I", _crc(page, 32, 0x04C11DB7)) + page[26:])
    return b"".join(changed)


def _page_head(head: bytes, random: Random) -> bytes:
    changed = bytearray(head)
    changed[random.randrange(4, min(22, len(head)))] = random.randrange(256)
    return bytes(changed)


@cache
def _table(bits: int, polynomial: int) -> tuple[int, ...]:
    rows = []
    for byte in range(256):
        value = byte << (bits - 8)
        for _ in range(8):
            value = (value << 1) ^ (polynomial if value >> (bits - 1) & 1 else 0)
        rows.append(value & (1 << bits) - 1)
    return tuple(rows)


def _crc(data: bytes, bits: int, polynomial: int) -> int:
    """Compute a CRC whose register begins with 0, most significant bit first."""
    table, value, mask = _table(bits, polynomial), 0, (1 << bits) - 1
    for byte in data:
        value = (value << 8 & mask) ^ table[value >> (bits - 8) ^ byte]
    return value


# FLAC: metadata blocks, then frames, each with a CRC-8 of its head and a CRC-16 at its end.


def flac(data: bytes, random: Random) -> bytes:
    blocks, place, last = [], 4, False
    while not last:
        last = bool(data[place] & 128)
        length = int.from_bytes(data[place + 1 : place + 4], "big")
        blocks.append((data[place : place + 1], data[place + 4 : place + 4 + length]))
        place += 4 + length
    starts = [
        at for at in range(place, len(data) - 2) if data[at : at + 2] == b"\xff\xf8" and _flac_head(data, at)
    ]
    frames = [(b"", data[start:end]) for start, end in zip(starts, [*starts[1:], len(data)], strict=True)]
    if random.random() < 0.4:
        blocks = change_pieces(blocks, random)
        frames = [content for _, content in frames]
    else:
        frames = [_flac_frame(content) for _, content in change_pieces(frames, random)]
    head = b"".join(kind + len(content).to_bytes(4, "big")[-3:] + content for kind, content in blocks)
    return data[:4] + head + b"".join(frames)


def _flac_head(data: bytes, start: int) -> int:
    """Return the length of a frame's head without its CRC-8; 0 if none begins."""
    for length in range(5, 16):
        if start + length < len(data) and _crc(data[start : start + length], 8, 0x07) == data[start + length]:
            return length
    return 0


def _flac_frame(content: bytes) -> bytes:
    """Build a frame with valid checksums; its head keeps its length."""
    length = _flac_head(content, 0) or 5
    head = content[:length]
    body = head + bytes([_crc(head, 8, 0x07)]) + content[length + 1 : -2]
    return body + struct.pack(">H", _crc(body, 16, 0x8005))


# JPEG: segments with a length.


def jpeg(data: bytes, random: Random) -> bytes:
    pieces, place = [], 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != 0xDA:
        length = struct.unpack_from(">H", data, place + 2)[0]
        pieces.append((data[place : place + 2], data[place + 4 : place + 2 + length]))
        place += 2 + length
    scan = data[place:]
    if random.random() < 0.3:
        scan = mutate_bytes(scan, scan, random)[0]
    changed = change_pieces(pieces, random)
    return (
        data[:2]
        + b"".join(kind + struct.pack(">H", len(c[:65533]) + 2) + c[:65533] for kind, c in changed)
        + scan
    )


# TIFF: entries of tag, type, count and value.


def tiff(data: bytes, random: Random) -> bytes:
    order = "<" if data[:2] == b"II" else ">"
    start = struct.unpack_from(order + "I", data, 4)[0]
    entries = struct.unpack_from(order + "H", data, start)[0]
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 4))):
        place = start + 2 + 12 * random.randrange(entries)
        part, code, width = random.choice(
            ((0, "H", 16), (2, "H", 4), (4, "I", 32), (8, "I", 32), (8, "I", 8))
        )
        value = random.choice((0, 1, 2, 3, 2**width - 1, random.randrange(2**width), 2 ** (width - 1)))
        struct.pack_into(order + code, changed, place + part, value)
    return bytes(changed)
