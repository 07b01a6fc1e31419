"""Drawings that change in place; what Streamlit draws itself, it would put another one for, and flicker."""

from functools import cache
from pathlib import Path

from streamlit.components import v2

_HTML = '<div class="drawing"></div><button type="button" hidden>Save as SVG</button>'
_CSS = """
button {
    font: inherit; font-size: 0.875rem; color: inherit; background: none; cursor: pointer;
    border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius);
    padding: 0.25rem 0.75rem; margin-top: 0.5rem;
}
button:hover, button:focus-visible { border-color: var(--st-primary-color); color: var(--st-primary-color); }
"""


@cache
def _component():
    script = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
    return v2.component("zoo_drawing", html=_HTML, css=_CSS, js=script)


def drawing(svg: str, key: str, *, name: str = "") -> None:
    """Show an SVG, whose texts are escaped already; one with a name can be saved as ``name.svg``."""
    _component()(key=key, data={"svg": svg, "name": name}, height="content")
