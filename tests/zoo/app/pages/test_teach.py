"""The page Teach: from uploads to a network that is judged, tried, and found on the other pages."""

import io
import re
import shutil
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image
from streamlit.runtime.scriptrunner import RerunData, RerunException
from streamlit.testing.v1 import AppTest

import zoo
from zoo.app import state
from zoo.app.components import example_classes
from zoo.app.services import project_record
from zoo.app.services.jobs import LONG
from zoo.app.services.project import Project
from zoo.app.services.project_record import RECORD, TrainingConfig, UnfinishedTraining
from zoo.app.services.project_training import network_of

PAGES = Path(zoo.__file__).parent / "app" / "pages"
COLORS = {"red": (200, 40, 40), "blue": (40, 40, 200)}


def color(name: str, seed: int) -> bytes:
    """A picture of noise around a color."""
    noise = np.random.default_rng(seed).normal(COLORS[name], 30, (64, 64, 3)).clip(0, 255)
    stream = io.BytesIO()
    Image.fromarray(noise.astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def large() -> bytes:
    """A picture of 1.1 MB."""
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (600, 600, 3), np.uint8)).save(stream, "PNG")
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


def find(app: AppTest, prefix: str):
    """The widget whose key begins so: keys of boxes hold a label or a number besides."""
    kinds = (app.text_input, app.file_uploader, app.camera_input, app.audio_input)
    return next(one for kind in kinds for one in kind if one.key.startswith(prefix))


def find_method(app: AppTest):
    return next(one for one in app.button_group if one.key.startswith("teach-method"))


def fill(app: AppTest, **classes: list) -> AppTest:
    for number, (name, files) in enumerate(classes.items(), 1):
        find(app, f"teach-name-{number}").set_value(name)
        find(app, f"teach-files-{number}").set_value(files).run()
    return app


def project(app: AppTest) -> Project:
    return app.session_state["project"][1]


def finished(app: AppTest, seconds: float = 100) -> AppTest:
    """The page once training is over."""
    end = time.monotonic() + seconds
    while not project(app).job.finished and time.monotonic() < end:
        time.sleep(0.2)
    return app.run()


def train_network(app: AppTest) -> AppTest:
    app.get_by_key("teach-begin").click().run()
    return finished(app)


def test_examples_stored_while_the_boxes_are_drawn_are_in_them(app, monkeypatch):
    box = example_classes._class_box

    def slow_box(project: Project, *arguments, **options) -> None:
        box(project, *arguments, **options)
        assert all(reading.wait(60) for reading in project.readings.values())

    monkeypatch.setattr(example_classes, "_class_box", slow_box)
    fill(app, red=pictures("red"), blue=pictures("blue"))
    assert [caption.value for caption in app.caption].count("6 examples") == 2


def test_classes_are_taught_judged_and_tried(app):
    fill(app, red=pictures("red"), blue=pictures("blue"))
    assert "**12 images:** 6 of red, 6 of blue." in text(app)
    assert "**Advice: classic classifier.** A typical class has 6 examples" in text(app)
    app.get_by_key("teach-held").set_value(30)
    app.get_by_key("teach-classifier").set_value("logistic").run()
    train_network(app)
    assert not app.exception
    values = {metric.label: metric.value for metric in app.metric}
    assert (values["Accuracy"], values["Held out"]) == ("100.0%", "4")
    assert "All 4 held-out examples are classified correctly" in text(app)
    assert "**Classic classifier on EfficientNet-Lite0**" in text(app)
    buttons = [button.label for button in app.get("download_button")]
    assert buttons == ["Save project", "Network", "ONNX", "Report"]
    app.get_by_key("teach-try-upload").set_value([("new.png", color("blue", 999), "image/png")]).run()
    assert not app.exception
    assert any(one.value.startswith("**blue**") for one in app.markdown)


