"""Which of Streamlit's internal routes are open."""

from __future__ import annotations

import os

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

VARIABLE = "ZOO_APP_METRICS"
# What the pages need; a route that an update adds stays closed.
_OPEN = ("health", "host-config", "stream", "upload_file/", "bidi-components/")


class InternalRoutes:
    """ASGI middleware that answers 404 for internal routes that the pages do not need.

    The environment variable `VARIABLE`, set to 1, opens ``/_stcore/metrics``.
    """

    def __init__(self, app: ASGIApp):
        self.app = app
        self._open = (*_OPEN, "metrics") if os.environ.get(VARIABLE) == "1" else _OPEN

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _, internal, route = scope.get("path", "").partition("/_stcore/")
        if not internal or self._is_open(route):
            await self.app(scope, receive, send)
        else:
            await PlainTextResponse("Not found", status_code=404)(scope, receive, send)

    def _is_open(self, route: str) -> bool:
        return any(route == name or (name.endswith("/") and route.startswith(name)) for name in self._open)
