"""The app: `make app`, `zoo app` or `streamlit run app.py`."""

from pathlib import Path

import streamlit as st

import zoo

st.set_page_config(page_title="Zoo", page_icon=":material/pets:", layout="wide")
pages = Path(zoo.__file__).parent / "pages"
st.navigation(
    [
        st.Page(pages / "networks.py", title="Networks", icon=":material/grid_view:", default=True),
        st.Page(pages / "pictures.py", title="Pictures", icon=":material/image:"),
        st.Page(pages / "sounds.py", title="Sounds", icon=":material/hearing:"),
        st.Page(pages / "pitch.py", title="Pitch", icon=":material/music_note:"),
        st.Page(pages / "teach.py", title="Teach", icon=":material/school:"),
    ]
).run()
