"""Drawings that change in place; what Streamlit draws itself, it would put another one for, and flicker."""

from streamlit.components import v2

_SHOW = """
export default function({ data, parentElement }) {
    parentElement.querySelector("div").innerHTML = data;
}
"""


def drawing(svg: str, key: str) -> None:
    """Show an SVG, whose texts are escaped already."""
    show = v2.component("zoo_drawing", html="<div></div>", js=_SHOW)
    show(key=key, data=svg, height="content")
