"""Import on the page Networks: what is asked, the report, the lists of this visitor, and removal."""

import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import zoo
from tests.zoo.exchange.small_onnx import colors_network
from zoo.app.components.import_preprocessing import (
    BYTES,
    GUESSED,
    NORMALIZED,
    SIGNED,
    UNIT,
    scale_of,
    table,
)
from zoo.exchange.import_settings import IMAGENET
from zoo.hub import imported_preprocessing

PAGES = Path(zoo.__file__).parent / "app" / "pages"


def text(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.success, app.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def waited(app: AppTest, key: str) -> AppTest:
    """Run the page until a widget is there; a job has the page run again in a browser."""
    end = time.monotonic() + 200
    while not any(getattr(element, "key", None) and key in element.key for element in app.main):
        assert time.monotonic() < end, text(app)
        time.sleep(0.3)
        app.run()
    return app


def by_part(app: AppTest, part: str):
    """Return the widget whose key ends so; the middle is a number of the file."""
    (key,) = {e.key for e in app.main if getattr(e, "key", None) and e.key.endswith(part)}
    return app.get_by_key(key)


def open_box(app: AppTest) -> AppTest:
    app.session_state["networks-import"] = True
    return app.run()


def test_a_file_is_imported_reported_listed_and_removed(tmp_path):
    app = AppTest.from_file(str(PAGES / "networks.py"), default_timeout=120).run()
    open_box(app)
    (uploader,) = app.file_uploader
    content = colors_network(tmp_path / "colors.onnx").read_bytes()
    uploader.set_value(("colors.onnx", content, "application/octet-stream")).run()
    waited(app, "networks-import-begin")
    assert "takes images (? × 3 × 64 × 64), gives 2 classes" in text(app)
    assert "Guessed: RGB normalized by the mean and deviation of ImageNet" in text(app)
    assert by_part(app, "-side").value == 64
    assert by_part(app, "-scale").value == NORMALIZED
    by_part(app, "-labels").set_value("red\nblue\n")
    by_part(app, "-scale").set_value(UNIT)
    app.get_by_key("networks-import-begin").click().run()
    waited(app, "networks-own-remove")
    assert "**colors** is imported" in text(app)
    assert "2 classes, as asked for: red, blue" in text(app)
    assert "No layer departs by more than 1e-4" in text(app)
    assert "/" not in app.get_by_key("networks-network").options[0]
    assert app.get_by_key("networks-network").options[0] == "colors · imported ✓"
    assert app.dataframe[0].value["name"].iloc[0] == "yours"
    assert not app.query_params.get("network")
    app.get_by_key("networks-view").set_value("Layers").run()
    assert "colors" in [row for table in app.dataframe for row in table.value.get("layer", [])]
    app.get_by_key("networks-view").set_value("Record").run()
    app.get_by_key("networks-own-remove").click().run()
    assert not app.exception
    assert "yours" not in list(app.dataframe[0].value["name"])
    assert app.get_by_key("networks-network").value == "squeezenet.caffe"


def test_a_damaged_file_is_one_sentence_and_another_one_can_be_chosen():
    app = open_box(AppTest.from_file(str(PAGES / "networks.py"), default_timeout=120).run())
    app.file_uploader[0].set_value(("bad.onnx", b"this is text", "application/octet-stream")).run()
    end = time.monotonic() + 200
    while not app.error:
        assert time.monotonic() < end
        time.sleep(0.3)
        app.run()
    assert [error.value for error in app.error] == ["bad.onnx is not a complete ONNX file."]
    assert [box.label for box in app.file_uploader] == ["A network file (.onnx, .pt2, .tflite, .keras)"]


@pytest.mark.parametrize("scale", [UNIT, SIGNED, NORMALIZED, BYTES])
@pytest.mark.parametrize("colors", ["RGB", "BGR", "gray"])
def test_table_of_a_choice_has_that_scale(scale, colors):
    values = table(64, 1.0, colors, scale)
    assert imported_preprocessing.resolve(values)[0] == "image"
    assert scale_of(values) == scale or (scale, colors) == (NORMALIZED, "BGR")
    assert (values["resize"], values["crop"]) == (64, 64)


@pytest.mark.parametrize(
    "guess",
    [
        {"channels": "BGR", "scale": 255, "mean": [103.939, 116.779, 123.68], "std": [1.0, 1.0, 1.0]},
        {"scale": 255, "mean": [128.0] * 3, "std": [128.0] * 3},
    ],
)
def test_scale_of_a_guess_that_is_none_of_the_choices_is_the_guess(guess):
    assert scale_of({"resize": 64, "crop": 64, **guess}) == GUESSED


def test_scale_of_a_guess_of_bytes_without_more_is_bytes():
    assert scale_of({"type": "resize_crop", "resize": 64, "crop": 64, "scale": 255}) == BYTES


def test_table_of_blue_first_has_the_mean_in_that_order():
    assert table(224, 7 / 8, "BGR", NORMALIZED)["mean"] == IMAGENET["mean"][::-1]
    assert table(224, 7 / 8, "RGB", UNIT)["resize"] == 256
