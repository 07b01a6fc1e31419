"""A signal ends the app: its port is free, and neither children nor files are left."""

import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.browser.serving import served
from tests.zoo.app.server.visitor import visitor
from zoo.app.server import stopping
from zoo.app.server.stopping import at_stop, call_endings

SECONDS = 60  # on a busy machine


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture
def hangup():
    """Have processes that start now heed SIGHUP, also where these tests run under nohup, which ignores it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.usefixtures("hangup")
@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGHUP, id="SIGHUP"),  # becomes a SIGTERM, whose handler SIGINT has as well
        pytest.param(signal.SIGTERM, id="SIGTERM", marks=pytest.mark.exhaustive),
        pytest.param(signal.SIGINT, id="SIGINT", marks=pytest.mark.exhaustive),
    ],
)
def test_a_signal_ends_the_server_with_visitors_and_slow_requests(tmp_path, number):
    with served(TMPDIR=str(tmp_path)) as (address, pid):
        port = int(address.rpartition(":")[2])
        server = psutil.Process(pid)
        with visitor(address, "live") as one, socket.create_connection(("127.0.0.1", port)) as slow:
            # An upload that never ends.
            slow.sendall(
                f"PUT /_stcore/upload_file/{one.session}/a HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                "Content-Length: 1000\r\n\r\n".encode()
            )
            assert list(tmp_path.glob("zoo-sessions-*/*"))
            family = [server, *server.children(recursive=True)]
            server.send_signal(number)
            _, alive = psutil.wait_procs(family, SECONDS)
            assert alive == []
        assert is_free(port)
        assert not list(tmp_path.glob("zoo-sessions-*"))


def test_endings_are_called_once_and_done_for_all_who_wait(monkeypatch):
    monkeypatch.setattr(stopping, "_endings", [])  # and not those of pages that other tests ran
    done = []
    for ending in range(2):
        at_stop(lambda ending=ending: (time.sleep(0.1), done.append(ending)))

    def finished(_: int) -> list[int]:
        call_endings()
        return sorted(done)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(finished, range(4))) == [[0, 1]] * 4
