"""How much memory the arrays of a weight file may take: what hostile files lie about."""

from __future__ import annotations

from pathlib import Path

from zoo.core.errors import WeightsError

RATIO = 4  # weights hardly compress: zeros and half precision are all that shrinks them
SMALL = 16 << 20  # bytes that are allowed in any case


def max_bytes(path: str | Path) -> int:
    """Return how many bytes the arrays of a weight file may take.

    Parameters
    ----------
    path : path
        A file, or what the names of several files begin with.
    """
    path = Path(path)
    beside = [path] if path.is_file() else path.parent.iterdir() if path.parent.is_dir() else []
    size = sum(file.stat().st_size for file in beside if file.name.startswith(path.name) and file.is_file())
    return SMALL + RATIO * size


def require(path: str | Path, size: int) -> None:
    """Refuse a weight file before its arrays take `size` bytes, if that is more than it may.

    Raises
    ------
    WeightsError
    """
    if size > max_bytes(path):
        raise WeightsError(
            f"{path} would take {size / 1e6:.0f} MB of memory, more than {RATIO} times its size; "
            "save the weights without compression and without expanded tensors."
        )
