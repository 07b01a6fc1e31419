"""Mutations of parsed values (JSON, TOML, CSV) and of the text that they are written as."""

import json
from random import Random
from typing import Any

STRINGS = (
    *(
        "",
        " ",
        "\0",
        "a\0b",
        "\ud800",
        "\u202e",
        "x" * 5000,
        "../../etc/passwd",
        "/etc/passwd",
        "//host/share",
    ),
    *(
        "os:system",
        "builtins:exec",
        "zoo:load",
        "http://127.0.0.1/",
        "file:///etc/passwd",
        "nan",
        "1e999",
        "-1",
    ),
    *(
        "{0.__class__}",
        "%s%n",
        "<b>",
        "=1+1",
        "input of ",
        "input of x",
        "a:b:c",
        ":",
        "None",
        "ü\u0301",
        "\r\n",
    ),
)
NUMBERS = (0, -1, 1, 2, 3, 7, 255, 10**6, 2**31, 2**63, 10**30, -(10**30), 0.5, -0.5, 1e308, 1e-308, 10**400)
_ODD = (
    None,
    True,
    False,
    float("nan"),
    float("inf"),
    [],
    {},
    [[]],
    [None],
    {"": None},
    {"type": "os:system"},
)


def mutate_value(value: Any, random: Random, times: int | None = None) -> Any:
    """Change a JSON-like value at one to three places."""
    for _ in range(times or random.choice((1, 1, 1, 2, 3))):
        value = _mutated(value, random)
    return value


def _mutated(value: Any, random: Random) -> Any:
    """Walk down at random, and change what is found there."""
    if isinstance(value, dict) and value and random.random() < 0.85:
        key = random.choice(sorted(value, key=str))
        if random.random() < 0.2:
            return _other_keys(value, key, random)
        return {**value, key: _mutated(value[key], random)}
    if isinstance(value, list) and value and random.random() < 0.7:
        place = random.randrange(len(value))
        if random.random() < 0.3:
            return random.choice((value[:place], value * 2, value[::-1], value[place:], [value]))
        return [*value[:place], _mutated(value[place], random), *value[place + 1 :]]
    return _replaced(value, random)


def _other_keys(value: dict[str, Any], key: str, random: Random) -> dict[str, Any]:
    rest = {name: item for name, item in value.items() if name != key}
    way = random.randrange(4)
    if way == 0:
        return rest
    if way == 1:
        return {**value, random.choice(STRINGS): value[key]}
    if way == 2:
        return {**rest, f"{key}_": value[key]}
    return {**value, key: value[random.choice(sorted(value, key=str))]}


def _replaced(value: Any, random: Random) -> Any:
    way = random.randrange(7)
    if way == 0:
        return random.choice(STRINGS)
    if way == 1:
        return random.choice(NUMBERS)
    if way == 2:
        return random.choice(_ODD)
    if way == 3:
        return nested(random.choice((3, 50, 400)), random)
    if isinstance(value, str):
        return random.choice(
            (value.upper(), value + random.choice(STRINGS), value[: len(value) // 2], value * 2, [value])
        )
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return random.choice((value + 1, value - 1, -value, value * 1000, str(value), value / 2, [value]))
    return [value]


def nested(depth: int, random: Random) -> Any:
    """Nest lists or mappings within each other."""
    value: Any = random.choice(NUMBERS)
    listed = random.random() < 0.5
    for _ in range(depth):
        value = [value] if listed else {"a": value}
    return value


def mutate_json(text: bytes, random: Random) -> bytes:
    """JSON with another value, odd but valid where Python's own reader takes it."""
    way = random.random()
    if way < 0.04:  # deeper than Python recurses
        return b"[" * 100_000 + b"]" * 100_000
    if way < 0.08:
        return random.choice(
            (
                b"",
                b"null",
                b"[]",
                b"{}",
                b'""',
                b"1",
                b"\xef\xbb\xbf{}",
                b"9" * 5000,
                text.decode().encode("utf-16"),
            )
        )
    return json.dumps(mutate_value(json.loads(text), random)).encode()


def to_toml(tables: dict[str, Any]) -> str:
    """Write mappings as TOML with inline values, of any values."""
    return "".join(f"{_key(key)} = {_inline(value)}\n" for key, value in tables.items())


def _key(key: str) -> str:
    return json.dumps(str(key).encode("utf-8", "replace").decode(), ensure_ascii=True)


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, str):
        return _key(value)
    if isinstance(value, bool) or value is None:
        return "true" if value else "false"
    return str(value)


def mutate_rows(rows: list[list[str]], random: Random) -> list[list[str]]:
    """Mutate cells, rows or columns of a table."""
    rows = [list(row) for row in rows]
    for _ in range(random.choice((1, 1, 2, 4))):
        row = random.choice(rows) if rows else []
        way = random.randrange(7)
        if way < 3 and row:
            row[random.randrange(len(row))] = random.choice((*STRINGS, *map(str, NUMBERS)))
        elif way == 3 and row:
            row.pop(random.randrange(len(row)))
        elif way == 4:
            row.append(random.choice(STRINGS))
        elif way == 5 and rows:
            rows.remove(row)
        elif rows:
            rows += rows
    return rows


def to_csv(rows: list[list[str]], random: Random) -> bytes:
    """Rows as CSV, at times by other customs than ours."""
    separator = random.choice((",", ",", ",", ";", "\t"))
    end = random.choice(("\n", "\n", "\r\n", "\r"))
    quote = random.random() < 0.3
    text = end.join(separator.join(f'"{cell}"' if quote else cell for cell in row) for row in rows)
    return text.encode(random.choice(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16")), "replace")
