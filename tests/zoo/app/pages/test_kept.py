"""Files and settings of a page are there when the browser comes back to it, in another session too."""

import io
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from streamlit.testing.v1 import AppTest

import zoo
from zoo.app import state
from zoo.app.services import project as project_module
from zoo.app.services import project_record
from zoo.app.services.job_queue import JobQueue
from zoo.app.services.jobs import SHORT
from zoo.app.services.project import CLOSED_SECONDS, LOST_SECONDS, Project
from zoo.hub.samples import digits

PAGES = Path(zoo.__file__).parent / "app" / "pages"
RATE = 16000
DIGITS = [(name, data, "image/png") for name, data in digits(1)[:3]]
Start = Callable[[str], AppTest]


@pytest.fixture
def start() -> Start:
    """Open a page in a new session of one browser."""
    session = {}

    def start(name: str) -> AppTest:
        app = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=120)
        for key, value in session.items():
            app.session_state[key] = value
        app.run()
        assert not app.exception
        session.update({key: app.session_state[key] for key in ("workspace", "project")})
        return app

    return start


def tone(hertz: float) -> tuple[str, bytes, str]:
    stream = io.BytesIO()
    samples = 0.5 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)
    soundfile.write(stream, samples, RATE, format="wav")
    return (f"{hertz:.0f}.wav", stream.getvalue(), "audio/wav")


def project(app: AppTest) -> Project:
    return app.session_state["project"][1]


def file_list(app: AppTest):
    """The list of files that were kept from before."""
    return next(one for one in app.multiselect if one.label == "Kept from before")


def test_pictures_and_settings_come_back_and_a_picture_can_be_removed(start):
    app = start("pictures")
    app.get_by_key("pictures-networks").set_value(["squeezenet.caffe"]).run()
    app.get_by_key("pictures-top").set_value(3).run()
    app.get_by_key("pictures-where").set_value(True).run()
    app.get_by_key("pictures-upload").set_value(DIGITS).run()
    assert not app.exception
    assert "Kept from before" not in [one.label for one in app.multiselect]
    again = start("pictures")
    assert again.get_by_key("pictures-networks").value == ["squeezenet.caffe"]
    assert again.get_by_key("pictures-top").value == 3
    assert again.get_by_key("pictures-where").value is True
    assert file_list(again).options == [name for name, *_ in DIGITS]
    assert len(again.get("plotly_chart")) == 3
    file_list(again).set_value(file_list(again).value[1:]).run()
    assert not again.exception
    assert file_list(again).options == [name for name, *_ in DIGITS[1:]]
    assert len(again.get("plotly_chart")) == 2
    assert len(list((project(again).folder / "inputs").iterdir())) == 2


def test_a_picture_that_is_taken_out_of_the_uploader_is_not_kept(start):
    app = start("pictures")
    app.get_by_key("pictures-upload").set_value(DIGITS[:2]).run()
    app.get_by_key("pictures-upload").set_value(DIGITS[:1]).run()
    app.get_by_key("pictures-upload").set_value([]).run()
    assert not app.exception
    assert project(app).record.inputs == {}


@pytest.mark.parametrize("page", ["sounds", "pitch"])
def test_the_last_recording_comes_back(start, page):
    app = start(page)
    app.get_by_key(f"{page}-upload").set_value(tone(440)).run()
    app.get_by_key(f"{page}-upload").set_value(tone(330)).run()
    app.get_by_key(f"{page}-threshold").set_value(0.25).run()
    again = start(page)
    assert file_list(again).options == ["330.wav"]
    assert again.get_by_key(f"{page}-threshold").value == 0.25
    assert len(again.get("plotly_chart")) > 0
    again.get_by_key(f"{page}-upload").set_value(tone(440)).run()
    assert not again.exception
    assert file_list(start(page)).options == ["440.wav"]


def test_a_recording_of_the_microphone_comes_back(start):
    app = start("pitch")
    app.get_by_key("pitch-way").set_value("Microphone").run()
    app.audio_input[0].set_value(tone(440)).run()
    again = start("pitch")
    assert again.get_by_key("pitch-way").value == "Microphone"
    assert float(again.metric[0].value.split()[0]) == pytest.approx(440, rel=0.006)
    assert len(file_list(again).options) == 1


def test_files_of_a_map_come_back_with_network_and_layer(start):
    app = start("embeddings")
    app.get_by_key("embeddings-upload-image").set_value(DIGITS).run()
    app.get_by_key("embeddings-network-image").set_value("squeezenet.caffe").run()
    assert not app.exception
    again = start("embeddings")
    assert file_list(again).options == [name for name, *_ in DIGITS]
    assert again.get_by_key("embeddings-network-image").value == "squeezenet.caffe"
    assert len(again.get("plotly_chart")) > 0


