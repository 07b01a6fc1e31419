"""The page Compare: networks measured in the background, what they answered, and a stop that stops."""

import io
import json
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from streamlit.testing.v1 import AppTest

import zoo
from zoo.app import state
from zoo.app.services.jobs import LONG
from zoo.benchmark.compare import Comparison, Measurement

PAGES = Path(zoo.__file__).parent / "app" / "pages"


@pytest.fixture
def app():
    app = AppTest.from_file(str(PAGES / "compare.py"), default_timeout=120).run()
    assert not app.exception
    app.get_by_key("compare-batch").set_value(1)
    app.get_by_key("compare-repeats").set_value(3)
    return app


def text(app: AppTest) -> str:
    return "\n".join(element.value for kind in (app.markdown, app.caption, app.info) for element in kind)


def compared(app: AppTest, seconds: float = 200) -> AppTest:
    """The page once everything is measured."""
    app.get_by_key("compare-begin").click().run()
    until_over(app, seconds)
    return app.run()


def until_over(app: AppTest, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not app.session_state["compare-job"].finished and time.monotonic() < end:
        time.sleep(0.1)


def photo(name: str = "cat.png") -> tuple[str, bytes, str]:
    return name, zoo.sample("cat.png").read_bytes(), "image/png"


def test_two_networks_are_measured_and_what_they_answer_is_compared(app, media):
    turnstone = next((media / "photos").glob("*_ruddy_turnstone.jpg"))
    files = [
        ("bad.jpg", b"this is text", "image/jpeg"),
        (turnstone.name, turnstone.read_bytes(), "image/jpeg"),
    ]
    app.get_by_key("compare-image-upload").set_value([*files, photo()]).run()
    assert [error.value for error in app.error] == [
        "bad.jpg is not a picture (JPEG, PNG, WebP, BMP, TIFF or GIF)."
    ]
    compared(app)
    assert not app.exception
    found = app.session_state["compare-job"].result
    assert found.inputs == (turnstone.name, "cat.png")
    values = {metric.label: metric.value for metric in app.metric}
    fastest = min(found.rows, key=lambda row: row.latency_ms)
    assert values[f"Fastest: {fastest.title}"] == f"{fastest.latency_ms:.1f} ms"
    same = int((found.dissent().sum(axis=1) == 0).sum())
    assert values["Same answer from all"] == f"{same} of 2"
    assert f"Measured on {found.conditions}." in text(app)
    answers, agreement, numbers = (one.value for one in app.dataframe)
    assert "ruddy turnstone" in answers["squeezenet.caffe"][0]
    assert agreement.loc["squeezenet.caffe", "squeezenet.caffe"] == "100%"
    assert numbers["accuracy"].tolist() == [55.16, 75.1]
    assert len(app.get("plotly_chart")) == 2
    assert [button.label for button in app.get("download_button")] == ["CSV", "JSON"]
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["rows"][0]["trained"] is True


def test_stop_ends_the_measurement_at_once(app):
    app.get_by_key("compare-repeats").set_value(50)
    app.get_by_key("compare-begin").click().run()
    assert app.get_by_key("compare-begin").disabled
    time.sleep(1)
    app.get_by_key("compare-stop").click().run()
    until_over(app)
    app.run()
    assert "Stopped; nothing was kept." in text(app)
    assert not app.get_by_key("compare-begin").disabled


def test_who_waits_is_told_what_computes(app):
    def wait(job):
        return [time.sleep(0.05) for _ in range(2000) if not job.stopping]

    held = state.job_queue().begin(wait, LONG)
    app.get_by_key("compare-begin").click().run()
    assert "Waits for a quiet machine: 1 fine-tuning is running. Starts in about" in text(app)
    app.get_by_key("compare-stop").click().run()
    until_over(app)
    held.stop()
    assert app.session_state["compare-job"].state == "stopped"


def test_who_leaves_takes_the_measurement_along(app):
    app.get_by_key("compare-begin").click().run()
    app.session_state["workspace"].close()
    until_over(app)
    assert app.session_state["compare-job"].state == "stopped"


def test_weights_that_are_not_here_are_fetched_or_gone_without(app, empty_cache, monkeypatch):
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    app.get_by_key("compare-networks-image").set_value(["squeezenet.tv"]).run()
    assert app.get_by_key("compare-fetch").label == "The weights of 1 are not here"
    compared(app)
    (error,) = app.error
    assert error.value.startswith("The weights of squeezenet.tv are not available (")
    assert error.value.count(". ") == 0
    app.get_by_key("compare-fetch").set_value(False).run()
    assert "Untrained: as fast as the trained one; no answers." in text(app)
    compared(app)
    assert not app.error
    assert app.dataframe[0].value["weights"].tolist() == ["untrained"]


def test_a_recording_is_named_by_the_one_network_that_names_sounds(app):
    app.get_by_key("compare-kind").set_value("audio").run()
    assert "YAMNet" in text(app)
    assert "not answers" in text(app)  # the other one that is chosen follows pitch
    app.get_by_key("compare-networks-audio").set_value(["yamnet.audioset"]).run()
    stream = io.BytesIO()
    soundfile.write(stream, np.zeros(16000), 16000, format="wav")
    app.get_by_key("compare-audio-upload").set_value(("quiet.wav", stream.getvalue(), "audio/wav")).run()
    compared(app)
    assert not app.exception
    assert app.dataframe[0].value["yamnet.audioset"].tolist() == ["Silence"]
    assert "Agreement needs two networks" in text(app)
    assert "No top-1 accuracy is published" in text(app)


def test_without_a_network_the_page_says_what_to_do(app):
    app.get_by_key("compare-networks-image").set_value([]).run()
    assert "Choose a network" in text(app)
    assert not app.button


def test_answers_that_differ_are_marked(app):
    def row(name, *labels):
        numbers = (1, 1, None, 1, 1, 1, 50, None, None)
        return Measurement(name, name, "torch", *numbers, labels, labels, metric="top-1 %")

    class Over:
        over, state = True, "done"
        result = Comparison(
            (row("a", "cat", "dog"), row("b", "cat", "dog"), row("c", "cat", "fox")),
            "cpu",
            "fp32",
            1,
            1,
            1,
            ("1", "2"),
        )

    app.session_state["compare-job"] = Over()
    app.run()
    assert not app.exception
    assert app.dataframe[0].value.to_numpy().tolist() == [
        ["1", "cat", "cat", "cat"],
        ["2", "dog", "dog", "≠ fox"],
    ]
    assert {metric.label: metric.value for metric in app.metric}["Same answer from all"] == "1 of 2"
