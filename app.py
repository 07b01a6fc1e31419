"""The app: `make app`, `zoo app` or `streamlit run app.py`."""

from streamlit.starlette import App

from zoo import server

app = App(server.SCRIPT, middleware=server.middleware(), lifespan=server.lifespan)
