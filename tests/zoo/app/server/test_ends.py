"""When `SessionEnds` ends a session."""

import asyncio
from collections import deque

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from zoo.app.server import sessions
from zoo.app.server.sessions import SessionEnds

HELLO = ForwardMsg()
HELLO.new_session.initialize.session_id = "one"


class Runtime:
    """The part of Streamlit's that is used."""

    def __init__(self):
        self.active, self.closed, self.media_file_mgr = set(), [], self

    def is_active_session(self, session):
        return session in self.active

    def close_session(self, session):
        self.closed.append(session)

    def remove_orphaned_files(self):
        pass


@pytest.fixture
def runtime(monkeypatch):
    one = Runtime()
    monkeypatch.setattr(sessions, "get_instance", lambda: one)
    monkeypatch.setattr(sessions, "GRACE", 1.0)
    monkeypatch.setattr(sessions, "_ended", deque())
    return one


async def connection(ends: SessionEnds, runtime: Runtime, code: int, seconds: float = 0) -> None:
    """A connection of the session that lasts so long."""

    async def receive():
        await asyncio.sleep(seconds)
        return {"type": "websocket.disconnect", "code": code}

    async def send(message):
        pass

    ends.app = app_of(runtime)
    await ends({"type": "websocket"}, receive, send)


async def until(condition) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


def app_of(runtime: Runtime):
    async def app(scope, receive, send):
        runtime.active.add("one")
        await send({"type": "websocket.send", "bytes": HELLO.SerializeToString()})
        await receive()
        runtime.active.discard("one")

    return app


def test_a_browser_that_leaves_ends_its_session_at_once(runtime):
    ended = []
    sessions.at_end("one", lambda lost: ended.append(lost))

    async def scene():
        await connection(SessionEnds(None), runtime, 1001)
        await until(lambda: ended)

    asyncio.run(scene())
    assert runtime.closed == ["one"]
    assert ended == [False]
    sessions.at_end("one", lambda lost: ended.append("late"))  # by a page that was still at work
    assert ended == [False, "late"]


def test_a_lost_connection_ends_it_later(runtime):
    ended = []
    sessions.at_end("one", lambda lost: ended.append(lost))

    async def scene():
        await connection(SessionEnds(None), runtime, 1006)
        await asyncio.sleep(0.1)
        assert runtime.closed == []
        await until(lambda: ended)

    asyncio.run(scene())
    assert runtime.closed == ["one"]
    assert ended == [True]


def test_each_gap_in_the_network_has_its_own_time(runtime):
    async def scene():
        ends = SessionEnds(None)
        await connection(ends, runtime, 1006)
        await asyncio.sleep(0.6)
        await connection(ends, runtime, 1006)
        await asyncio.sleep(0.6)
        assert runtime.closed == []

    asyncio.run(scene())
