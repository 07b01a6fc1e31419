"""The app: `make app`, `zoo app` or `streamlit run app.py`."""

import os

from streamlit.starlette import App

from zoo import server

os.environ.setdefault("ZOO_ISOLATED_DECODING", "1")  # files of strangers

app = App(server.SCRIPT, middleware=server.middleware(), lifespan=server.lifespan)
