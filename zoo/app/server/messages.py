"""What a browser may send on the websocket: messages that the pages need, and values of a widget's own kind.

Streamlit does not compare the kind of a value with its widget. A text sent for a slider raises an error in
every later run of that session, before the page's own code. A browser may also have the caches of all
sessions cleared. What pages do with values of the right kind is up to `zoo.app.components.widgets`.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import deque
from collections.abc import Iterable, MutableMapping
from contextlib import suppress
from typing import Any

from cachetools import LRUCache
from google.protobuf.message import DecodeError, Message
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as Event
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.Slider_pb2 import Slider
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime import get_instance

MESSAGES = ("rerun_script", "stop_script", "file_urls_request", "app_heartbeat", "backend_operation_request")
OPERATIONS = ("deferred_file", "dataframe_chunk")  # for others Streamlit writes files on its own machine
MAX_WIDGETS = 100_000  # whose kinds are kept; an id stands for one kind in all sessions
MAX_ASKING = 20  # requests for addresses of uploads that wait
MAX_CLICK_SECONDS = 10.0  # that a click waits for its widget
PROTOCOL_ERROR = 1002  # RFC 6455, 7.4.1
FIELDS = {
    "audio_input": ("file_uploader_state_value",),
    "bidi_component": ("json_value", "json_trigger_value"),
    "button": ("trigger_value",),
    "button_group": ("string_array_value",),
    "camera_input": ("file_uploader_state_value",),
    "checkbox": ("bool_value",),
    "component_instance": ("json_value",),
    "dataframe": ("string_value",),
    "download_button": ("trigger_value",),
    "expandable": ("bool_value",),
    "file_uploader": ("file_uploader_state_value",),
    "multiselect": ("string_array_value",),
    "number_input": ("double_value",),
    "plotly_chart": ("string_value",),
    "popover": ("bool_value",),
    "select_slider": ("string_array_value",),
    "selectbox": ("string_value",),
    "slider": ("double_array_value",),
    "tab_container": ("string_value",),
    "text_area": ("string_value",),
    "text_input": ("string_value",),
}
TRIGGERS = ("trigger_value", "json_trigger_value")
SELECTIONS = ("dataframe", "plotly_chart")


class BrowserMessages:
    """ASGI middleware that passes on only the messages and values that the pages may get.

    It learns the kinds of the widgets from what Streamlit sends to browsers. A browser that asks where to
    upload files is answered here: Streamlit's own answer waits in a queue that a starting run empties, and
    the files would never be sent. What a page sends after its user chose another page counts for that one
    (see `stay_on_page`), and a click on what another session drew waits until this one has drawn it, too (see
    `FirstRun`).
    """

    def __init__(self, app: ASGIApp):
        self.app = app
        self._kinds: MutableMapping[str, str] = LRUCache(MAX_WIDGETS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return

        session, page, first_run = "", "", FirstRun()
        asking: deque[BackMsg] = deque(maxlen=MAX_ASKING)  # answered once the session is known

        async def checked_receive() -> Event:
            nonlocal page
            while True:
                event = await receive()
                if event["type"] != "websocket.receive":
                    return event
                message = decoded(event)
                if message is None:
                    await send({"type": "websocket.close", "code": PROTOCOL_ERROR})
                    return {"type": "websocket.disconnect", "code": PROTOCOL_ERROR}
                if message.HasField("file_urls_request"):
                    asking.append(message)
                    await answer()
                elif is_needed(message):
                    page = stay_on_page(message, page)
                    await first_run.wait_for_clicked(message)
                    drop_wrong_states(message, self._kinds)
                    return {"type": "websocket.receive", "bytes": message.SerializeToString()}

        async def learning_send(event: Event) -> None:
            nonlocal session
            if data := event.get("bytes"):
                message = ForwardMsg.FromString(data)
                session = message.new_session.initialize.session_id or session
                shown = kinds_in(message.delta)
                self._kinds.update(shown)
                await first_run.note(message, shown)
            await send(event)
            await answer()

        async def answer() -> None:
            while session and asking:
                await send({"type": "websocket.send", "bytes": addresses(asking.popleft(), session)})

        await self.app(scope, checked_receive, learning_send)


class FirstRun:
    """The first run of a page on a connection.

    A page that is connected again shows what it showed before, also where a new session takes the place of
    one that has ended. Streamlit calls the function of a button only where the session has drawn the button:
    a click that comes before that would be lost.
    """

    def __init__(self) -> None:
        self._shown: set[str] = set()
        self._ended = False
        self._changed = asyncio.Condition()

    async def note(self, message: ForwardMsg, shown: Iterable[str]) -> None:
        """Note what a browser is sent: the ids of widgets, or the end of the run."""
        if self._ended:
            return
        self._shown.update(shown)
        self._ended = message.WhichOneof("type") == "script_finished" and (
            message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
        )
        async with self._changed:
            self._changed.notify_all()

    async def wait_for_clicked(self, message: BackMsg) -> None:
        """Wait until the buttons that a message presses are drawn, `MAX_CLICK_SECONDS` at most."""
        states = message.rerun_script.widget_states.widgets
        clicked = {state.id for state in states if state.WhichOneof("value") in TRIGGERS}
        if not clicked or self._ended:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(MAX_CLICK_SECONDS), self._changed:
                await self._changed.wait_for(lambda: self._ended or clicked <= self._shown)


def decoded(event: Event) -> BackMsg | None:
    """Return the message of a browser, or None if it is not one."""
    data = event.get("bytes")
    try:
        return None if data is None else BackMsg.FromString(data)
    except DecodeError:
        return None


def is_needed(message: BackMsg) -> bool:
    """Return whether the pages need messages of this kind."""
    if message.HasField("backend_operation_request"):
        return message.backend_operation_request.WhichOneof("payload") in OPERATIONS
    return message.WhichOneof("type") in MESSAGES


def stay_on_page(message: BackMsg, page: str) -> str:
    """Keep a browser on the page that was chosen last, and return the hash of that page.

    Until a browser is told that the new page runs, what it sends names the page before: a file that arrives
    then, or a figure that draws itself anew, would bring that page back. A link sends no value, for the
    script around the pages has no widget. No page calls `st.switch_page`, which this would undo.

    Parameters
    ----------
    message : BackMsg
        Of a browser; changed where it is of a page that was left.
    page : str
        Hash of the page that a link led to before, or "".
    """
    run = message.rerun_script
    if not run.page_script_hash or run.page_script_hash == page:
        return page
    if run.is_history_navigation or not (run.fragment_id or run.widget_states.widgets):
        return run.page_script_hash
    if page:
        run.page_script_hash, run.fragment_id = page, ""  # a run of the new page, which has no such fragment
    return page


def addresses(message: BackMsg, session: str) -> bytes:
    """Answer a message that asks where to upload files, with an address for each."""
    request = message.file_urls_request
    answer = ForwardMsg()
    answer.file_urls_response.response_id = request.request_id
    for info in get_instance().uploaded_file_mgr.get_upload_urls(session, request.file_names):
        answer.file_urls_response.file_urls.add(**info._asdict())
    return answer.SerializeToString()


def kinds_in(delta: Delta) -> dict[str, str]:
    """Return the kind of the widget that a browser is shown, by its id."""
    match delta.WhichOneof("type"):
        case "new_element":
            content: Message = delta.new_element
        case "add_block":
            content = delta.add_block
        case _:
            return {}
    kind = content.WhichOneof("type")
    if kind not in FIELDS:
        return {}
    widget = getattr(content, kind)
    if kind == "slider" and widget.type == Slider.SELECT_SLIDER:
        kind = "select_slider"
    return {widget.id: kind} if widget.id else {}


def drop_wrong_states(message: BackMsg, kinds: MutableMapping[str, str]) -> None:
    """Take out the values that are not of their widgets' kinds, or of widgets that no browser was shown.

    After a restart of the server, pages begin with their own values until a browser sends its values again.
    """
    states = message.rerun_script.widget_states.widgets
    for index in reversed(range(len(states))):
        kind = kinds.get(states[index].id)
        if kind is None or not fits(states[index], kind):
            del states[index]


def fits(state: WidgetState, kind: str) -> bool:
    """Return whether the value of a state is one that a widget of that kind sends."""
    field = state.WhichOneof("value")
    if field is None:  # cleared
        return True
    if field not in FIELDS[kind]:
        return False
    value = getattr(state, field)
    match field:
        case "double_value":
            return math.isfinite(value)
        case "double_array_value":
            return all(map(math.isfinite, value.data))
        case "json_value" if kind == "component_instance":  # streamlit-webrtc reads its fields
            return isinstance(parsed(value), dict)
        case "json_value" | "json_trigger_value":
            return parsed(value) is not None
        case "string_value" if kind in SELECTIONS:
            return is_selection(parsed(value))
    return True


def parsed(text: str) -> Any:
    """Return the value of a JSON text, or None if it is not one."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def is_selection(value: Any) -> bool:
    """Return whether a value has the form of a selection in a table or a chart."""
    match value:
        case {"selection": dict() as selection}:
            lists = all(isinstance(part, list) for part in selection.values())
            return lists and all(isinstance(cell, list) for cell in selection.get("cells", ()))
    return False