def test_a_head_shows_its_curves_and_is_on_the_page_pictures(app):
    app.get_by_key("teach-way").set_value("Zip").run()
    find(app, "teach-zip").set_value(("colors.zip", zipped("red", "blue"), "application/zip")).run()
    assert "**12 images:** 6 of blue, 6 of red." in text(app)
    app.get_by_key("teach-method-efficientnet_lite0.tf").set_value("head").run()
    app.get_by_key("teach-epochs-head").set_value(20).run()
    train_network(app)
    assert not app.exception
    assert len(app.get("plotly_chart")) == 2  # confusion and curves
    assert "20 of 20" in app.dataframe[0].value["epochs"].tolist()
    other = AppTest.from_file(str(PAGES / "pictures.py"), default_timeout=120)
    for key in ("workspace", "project"):  # the same session
        other.session_state[key] = app.session_state[key]
    other.run()
    networks = other.get_by_key("pictures-networks")
    assert networks.options[0] == "EfficientNet-Lite0 taught blue or red ✓"
    name = str(network_of(project(app), project(app).record.attempts[0]))
    assert name not in networks.value  # before it is chosen
    networks.set_value([name])
    other.file_uploader[0].set_value([("new.png", color("red", 999), "image/png")]).run()
    assert not other.exception
    assert "**EfficientNet-Lite0 taught blue or red**: red" in text(other)


def test_attempts_stay_side_by_side_and_can_be_repeated_and_removed(app):
    fill(app, red=pictures("red"), blue=pictures("blue"))
    app.get_by_key("teach-classifier").set_value("logistic").run()
    train_network(app)
    app.get_by_key("teach-again").click().run()
    finished(app)
    table = app.dataframe[0].value
    assert table["method"].tolist() == ["Classic classifier"] * 2
    assert table["95 % interval"].tolist() == ["0% to 100%"] * 2
    latest = project(app).record.attempts[-1].number
    app.get_by_key(f"teach-remove-attempt-{latest}").click().run()
    assert not app.exception
    assert len(app.dataframe[0].value) == 1


def test_the_settings_chosen_last_are_there_after_the_page_was_left(app):
    fill(app, red=pictures("red"), blue=pictures("blue"))
    app.get_by_key("teach-method-efficientnet_lite0.tf").set_value("head").run()
    app.get_by_key("teach-epochs-head").set_value(33).run()
    other = AppTest.from_file(str(PAGES / "teach.py"), default_timeout=120)
    for key in ("workspace", "project"):
        other.session_state[key] = app.session_state[key]
    other.run()
    assert not other.exception
    assert other.get_by_key("teach-method-efficientnet_lite0.tf").value == "head"
    assert other.get_by_key("teach-epochs-head").value == 33


def test_settings_of_a_project_that_is_opened_win_over_those_on_the_page(app):
    fill(app, red=pictures("red"), blue=pictures("blue"))
    find_method(app).set_value("finetune").run()
    app.get_by_key("teach-held").set_value(30).run()
    own, config = project(app), TrainingConfig("features", held=0.5, classifier="logistic")
    assert own.record.config.method == "finetune"
    with own.replacing() as folder:  # as opening a file does, here or in another tab
        shutil.copytree(own.folder / "examples", folder / "examples")
        project_record.save(folder, replace(own.record, config=config))
    app.run()
    assert not app.exception
    assert find_method(app).value == "features"
    assert own.record.config == config
    find_method(app).set_value("head").run()
    assert own.record.config.method == "head"


def test_a_project_beyond_what_can_be_uploaded_is_not_offered_as_a_file(app, monkeypatch):
    monkeypatch.setenv("ZOO_APP_UPLOADS_MB", "1")
    fill(app, red=pictures("red"))
    assert "Save project" in [button.label for button in app.get("download_button")]
    find(app, "teach-files-2").set_value([("large.png", large(), "image/png")]).run()
    assert not app.exception
    assert "Save project" not in [button.label for button in app.get("download_button")]
    assert "more than the 1 MB that can be opened again; remove examples" in text(app)


