"""A visitor without a browser: it speaks Streamlit's protocol, and sends what a browser would not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlparse

import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Block_pb2 import Block
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect

WAIT = 60  # s for one run of a page
OVER = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


@dataclass
class Run:
    """What a page showed in one run."""

    elements: list[Element | Block] = field(default_factory=list)

    @property
    def widgets(self) -> dict[str, tuple[str, Any]]:
        """Kind and message of each widget, by its key, or by its number where it has none."""
        by_key = {}
        for element in self.elements:
            kind = element.WhichOneof("type")
            message = getattr(element, kind or "", None)  # a block may be of no type
            if number := getattr(message, "id", ""):
                key = number.removeprefix("$$ID-").partition("-")[2]
                by_key[number if key == "None" else key] = kind, message
        return by_key

    @property
    def crashed(self) -> bool:
        """Whether the page shows an exception."""
        return any(element.WhichOneof("type") == "exception" for element in self.elements)

    @property
    def texts(self) -> list[str]:
        """Sentences of the page: paragraphs and alerts."""
        kinds = {"markdown": "body", "alert": "body"}
        return [
            getattr(getattr(element, kind), kinds[kind])
            for element in self.elements
            if (kind := element.WhichOneof("type")) in kinds
        ]


class Visitor:
    """One session of the app.

    Parameters
    ----------
    address : str
        Of the app.
    socket : ClientConnection
    """

    def __init__(self, address: str, socket: ClientConnection):
        self.address, self.socket = address, socket
        self.session, self.pages = "", {}
        self.states: dict[str, WidgetState] = {}
        self.open("")

    def send(self, **message: Any) -> None:
        """Send any message, for example ``clear_cache=True``."""
        self.socket.send(BackMsg(**message).SerializeToString())

    def open(self, page: str, query: str = "") -> Run:
        """Visit a page anew, as a link with a query string does."""
        self.states = {}
        self.page = self.pages.get(page, page)
        return self.run(query=query)

    def run(self, *states: WidgetState, query: str = "", fragment: str = "") -> Run:
        """Send the states of widgets besides those sent before, and wait for the page."""
        self.states |= {state.id: state for state in states}
        message = BackMsg()
        message.rerun_script.page_script_hash = self.page
        message.rerun_script.query_string = query
        message.rerun_script.fragment_id = fragment
        message.rerun_script.widget_states.widgets.extend(self.states.values())
        self.socket.send(message.SerializeToString())
        return self._received()

    def forget(self, *states: WidgetState) -> None:
        """Stop sending the states of these widgets."""
        for state in states:
            self.states.pop(state.id, None)

    def _received(self) -> Run:
        run, end = Run(), time.monotonic() + WAIT
        while time.monotonic() < end:
            message = ForwardMsg.FromString(self.socket.recv(timeout=WAIT))
            match message.WhichOneof("type"):
                case "new_session":
                    self.session = message.new_session.initialize.session_id or self.session
                    run = Run()
                case "navigation":
                    self.pages |= {
                        page.url_pathname: page.page_script_hash for page in message.navigation.app_pages
                    }
                case "delta" if (part := message.delta.WhichOneof("type")) in ("new_element", "add_block"):
                    run.elements.append(getattr(message.delta, part))
                case "script_finished" if message.script_finished in OVER:
                    return run
        raise TimeoutError(f"The page did not finish within {WAIT} s.")

    def upload(self, name: str, data: bytes) -> str:
        """Upload a file that widgets can name; return its number."""
        self.send(file_urls_request={"request_id": "1", "file_names": [name], "session_id": self.session})
        while True:
            message = ForwardMsg.FromString(self.socket.recv(timeout=WAIT))
            if message.WhichOneof("type") == "file_urls_response":
                break
        (urls,) = message.file_urls_response.file_urls
        with requests.Session() as client:
            client.get(f"{self.address}/_stcore/health")
            token = client.cookies.get("_streamlit_xsrf", "")
            client.put(
                self.address + "/" + urls.upload_url.lstrip("/"),
                files={"file": (name, data)},
                headers={"X-Xsrftoken": token},
            ).raise_for_status()
        return urls.file_id


@contextmanager
def visiting(address: str, cookie: str = "") -> Iterator[Visitor]:
    """Visit the app for as long as the block lasts, with a header of cookies."""
    url = f"ws://{urlparse(address).netloc}/_stcore/stream"
    headers = {"Cookie": cookie} if cookie else {}
    with connect(
        url, subprotocols=["streamlit"], max_size=None, max_queue=None, additional_headers=headers
    ) as socket:
        yield Visitor(address, socket)
