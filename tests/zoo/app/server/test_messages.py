"""What a browser may send on the websocket, tried on an app with a widget of each kind."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlparse

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import DoubleArray, FileUploaderState, StringArray
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from tests.browser.messages import WAIT, Visitor, visiting
from tests.browser.serving import free_port, wait_for
from zoo.app.server.messages import FIELDS, drop_wrong_states, fits, is_needed, stay_on_page

SCRIPT = """
import time

import plotly.graph_objects as go
import streamlit as st

st.selectbox("A", [1, 2], key="selectbox")
st.multiselect("A", [1, 2], key="multiselect")
st.pills("A", [1, 2], key="button_group")
st.slider("A", 1, 9, key="slider")
st.select_slider("A", [1, 2], key="select_slider")
st.number_input("A", 1, 9, key="number_input")
st.text_area("A", key="text_area")
st.text_input("A", key="text_input")
st.toggle("A", key="checkbox")
st.button("A", key="button")
st.download_button("A", "a", key="download_button")
st.file_uploader("A", key="file_uploader")
st.camera_input("A", key="camera_input")
st.audio_input("A", key="audio_input")
st.dataframe([{"a": 1}], key="dataframe", on_select="rerun")
st.plotly_chart(go.Figure(), key="plotly_chart", on_select="rerun")
st.expander("A", key="expandable", on_change="rerun")
st.tabs(["A", "B"], key="tab_container", on_change="rerun")
st.popover("A", key="popover", on_change="rerun")
st.components.v2.component("part", js="export default () => {}")(key="bidi_component", data=1)


@st.cache_resource
def made():
    return []


made().append(1)
st.markdown(str(len(made())))
st.markdown("end")


def count():
    st.session_state["clicks"] = 1


time.sleep(0.2)
st.button("A", key="counted", on_click=count)
st.markdown(f"clicks: {st.session_state.get('clicks', 0)}")
"""
FILES = FileUploaderState()
FILES.uploaded_file_info.add(file_id="x", name="a.png", size=1)
VALUES = (
    {"string_value": "x"},
    {"string_value": "[1]"},
    {"string_value": '{"selection": 1}'},
    {"string_value": '{"selection": {"cells": [1]}}'},
    {"int_value": 7},
    {"bool_value": True},
    {"double_value": 1e300},
    {"double_value": float("inf")},
    {"bytes_value": b"\xff"},
    {"json_value": "{"},
    {"json_value": "[" * 100_000},
    {"json_trigger_value": "{"},
    {"string_array_value": StringArray(data=["x"])},
    {"double_array_value": DoubleArray(data=[float("nan")])},
    {"file_uploader_state_value": FILES},
    {"trigger_value": True},
)


ASGI = """
from starlette.middleware import Middleware
from streamlit.starlette import App
from zoo.app.server.messages import BrowserMessages

