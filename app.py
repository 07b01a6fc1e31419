"""The app: `make app`, `zoo app` or `streamlit run app.py`."""

from zoo.app.asgi import app

__all__ = ["app"]
