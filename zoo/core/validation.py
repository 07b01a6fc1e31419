"""Check options: numbers in a range, counts, and choices."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any

from zoo.core.errors import InputError, ZooError


def number(name: str, value: Any, low: float, high: float = float("inf")) -> float:
    """Check an option that must be a number in a range.

    Raises
    ------
    InputError
        If it is none; the message names the option and the range.
    """
    try:
        result = float("nan") if isinstance(value, (bool, str, bytes, bytearray)) else float(value)
    except (TypeError, ValueError, OverflowError):
        result = float("nan")
    if not low <= result <= high:
        limits = f"between {low:g} and {high:g}" if high < float("inf") else f"{low:g} or more"
        raise InputError(f"{name}={_shorten(value)} is not a number {limits}.")
    return result


def count(name: str, value: Any) -> int:
    """Check an option that must be a whole number, 1 or more.

    Raises
    ------
    InputError
        If it is none.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise InputError(f"{name}={_shorten(value)} is not a whole number, 1 or more.")
    return int(value)


def parsed(text: str | float) -> str | float:
    """Return the number that a text stands for, or the text itself, which `number` then refuses."""
    try:
        return float(text)
    except ValueError:
        return text


def choice(name: str, value: Any, options: Iterable[str], *, error: type[ZooError] = InputError) -> str:
    """Check an option that must be one of some names.

    Raises
    ------
    InputError
        If it is another one; the message names them. Or another `error`.
    """
    options = tuple(options)
    if not isinstance(value, str) or value not in options:
        raise error(f"Unknown {name} {_shorten(value)}; choose one of {', '.join(options)}.")
    return value


def _shorten(value: Any) -> str:
    """Shorten a value to one line of a message."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # an integer of more digits than Python writes
        text = type(value).__name__
    return text if len(text) <= 100 else f"{text[:100]}…"