def mislabeled() -> list[tuple[str, bytes, str]]:
    """Blue pictures, some of which are red."""
    wrong = [(f"wrong{i}.png", color("red", 50 + i), "image/png") for i in range(3)]
    return [*pictures("blue", 9), *wrong]


def test_a_mistake_is_moved_to_the_class_that_it_is_of_or_removed(app):
    fill(app, red=pictures("red", 12), blue=mislabeled())
    app.get_by_key("teach-held").set_value(50)
    app.get_by_key("teach-classifier").set_value("logistic").run()
    train_network(app)
    assert not app.exception
    moves = [button for button in app.button if button.label == "Move to red"]
    before = len(project(app).record.classes[0].examples)
    moves[0].click().run()
    assert not app.exception
    assert len(project(app).record.classes[0].examples) == before + 1
    assert "Now an example of red" in text(app)
    drops = [button for button in app.button if (button.key or "").startswith("teach-drop-")]
    drops[0].click().run()
    assert not app.exception
    assert "Removed from the project" in text(app)
    assert len(project(app).record.examples) == 23


def test_no_other_session_sees_it(app):
    fill(app, red=pictures("red"), blue=pictures("blue"))
    other = AppTest.from_file(str(PAGES / "teach.py"), default_timeout=120).run()
    assert project(other).folder != project(app).folder
    assert not project(other).record.examples


def test_who_waits_is_told_how_many_are_before_and_may_leave(app):
    def wait(job):
        return [time.sleep(0.05) for _ in range(2000) if not job.stopping]

    held = state.job_queue().begin(wait, LONG)
    fill(app, red=pictures("red"), blue=pictures("blue"))
    find_method(app).set_value("finetune").run()
    app.get_by_key("teach-begin").click().run()
    assert re.search("1 before you: starts in about [0-9]+ (s|min)", text(app))
    app.get_by_key("teach-stop").click().run()
    finished(app)
    assert "Stopped before there was anything to show" in text(app)
    held.stop()
    while not held.finished:
        time.sleep(0.05)


def test_classes_can_be_added_and_removed(app):
    app.get_by_key("teach-add").click().run()
    assert [box.label for box in app.file_uploader][-1] == "Examples of Class 3"
    app.get_by_key("teach-remove-2").click().run()
    assert [one.number for one in project(app).record.classes] == [1, 3]
    find(app, "teach-files-1").set_value(pictures("red")).run()
    assert "Add examples of a second class" in text(app)


def test_boxes_are_filled_by_camera_and_microphone(app):
    app.get_by_key("teach-with-1").set_value("Camera").run()
    for seed in range(3):
        app.camera_input[0].set_value(("camera.jpg", color("red", seed), "image/jpeg")).run()
    find(app, "teach-files-2").set_value(pictures("blue")).run()
    assert "3 of Class 1, 6 of Class 2." in text(app)
    content = project(app).record.classes[0].examples[0].content
    app.get_by_key("teach-unwanted-1").set_value([content]).run()
    app.get_by_key("teach-remove-examples-1").click().run()
    assert "2 of Class 1, 6 of Class 2." in text(app)
    app.get_by_key("teach-with-2").set_value("Microphone").run()
    assert len(app.audio_input) == 1


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [
        ({"red": pictures("red"), " ": pictures("blue")}, "has no name"),
        ({"red": pictures("red"), "red ": pictures("blue")}, "two classes 'red'"),
        ({"red": pictures("red"), "blue": pictures("blue", 2)}, "'blue' has 2 examples"),
        ({"red": pictures("red"), "blue": [("b.png", b"", "image/png")]}, "b.png is"),
    ],
    ids=["unnamed", "twice", "few", "unreadable"],
)
def test_what_cannot_be_trained_on_is_one_sentence_and_the_page_goes_on(app, classes, sentence):
    fill(app, **classes)
    assert not app.exception
    assert [sentence in error.value for error in app.error] == [True]
    app.run()  # it is refused still
    assert [sentence in error.value for error in app.error] == [True]
    find(app, "teach-name-2").set_value("blue").run()
    find(app, "teach-files-2").set_value(pictures("blue")).run()
    assert not app.error
    assert "**12 images:** 6 of red, 6 of blue." in text(app)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"text", "pets.zip is not a complete zip file."), (zipped("red"), "one class only, 'red'")],
    ids=["text", "one class"],
)
def test_a_bad_zip_is_one_sentence(app, content, sentence):
    app.get_by_key("teach-way").set_value("Zip").run()
    find(app, "teach-zip").set_value(("pets.zip", content, "application/zip")).run()
    assert not app.exception
    assert [sentence in error.value for error in app.error] == [True]