def test_the_zip_of_a_map_comes_back(start):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data, _ in DIGITS:
            archive.writestr(name, data)
    app = start("embeddings")
    app.get_by_key("embeddings-way").set_value("Zip").run()
    app.get_by_key("embeddings-zip").set_value(("digits.zip", stream.getvalue(), "application/zip")).run()
    again = start("embeddings")
    assert file_list(again).options == ["digits.zip"]
    assert len(again.get("plotly_chart")) > 0


def test_what_cannot_be_kept_is_shown_and_said(start, monkeypatch):
    monkeypatch.setenv("ZOO_APP_PROJECTS_TOTAL_MB", "1")
    monkeypatch.setenv("ZOO_APP_PROJECT_MB", "1")
    name, data, kind = DIGITS[0]
    app = start("pictures")
    app.get_by_key("pictures-upload").set_value([(name, data + bytes(1_100_000), kind)]).run()
    assert not app.exception
    assert "stays only until you leave this page. A project holds at most 1 MB" in app.warning[0].value
    assert len(app.get("plotly_chart")) == 2
    assert project(app).record.inputs == {}


@pytest.mark.parametrize(
    "settings",
    [
        '{"pictures-networks": ["nonsense"], "pictures-top": 99, "pictures-way": "Elsewhere"}',
        '{"pictures-networks": 5, "pictures-top": 2.5, "pictures-way": true}',
        '{"pictures-networks": [], "pictures-top": "x", "pictures-way": ["Upload"]}',
    ],
)
def test_settings_of_a_stranger_that_were_not_offered_count_for_nothing(start, settings):
    folder = project(start("pictures")).folder
    folder.mkdir(exist_ok=True)
    (folder / project_record.RECORD).write_text(f'{{"settings": {settings}}}')
    app = start("pictures")
    assert not app.error
    assert app.get_by_key("pictures-top").value == 5
    assert app.get_by_key("pictures-way").value == "Upload"
    assert app.get_by_key("pictures-networks").value in ([], ["squeezenet.caffe", "efficientnet_lite0.tf"])


def test_settings_of_a_project_that_another_tab_opens_win(start):
    app = start("pictures")
    app.get_by_key("pictures-top").set_value(3).run()
    own = project(app)
    with own.replacing() as folder:
        record = project_record.ProjectRecord(settings={"pictures-top": 4, "pictures-where": True})
        project_record.save(folder, record)
    app.run()
    assert not app.exception
    assert next(one for one in app.slider if one.label == "Classes").value == 4
    assert own.record.settings == {"pictures-top": 4, "pictures-where": True}
    own.delete()
    app.run()
    assert next(one for one in app.slider if one.label == "Classes").value == 5


def test_files_stay_while_the_uploader_is_away_and_after_it_is_back(start):
    app = start("pictures")
    app.get_by_key("pictures-upload").set_value(DIGITS[:1]).run()
    app.get_by_key("pictures-way").set_value("Sample").run()
    app.get_by_key("pictures-way").set_value("Upload").run()
    app.get_by_key("pictures-top").set_value(3).run()
    assert file_list(app).options == [DIGITS[0][0]]
    app.get_by_key("pictures-upload").set_value(DIGITS[1:2]).run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == 4
    assert file_list(start("pictures")).options == [name for name, *_ in DIGITS[:2]]


@pytest.mark.parametrize(("lost", "seconds"), [(False, CLOSED_SECONDS), (True, LOST_SECONDS)])
def test_a_training_ends_soon_after_its_browser_left_and_later_after_its_connection_was_lost(
    monkeypatch, lost, seconds
):
    assert CLOSED_SECONDS <= 20 < 300 <= LOST_SECONDS  # a dropped connection of five minutes costs no work
    monkeypatch.setattr(state, "valid_token", lambda _: "k" * 43)
    intervals: list[float] = []
    monkeypatch.setattr(
        project_module, "Timer", lambda seconds, _: intervals.append(seconds) or threading.Timer(0, int)
    )
    app = AppTest.from_file(str(PAGES / "teach.py"), default_timeout=120).run()
    gate = threading.Event()
    project(app).job = job = JobQueue().begin(lambda _: gate.wait(60), SHORT)
    app.session_state["workspace"].close(lost=lost)
    assert intervals == [seconds]
    assert not job.stopping
    gate.set()
    project(app).delete()
