"""Check a browser's messages that set up a WebRTC connection, before aiortc gets them.

A raw message may contain anything. Each section of an offer opens sockets, this machine sends packets to the
address of each candidate, and aiortc fails in various ways on a message that is not an offer.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from zoo.core.errors import InputError

MAX_CHARACTERS = 20_000  # of an offer; Chrome's for a microphone has 3,000
MAX_CANDIDATES = 50  # a browser has two or three for each network that it is in


class Candidate(msgspec.Struct):
    """An address where a browser may be reached."""

    candidate: Annotated[str, Meta(max_length=500)]
    sdpMid: Annotated[str, Meta(max_length=100)] | None = None
    sdpMLineIndex: Annotated[int, Meta(ge=0, le=0)] | None = None


class Offer(msgspec.Struct):
    """What a browser wants to send, and how."""

    sdp: Annotated[str, Meta(max_length=MAX_CHARACTERS)]
    type: Literal["offer"]


Candidates = Annotated[dict[Annotated[str, Meta(max_length=100)], Candidate], Meta(max_length=MAX_CANDIDATES)]


class Message(msgspec.Struct):
    """A message of the streamer's component."""

    playing: bool = False
    sdpOffer: Offer | None = None
    iceCandidates: Candidates | None = None


def is_offer(value: Any) -> bool:
    """Return whether a message of the component has an offer.

    Parameters
    ----------
    value : object
        The message of the browser; None before the first.

    Raises
    ------
    InputError
        If no browser would send that for one microphone.
    """
    if isinstance(value, dict):
        value = {name: one for name, one in value.items() if one}  # an empty text stands for no offer
    try:
        message = msgspec.convert(value or {}, Message)
    except msgspec.ValidationError as error:
        raise InputError(f"The browser's offer is not one of WebRTC: {error}.") from None
    if message.sdpOffer is None:
        return False
    lines = message.sdpOffer.sdp.splitlines()
    sections = [line for line in lines if line.startswith("m=")]
    if len(sections) != 1 or not sections[0].startswith("m=audio "):
        raise InputError("The browser must offer the sound of one microphone and nothing else.")
    candidates = sum(line.startswith("a=candidate:") for line in lines) + len(message.iceCandidates or {})
    if candidates > MAX_CANDIDATES:
        raise InputError(f"The browser names {candidates} addresses of its own, more than {MAX_CANDIDATES}.")
    return True
