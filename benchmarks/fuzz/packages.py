"""Mutators of archives and weights: they change a piece, and write valid lengths and checksums."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from random import Random

from benchmarks.fuzz.mutations import mutate_bytes
from benchmarks.fuzz.values import mutate_json, mutate_value

# Zip: names, contents and what the directory says of them.

_NAMES = (
    *(
        "",
        "/",
        "//",
        ".",
        "..",
        "../out",
        "/abs/out",
        "a//b",
        "a/./b",
        "a/../../out",
        "C:\\out",
        "a\\..\\..\\out",
    ),
    *(
        "x" * 300,
        "a/" * 1200 + "b",
        "\0",
        "a\0b",
        "nul",
        "a:b",
        "\u202egpj.x",
        "ü",
        "a/",
        "A",
        "model/dir//abs/x",
    ),
)


def zipped(data: bytes, random: Random, inner: Callable[[str, bytes, Random], bytes] | None = None) -> bytes:
    """Make a zip with another entry; `inner` mutates what is in it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [(info, archive.read(info)) for info in archive.infolist()]
    place = random.randrange(len(entries))
    info, content = entries[place]
    way = random.randrange(10)
    if way < 5:
        entries[place] = (
            info,
            inner(info.filename, content, random) if inner else mutate_bytes(content, content, random)[0],
        )
    elif way == 5:
        entries.insert(place, (_with_name(info, random.choice(_NAMES)), content))
    elif way == 6:
        entries.append((_with_name(info, random.choice((info.filename, info.filename + "/x"))), content))
    elif way == 7:
        entries.pop(place)
    elif way == 8:
        other = _with_name(info, info.filename)
        other.external_attr = random.choice((0o120777, 0o040755, 0o060644, 0o010644)) << 16
        entries[place] = other, random.choice((content, b"/etc/passwd", b""))
    else:
        entries.append((_with_name(info, "bomb"), bytes(random.choice((10**6, 10**8)))))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for info, content in entries:
            info.compress_type = (
                zipfile.ZIP_DEFLATED if len(content) > 10**5 or random.random() < 0.3 else zipfile.ZIP_STORED
            )
            archive.writestr(info, content)
    return _directory(stream.getvalue(), random) if random.random() < 0.25 else stream.getvalue()


def _with_name(info: zipfile.ZipInfo, name: str) -> zipfile.ZipInfo:
    other = zipfile.ZipInfo("x", info.date_time)
    other.filename, other.external_attr = name, info.external_attr
    return other


def _directory(data: bytes, random: Random) -> bytes:
    """Another value in an entry of the central directory: flags, method, CRC, sizes, lengths, offset."""
    starts = [at for at in range(len(data) - 46) if data[at : at + 4] == b"PK\x01\x02"]
    place, width = random.choice(
        ((8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (42, 4))
    )
    value = random.choice((0, 1, 8, 12, 14, 99, 2 ** (8 * width) - 1, random.randrange(2 ** (8 * width))))
    at = random.choice(starts) + place
    return data[:at] + (value % 2 ** (8 * width)).to_bytes(width, "little") + data[at + width :]


def gzipped(data: bytes, random: Random) -> bytes:
    plain = gzip.decompress(data)
    changed = random.choice((mutate_bytes(plain, plain, random)[0], plain * 1000, b""))
    return gzip.compress(changed, mtime=0) + random.choice((b"", b"", data, b"junk"))


# safetensors: the length of a JSON head, the head, the values.


def safetensors(data: bytes, random: Random) -> bytes:
    length = int.from_bytes(data[:8], "little")
    head, values = data[8 : 8 + length], data[8 + length :]
    if random.random() < 0.2:
        values = mutate_bytes(values, values, random)[0]
    elif random.random() < 0.3:
        head = mutate_json(head, random)
    else:
        head = json.dumps(mutate_value(json.loads(head), random)).encode()
    return len(head).to_bytes(8, "little") + head + values


# Protobuf: fields of number and kind; those of bytes may hold messages.


def protobuf(data: bytes, random: Random, depth: int = 4) -> bytes:
    fields = _fields(data)
    if not fields:
        return mutate_bytes(data, data, random)[0]
    place = random.randrange(len(fields))
    key, content, is_bytes = fields[place]
    way = random.randrange(10)
    if way < 6 and is_bytes:
        fields[place] = key, protobuf(content, random, depth - 1) if depth else content[:-1], True
    elif way < 7:
        fields[place] = random.randrange(1, 1000) * 8 + (key & 7), content, is_bytes
    elif way < 8:
        fields[place:place] = [fields[place]] * random.choice((1, 2, 1000))
    elif way < 9:
        fields.pop(place)
    elif not is_bytes:
        fields[place] = key, _varint(random.choice((0, 1, 2**31, 2**32, 2**63, 2**64 - 1))), False
    return b"".join(
        _varint(key) + (_varint(len(content)) if is_bytes else b"") + content
        for key, content, is_bytes in fields
    )


def _fields(data: bytes) -> list[tuple[int, bytes, bool]]:
    """Key, content and whether the content has a length; empty where this is not a message."""
    fields, place = [], 0
    while place < len(data):
        key, place = _number(data, place)
        kind = key & 7
        if kind == 0:
            end = _number(data, place)[1]
        elif kind == 2:
            length, place = _number(data, place)
            end = place + length
        else:
            end = place + {1: 8, 5: 4}.get(kind, len(data))
        if end > len(data) or not key >> 3 or kind not in (0, 1, 2, 5):
            return []
        fields.append((key, data[place:end], kind == 2))
        place = end
    return fields


def _number(data: bytes, place: int) -> tuple[int, int]:
    value, shift = 0, 0
    while place < len(data):
        value |= (data[place] & 127) << shift
        place, shift = place + 1, shift + 7
        if data[place - 1] < 128:
            break
    return value, place


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
