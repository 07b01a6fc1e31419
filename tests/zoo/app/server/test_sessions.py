"""A session that has ended leaves nothing, and one that lost its connection comes back."""

import time
from pathlib import Path

import requests
from websockets.sync.client import connect

from tests.zoo.app.server.visitor import NO_LIMITS, Visitor, visitor
from zoo.app.server.sessions import GRACE


def folders(temporary: Path) -> set[Path]:
    """The folders of sessions."""
    return {path for path in temporary.glob("zoo-sessions-*/*") if path.is_dir()}


def in_memory(address: str) -> dict[str, int]:
    """What Streamlit keeps for sessions, in bytes by kind."""
    lines = requests.get(f"{address}/_stcore/metrics", timeout=60).text.splitlines()
    sizes = [line for line in lines if line.startswith("cache_memory_bytes{")]
    return {line.partition('cache_type="')[2].partition('"')[0]: int(line.split()[-1]) for line in sizes}


def until(condition) -> None:
    """Wait; sessions of other tests may take `GRACE` to end, and a busy machine longer."""
    end = time.monotonic() + GRACE + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_what_a_session_brought_is_gone_when_its_browser_leaves(address, temporary):
    before = folders(temporary)
    with visitor(address, "live") as one:
        assert len(folders(temporary) - before) == 1
        assert one.upload("a", bytes(1_000_000)).status_code == 204
        one.leave()
        until(lambda: folders(temporary) == before)
    until(lambda: "UploadedFileManager" not in in_memory(address))  # metrics are kept for 5 s


def test_a_session_that_lost_its_connection_comes_back(address, temporary):
    before = folders(temporary)
    with visitor(address, "live") as one:
        own = folders(temporary) - before
        assert one.upload("a", b"a").status_code == 204
        one.leave(1011)  # not as a browser that leaves the page
        time.sleep(1)
        assert folders(temporary) - before == own
        names = ["streamlit", "no-token", one.session]
        place = f"{address.replace('http', 'ws')}/_stcore/stream"
        with connect(place, subprotocols=names, **NO_LIMITS) as socket:
            again = Visitor(address, socket)
            again.run("live")
            assert again.session == one.session
            assert folders(temporary) - before == own
            again.leave()
            until(lambda: folders(temporary) == before)


def test_pictures_of_a_page_are_gone_with_its_session(address):
    with visitor(address) as one:  # the first page shows some
        until(lambda: "st_memory_media_file_storage" in in_memory(address))
        one.leave()
    until(lambda: "st_memory_media_file_storage" not in in_memory(address))