def test_what_cannot_be_read_is_told_and_the_rest_is_used(app):
    fill(app, red=[*pictures("red"), ("bad.png", b"text", "image/png")], blue=pictures("blue"))
    assert not app.error
    assert app.dataframe[0].value["file"].tolist() == ["bad.png"]
    assert app.dataframe[0].value["why"][0].startswith("bad.png is not a picture")


def test_examples_beyond_the_size_of_a_project_are_refused_and_the_others_stay(app, monkeypatch):
    fill(app, red=pictures("red"))
    monkeypatch.setenv("ZOO_APP_PROJECT_MB", "1")
    find(app, "teach-files-2").set_value([("large.png", large(), "image/png")]).run()
    assert not app.exception
    assert any("A project holds at most 1 MB; remove examples" in error.value for error in app.error)
    assert len(project(app).record.examples) == 6


def test_a_damaged_project_can_be_deleted(app):
    fill(app, red=pictures("red"))
    (project(app).folder / RECORD).write_text("{")
    app.run()
    assert not app.exception
    assert ["The project is damaged" in error.value for error in app.error] == [True]
    assert any(one.key.startswith("teach-open") for one in app.file_uploader)
    app.get_by_key("teach-delete-project").click().run()
    assert not app.error
    assert not project(app).record.examples


def test_a_project_is_deleted_when_its_session_ends_without_a_cookie(app):
    fill(app, red=pictures("red"), blue=pictures("blue"))
    assert "the project ends when you leave" in text(app)
    folder = project(app).folder
    assert folder.is_dir()
    app.session_state["workspace"].close()
    assert not folder.exists()


def test_who_goes_without_advice_can_train_and_ask_again(app, monkeypatch):
    requests = []

    def advise(data, *, network, progress):
        requests.append(network.name)
        progress(0, 12)
        app.session_state["teach-unadvised"].add((data.fingerprint, network.name))  # as a click does
        raise RerunException(RerunData())

    monkeypatch.setattr(zoo, "advise", advise)
    fill(app, red=pictures("red"), blue=pictures("blue"))
    assert requests == ["efficientnet_lite0.tf"]
    assert "Advice" not in text(app)
    assert not app.get_by_key("teach-begin").disabled
    monkeypatch.undo()
    next(button for button in app.button if button.label == "Advise me").click().run()
    assert "**Advice: classic classifier.**" in text(app)


def test_a_training_that_was_interrupted_is_repeated_with_a_click_or_forgotten(app):
    fill(app, red=pictures("red"), blue=pictures("blue"))
    config = TrainingConfig("features", classifier="logistic")
    for _ in range(2):
        with project(app).changing() as record:
            record.unfinished = UnfinishedTraining("efficientnet_lite0.tf", config)
        project(app).job = None  # as after a restart of the server
        app.run()
        assert "Classic classifier on EfficientNet-Lite0 had no result yet" in text(app)
        if not project(app).record.attempts:
            app.get_by_key("teach-interrupted-again").click().run()
            finished(app)
    app.get_by_key("teach-interrupted-dismiss").click().run()
    assert not app.exception
    assert "interrupted" not in text(app)
    assert [attempt.config for attempt in project(app).record.attempts] == [config]
