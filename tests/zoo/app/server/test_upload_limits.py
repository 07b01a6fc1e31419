"""What sessions upload is limited, and gone with them."""

import asyncio
import socket
import time
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from tests.zoo.app.server.visitor import Visitor, visitor
from zoo.app.server import upload_limits
from zoo.app.server.upload_limits import UploadLimits

MB = 10**6


def sent(one: Visitor, file: str, lines: str, body: bytes = b"") -> bytes:
    """Send a request as it is, and return the first line of the answer."""
    place = urlsplit(one.address)
    with socket.create_connection((place.hostname, place.port), timeout=60) as connection:
        head = f"PUT /_stcore/upload_file/{one.session}/{file} HTTP/1.1\r\nHost: {place.netloc}\r\n"
        connection.sendall((head + lines + "\r\n").encode() + body)
        return connection.makefile("rb").readline()


@pytest.fixture
def limits(monkeypatch):
    """The middleware alone, in front of an app that takes all files; 1 MB a session, 2 MB in all."""
    manager = SimpleNamespace(get_files=lambda session, files: [])
    runtime = SimpleNamespace(uploaded_file_mgr=manager, is_active_session=lambda session: True)
    monkeypatch.setattr(upload_limits, "get_instance", lambda: runtime)
    monkeypatch.setenv("ZOO_APP_UPLOADS_MB", "1")
    monkeypatch.setenv("ZOO_APP_UPLOADS_TOTAL_MB", "2")

    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    return UploadLimits(app)


class Request:
    """A PUT that arrives in parts, when the test says so."""

    def __init__(self, limits: UploadLimits, session: str, **headers: str):
        names = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
        self._parts: asyncio.Queue = asyncio.Queue()
        self._sent: list[dict] = []
        path = f"/_stcore/upload_file/{session}/a"
        scope = {"type": "http", "method": "PUT", "path": path, "headers": list(names.items())}
        self._task = asyncio.create_task(limits(scope, self._parts.get, self._keep))

    async def _keep(self, message):
        self._sent.append(message)

    async def part(self, size: int, more: bool = True) -> None:
        """Let bytes arrive, and the middleware count them."""
        self._parts.put_nowait({"type": "http.request", "body": bytes(size), "more_body": more})
        await asyncio.sleep(0.01)

    async def status(self) -> int:
        """Wait for the answer."""
        await asyncio.wait_for(self._task, 60)
        return self._sent[0]["status"]


def test_a_session_may_upload_so_much_and_no_more(address):
    with visitor(address) as one:
        assert one.upload("a", bytes(3 * MB)).status_code == 204
        refused = one.upload("b", bytes(3 * MB))
        assert refused.status_code == 413
        assert refused.text == "One session may upload 5 MB: remove files, or load the page again."
        assert one.upload("a", bytes(1 * MB)).status_code == 204  # in place of the first
        one.delete("a")
        assert one.upload("b", bytes(4 * MB)).status_code == 204
        one.leave()


def test_all_sessions_together_may_upload_so_much_and_what_ended_ones_uploaded_is_gone(address):
    with visitor(address) as one, visitor(address) as other:
        assert one.upload("a", bytes(4 * MB)).status_code == 204
        refused = other.upload("a", bytes(4_500_000))
        assert refused.status_code == 413
        assert refused.text == "The server holds as many uploads as it can: try again later."
        one.leave()
        end = time.monotonic() + 60
        while other.upload("a", bytes(4_500_000)).status_code != 204:
            assert time.monotonic() < end, "the files of an ended session are still there"
            time.sleep(0.1)
        other.leave()


def test_an_upload_needs_a_session_that_is_there(address):
    with visitor(address) as one:
        assert one.upload("a", b"a", session="00000000-0000-0000-0000-000000000000").status_code == 403
        one.leave()
    assert one.upload("a", b"a").status_code == 403


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ("", 411),
        ("Content-Length: -1\r\n", 400),
        ("Content-Length: 1e3\r\n", 400),
        ("Transfer-Encoding: chunked\r\n", 400),
        ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400),
    ],
)
def test_an_upload_must_state_its_length(address, lines, status):
    with visitor(address) as one:
        assert sent(one, "a", lines, b"5\r\naaaaa\r\n0\r\n\r\n").split()[1] == str(status).encode()
        one.leave()


def test_an_upload_longer_than_it_said_is_stopped(limits):
    async def attack():
        one = Request(limits, "one", content_length="1000")
        await one.part(600)
        await one.part(600)
        return await one.status()

    assert asyncio.run(attack()) == 413


def test_a_transfer_encoding_is_refused_whatever_the_length(limits):
    async def attack():
        return await Request(limits, "one", content_length="1", transfer_encoding="chunked").status()

    assert asyncio.run(attack()) == 400


def test_what_has_not_arrived_counts_for_its_own_session_only(limits):
    async def attack():
        silent = [Request(limits, f"silent {i}", content_length=str(MB)) for i in range(20)]
        await asyncio.sleep(0.01)
        again = await Request(limits, "silent 0", content_length="1000").status()
        other = Request(limits, "other", content_length="1000")
        await other.part(1000, more=False)
        answer = await other.status()
        for one in silent[:3]:  # together they bring more than all may
            await one.part(700_000)
        return again, answer, await silent[2].status()

    assert asyncio.run(attack()) == (413, 204, 413)


def test_an_upload_that_sends_nothing_is_ended(limits, monkeypatch):
    monkeypatch.setattr(upload_limits, "SILENCE", 0.5)

    async def attack():
        silent = Request(limits, "one", content_length=str(MB))
        status = await silent.status()
        after = Request(limits, "one", content_length=str(MB))
        await after.part(MB, more=False)
        return status, await after.status()

    assert asyncio.run(attack()) == (408, 204)