app = App("script.py", middleware=[Middleware(BrowserMessages)])
"""


class Served(NamedTuple):
    address: str
    log: Path


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The app, in a process of its own: Streamlit allows one runtime in each."""
    folder = tmp_path_factory.mktemp("app")
    (folder / "script.py").write_text(SCRIPT)
    (folder / "asgi.py").write_text(ASGI)
    port = free_port()
    options = [f"--server.port={port}", "--server.address=127.0.0.1", "--server.headless=true"]
    with (log := folder / "log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "asgi.py", *options],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Served(wait_for(f"http://127.0.0.1:{port}"), log)
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def visitor(app: Served) -> Iterator[Visitor]:
    with visiting(app.address) as visitor:
        yield visitor


def test_a_value_of_another_kind_never_reaches_a_widget(visitor, app):
    widgets = visitor.run().widgets
    kinds = {kind for kind, _ in widgets.values()}
    assert set(FIELDS) - kinds <= {"component_instance", "select_slider"}
    for value in VALUES:
        run = visitor.run(*(WidgetState(id=message.id, **value) for _, message in widgets.values()))
        assert not run.crashed
        assert "end" in run.texts
    assert "Traceback" not in app.log.read_text()


@pytest.mark.parametrize(
    "message", ["clear_cache", "set_run_on_save", "load_git_info", "debug_shutdown_runtime"]
)
def test_messages_that_no_page_needs_are_dropped(visitor, message):
    before = visitor.run().texts
    visitor.send(**{message: True})
    after = visitor.run().texts
    assert [int(text) for text in after if text.isdigit()] == [
        1 + int(text) for text in before if text.isdigit()
    ]


def test_each_upload_gets_an_address_while_the_page_runs_again(visitor):
    numbers = {str(number) for number in range(40)}
    for number in sorted(numbers):
        visitor.send(file_urls_request={"request_id": number, "file_names": ["a.png", "b.png"]})
        visitor.send(rerun_script={})  # a run that starts empties the queue of Streamlit's answers
    answered = {}
    while len(answered) < len(numbers):
        message = ForwardMsg.FromString(visitor.socket.recv(timeout=WAIT))
        if message.HasField("file_urls_response"):
            answered[message.file_urls_response.response_id] = message.file_urls_response.file_urls
    assert set(answered) == numbers
    urls = [url.upload_url for addresses in answered.values() for url in addresses]
    assert len(set(urls)) == 2 * len(numbers)
    assert all(f"/{visitor.session}/" in url for url in urls)


def test_an_upload_before_the_first_run_gets_an_address(app):
    with connect(f"ws://{urlparse(app.address).netloc}/_stcore/stream", subprotocols=["streamlit"]) as socket:
        socket.send(BackMsg(file_urls_request={"request_id": "1", "file_names": ["a"]}).SerializeToString())
        socket.send(BackMsg(rerun_script={}).SerializeToString())
        message = ForwardMsg()
        while not message.HasField("file_urls_response"):
            message = ForwardMsg.FromString(socket.recv(timeout=WAIT))
    assert message.file_urls_response.response_id == "1"
    assert len(message.file_urls_response.file_urls) == 1


def test_only_values_of_widgets_that_a_browser_was_shown_are_passed_on():
    message = BackMsg()
    message.rerun_script.widget_states.widgets.extend(
        [
            WidgetState(id="shown", double_value=1),
            WidgetState(id="never shown", double_value=1),
            WidgetState(id="of another kind", double_value=1),
        ]
    )
    drop_wrong_states(message, {"shown": "number_input", "of another kind": "text_input"})
    assert [state.id for state in message.rerun_script.widget_states.widgets] == ["shown"]


@pytest.mark.parametrize(
    ("message", "needed"),
    [
        ({"app_heartbeat": True}, True),
        ({"backend_operation_request": {"deferred_file": {"file_id": "1"}}}, True),
        ({"backend_operation_request": {"dataframe_chunk": {"source_id": "1"}}}, True),
        ({"backend_operation_request": {"install_skills": {}}}, False),
        ({"backend_operation_request": {}}, False),
        ({"clear_cache": True}, False),
        ({}, False),
    ],
)
def test_which_messages_are_needed(message, needed):
    assert is_needed(BackMsg(**message)) is needed


def test_a_click_before_the_new_session_has_drawn_its_button_counts(visitor, app):
    _, button = visitor.run().widgets["counted"]
    click = WidgetState(id=button.id, trigger_value=True)
    with connect(f"ws://{urlparse(app.address).netloc}/_stcore/stream", subprotocols=["streamlit"]) as socket:
        for states in ([], [click]):
            socket.send(BackMsg(rerun_script={"widget_states": {"widgets": states}}).SerializeToString())
        texts: list[str] = []
        while "clicks: 1" not in texts:
            message = ForwardMsg.FromString(socket.recv(timeout=WAIT))
            texts.append(message.delta.new_element.markdown.body)
            assert len(texts) < 1000


VALUE = [WidgetState(id="a", bool_value=True)]


@pytest.mark.parametrize(
    ("sent", "page", "fragment"),
    [
        ({}, "new", ""),  # a browser begins with the page of its address
        ({"page_script_hash": "other"}, "other", ""),
        ({"page_script_hash": "old"}, "old", ""),  # its link
        ({"page_script_hash": "old", "widget_states": {"widgets": VALUE}}, "new", ""),
        ({"page_script_hash": "old", "fragment_id": "figure"}, "new", ""),
        (
            {"page_script_hash": "old", "widget_states": {"widgets": VALUE}, "is_history_navigation": True},
            "old",
            "",
        ),
        ({"page_script_hash": "new", "fragment_id": "figure"}, "new", "figure"),
    ],
)
def test_what_a_page_sends_that_was_left_runs_the_page_that_was_chosen(sent, page, fragment):
    message = BackMsg(rerun_script=sent)
    assert stay_on_page(message, "new") == page
    assert message.rerun_script.page_script_hash in ("", page)
    assert message.rerun_script.fragment_id == fragment


def test_without_a_link_a_page_goes_on():
    message = BackMsg(rerun_script={"page_script_hash": "first", "widget_states": {"widgets": VALUE}})
    assert stay_on_page(message, "") == ""
    assert message.rerun_script.page_script_hash == "first"


@pytest.mark.parametrize("data", [b"\xff\xff", "text"])
def test_what_is_no_message_ends_the_connection_without_a_traceback(visitor, app, data):
    visitor.socket.send(data)
    with pytest.raises(ConnectionClosedError) as error:
        list(visitor.socket)
    assert error.value.rcvd.code == 1002
    assert "Traceback" not in app.log.read_text()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("selectbox", {"string_value": "x"}),
        ("multiselect", {"string_array_value": StringArray(data=["x", "y"])}),
        ("slider", {"double_array_value": DoubleArray(data=[1.5, 2])}),
        ("select_slider", {"string_array_value": StringArray(data=["x"])}),
        ("number_input", {"double_value": 440.5}),
        ("number_input", {}),
        ("dataframe", {"string_value": '{"selection": {"rows": [1], "columns": [], "cells": [[0, "a"]]}}'}),
        ("plotly_chart", {"string_value": '{"selection": {"points": [{"customdata": ["a"]}], "box": []}}'}),
        ("bidi_component", {"json_value": '{"obstacle": "none"}'}),
    ],
)
def test_what_browsers_send_is_passed_on(kind, value):
    assert fits(WidgetState(id="x", **value), kind)


@pytest.mark.parametrize("text", ["5", "[1]", '"x"', "null", "{"])
def test_a_component_of_another_library_gets_objects_only(text):
    assert not fits(WidgetState(id="x", json_value=text), "component_instance")
    assert fits(WidgetState(id="x", json_value='{"playing": true}'), "component_instance")
