"""A file of a batch on the page Sort: a picture, or a player."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import streamlit as st

from zoo.app import state
from zoo.app.services.offered_batches import content_of, shown_name
from zoo.app.state import RATE, literally
from zoo.audio.signal import read_mono
from zoo.core.errors import ZooError
from zoo.vision.decoding import thumbnail

SIDE, SMALL_SIDE = 640, 240  # pixels of a picture that is asked about, and of a tile
LEAST_SIDE = 320  # pixels that a picture which is asked about takes up
SECONDS = 30  # of a recording that are played
MAX_BYTES = 50_000_000  # of a file
MAX_KEPT = 200  # small pictures of a session


def show_file(kind: str, path: str, *, small: bool = False, note: str = "") -> None:
    """Show a file with its name; one that cannot be shown with the reason."""
    name = shown_name(path)
    shown = _decoded(kind, path, SMALL_SIDE if small else SIDE)
    if isinstance(shown, str):
        st.warning(literally(shown), icon=":material/warning:")
    elif kind == "image":
        st.image(shown, width="stretch" if small else max(shown.width, LEAST_SIDE), alt=name)
    else:
        state.player(shown)
    st.caption(f"**{note}** {literally(name)}" if note else literally(name))


def _decoded(kind: str, path: str, side: int) -> Any:
    """Return a small picture, the samples of a recording, or why there is neither; kept for the session."""
    kept: dict[tuple[str, int], Any] = st.session_state.setdefault("sort-shown", {})
    if (path, side) not in kept:
        try:
            stream = io.BytesIO(content_of(path, MAX_BYTES))
            stream.name = shown_name(path)
            kept[path, side] = thumbnail(stream, (side, side)) if kind == "image" else _samples(stream)
        except ZooError as error:
            kept[path, side] = str(error).replace(path, shown_name(path))
        while len(kept) > (MAX_KEPT if kind == "image" else MAX_KEPT // 10):
            kept.pop(next(iter(kept)))
    return kept[path, side]


def _samples(stream: io.BytesIO) -> np.ndarray:
    return read_mono(stream, RATE, max_duration=state.MAX_SECONDS)[: SECONDS * RATE]
