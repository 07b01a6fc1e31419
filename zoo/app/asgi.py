"""The app as an ASGI application: Streamlit, with the layers of `zoo.app.server` around it."""

import os

from streamlit.starlette import App

from zoo.app import server
from zoo.core.environment import ISOLATED

os.environ.setdefault(ISOLATED, "1")  # files of strangers

app = App(server.SCRIPT, middleware=server.middleware(), lifespan=server.lifespan)
