"""The app: `make app`, `zoo app` or `streamlit run app.py`."""

import gc
from pathlib import Path

import streamlit as st

import zoo

PAGES = Path(zoo.__file__).parent / "pages"
ICONS = {
    "home": "home",
    "pictures": "image",
    "sounds": "hearing",
    "pitch": "music_note",
    "live": "mic",
    "embeddings": "scatter_plot",
    "compare": "balance",
    "teach": "school",
    "networks": "grid_view",
}

st.set_page_config(page_title="Zoo", page_icon=":material/pets:", layout="wide")
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

gc.collect()  # what ended sessions left, see runner.postScriptGC in .streamlit/config.toml
