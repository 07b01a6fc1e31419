"""What no page offered, sent to every page by a visitor who speaks the protocol: nothing comes of it."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from streamlit.proto.Common_pb2 import DoubleArray, FileUploaderState, StringArray
from streamlit.proto.WidgetStates_pb2 import WidgetState

import zoo
from tests.browser.messages import Run, Visitor, visiting
from tests.browser.serving import served

# Run by every Python process of the app at its start: it notes who touches the bait or asks for an address.
TRAP = """
import os, sys
notes = os.open(os.environ["TRAP_NOTES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def hook(event, arguments):
    if event in ("open", "os.listdir", "os.scandir", "subprocess.Popen"):
        caught = os.environ["TRAP_BAIT"] in repr(arguments[:2])  # and not in a process's environment
    else:
        caught = event == "socket.getaddrinfo" and arguments[0] not in (None, "", "localhost", "127.0.0.1")
    if caught:
        os.write(notes, f"{event} {arguments!r}\\n".encode())
sys.addaudithook(hook)
"""
PAGES = ("", "pictures", "sounds", "pitch", "live", "embeddings", "compare", "teach", "networks")
# By which the pages show more widgets.
SETTINGS: dict[str, dict[str, Any]] = {
    "pictures": {
        "pictures-networks": ["SqueezeNet 1.1 ✓"],
        "pictures-way": ["Sample"],
        "pictures-where": True,
    },
    "sounds": {"sounds-way": ["Sample"]},
    "pitch": {"pitch-way": ["Sample"]},
    "embeddings": {"embeddings-way": ["Sample"]},
    "compare": {"compare-image-way": ["Sample"]},
    "teach": {"teach-with-1": ["Camera"], "teach-with-2": ["Microphone"]},
    "networks": {"networks-view": ["Layers"], "networks-image-way": ["Sample"]},
}
LISTS = ("multiselect", "button_group")
CHOICES = ("selectbox", *LISTS)
SEVERAL = (*LISTS, "slider")
SELECTIONS = ("dataframe", "plotly_chart")
FILES = ("file_uploader", "camera_input", "audio_input")
NUMERIC = ("slider", "number_input")
NUMBERS = (math.nan, -1e300, 0.123456)
SELECTED = (
    {"rows": [-1], "points": [{"customdata": [-1]}]},
    {"rows": [10**9], "points": [{"customdata": [10**9]}]},
    {"rows": ["x"], "points": [{"customdata": ["tfhub:owner/module/1"]}]},
    {"rows": {"0": 1}, "points": [{"customdata": {}}]},
    {"rows": [[]], "points": ["x"]},
)


@dataclass
class Trap:
    """Folders that nothing may read, and what is noted of those who do."""

    bait: Path
    notes: Path
    environment: dict[str, str]

    @property
    def caught(self) -> str:
        return self.notes.read_text() if self.notes.exists() else ""

    @property
    def texts(self) -> list[str]:
        """Names, paths and nonsense that no widget offers."""
        return [
            f"tfhub:{self.bait}/tfhub",
            f"hf:{self.bait}/hf",
            f"{self.bait}/saved",
            "hf:owner/repository",
            "tfhub:owner/module/1",
            "timm:resnet18.a1_in1k",
            "../../../etc/passwd",
            "\0",
            "x" * 100_000,
        ]


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Trap:
    folder = tmp_path_factory.mktemp("forged")
    bait, program = folder / "bait", folder / "program"
    for name in ("tfhub", "hf"):
        (bait / name).mkdir(parents=True)
    (bait / "tfhub" / "saved_model.pb").write_bytes(b"")
    (bait / "hf" / "config.json").write_text('{"model_type": "resnet", "architectures": ["X"]}')
    # Of the same title as a network that the pages offer.
    zoo.load("squeezenet", weights=None, device="cpu").save(bait / "saved")
    program.mkdir()
    (program / "sitecustomize.py").write_text(TRAP)
    path = os.pathsep.join(filter(None, (str(program), os.environ.get("PYTHONPATH"))))
    notes = folder / "notes"
    environment = {"PYTHONPATH": path, "TRAP_NOTES": str(notes), "TRAP_BAIT": str(bait)}
    return Trap(bait, notes, environment)


@dataclass
class App:
    address: str
    log: Path


@pytest.fixture(scope="module")
def app(trap: Trap, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    log = tmp_path_factory.mktemp("app") / "log"
    with served(log=log, **trap.environment) as (address, _):
        yield App(address, log)


@pytest.fixture
def visitor(app: App) -> Iterator[Visitor]:
    with visiting(app.address) as visitor:
        yield visitor


def state(kind: str, message: Any, value: Any) -> WidgetState:
    """The state of a widget as a browser would send it."""
    if kind == "selectbox" or kind == "text_input":
        return WidgetState(id=message.id, string_value=value)
    if kind in LISTS:
        return WidgetState(id=message.id, string_array_value=StringArray(data=value))
    if kind == "slider" and message.options:
        return WidgetState(id=message.id, string_array_value=StringArray(data=map(str, value)))
    if kind == "slider":
        return WidgetState(id=message.id, double_array_value=DoubleArray(data=value))
    if kind == "number_input":
        return WidgetState(id=message.id, double_value=value)
    if kind == "checkbox":
        return WidgetState(id=message.id, bool_value=value)
    if kind in FILES:
        files = FileUploaderState()
        files.uploaded_file_info.add(file_id=value, name="cat.png", size=1)
        return WidgetState(id=message.id, file_uploader_state_value=files)
    if kind in SELECTIONS:
        return WidgetState(id=message.id, string_value=json.dumps({"selection": value}))
    return WidgetState(id=message.id, json_value=json.dumps(value))


def prepared(visitor: Visitor, page: str) -> Run:
    """The page with the settings that show most of its widgets."""
    run = visitor.open(page)
    for key, value in SETTINGS.get(page, {}).items():
        run = visitor.run(state(*run.widgets[key], value))
    return run


def forged(run: Run, kinds: tuple[str, ...], value: Callable[[str, Any], Any]) -> list[WidgetState]:
    """A state that was not offered for each widget of some kinds; `value` gives one of them at a time."""
    return [
        state(kind, message, [value(kind, message)] if kind in SEVERAL else value(kind, message))
        for kind, message in run.widgets.values()
        if kind in kinds and not message.id.endswith("-way")
    ]


def is_default(run: Run) -> bool:
    """Whether the page tells its widgets to show only what they offer."""
    for kind, message in run.widgets.values():
        if kind in CHOICES and message.set_value:
            options = [getattr(option, "content", option) for option in message.options]
            labels = [message.raw_value] if kind == "selectbox" else message.raw_values
            if not set(labels) <= {*options, ""}:
                return False
    return True


def attack(visitor: Visitor, *states: WidgetState) -> Run:
    """Send forged states, and find the page in order."""
    assert states
    run = visitor.run(*states)
    assert not run.crashed
    assert is_default(run)
    visitor.forget(*states)
    return run


def require_nothing_happened(trap: Trap, app: App) -> None:
    assert not trap.caught
    assert "Traceback" not in app.log.read_text()


def test_the_trap_catches(trap):
    program = f"import zoo; zoo.describe({str(trap.bait / 'saved')!r})"
    environment = os.environ | trap.environment | {"TRAP_NOTES": str(trap.notes) + "-tried"}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert "network.json" in Path(environment["TRAP_NOTES"]).read_text()


def attack_with_texts(visitor: Visitor, run: Run, texts: list[str]) -> None:
    """Give each widget with choices another one of the texts."""
    remaining = cycle(texts)
    attack(visitor, *forged(run, CHOICES, lambda *_: next(remaining)))


@pytest.mark.exhaustive
@pytest.mark.parametrize("turn", [3, 6])
@pytest.mark.parametrize("page", PAGES[1:])
def test_other_texts_that_were_not_offered_lead_nowhere(page, turn, visitor, trap, app):
    attack_with_texts(visitor, prepared(visitor, page), trap.texts[turn:] + trap.texts[:turn])
    require_nothing_happened(trap, app)


@pytest.mark.parametrize("page", PAGES[1:])
def test_what_was_not_offered_leads_nowhere(page, visitor, trap, app):
    run = prepared(visitor, page)
    attack_with_texts(visitor, run, trap.texts)
    for number in NUMBERS:
        if states := forged(run, NUMERIC, lambda *_, number=number: number):
            attack(visitor, *states)
    for selection in SELECTED:
        if states := forged(run, SELECTIONS, lambda *_, selection=selection: selection):
            attack(visitor, *states)
    assert not visitor.run().crashed
    require_nothing_happened(trap, app)


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("pictures", "network=tfhub:{bait}/tfhub&sample=../../../etc/passwd"),
        ("pictures", "network=squeezenet,hf:{bait}/hf"),
        ("sounds", "network={bait}/saved&layer=x"),
        ("pitch", "network=crepe.tiny&network=hf:owner/repository"),
        ("pitch", "sample=" + "x" * 10_000),
        ("networks", "network=timm:resnet18.a1_in1k&network="),
        ("networks", "network=%00%ff%ed%a0%80"),
    ],
)
def test_a_link_to_what_is_not_offered_is_one_sentence(page, query, visitor, trap, app):
    run = visitor.open(page, query.format(bait=trap.bait))
    assert not run.crashed
    assert [text for text in run.texts if "not offered here" in text or "Unknown sample" in text]
    require_nothing_happened(trap, app)


def test_a_file_of_another_session_is_no_file_here(visitor, trap, app):
    with visiting(app.address) as other:
        widget = other.open("pictures").widgets["pictures-upload"]
        number = other.upload("cat.png", zoo.sample("cat.png").read_bytes())
        assert "cat.png" in str(other.run(state(*widget, number)).elements)
        run = prepared(visitor, "teach")
        attack(visitor, *forged(run, FILES, lambda *_: number))
        for page in ("pictures", "sounds", "pitch", "compare", "embeddings"):
            run = visitor.open(page)
            answer = attack(visitor, *forged(run, FILES, lambda *_: number))
            assert "cat.png" not in str(answer.elements)
        assert "cat.png" in str(other.run().elements)
    require_nothing_happened(trap, app)


def test_unknown_pages_widgets_and_files_leave_other_sessions_alone(visitor, trap, app):
    with visiting(app.address) as other:
        before = prepared(other, "sounds")
        assert not visitor.open("0" * 32).crashed
        assert not visitor.open("../../app.py").crashed
        unknown = (
            WidgetState(id=f"$$ID-{'0' * 32}-{key}", trigger_value=True) for key in ("stop", "None", "x")
        )
        assert not visitor.run(*unknown).crashed
        visitor.send(file_urls_request={"request_id": "1", "file_names": ["a"], "session_id": other.session})
        visitor.send(stop_script=True)
        visitor.send(
            backend_operation_request={
                "request_id": "1",
                "session_id": other.session,
                "deferred_file": {"file_id": "0" * 32},
            }
        )
        assert not visitor.open("sounds").crashed
        assert other.run().texts == before.texts
    require_nothing_happened(trap, app)
