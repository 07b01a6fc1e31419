"""The cookie by which a browser reaches its project: a random token, which no script can read.

It is set on the HTML of a page, and pages read it from the handshake of their websocket.
"""

from __future__ import annotations

import re
import secrets

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zoo.app.settings import PROJECT_SECONDS

COOKIE = "zoo_project"
_BYTES = 32  # of randomness, which take 43 characters
_FORM = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def valid_token(value: object) -> str | None:
    """Return a cookie's value if it has the form of a token, else None."""
    return value if isinstance(value, str) and _FORM.fullmatch(value) else None


class ProjectCookie:
    """ASGI middleware that gives each browser a token, and renews its expiry with each page."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        token = valid_token(request.cookies.get(COOKIE)) or secrets.token_urlsafe(_BYTES)

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.append("set-cookie", set_cookie(token, secure=is_https(request)))
                    headers["cache-control"] = "no-store"  # a page from a cache would bring no cookie
            await send(message)

        await self.app(scope, receive, send_with_cookie)


def is_https(request: HTTPConnection) -> bool:
    """Return whether the browser asked by https, itself or through a proxy."""
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto"))


def set_cookie(token: str, *, secure: bool) -> str:
    """Return the value of the header that sets the cookie.

    `Lax` and not `Strict`: a link to the app on another site would come without the cookie, and the page's
    new one would replace it. The websockets of other sites get neither.
    """
    value = f"{COOKIE}={token}; Path=/; Max-Age={PROJECT_SECONDS:.0f}; HttpOnly; SameSite=Lax"
    return f"{value}; Secure" if secure else value
