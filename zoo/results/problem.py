"""Inputs that a verb could not use."""

from typing import NamedTuple


class Problem(NamedTuple):
    """An example that was left out, and why, in one sentence."""

    input: str
    reason: str
