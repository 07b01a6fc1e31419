"""Each page, run as Streamlit runs it: real files in, what the page says out."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import streamlit as st
from streamlit.runtime.scriptrunner import RerunData, RerunException
from streamlit.testing.v1 import AppTest

import zoo
from zoo.app import state

PAGES = Path(zoo.__file__).parent / "app" / "pages"
RATE = 16000
BROKEN = [("empty", b""), ("text", b"this is text"), ("program", b"\x7fELF" + bytes(3000))]


@pytest.fixture
def page():
    """A page by its name, after its first run, which must not fail."""

    def start(name: str) -> AppTest:
        app = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=120).run()
        assert not app.exception
        return app

    return start


def wav(samples: np.ndarray, sample_rate: int = RATE) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples, sample_rate, format="wav")
    return stream.getvalue()


def text(app: AppTest) -> str:
    return "\n".join(element.value for kind in (app.markdown, app.caption, app.info) for element in kind)


def tone(seconds: float = 2) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * RATE)) / RATE)


def test_sounds_finds_the_bell_and_follows_the_threshold(page):
    app = page("sounds")
    app.get_by_key("sounds-way").set_value("Sample").run()
    assert "Bicycle bell" in set(app.dataframe[0].value["label"])
    many = len(app.dataframe[0].value)
    app.get_by_key("sounds-threshold").set_value(0.9).run()
    assert 0 < len(app.dataframe[0].value) < many
    app.get_by_key("sounds-include").set_value(["Bicycle bell"]).run()
    assert set(app.dataframe[0].value["label"]) == {"Bicycle bell"}
    assert len(app.get("plotly_chart")) == 3


def test_sounds_has_all_options_of_events_and_hears_once(page, monkeypatch):
    app = page("sounds")
    app.get_by_key("sounds-way").set_value("Sample").run()
    monkeypatch.setattr(zoo.Network, "scores", None)  # nothing is heard again from here on
    events = app.dataframe[0].value
    app.get_by_key("sounds-shortest").set_value(2.0).run()
    assert (app.dataframe[0].value.eval("end - start") >= 2).all()
    assert 0 < len(app.dataframe[0].value) < len(events)
    app.get_by_key("sounds-shortest").set_value(0.0).run()
    rows = len(app.dataframe[0].value)
    app.get_by_key("sounds-separation").set_value(5.0).run()
    assert len(app.dataframe[0].value) < rows
    app.get_by_key("sounds-exclude").set_value(["Bell"]).run()  # a category: bicycle bells are below it
    assert not {"Bell", "Bicycle bell"} & set(app.dataframe[0].value["label"])
    app.get_by_key("sounds-exclude").set_value([])
    app.get_by_key("sounds-specificity").set_value("low").run()
    assert not app.exception
    assert "Sounds of things" in set(app.dataframe[0].value["label"])


def test_sounds_hears_an_upload_and_a_recording(page, media):
    app = page("sounds")
    cat = media / "sounds" / "miaow_16k.wav"
    app.file_uploader[0].set_value((cat.name, cat.read_bytes(), "audio/wav")).run()
    assert "Cat" in set(app.dataframe[0].value["label"])
    app.get_by_key("sounds-way").set_value("Microphone").run()
    app.audio_input[0].set_value(("recording.wav", wav(np.zeros(RATE)), "audio/wav")).run()
    assert "Silence" in set(app.dataframe[0].value["label"])


def test_pitch_follows_a_tone_and_its_gates(page):
    app = page("pitch")
    app.file_uploader[0].set_value(("tone.wav", wav(tone()), "audio/wav")).run()
    values = {metric.label: metric.value for metric in app.metric}
    assert float(values["Median"].split()[0]) == pytest.approx(440, abs=1.3)
    assert int(values["Voiced"].rstrip("%")) > 95
    app.selectbox[0].select("crepe.tiny").run()
    assert not app.exception
    app.get_by_key("pitch-threshold").set_value(1.0).run()
    assert "No frame is voiced" in text(app)


def test_pitch_is_decoded_anew_and_not_heard_anew(page, monkeypatch):
    app = page("pitch")
    app.file_uploader[0].set_value(("tone.wav", wav(tone()), "audio/wav")).run()
    monkeypatch.setattr(zoo.Network, "scores", None)
    for decoder in ("viterbi", "soft-viterbi", "argmax"):
        app.selectbox[1].select(decoder).run()
        assert not app.exception
        assert float(app.metric[0].value.split()[0]) == pytest.approx(440, rel=0.006)
        captions = [caption.value for caption in app.caption]
        pattern = rf"CREPE small took [\d.]+ s for 2.0 s of sound, the decoder {decoder} [\d.]+ s\."
        assert any(re.fullmatch(pattern, one) for one in captions), captions
    app.get_by_key("pitch-threshold").set_value(0.0)
    app.get_by_key("pitch-range").set_value(("C3", "G3")).run()  # where the tone is not
    assert not app.exception
    assert float(app.metric[2].value.split()[0]) <= 196 * 2 ** (1 / 24) + 0.1
    app.get_by_key("pitch-threshold").set_value(0.5)
    app.get_by_key("pitch-range").set_value(("C1", "B6"))
    app.get_by_key("pitch-smooth").set_value(5).run()
    assert not app.exception
    assert app.dataframe[0].value["name"].tolist() == ["A4"]
    assert not app.get("audio")[1:]
    app.get_by_key("pitch-play").set_value(True).run()
    assert len(app.get("audio")) == 2


def test_the_notes_of_a_melody_are_shown_and_can_be_downloaded(page):
    app = page("pitch")
    app.get_by_key("pitch-way").set_value("Sample").run()
    app.get_by_key("pitch-network").set_value("crepe.tiny").run()
    app.get_by_key("pitch-voices").set_value("notes").run()
    assert not app.exception
    assert not app.error
    values = {metric.label: metric.value for metric in app.metric}
    assert values == {"Notes": "11", "Keys": "5", "Lowest": "C4", "Highest": "G4"}
    assert app.dataframe[0].value["name"].tolist()[:3] == ["C4", "D4", "E4"]
    assert [button.label for button in app.get("download_button")] == ["CSV", "JSON", "MIDI"]
    app.get_by_key("pitch-notes-threshold").set_value(0.95).run()
    app.get_by_key("pitch-notes-onset").set_value(0.95).run()
    assert "There are no notes" in text(app)
    app.get_by_key("pitch-voices").set_value("pitch").run()
    assert not app.error
    assert "Median" in {metric.label for metric in app.metric}


def test_a_link_to_a_network_of_notes_finds_notes():
    app = start_with("pitch", network="basicpitch")
    assert not app.error
    assert app.get_by_key("pitch-notes-network").value == "basicpitch.icassp2022"


def test_pitch_of_the_melody_and_of_the_microphone(page):
    app = page("pitch")
    app.get_by_key("pitch-way").set_value("Sample").run()
    assert {metric.label for metric in app.metric} == {"Median", "Lowest", "Highest", "Voiced"}
    app.get_by_key("pitch-way").set_value("Microphone").run()
    app.audio_input[0].set_value(("recording.wav", wav(tone()), "audio/wav")).run()
    assert float(app.metric[0].value.split()[0]) == pytest.approx(440, abs=1.3)


@pytest.mark.parametrize("name", ["sounds", "pitch"])
@pytest.mark.parametrize(
    ("file", "data", "word"),
    [
        *[(f"{name}.wav", data, f"{name}.wav is") for name, data in BROKEN],
        ("long.flac", None, "600 s are allowed"),
        ("nan.wav", "nan", "not a number"),
    ],
    ids=["empty", "text", "program", "long", "nan"],
)
def test_a_bad_recording_is_one_sentence_and_the_page_goes_on(page, name, file, data, word):
    if data is None:
        stream = io.BytesIO()
        soundfile.write(stream, np.zeros(601 * 8000, np.int16), 8000, format="flac")
        data = stream.getvalue()
    elif data == "nan":
        stream = io.BytesIO()
        soundfile.write(stream, np.full(RATE, np.nan), RATE, format="wav", subtype="FLOAT")
        data = stream.getvalue()
    app = page(name)
    app.file_uploader[0].set_value((file, data, "audio/wav")).run()
    assert not app.exception
    assert [word in error.value for error in app.error] == [True]
    app.get_by_key(f"{name}-way").set_value("Sample").run()
    assert not app.error
    assert len(app.get("plotly_chart")) >= 2


def test_a_network_is_loaded_once_for_all():
    assert state.network("crepe.tiny") is state.network("crepe.tiny")


def test_of_too_many_networks_the_one_that_was_not_used_for_longest_goes(monkeypatch):
    state._load.cache_clear()
    tiny, yamnet = state.network("crepe.tiny"), state.network("yamnet.audioset")
    max_bytes = state._bytes(tiny) + state._bytes(yamnet)
    monkeypatch.setattr(state._load.cache, "_Cache__maxsize", max_bytes)
    assert state.network("crepe.tiny") is tiny
    state.network("squeezenet.caffe")
    assert state._load.cache.currsize <= max_bytes
    assert state.network("crepe.tiny") is tiny
    assert state.network("yamnet.audioset") is not yamnet


def start_with(name: str, **address: str) -> AppTest:
    """A page that is opened by a link."""
    app = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=120)
    for parameter, value in address.items():
        app.query_params[parameter] = value
    return app.run()


def test_a_link_names_network_and_sample():
    app = start_with("pitch", network="crepe.tiny", sample="melody.wav")
    assert not app.error
    assert app.selectbox[0].value == "melody.wav"
    assert app.get_by_key("pitch-network").value == "crepe.tiny"
    app.get_by_key("pitch-network").select("crepe.small").run()
    app.get_by_key("pitch-way").set_value("Upload").run()
    assert app.query_params == {}
    assert start_with("sounds", network="yamnet").get_by_key("sounds-network").value == "yamnet.audioset"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ({"network": "nonsense"}, "The link names the network 'nonsense', which is not offered here."),
        ({"network": "../.."}, "The link names the network '../..', which is not offered here."),
        ({"sample": "nonsense"}, "Unknown sample 'nonsense'; choose one of melody.wav."),
    ],
)
def test_a_wrong_link_is_one_sentence_and_the_usual_choice(address, words):
    app = start_with("pitch", **address)
    assert not app.exception
    assert [error.value for error in app.error] == [words]
    assert app.get_by_key("pitch-network").value == "crepe.small"
    app.get_by_key("pitch-way").set_value("Sample").run()
    assert not app.error
    assert app.get_by_key("pitch-sample").value == "melody.wav"
    assert app.get("plotly_chart")


def test_what_is_stopped_is_not_begun_again_unasked(page, monkeypatch):
    app = page("pitch")
    hear = zoo.Network.scores

    def stop(net: zoo.Network, data):
        state._halt()
        raise RerunException(RerunData())  # as Streamlit does at the next chance after a click

    monkeypatch.setattr(zoo.Network, "scores", stop)
    app.file_uploader[0].set_value(("tone.wav", wav(tone()), "audio/wav")).run()
    assert "Stopped." in text(app)
    assert not app.get("plotly_chart")
    monkeypatch.setattr(zoo.Network, "scores", hear)
    app.get_by_key("start-again").click().run()
    assert app.get("plotly_chart")


def test_stop_concerns_what_runs_now_also_if_the_settings_changed_just_before(page):
    app = page("pitch")
    app.get_by_key("pitch-way").set_value("Sample").run()
    app.get_by_key("pitch-network").set_value("crepe.tiny")
    app.session_state["stop-clicked"] = True  # the button of the work before
    app.run()
    assert "Stopped." in text(app)
    assert not app.get("plotly_chart")
    app.get_by_key("start-again").click().run()
    assert "Stopped." not in text(app)
    assert app.get("plotly_chart")


@pytest.mark.parametrize("name", ["pictures", "sounds", "pitch"])
def test_titles_of_networks_are_shown_as_they_are(page, name, monkeypatch):
    title, texts, draw = "$1 or *5$ coin_a_", [], st.progress

    def progress(fraction: float, text: str):
        texts.append(text)
        return draw(fraction, text=text)

    monkeypatch.setattr(st, "progress", progress)
    monkeypatch.setattr(state, "title_of", lambda name: title)
    app = page(name)
    app.get_by_key(f"{name}-way").set_value("Sample").run()
    assert not app.exception
    texts.append(text(app))
    assert state.literally(title) in texts[0]
    assert state.literally(title) == r"\$1 or \*5\$ coin_a\_"
    assert not any(title in one for one in texts)


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("sounds", ["CSV", "JSON", "Audacity labels"]),
        ("pitch", ["Notes as CSV", "CSV", "JSON", "MIDI", "Tone"]),
    ],
)
def test_results_can_be_downloaded(page, name, labels):
    app = page(name)
    assert not app.get("download_button")
    app.get_by_key(f"{name}-way").set_value("Sample").run()
    assert [button.label for button in app.get("download_button")] == labels


@pytest.mark.parametrize(
    ("name", "key", "usual"),
    [
        ("sounds", "sounds-network", "yamnet.audioset"),
        ("live", "live-sounds", "yamnet.audioset"),
        ("pictures", "pictures-networks", ["squeezenet.caffe", "efficientnet_lite0.tf"]),
        ("compare", "compare-networks-image", ["squeezenet.caffe", "efficientnet_lite0.tf"]),
    ],
)
def test_a_network_that_was_taught_comes_first_and_is_not_the_default(page, name, key, usual, monkeypatch):
    spec = zoo.describe("squeezenet").replace(title="SqueezeNet taught a or b")
    monkeypatch.setattr(state, "trained_networks", lambda modality=None: {"/own": spec})
    monkeypatch.setattr(state, "classes_of", lambda folder: ("a", "b"))
    networks = page(name).get_by_key(key)
    assert networks.options[0] == "SqueezeNet taught a or b ✓"
    assert networks.value == usual
