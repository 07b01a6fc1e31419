"""The script that Streamlit runs: it shows the page that the address names."""

from pathlib import Path

import streamlit as st

from zoo.app import state
from zoo.app.components import charts
from zoo.app.services import memory

PAGES = Path(__file__).parent
ICONS = {
    "home": "home",
    "pictures": "image",
    "sounds": "hearing",
    "pitch": "music_note",
    "live": "mic",
    "embeddings": "scatter_plot",
    "sort": "rule",
    "compare": "balance",
    "teach": "school",
    "networks": "grid_view",
}
# In the dark, white on the primary color is too faint to read, and a darker one is too faint on the page; a
# place that is empty, but for what was shown while it worked, takes no room.
STYLE = """<style>
[data-testid="stBaseButton-primary"]:enabled :is(p, span),
[data-testid="stMultiSelect"] [data-tag] :is([title], svg) { color: light-dark(white, #141412); }
[data-testid="stLayoutWrapper"]:has(> .stVerticalBlock > :only-child > .stEmpty) { display: none; }
</style>"""


@st.fragment(run_every=24 * 3600)
def run_after_reconnection() -> None:
    """Make browsers run the page when they are connected again, as they do while a fragment repeats itself.

    Otherwise a page that was at rest between two runs stays as it was: half drawn if the second one ended
    with the connection, and without its project if the session has ended meanwhile.
    """


st.set_page_config(page_title="Zoo", page_icon="🐾", layout="wide")
st.html(STYLE + charts.STYLE)
state.project()  # on every page, so that its training goes on while any page is open
run_after_reconnection()
st.navigation(
    [
        st.Page(
            PAGES / f"{page}.py",
            title=page.capitalize(),
            icon=f":material/{icon}:",
            url_path=page,
            default=page == "home",
        )
        for page, icon in ICONS.items()
    ]
).run()
state.page_is_whole()

memory.collect()  # what ended sessions left, see runner.postScriptGC in .streamlit/config.toml
