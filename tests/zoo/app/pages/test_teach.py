"""The page Teach: from uploads to a network that is judged, tried, and found on the other pages."""

import io
import re
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.runtime.scriptrunner import RerunData, RerunException
from streamlit.testing.v1 import AppTest

import zoo
from zoo.app import state
from zoo.app.services.jobs import LONG

PAGES = Path(zoo.__file__).parent / "app" / "pages"
COLORS = {"red": (200, 40, 40), "blue": (40, 40, 200)}


def color(name: str, seed: int) -> bytes:
    """A picture of noise around a color."""
    noise = np.random.default_rng(seed).normal(COLORS[name], 30, (64, 64, 3)).clip(0, 255)
    stream = io.BytesIO()
    Image.fromarray(noise.astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def pictures(name: str, number: int = 6) -> list[tuple[str, bytes, str]]:
    return [
        (f"{name}{i}.png", color(name, i + 100 * list(COLORS).index(name)), "image/png")
        for i in range(number)
    ]


def zipped(*names: str, number: int = 6) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            for file, content, _ in pictures(name, number):
                archive.writestr(f"{name}/{file}", content)
    return stream.getvalue()


@pytest.fixture
def app():
    app = AppTest.from_file(str(PAGES / "teach.py"), default_timeout=120).run()
    assert not app.exception
    return app


def text(app: AppTest) -> str:
    return "\n".join(element.value for kind in (app.markdown, app.caption, app.info) for element in kind)


def fill(app: AppTest, **boxes: list) -> AppTest:
    for number, (name, files) in enumerate(boxes.items(), 1):
        app.get_by_key(f"teach-name-{number}").set_value(name)
        app.get_by_key(f"teach-files-{number}").set_value(files)
    return app.run()


def taught(app: AppTest, seconds: float = 100) -> AppTest:
    """The page once training is over."""
    app.get_by_key("teach-begin").click().run()
    end = time.monotonic() + seconds
    while not app.session_state["teach-job"].finished and time.monotonic() < end:
        time.sleep(0.2)
    return app.run()


def test_boxes_are_taught_judged_and_tried(app):
    fill(app, red=pictures("red"), blue=pictures("blue"))
    assert "**12 images from your upload:** 6 of red, 6 of blue." in text(app)
    assert "**Advice: classic classifier.** A typical class has 6 examples" in text(app)
    app.get_by_key("teach-held").set_value(30)
    app.get_by_key("teach-classifier").set_value("logistic").run()
    taught(app)
    assert not app.exception
    values = {metric.label: metric.value for metric in app.metric}
    assert (values["Accuracy"], values["Held out"]) == ("100.0%", "4")
    assert "All 4 held-out examples are classified correctly" in text(app)
    assert [button.label for button in app.get("download_button")] == ["Network", "ONNX", "Report"]
    app.get_by_key("teach-try-upload").set_value([("new.png", color("blue", 999), "image/png")]).run()
    assert not app.exception
    assert any(one.value.startswith("**blue**") for one in app.markdown)


def test_a_head_shows_its_curves_and_appears_on_the_page_pictures(app):
    app.get_by_key("teach-way").set_value("Zip").run()
    app.get_by_key("teach-zip").set_value(("colors.zip", zipped("red", "blue"), "application/zip")).run()
    assert "**12 images from colors.zip:**" in text(app)
    app.get_by_key("teach-method-efficientnet_lite0.tf").set_value("head").run()
    app.get_by_key("teach-epochs-head").set_value(20).run()
    taught(app)
    assert not app.exception
    assert len(app.get("plotly_chart")) == 2  # confusion and curves
    (name,) = app.session_state["workspace"].made
    other = AppTest.from_file(str(PAGES / "pictures.py"), default_timeout=120)
    other.session_state["workspace"] = app.session_state["workspace"]  # the same session
    other.run()
    assert other.get_by_key("pictures-networks").value[0] == name
    other.file_uploader[0].set_value([("new.png", color("red", 999), "image/png")]).run()
    assert not other.exception
    assert "**EfficientNet-Lite0 taught blue or red**: red" in text(other)


def test_no_other_session_sees_it(app):
    fill(app, red=pictures("red"), blue=pictures("blue"))
    own = app.session_state["workspace"].folder
    other = AppTest.from_file(str(PAGES / "teach.py"), default_timeout=120).run()
    assert "teach-data" not in other.session_state
    fill(other, red=pictures("red"), blue=pictures("blue"))
    assert other.session_state["workspace"].folder != own


def test_who_waits_is_told_how_many_are_before_and_may_leave(app):
    def wait(job):
        return [time.sleep(0.05) for _ in range(2000) if not job.stopping]

    held = state.job_queue().begin(wait, LONG)
    fill(app, red=pictures("red"), blue=pictures("blue"))
    method = next(one for one in app.button_group if one.key.startswith("teach-method"))
    method.set_value("finetune").run()
    app.get_by_key("teach-begin").click().run()
    assert re.search("1 before you: starts in about [0-9]+ (s|min)", text(app))
    assert app.get_by_key("teach-begin").disabled
    app.get_by_key("teach-stop").click().run()
    while not app.session_state["teach-job"].finished:
        time.sleep(0.05)
    app.run()
    assert "Stopped before there was anything to show" in text(app)
    held.stop()
    while not held.finished:
        time.sleep(0.05)


def test_classes_can_be_added_and_removed(app):
    app.get_by_key("teach-add").click().run()
    assert len(app.file_uploader) == 3
    app.get_by_key("teach-remove-2").click().run()
    assert [box.key for box in app.text_input] == ["teach-name-1", "teach-name-3"]
    app.get_by_key("teach-files-1").set_value(pictures("red")).run()
    assert "Add examples of a second class" in text(app)


def test_boxes_are_filled_by_camera_and_microphone(app):
    app.get_by_key("teach-with-1").set_value("Camera").run()
    for seed in range(3):
        app.camera_input[0].set_value(("camera.jpg", color("red", seed), "image/jpeg")).run()
    assert "3 taken" in text(app)
    app.get_by_key("teach-files-2").set_value(pictures("blue")).run()
    assert "3 of Class 1, 6 of Class 2." in text(app)
    app.get_by_key("teach-discard-1").click().run()
    assert "Add examples of a second class" in text(app)
    app.get_by_key("teach-with-2").set_value("Microphone").run()
    assert len(app.audio_input) == 1


@pytest.mark.parametrize(
    ("boxes", "sentence"),
    [
        ({"red": pictures("red"), " ": pictures("blue")}, "has no name"),
        ({"red": pictures("red"), "red ": pictures("blue")}, "two classes 'red'"),
        ({"red": pictures("red"), "blue": pictures("blue", 2)}, "'blue' has 2 examples"),
        ({"red": [("a.png", b"text", "image/png")], "blue": [("b.png", b"", "image/png")]}, "holds neither"),
    ],
    ids=["unnamed", "twice", "few", "unreadable"],
)
def test_bad_uploads_are_one_sentence_and_the_page_goes_on(app, boxes, sentence):
    fill(app, **boxes)
    assert not app.exception
    assert [sentence in error.value for error in app.error] == [True]
    app.run()  # it is refused still
    assert [sentence in error.value for error in app.error] == [True]
    fill(app, red=pictures("red"), blue=pictures("blue"))
    assert not app.error
    assert "**12 images from your upload:**" in text(app)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"text", "pets.zip is not a complete zip file."), (zipped("red"), "one class only, 'red'")],
    ids=["text", "one class"],
)
def test_a_bad_zip_is_one_sentence(app, content, sentence):
    app.get_by_key("teach-way").set_value("Zip").run()
    app.get_by_key("teach-zip").set_value(("pets.zip", content, "application/zip")).run()
    assert not app.exception
    assert [sentence in error.value for error in app.error] == [True]


def test_what_cannot_be_read_is_told_and_the_rest_is_used(app):
    fill(app, red=[*pictures("red"), ("bad.png", b"text", "image/png")], blue=pictures("blue"))
    assert not app.error
    assert app.dataframe[0].value["file"].tolist() == ["bad.png"]
    assert app.dataframe[0].value["why"][0].startswith("bad.png is not a picture")


def test_who_goes_without_advice_can_train_and_ask_again(app, monkeypatch):
    asked = []

    def advise(data, *, network, progress):
        asked.append(network.name)
        progress(0, 12)
        app.session_state["teach-unadvised"].add((data.fingerprint, network.name))  # as a click does
        raise RerunException(RerunData())

    monkeypatch.setattr(zoo, "advise", advise)
    fill(app, red=pictures("red"), blue=pictures("blue"))
    assert asked == ["efficientnet_lite0.tf"]
    assert "Advice" not in text(app)
    assert not app.get_by_key("teach-begin").disabled
    monkeypatch.undo()
    next(button for button in app.button if button.label == "Advise me").click().run()
    assert "**Advice: classic classifier.**" in text(app)
