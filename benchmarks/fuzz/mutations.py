"""Mutations of bytes that know nothing of the format."""

import struct
from collections.abc import Callable
from random import Random

_NASTY = (
    0,
    1,
    2,
    127,
    128,
    255,
    256,
    32767,
    32768,
    65535,
    65536,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63 - 1,
    2**64 - 1,
)
_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
_MAGICS = (
    *(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"RIFF", b"WEBP"),
    *(
        b"WAVE",
        b"fLaC",
        b"OggS",
        b"ID3\x04",
        b"ftypM4A ",
        b"FORM",
        b"PK\x03\x04",
        b"\x80\x02",
        b"\x89HDF\r\n\x1a\n",
    ),
    *(b"PAR1", b"\x1f\x8b\x08", b"#!", b"%PDF", b"\x00" * 16, b"\xff" * 16),
)


def mutate_bytes(data: bytes, other: bytes, random: Random) -> tuple[bytes, list[str]]:
    """Change bytes in one to four ways; `other` is spliced in at times.

    Returns
    -------
    bytes
    list of str
        The mutations.
    """
    steps = []
    for _ in range(random.choice((1, 1, 1, 2, 2, 4))):
        step = random.choice(_MUTATIONS)
        data = splice(data, other, random) if step is splice else step(data, random)
        steps.append(step.__name__)
    return data, steps


def _place(data: bytes, random: Random) -> int:
    """Choose a position; headers matter more than the rest."""
    end = len(data) if random.random() < 0.5 else min(len(data), 256)
    return random.randrange(end) if end else 0


def flip_bits(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random.choice((1, 2, 8, 64)) if data else 0):
        changed[_place(data, random)] ^= 1 << random.randrange(8)
    return bytes(changed)


def set_number(data: bytes, random: Random) -> bytes:
    """Where a length or a size may be, a number at the end of its range, or a little off."""
    width = random.choice(tuple(_CODES))
    place = _place(data, random)
    if random.random() < 0.3 and place + width <= len(data):
        order = random.choice("<>")
        old = struct.unpack_from(order + _CODES[width], data, place)[0]
        value = old + random.choice((-1, 1, -2, 2, 16, old))
        new = struct.pack(order + _CODES[width], value % 2 ** (8 * width))
    else:
        new = struct.pack(random.choice("<>") + _CODES[width], random.choice(_NASTY) % 2 ** (8 * width))
    return data[:place] + new + data[place + width :]


def truncate(data: bytes, random: Random) -> bytes:
    return data[: _place(data, random)]


def cut(data: bytes, random: Random) -> bytes:
    place = _place(data, random)
    return data[:place] + data[place + random.choice((1, 2, 4, 16, 256)) :]


def repeat(data: bytes, random: Random) -> bytes:
    place, length = _place(data, random), random.choice((1, 4, 32, 512))
    return data[:place] + data[place : place + length] * random.choice((2, 3, 50)) + data[place + length :]


def swap(data: bytes, random: Random) -> bytes:
    first, second = sorted((_place(data, random), _place(data, random)))
    length = min(random.choice((1, 4, 32, 512)), second - first)
    a, b = data[first : first + length], data[second : second + length]
    return data[:first] + b + data[first + length : second] + a + data[second + length :]


def fill(data: bytes, random: Random) -> bytes:
    place, length = _place(data, random), random.choice((4, 16, 128))
    return data[:place] + random.choice((b"\0", b"\xff", b"\x80", b"A")) * length + data[place + length :]


def insert(data: bytes, random: Random) -> bytes:
    place = _place(data, random)
    return data[:place] + random.randbytes(random.choice((1, 3, 16, 200))) + data[place:]


def set_magic(data: bytes, random: Random) -> bytes:
    magic, place = random.choice(_MAGICS), 0 if random.random() < 0.7 else _place(data, random)
    return data[:place] + magic + data[place + len(magic) :]


def splice(data: bytes, other: bytes, random: Random) -> bytes:
    return data[: _place(data, random)] + other[_place(other, random) :]


_MUTATIONS: tuple[Callable[..., bytes], ...] = (
    *(
        flip_bits,
        flip_bits,
        set_number,
        set_number,
        set_number,
        truncate,
        cut,
        repeat,
        swap,
        fill,
        insert,
        splice,
    ),
    set_magic,
)
