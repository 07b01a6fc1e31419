"""A visitor without a browser, who says on the websocket what it likes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect

PATIENCE = 60  # s
NO_LIMITS = {"max_size": None, "max_queue": None}  # a full queue of messages would hold up the closing


class Visitor:
    """A session at a page of the app.

    Attributes
    ----------
    session : str
        Its number.
    messages : list of ForwardMsg
        What the last run of the page sent.
    """

    def __init__(self, address: str, socket: ClientConnection):
        self.address, self._socket = address, socket
        self.session, self.messages = "", []
        self._page, self._hash = "", ""

    def run(self, page: str | None = None, **values: str) -> list[ForwardMsg]:
        """Run a page, with values of components as JSON by the numbers of widgets."""
        if page is not None:
            self._page, self._hash = page, ""
        message = BackMsg()
        message.rerun_script.page_script_hash = self._hash
        message.rerun_script.page_name = self._page
        message.rerun_script.widget_states.widgets.extend(
            WidgetState(id=name, json_value=value) for name, value in values.items()
        )
        self._socket.send(message.SerializeToString())
        return self.finish()

    def finish(self) -> list[ForwardMsg]:
        """Wait for the end of a run."""
        self.messages = []
        while not self.messages or self.messages[-1].WhichOneof("type") != "script_finished":
            self.messages.append(ForwardMsg.FromString(self._socket.recv(PATIENCE)))
            self.session = self.messages[-1].new_session.initialize.session_id or self.session
            self._hash = self.messages[-1].navigation.page_script_hash or self._hash
        return self.messages

    def texts(self) -> str:
        """What the page said in the last run."""
        elements = [message.delta.new_element for message in self.messages]
        return "\n".join(element.alert.body or element.markdown.body for element in elements)

    def upload(self, file: str, data: bytes, session: str | None = None) -> requests.Response:
        """Upload a file as the front end does."""
        with requests.Session() as http:
            http.get(f"{self.address}/_stcore/health", timeout=PATIENCE)
            token = {"X-Xsrftoken": http.cookies["_streamlit_xsrf"]}
            url = f"{self.address}/_stcore/upload_file/{session or self.session}/{file}"
            return http.put(url, files={"file": ("a.bin", data)}, headers=token, timeout=PATIENCE)

    def delete(self, file: str) -> None:
        """Delete an uploaded file as the front end does."""
        with requests.Session() as http:
            http.get(f"{self.address}/_stcore/health", timeout=PATIENCE)
            token = {"X-Xsrftoken": http.cookies["_streamlit_xsrf"]}
            url = f"{self.address}/_stcore/upload_file/{self.session}/{file}"
            http.delete(url, headers=token, timeout=PATIENCE).raise_for_status()

    def leave(self, code: int = 1001) -> None:
        """Close the connection as a browser does that leaves the page, or with another code."""
        self._socket.close(code)


@contextmanager
def visitor(address: str, page: str = "") -> Iterator[Visitor]:
    """A visitor who has loaded a page."""
    place = address.replace("http:", "ws:")
    with connect(f"{place}/_stcore/stream", subprotocols=["streamlit"], **NO_LIMITS) as socket:
        one = Visitor(address, socket)
        one.run(page)
        yield one
