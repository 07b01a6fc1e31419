"""The page Live, with a connection that the test makes."""

import json
import re
import time
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
import streamlit as st
import streamlit_webrtc
from streamlit.testing.v1 import AppTest

import zoo
from zoo.app import state
from zoo.app.live.session import Listener, SessionSlot

RATE, CHUNK = 48000, 960
PAGE = Path(zoo.__file__).parent / "app" / "pages" / "live.py"


class Connection:
    """What streamlit-webrtc does, without a browser: the test says whether it is on, and plays frames."""

    def __init__(self):
        self.playing = self.signalling = False
        self.options, self.callback, self.on_ended = {}, None, None
        self.runs = 0  # of the page

    def streamer(self, **options) -> SimpleNamespace:
        self.options = options
        self.runs += 1
        return SimpleNamespace(state=self)

    def sink(self, callback, key, on_ended):
        self.callback, self.on_ended = callback, on_ended
        return object()

    def play(self, samples: np.ndarray, slot: SessionSlot) -> None:
        """Frames of 20 ms of stereo, as fast as they are heard."""
        until(lambda: slot.listener.ready)
        whole = np.repeat((samples * 32767).astype(np.int16), 2)[None]
        for i in range(0, whole.shape[1], 2 * CHUNK):
            frame = av.AudioFrame.from_ndarray(whole[:, i : i + 2 * CHUNK], format="s16", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = RATE, i // 2, Fraction(1, RATE)
            self.callback(frame)
            until(lambda: slot.listener.snapshot().waiting < 1)
        until(lambda: slot.listener.snapshot().waiting < 0.1)
        until(lambda: slot.listener.snapshot().delays)


def until(condition) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it took more than a minute"
        time.sleep(0.002)


@pytest.fixture
def connection(monkeypatch):
    one = Connection()
    monkeypatch.setattr(streamlit_webrtc, "webrtc_streamer", one.streamer)
    monkeypatch.setattr(streamlit_webrtc, "create_audio_sink_track", one.sink)
    return one


@pytest.fixture
def pages():
    """The page, once for each session; all of them leave in the end."""
    state.live_limiter.cache_clear()  # another test's sessions are no others
    begun = []

    def start() -> AppTest:
        begun.append(AppTest.from_file(str(PAGE), default_timeout=120).run())
        assert not begun[-1].exception
        return begun[-1]

    yield start
    for app in begun:
        if "live-slot" in app.session_state:
            app.session_state["live-slot"].leave()


def tone(seconds: float = 2) -> np.ndarray:
    time_ = np.arange(int(seconds * RATE)) / RATE
    return sum(0.3 / k * np.sin(2 * np.pi * 440 * k * time_) for k in (1, 2, 3))


def text(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def drawn(app: AppTest) -> list[str]:
    """What the figures say to those who do not see them."""
    components = (json.loads(element.proto.json or "null") for element in app.get("bidi_component"))
    return [re.search('aria-label="(.*?)"', data["svg"])[1] for data in components if data and data["svg"]]


def on(app: AppTest, connection: Connection) -> SessionSlot:
    connection.playing = True
    app.run()
    assert not app.exception
    assert not app.error
    return app.session_state["live-slot"]


def test_says_what_to_do_before_it_is_on(pages, connection):
    app = pages()
    assert "Press Start" in text(app)
    assert "is not stored" in text(app)
    assert not drawn(app)
    assert connection.options["rtc_configuration"] == {"iceServers": []}
    assert connection.options["media_stream_constraints"]["video"] is False


def test_shows_note_and_classes_and_delay(pages, connection):
    app = pages()
    slot = on(app, connection)
    assert "No sound has been analyzed yet" in text(app)
    connection.play(tone(), slot)
    app.run()
    metrics = {metric.label: metric.value for metric in app.metric}
    assert float(metrics["Frequency"].split()[0]) == pytest.approx(440, rel=0.003)
    assert abs(int(metrics["Cents off"])) <= 5
    assert metrics["Level"].startswith("-1")
    labels = drawn(app)
    assert len(labels) == 4
    assert labels[0].startswith("Tuner: A4, 44")
    assert labels[2].startswith("Heard now: ")
    assert "Sine wave" in labels[2]
    assert "**Delay**: sounds " in text(app)
    assert "a window of 1.4 s" in text(app)


def test_silence_has_no_note(pages, connection):
    app = pages()
    connection.play(np.zeros(RATE), on(app, connection))
    app.run()
    assert [metric.value for metric in app.metric] == ["–"] * 4
    assert drawn(app)[0] == "Tuner: no pitch"


def test_only_what_is_chosen_is_heard(pages, connection):
    app = pages()
    app.get_by_key("live-for").set_value(["pitch"])
    connection.play(tone(1), on(app, connection))
    app.run()
    assert len(drawn(app)) == 2
    app.get_by_key("live-for").set_value([]).run()
    assert "Choose what to listen for" in text(app)
    assert app.session_state["live-slot"].listener is None


def test_a4_may_be_tuned_elsewhere(pages, connection):
    app = pages()
    app.get_by_key("live-for").set_value(["pitch"])
    slot = on(app, connection)
    connection.play(tone(1), slot)
    listener = slot.listener
    app.get_by_key("live-a4").set_value(466.0).run()
    assert drawn(app)[0].startswith("Tuner: G#4")
    assert slot.listener is listener  # who goes on listening


def test_stop_stops(pages, connection):
    app = pages()
    listener = on(app, connection).listener
    connection.playing = False
    app.run()
    assert listener.stopped
    assert "The microphone is off" in text(app)
    assert "before any sound arrived" in text(app)


def test_figures_of_a_microphone_that_is_off_run_the_whole_page(pages, connection, monkeypatch):
    """The page finds the microphone on, and only its figures find it off."""
    app = pages()
    slot = on(app, connection)
    listener, listen = slot.listener, slot.listen

    def listen_until_stop(*values) -> Listener:
        connection.playing = False
        return listen(*values)

    monkeypatch.setattr(slot, "listen", listen_until_stop)
    before = connection.runs
    app.run()
    assert not app.exception
    assert connection.runs - before == 2
    assert listener.stopped
    assert "The microphone is off" in text(app)
    assert not app.metric


def test_a_listener_that_stopped_while_the_microphone_is_on_keeps_its_reason(pages, connection):
    app = pages()
    listener = on(app, connection).listener
    listener.stop("Listening ends.")
    before = connection.runs
    app.run()
    assert connection.runs - before == 1
    assert "Listening ends. Press Stop, and then Start." in text(app)


def test_a_lost_connection_stops_too(pages, connection):
    app = pages()
    listener = on(app, connection).listener
    app.run()  # each run says anew what is to happen at the end
    connection.on_ended()
    assert listener.stopped


def test_the_end_of_the_session_stops_too(pages, connection):
    app = pages()
    listener = on(app, connection).listener
    app.session_state["workspace"].close()
    assert listener.stopped


def test_one_session_too_many_is_told(pages, connection, monkeypatch):
    monkeypatch.setenv("ZOO_LISTENERS", "1")
    first = pages()
    slot = on(first, connection)
    second = pages()
    assert second.error[0].value.endswith("All 1 live sessions of this machine are taken: try again later.")
    assert not slot.listener.stopped
    slot.leave()
    assert on(second, connection).listener is not None


def test_a_machine_that_is_too_slow_is_told(pages, connection):
    app = pages()
    slot = on(app, connection)
    until(lambda: slot.listener.ready)
    for _ in range(60):  # 12 s of sound at once
        slot.process(np.zeros((1, RATE // 5), np.int16), RATE)
    app.run()
    assert "This machine cannot keep up" in text(app)


def test_a_bad_setting_is_one_sentence(pages, connection, monkeypatch):
    monkeypatch.setenv("ZOO_ICE_SERVERS", "nonsense")
    app = pages()
    assert app.error[0].value.startswith("ZOO_ICE_SERVERS must name servers as")


@pytest.mark.parametrize(
    ("obstacle", "sentence"),
    [("insecure", "https://"), ("denied", "blocked"), ("none", "finds no microphone")],
)
def test_what_keeps_the_microphone_away_is_one_sentence(pages, connection, monkeypatch, obstacle, sentence):
    monkeypatch.setattr(st.components.v2, "component", lambda *_, **__: lambda **_: {"obstacle": obstacle})
    app = pages()
    assert sentence in app.warning[0].value
    assert [info.value for info in app.info] == ["The microphone is off."]
