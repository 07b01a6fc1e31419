"""When a session ends, and what is removed then.

Streamlit keeps a session whose connection is lost, so that it can come back after a gap in the network, and
drops it once two minutes are over and another session comes or goes. Here a session ends at once when its
browser leaves the page, and otherwise when it has had no connection for `GRACE`. With it go its state,
uploads, media files, and what was registered with `at_end`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from google.protobuf.message import DecodeError
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime, get_instance

from zoo.app.settings import reconnect_seconds

GOING_AWAY = 1001  # RFC 6455, 7.4.1: a browser has left the page
GRACE = reconnect_seconds()
Ending = Callable[[bool], object]
"""Called with whether the connection was lost; otherwise the browser has left the page."""
_endings: dict[str, Ending] = {}
_ended: deque[str] = deque(maxlen=1000)  # the last ones, whose pages may still be at work for a moment


def at_end(session: str, ending: Ending) -> None:
    """Call `ending` when the session of this number ends, or now if it has; only the last one counts."""
    _endings[session] = ending
    if session in _ended:
        _call_ending(session, lost=False)


def _call_ending(session: str, *, lost: bool) -> None:
    if ending := _endings.pop(session, None):
        ending(lost)


async def end(session: str, *, lost: bool) -> None:
    """End a session, unless it is connected (again)."""
    runtime: Runtime = get_instance()
    if runtime.is_active_session(session):
        return
    runtime.close_session(session)
    # Streamlit spares files for download once, for a click that is on its way; no click can follow.
    runtime.media_file_mgr.remove_orphaned_files()
    _ended.append(session)
    await asyncio.to_thread(_call_ending, session, lost=lost)


class SessionEnds:
    """ASGI middleware that ends the sessions of websockets."""

    def __init__(self, app: ASGIApp):
        self.app = app
        self._ending: dict[str, asyncio.Task[None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        session, code = None, None

        async def watched_receive() -> Message:
            nonlocal code
            message = await receive()
            if message["type"] == "websocket.disconnect":
                code = message.get("code")
            return message

        async def watched_send(message: Message) -> None:
            nonlocal session
            if session is None and message["type"] == "websocket.send":
                session = _session_in(message.get("bytes") or b"")
                if session is not None:
                    self._keep(session)
            await send(message)

        try:
            await self.app(scope, watched_receive, watched_send)
        finally:
            if session is not None:
                self._end_later(session, lost=code != GOING_AWAY)

    def _keep(self, session: str) -> None:
        """Cancel the end of a session, which is connected again."""
        if task := self._ending.pop(session, None):
            task.cancel()

    def _end_later(self, session: str, *, lost: bool) -> None:
        async def wait() -> None:
            await asyncio.sleep(GRACE if lost else 0)
            del self._ending[session]
            await end(session, lost=lost)

        self._keep(session)
        self._ending[session] = asyncio.create_task(wait())


def _session_in(frame: bytes) -> str | None:
    """Return the session's number, which the first messages to a browser carry."""
    try:
        return ForwardMsg.FromString(frame).new_session.initialize.session_id or None
    except DecodeError:
        return None
