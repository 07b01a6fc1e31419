"""Environment variables that change what the zoo does."""

import os

from zoo.core.validation import number, parsed

ISOLATED = "ZOO_ISOLATED_DECODING"  # 1: files are decoded in helper processes


def offline() -> bool:
    """Tell whether ``ZOO_OFFLINE`` disables downloads."""
    return os.environ.get("ZOO_OFFLINE", "").lower() not in ("", "0", "false", "no")


def setting(name: str, default: float) -> float:
    """Read a limit that the environment variable `name` may set.

    Raises
    ------
    InputError
        If it is set to something that is not a number, 1 or more.
    """
    return number(name, parsed(os.environ.get(name) or default), 1, 1e15)
