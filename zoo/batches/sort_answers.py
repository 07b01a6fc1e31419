"""Questions of a sorter, and the answers to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from zoo.core.errors import InputError

VERSION = 1  # raised when the layout of the state changes
Reason = Literal["example", "likely", "unsure", "check"]


class Answer(Struct, frozen=True, forbid_unknown_fields=True):
    """What a person said of a file.

    Attributes
    ----------
    number : int
        Of the file, in the manifest.
    yes : bool
    reason : {"example", "likely", "unsure", "check"}
        Why it was asked.
    expected : float or None
        Of a check: the probability of a yes that was estimated before, if there was an estimate.
    """

    number: Annotated[int, Meta(ge=0)]
    yes: bool
    reason: Reason = "example"
    expected: Annotated[float, Meta(ge=0, le=1)] | None = None


class State(Struct, frozen=True, forbid_unknown_fields=True):
    """The answers of a sorter, as JSON keeps them."""

    network: str
    answers: list[Answer]
    label: str | None = None
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 0
    version: int = VERSION

    def __post_init__(self) -> None:
        if self.version != VERSION:
            raise ValueError(f"version {self.version} is not {VERSION}")


@dataclass(frozen=True)
class Question:
    """A file to be answered.

    Attributes
    ----------
    number : int
    path : str
    reason : {"likely", "unsure", "check"}
        A check is drawn at random, likely files more often.
    """

    number: int
    path: str
    reason: Reason


@dataclass(frozen=True)
class Check:
    """What was expected of files that were drawn at random, and what was answered.

    Attributes
    ----------
    files, yes : int
    expected : float
        Answers of yes that were expected before.
    """

    files: int
    yes: int
    expected: float


def read_state(state: str | bytes | Mapping[str, Any] | State) -> State:
    """Read the state of a sorter, which may come from a stranger.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        if isinstance(state, (str, bytes)):
            return msgspec.json.decode(state, type=State)
        return state if isinstance(state, State) else msgspec.convert(state, State)
    except (ValueError, RecursionError) as error:
        raise InputError(f"The answers cannot be read ({error}); save them with `to_json`.") from error
