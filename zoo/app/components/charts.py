"""Charts that can be read and kept: the colors of their labels, and a button that saves them as PNG."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import streamlit as st
from streamlit.elements.lib.streamlit_plotly_theme import GRAY_90

LABELS = {"light": "#555867", "dark": "#e6eaf1"}
"""Colors of labels by color scheme: those of Streamlit are too faint to read on white."""

# Texts on bars and cells keep the colors that Plotly chooses against theirs. The buttons of a chart appear
# below the pointer and at the focus of the keyboard; a touch screen, which has neither, shows them always.
STYLE = f"""<style>
.js-plotly-plot :is(.infolayer, .xaxislayer-above, .yaxislayer-above, .textpoint) text,
.js-plotly-plot text.bartext-outside {{
    fill: light-dark({LABELS["light"]}, {LABELS["dark"]}) !important;
}}
.js-plotly-plot .modebar-btn:focus-visible {{ outline-color: currentColor !important; }}
@media (hover: none) {{
    .js-plotly-plot .modebar--hover .modebar-group {{ opacity: 1 !important; }}
}}
</style>"""

_ZOOM = ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "autoScale2d", "resetScale2d"]


def chart(figure: go.Figure, name: str, *, key: str, alt: str, zoom: bool = False, **options: Any) -> None:
    """Show a figure that can be saved as ``name.png``.

    Parameters
    ----------
    figure : Figure
    name : str
        Of the saved file, without its ending.
    key, alt : str
    zoom : bool
        Whether it has buttons to zoom as well.
    **options
        For `streamlit.plotly_chart`.
    """
    _color_labels(figure)
    config = {
        "displaylogo": False,
        "modeBarButtonsToRemove": [] if zoom else _ZOOM,
        "toImageButtonOptions": {"format": "png", "filename": name, "scale": 2},
    }
    st.plotly_chart(figure, key=key, alt=alt, config=config, **options)


def _color_labels(figure: go.Figure) -> None:
    """Color the labels in the figure itself: a saved image has no style sheet.

    The browser replaces the color by one that can be read on the page, light or dark.
    """
    font = {"color": GRAY_90}
    figure.update_layout(font=font, legend_title_font=font)
    figure.update_xaxes(tickfont=font, title_font=font)
    figure.update_yaxes(tickfont=font, title_font=font)
