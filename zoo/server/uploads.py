"""Limits on what a browser session, and all sessions together, upload.

Streamlit keeps an uploaded file in memory until its session ends, whether a page asked for it or not.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime import get_instance

from zoo.inputs import setting

SESSION_VARIABLE, SESSION_MB = "ZOO_APP_UPLOADS_MB", 250
TOTAL_VARIABLE, TOTAL_MB = "ZOO_APP_UPLOADS_TOTAL_MB", 1000
_ROUTE = re.compile(r".*/_stcore/upload_file/(?P<session>[^/]+)/(?P<file>[^/]+)")


class Ledger:
    """The files of all sessions that are uploaded or on their way, by session and file, in bytes."""

    def __init__(self) -> None:
        self._on_the_way: dict[tuple[str, str, object], int] = {}
        self._uploaded: dict[str, dict[str, int]] = {}

    def begin(self, session: str, file: str, size: int) -> object:
        """Note that a file is on its way; gives a token for `end`."""
        token = object()
        self._on_the_way[session, file, token] = size
        return token

    def end(self, session: str, file: str, token: object, *, kept: bool) -> None:
        """Note that a file has arrived, or that it was refused."""
        size = self._on_the_way.pop((session, file, token))
        if kept:
            self._uploaded.setdefault(session, {})[file] = size

    def of_session(self, session: str) -> int:
        """Return the bytes that count for a session."""
        coming = sum(size for (owner, *_), size in self._on_the_way.items() if owner == session)
        return coming + sum(self._still_there(session).values())

    def total(self) -> int:
        """Return the bytes that count for all sessions."""
        there = (sum(self._still_there(session).values()) for session in list(self._uploaded))
        return sum(self._on_the_way.values()) + sum(there)

    def _still_there(self, session: str) -> dict[str, int]:
        """The files of a session that Streamlit still has: it drops those that a widget gave up."""
        sizes = self._uploaded.pop(session, {})
        files = get_instance().uploaded_file_mgr.get_files(session, list(sizes))
        if there := {file.file_id: sizes[file.file_id] for file in files}:
            self._uploaded[session] = there
        return there


class UploadLimits:
    """ASGI middleware that refuses an upload which would take a session, or the server, over its limit.

    The environment variables `SESSION_VARIABLE` and `TOTAL_VARIABLE` set the limits, in MB. A request counts
    with its whole length, so that a thousand empty files count too.
    """

    def __init__(self, app: ASGIApp):
        self.app = app
        self._most = 1e6 * setting(SESSION_VARIABLE, SESSION_MB)
        self._most_in_total = 1e6 * setting(TOTAL_VARIABLE, TOTAL_MB)
        self._ledger = Ledger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match = _ROUTE.fullmatch(scope["path"]) if scope.get("method") == "PUT" else None
        if match is None:
            await self.app(scope, receive, send)
            return
        session, file = match["session"], match["file"]
        length = Headers(scope=scope).get("content-length", "")
        if refusal := self._refusal(session, length):
            await refusal(scope, receive, send)
            return
        token, status = self._ledger.begin(session, file, int(length)), 0

        async def watched(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            self._ledger.end(session, file, token, kept=status == 204)

    def _refusal(self, session: str, length: str) -> PlainTextResponse | None:
        if not get_instance().is_active_session(session):
            return PlainTextResponse("This session has ended: load the page again.", 403)
        if not re.fullmatch(r"\d{1,12}", length, re.ASCII):
            return PlainTextResponse("An upload must state its length.", 411)
        if self._ledger.of_session(session) + int(length) > self._most:
            return PlainTextResponse(
                f"One session may upload {self._most / 1e6:g} MB: remove files, or load the page again.", 413
            )
        if self._ledger.total() + int(length) > self._most_in_total:
            return PlainTextResponse("The server holds as many uploads as it can: try again later.", 413)
        return None
