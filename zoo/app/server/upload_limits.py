"""Limits on what a browser session, and all sessions together, upload.

Streamlit keeps an uploaded file in memory until its session ends, whether a page asked for it or not.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime import get_instance

from zoo.app.settings import session_upload_bytes, total_upload_bytes

SILENCE = 30.0  # s without a byte, after which an upload ends
_ROUTE = re.compile(r".*/_stcore/upload_file/(?P<session>[^/]+)/(?P<file>[^/]+)")
_FULL = "The server holds as many uploads as it can: try again later."


@dataclass(eq=False)
class Upload:
    """A request on its way: the bytes that it declares, and those that have arrived."""

    session: str
    file: str
    declared: int
    arrived: int = 0


class Ledger:
    """The uploads of all sessions that are kept or on their way, in bytes."""

    def __init__(self) -> None:
        self._coming: set[Upload] = set()
        self._stored: dict[str, dict[str, int]] = {}
        self._stored_bytes = 0

    def begin(self, upload: Upload) -> None:
        """Note that an upload is on its way."""
        self._coming.add(upload)

    def end(self, upload: Upload, *, accepted: bool) -> None:
        """Note that an upload has arrived, or that it was refused."""
        self._coming.remove(upload)
        if accepted:
            files = self._stored.setdefault(upload.session, {})
            self._stored_bytes += upload.arrived - files.get(upload.file, 0)
            files[upload.file] = upload.arrived

    def of_session(self, session: str) -> int:
        """Return the bytes of a session; an upload on its way counts with all that it declares."""
        self._forget_dropped(session)
        coming = sum(upload.declared for upload in self._coming if upload.session == session)
        return coming + sum(self._stored.get(session, {}).values())

    def total(self, max_bytes: float) -> int:
        """Return the bytes of all sessions that have arrived; exact where they may pass `max_bytes`."""
        arrived = sum(upload.arrived for upload in self._coming)
        if arrived + self._stored_bytes > max_bytes:
            for session in list(self._stored):
                self._forget_dropped(session)
        return arrived + self._stored_bytes

    def _forget_dropped(self, session: str) -> None:
        """Forget files that Streamlit has dropped, as it does when a widget gives them up."""
        sizes = self._stored.pop(session, {})
        files = get_instance().uploaded_file_mgr.get_files(session, list(sizes))
        there = {file.file_id: sizes[file.file_id] for file in files}
        self._stored_bytes -= sum(sizes.values()) - sum(there.values())
        if there:
            self._stored[session] = there


class UploadLimits:
    """ASGI middleware that refuses an upload which would take a session, or the server, over its limit.

    A request counts with its whole length, so that a thousand empty files count too. What a session declares
    counts for that session at once, but for the server only as it arrives: silent uploads block nobody else.
    """

    def __init__(self, app: ASGIApp):
        self.app = app
        self._max_session_bytes, self._max_total_bytes = session_upload_bytes(), total_upload_bytes()
        self._ledger = Ledger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match = _ROUTE.fullmatch(scope["path"]) if scope.get("method") == "PUT" else None
        if match is None:
            await self.app(scope, receive, send)
            return
        try:
            upload = self._admitted(match["session"], match["file"], Headers(scope=scope))
            await self._pass_on(upload, scope, receive, send)
        except HTTPException as refusal:
            await PlainTextResponse(refusal.detail, refusal.status_code)(scope, receive, send)

    async def _pass_on(self, upload: Upload, scope: Scope, receive: Receive, send: Send) -> None:
        status = 0

        async def counted() -> Message:
            try:
                async with asyncio.timeout(SILENCE):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, f"The upload sent nothing for {SILENCE:g} s.") from None
            upload.arrived += len(message.get("body", b""))
            if upload.arrived > upload.declared:
                raise HTTPException(413, "The upload is longer than it said.")
            if self._ledger.total(self._max_total_bytes) > self._max_total_bytes:
                raise HTTPException(413, _FULL)
            return message

        async def watched(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        self._ledger.begin(upload)
        try:
            await self.app(scope, counted, watched)
        finally:
            self._ledger.end(upload, accepted=status == 204)

    def _admitted(self, session: str, file: str, headers: Headers) -> Upload:
        """Return the upload that a request announces, or raise the `HTTPException` that refuses it."""
        if not get_instance().is_active_session(session):
            raise HTTPException(403, "This session has ended: load the page again.")
        if "transfer-encoding" in headers:  # servers then ignore the length
            raise HTTPException(400, "An upload must state its length, without a transfer encoding.")
        length = headers.get("content-length", "")
        if not re.fullmatch(r"\d{1,12}", length, re.ASCII):
            raise HTTPException(411, "An upload must state its length.")
        upload = Upload(session, file, int(length))
        if self._ledger.of_session(session) + upload.declared > self._max_session_bytes:
            raise HTTPException(
                413,
                f"One session may upload {self._max_session_bytes / 1e6:g} MB: remove files, "
                "or load the page again.",
            )
        free_bytes = self._max_total_bytes - upload.declared
        if self._ledger.total(free_bytes) > free_bytes:
            raise HTTPException(413, _FULL)
        return upload
