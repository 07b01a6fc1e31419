"""Which names of this server a browser may use, and which pages may act in a visitor's name.

A page of another site may let its own name point to 127.0.0.1, and would then talk to an app on the visitor's
machine as if it came from there (DNS rebinding). Cookies do not tell ports apart: a browser would send a
visitor's cookie along with what another web app of the same host asks for.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

VARIABLE = "ZOO_APP_HOSTS"
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "::1")
_PORTS = {"http": 80, "https": 443}
_READING = ("GET", "HEAD", "OPTIONS")


def allowed_hosts() -> list[str]:
    """Return the names by which the app may be asked.

    They are those that the environment variable `VARIABLE` lists, separated by commas; ``*.example.org``
    stands for all names below. By default they are the names of this machine where the app is served to this
    machine only, and any name elsewhere.
    """
    names = [name.strip() for name in os.environ.get(VARIABLE, "").split(",") if name.strip()]
    local = st.get_option("server.address") in _LOOPBACK
    if names:
        return [*names, *(_LOOPBACK if local else ())]
    return list(_LOOPBACK) if local else ["*"]


class OwnOrigin:
    """ASGI middleware that refuses websockets and changes for which a page of another origin asks.

    Streamlit lets every port of ``localhost`` in. Programs send no ``Origin``, and are not refused.
    """

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        acts = scope["type"] == "websocket" or scope.get("method", "GET") not in _READING
        headers = Headers(scope=scope) if acts else {}
        origin = headers.get("origin")
        if origin is None or is_own(origin, headers.get("host", "")):
            await self.app(scope, receive, send)
        else:
            await PlainTextResponse("Pages of other origins may not do this.", 403)(scope, receive, send)


def is_own(origin: str, host: str) -> bool:
    """Return whether an ``Origin`` has the name and the port of the ``Host`` of the same request.

    Schemes may differ, because a proxy may serve the app over https.
    """
    try:
        page, server = urlsplit(origin), urlsplit(f"//{host}")
        usual = _PORTS[page.scheme]
        return (page.hostname, page.port or usual) == (server.hostname, server.port or usual)
    except (KeyError, ValueError):  # "null", or no port
        return False
