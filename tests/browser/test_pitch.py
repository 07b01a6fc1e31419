"""The page Pitch in a real browser: a tone that is played, and notes that are taken home."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Locator, Page, Route, WebSocketRoute, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

import zoo
from tests.browser.reading import WAIT, download, settled, upload, wide


class SlowConnection:
    """The connection of a page to the server, which can hold back what the server says of its runs.

    Files that are uploaded wait while it does, until `send_files`.
    """

    def __init__(self, page: Page):
        self._page, self.holds, self.asked_runs = page, False, 0
        self._messages: list[bytes] = []
        self._files: list[Route] = []
        page.route_web_socket(re.compile("/_stcore/stream$"), self._connect)
        page.route("**/_stcore/upload_file/**", self._take_file)

    @property
    def finished_runs(self) -> int:
        """How many runs of the page have ended of which the page does not know."""
        return [ForwardMsg.FromString(m).WhichOneof("type") for m in self._messages].count("script_finished")

    @property
    def held_files(self) -> int:
        return len(self._files)

    def send_files(self) -> None:
        for file in self._files:
            file.continue_()

    def release(self) -> None:
        """Tell the page all, and go on as any connection."""
        self.holds = False
        for message in self._messages:
            self._socket.send(message)

    def wait(self, condition: Callable[[], bool]) -> None:
        for _ in range(WAIT // 50):
            if condition():
                return
            self._page.wait_for_timeout(50)
        raise TimeoutError

    def _connect(self, socket: WebSocketRoute) -> None:
        self._socket, self._server = socket, socket.connect_to_server()
        self._server.on_message(self._receive)
        socket.on_message(self._send)

    def _send(self, message: bytes) -> None:
        self.asked_runs += BackMsg.FromString(message).HasField("rerun_script")
        self._server.send(message)

    def _receive(self, message: bytes) -> None:
        if self.holds and ForwardMsg.FromString(message).WhichOneof("type") != "file_urls_response":
            self._messages.append(message)
        else:
            self._socket.send(message)

    def _take_file(self, route: Route) -> None:
        if self.holds and route.request.method == "PUT":
            self._files.append(route)
        else:
            route.continue_()


@pytest.fixture
def tones(tmp_path) -> list[Path]:
    time = np.arange(16000 * 2) / 16000
    paths = [tmp_path / f"{hertz}.wav" for hertz in (440, 330)]
    for path in paths:
        soundfile.write(path, 0.5 * np.sin(2 * np.pi * int(path.stem) * time), 16000)
    return paths


def chart(page: Page, path: Path) -> Locator:
    return page.get_by_role("figure", name=f"Pitch of {path.name} over time")


@wide
def test_the_player_of_the_tone_is_there_as_long_as_its_toggle_is_on(page, address, tones):
    connection = SlowConnection(page)
    toggle = page.get_by_role("switch", name="Play the pitch as a tone")
    page.goto(f"{address}/pitch")
    upload(page, tones[0])
    expect(chart(page, tones[0])).to_be_visible()
    settled(page)
    page.get_by_text("Play the pitch as a tone").click()
    expect(page.locator("audio")).to_have_count(2)
    settled(page)

    # Another file takes the place of the first: a run without a file, and so without the toggle, and then one
    # with the new file, which the browser asks for before it has drawn the other one.
    connection.holds = True
    upload(page, tones[1])
    connection.wait(lambda: connection.finished_runs == 1 and connection.held_files == 1)
    connection.send_files()
    connection.wait(lambda: connection.finished_runs == 2)
    connection.release()
    expect(chart(page, tones[1])).to_be_visible()
    settled(page)
    expect(page.locator("audio")).to_have_count(2)
    expect(toggle).to_be_checked()

    page.get_by_text("Play the pitch as a tone").click()
    expect(page.locator("audio")).to_have_count(1)
    page.get_by_role("tab", name="Notes").click()
    assert ",E4," in download(page, "Notes as CSV").splitlines()[1]


@wide
def test_a_link_that_is_clicked_while_a_file_arrives_leads_to_its_page(page, address):
    connection = SlowConnection(page)
    page.goto(f"{address}/pictures")
    settled(page)
    connection.holds = True
    page.locator('input[type="file"]').set_input_files(zoo.sample("cat.png"))
    connection.wait(lambda: connection.held_files == 1)
    asked = connection.asked_runs
    page.get_by_role("link", name="Compare").click()
    connection.wait(lambda: connection.asked_runs == asked + 1)
    connection.send_files()  # the browser asks for another run of the page that it still shows
    connection.wait(lambda: connection.asked_runs == asked + 2)
    connection.release()
    settled(page)
    expect(page.get_by_role("heading", name="Compare", exact=True)).to_be_visible()
    expect(page.get_by_test_id("stMain").get_by_role("button", name="Compare")).to_be_visible()
