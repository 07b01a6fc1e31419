"""A player that marks its position in a chart, and plays the event that is selected there."""

from functools import cache
from pathlib import Path

import numpy as np
import streamlit as st
from streamlit.components import v2

from zoo.app.state import player

CSS = """
.playhead {
    position: absolute; width: 2px; margin-left: -1px; pointer-events: none;
    background: #e5484d; box-shadow: 0 0 3px white;
}
"""


@cache
def _component():
    script = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
    return v2.component("playhead", css=CSS, js=script, isolate_styles=False)


def linked_player(samples: np.ndarray, chart: str, key: str, play: tuple[float, float] | None = None) -> None:
    """Show a player of the sound that a network analyzed, linked to a chart: a line follows, a click plays.

    Parameters
    ----------
    samples : ndarray, shape (n,)
        At `zoo.app.state.RATE`.
    chart : str
        Key of a Plotly chart on the same page, whose horizontal axis is time in s. Bars in it have their
        start and end first in their `customdata`: a click on one plays it, one elsewhere plays from there.
    key : str
        Of the player.
    play : tuple of float, optional
        Start and end in s of what is played at once.
    """
    with st.container(key=key, gap=None):
        player(samples)
        _component()(key=f"{key}-link", data={"player": key, "chart": chart, "play": play}, height=1)
