"""How well a color can be told from another, as WCAG 2.2 computes it: from 1 to 21."""

from collections.abc import Sequence


def contrast(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the contrast of two colors of red, green and blue from 0 to 255."""
    low, high = sorted(map(_luminance, (first, second)))
    return (high + 0.05) / (low + 0.05)


def rgb(color: str) -> list[int]:
    """Return the red, green and blue of a color such as ``"#3f9b6e"``."""
    return [int(color[i : i + 2], 16) for i in (1, 3, 5)]


def _luminance(color: Sequence[float]) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
