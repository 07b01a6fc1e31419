"""The page Compare: networks measured in the background, what they answered, and a stop that stops."""

import io
import json
import time
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from streamlit.testing.v1 import AppTest

import zoo
from zoo.app import state
from zoo.app.services.jobs import LONG
from zoo.benchmark import compare as comparing
from zoo.benchmark.compare import Comparison, Measurement
from zoo.core.errors import WeightsError

PAGES = Path(zoo.__file__).parent / "app" / "pages"


@pytest.fixture
def app():
    app = AppTest.from_file(str(PAGES / "compare.py"), default_timeout=120).run()
    assert not app.exception
    app.get_by_key("compare-batch").set_value(1)
    app.get_by_key("compare-repeats").set_value(3)
    return app


def text(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning)
    return "\n".join(element.value for kind in kinds for element in kind)


def compared(app: AppTest, seconds: float = 200) -> AppTest:
    """The page once everything is measured."""
    app.get_by_key("compare-begin").click().run()
    until_over(app, seconds)
    return app.run()


def until_over(app: AppTest, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not app.session_state["compare-job"].finished and time.monotonic() < end:
        time.sleep(0.1)


def row(name: str, *labels: str, classes: str = "", **figures: float) -> Measurement:
    numbers = (1, 1, None, 1, 1, 1, 50, None, None)
    options = {"metric": "top-1 %", "classes": classes, **figures}
    return Measurement(name, name, "torch", *numbers, labels, labels, **options)


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
    comparison = app.session_state["compare-job"].result
    assert comparison.inputs == (turnstone.name, "cat.png")
    values = {metric.label: metric.value for metric in app.metric}
    fastest = min(comparison.rows, key=lambda row: row.latency_ms)
    assert values[f"Fastest: {fastest.title}"] == f"{fastest.latency_ms:.1f} ms"
    same = int((comparison.dissent().sum(axis=1) == 0).sum())
    assert values["Same answer from all"] == f"{same} of 2"
    smallest = min(comparison.rows, key=lambda row: row.memory_mb)
    assert values[f"Least memory: {smallest.title}"] == f"{smallest.memory_mb:.0f} MB"
    assert f"for a batch of {comparison.batch} inputs" in text(app)
    assert f"Measured on {comparison.conditions}." in text(app)
    answers, agreement, numbers = (one.value for one in app.dataframe)
    assert "ruddy turnstone" in answers["squeezenet.caffe"][0]
    assert agreement.loc["squeezenet.caffe", "squeezenet.caffe"] == "100%"
    assert numbers["accuracy"].tolist() == [55.16, 75.1]
    assert len(app.get("plotly_chart")) == 2
    assert [button.label for button in app.get("download_button")] == ["Answers as CSV", "CSV", "JSON"]
    assert json.loads(json.dumps(comparison.to_dict(), allow_nan=False))["rows"][0]["trained"] is True


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


@pytest.fixture
def damaged(monkeypatch) -> set[str]:
    """The networks that fail; the others are measured at once."""
    names: set[str] = set()

    def measured(request, poll):
        name = request["name"]
        if name in names:
            raise WeightsError("The weights are damaged.")
        one = asdict(row(name, trained=request["pretrained"]))
        return {"row": one, "device": "cpu", "threads": 2, "inputs": ()}

    monkeypatch.setattr(comparing, "measured", measured)
    return names


@pytest.mark.usefixtures("damaged")
def test_networks_that_are_not_here_cost_the_others_nothing_and_may_be_measured_untrained(app, monkeypatch):
    monkeypatch.setattr(state, "is_here", lambda name: name == "squeezenet.caffe")
    app.get_by_key("compare-networks-image").set_value(["squeezenet.tv"]).run()
    assert "Choose a network" in text(app)
    assert "compare-begin" not in [button.key for button in app.button]
    app.get_by_key("compare-networks-image").set_value(["squeezenet.caffe", "squeezenet.tv"]).run()
    assert "**SqueezeNet 1.1 (torchvision)** is not downloaded yet." in text(app)
    compared(app)
    assert not app.error
    assert app.dataframe[0].value["network"].tolist() == ["squeezenet.caffe"]
    assert "**SqueezeNet 1.1 (torchvision)** is left out: it is not downloaded." in text(app)
    app.get_by_key("compare-untrained").set_value(True).run()
    compared(app)
    assert "is left out" not in text(app)
    assert app.dataframe[0].value["weights"].tolist() == ["trained", "untrained"]
    assert "Untrained: as fast as the trained one; no answers." in text(app)


def test_a_network_that_fails_is_left_out_and_the_others_are_measured(app, damaged):
    damaged.add("squeezenet.caffe")
    compared(app)
    assert not app.error
    assert app.dataframe[0].value["network"].tolist() == ["efficientnet_lite0.tf"]
    assert "**SqueezeNet 1.1** is left out: The weights are damaged." in text(app)


def test_a_recording_is_named_by_the_one_network_that_names_sounds(app):
    app.get_by_key("compare-kind").set_value("audio").run()
    assert app.get_by_key("compare-networks-audio").value == ["yamnet.audioset"]  # and none of another task
    stream = io.BytesIO()
    soundfile.write(stream, np.zeros(16000), 16000, format="wav")
    app.get_by_key("compare-audio-upload").set_value(("quiet.wav", stream.getvalue(), "audio/wav")).run()
    compared(app)
    assert not app.exception
    assert app.dataframe[0].value["yamnet.audioset"].tolist() == ["Silence"]
    assert "Agreement needs two networks" in text(app)
    assert "No top-1 accuracy is published" in text(app)


def test_a_network_of_another_task_is_compared_without_answers(app):
    app.get_by_key("compare-kind").set_value("audio").run()
    app.get_by_key("compare-networks-audio").set_value(["yamnet.audioset", "crepe.tiny"]).run()
    assert "CREPE tiny does not classify" in text(app)
    assert "for answers choose" not in text(app)  # among one
    assert not app.get("file_uploader")


def test_without_a_network_the_page_says_what_to_do(app):
    app.get_by_key("compare-networks-image").set_value([]).run()
    assert "Choose a network" in text(app)
    assert not app.button


def showing(app: AppTest, *rows: Measurement, disturbed: bool = False) -> AppTest:
    """The page with the results for two inputs."""
    result = Comparison(rows, "cpu", "fp32", 1, 1, 1, ("1", "2"))
    job = SimpleNamespace(finished=True, state="done", result=result, disturbed=disturbed)
    app.session_state["compare-job"] = job
    app.run()
    assert not app.exception
    return app


def test_only_networks_of_the_same_classes_are_said_to_agree_and_no_cell_is_empty(app):
    rows = row("a", "cat", "dog"), row("b", "cat", "fox"), row("c", "bar", "pub", classes="places"), row("d")
    showing(app, *rows)
    answers, agreement, numbers = (one.value for one in app.dataframe)
    assert answers.to_numpy().tolist() == [["1", "cat", "cat", "bar"], ["2", "≠ dog", "≠ fox", "pub"]]
    assert agreement.to_numpy().tolist() == [["100%", "50%"], ["50%", "100%"]]
    assert list(agreement) == ["a", "b"]
    assert "≠ marks different answers of two networks." in text(app)
    assert numbers.notna().all(axis=None)
    assert {metric.label: metric.value for metric in app.metric}["Same answer from all"] == "1 of 2"


def test_networks_of_different_classes_have_no_agreement(app):
    showing(app, row("a", "cat", "dog"), row("c", "bar", "pub", classes="places"))
    assert len(app.dataframe) == 2  # answers and numbers
    assert "Agreement needs two networks" in text(app)
    assert "Same answer from all" not in [metric.label for metric in app.metric]


def test_a_busy_machine_is_said(app):
    showing(app, row("a", "x", "y", background_load=0.04))
    assert "busy" not in text(app)
    showing(app, row("a", "x", "y", background_load=0.04), row("b", "x", "y", background_load=0.34))
    assert "The machine was busy: other programs took 34% of the processors" in text(app)
    assert "beside other programs on 34% of the processors." in text(app)


def test_a_result_notes_that_other_work_ran_beside_the_comparison(app):
    note = "Other work ran on this server meanwhile, so times may be too long."
    showing(app, row("a", "x", "y"))
    assert note not in text(app)
    showing(app, row("a", "x", "y"), disturbed=True)
    assert note in text(app)


def test_answers_that_differ_from_the_majority_are_marked(app):
    showing(app, row("a", "cat", "dog"), row("b", "cat", "dog"), row("c", "cat", "fox"))
    assert "≠ marks answers that differ from the majority." in text(app)
    assert app.dataframe[0].value.to_numpy().tolist() == [
        ["1", "cat", "cat", "cat"],
        ["2", "dog", "dog", "≠ fox"],
    ]
    assert {metric.label: metric.value for metric in app.metric}["Same answer from all"] == "1 of 2"
