"""Inputs that a verb could not use."""

from typing import NamedTuple

from zoo.results.display import short_repr


class Problem(NamedTuple):
    """An example that was left out, and why, in one sentence."""

    input: str
    reason: str

    def __repr__(self) -> str:
        """Return the fields; long texts are shortened."""
        return short_repr(self, self._asdict())
