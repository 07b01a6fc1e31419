"""Every box for uploads, given everything that is broken: one sentence each, and the page goes on."""

import re
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import zoo
from tests import broken
from zoo.app.state import literally

PAGES = Path(zoo.__file__).parent / "app" / "pages"


def start(name: str) -> AppTest:
    app = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=120).run()
    assert not app.exception
    return app


def expect_a_sentence(message: str, name: str) -> None:
    """It says of which file, and is one sentence without paths of the server."""
    displayed_name = literally(name)
    assert message.startswith(displayed_name), message
    rest = message.removeprefix(displayed_name)
    assert re.fullmatch(r"[^\n]*[^.]\.", rest), message
    assert ". " not in rest
    assert "/tmp" not in message


def text(app: AppTest) -> str:
    return "\n".join(element.value for kind in (app.markdown, app.caption, app.info) for element in kind)


PICTURES = [*broken.pictures().items(), *((odd.format("jpg"), b"text") for odd in broken.ODD_NAMES[:2])]


def test_pictures():
    app = start("pictures")
    good = ("good.png", broken.photo("PNG"), "image/png")
    app.get_by_key("pictures-upload").set_value([*((*file, "image/jpeg") for file in PICTURES), good]).run()
    assert not app.exception
    assert len(app.error) == len(PICTURES)
    for error, (name, _) in zip(app.error, PICTURES, strict=True):
        expect_a_sentence(error.value, name)
    assert len(app.get("plotly_chart")) >= 2
    odd = [(name.format("png"), broken.photo("PNG"), "image/png") for name in broken.ODD_NAMES]
    app.get_by_key("pictures-upload").set_value(odd).run()
    assert not app.exception
    assert not app.error
    assert len(app.get("plotly_chart")) == 2 * len(odd)


@pytest.mark.parametrize("page", ["sounds", "pitch"])
def test_recordings(page):
    app = start(page)
    for name, data in broken.sounds().items():
        app.get_by_key(f"{page}-upload").set_value((name, data, "audio/wav")).run()
        assert not app.exception
        assert len(app.error) == 1, name
        expect_a_sentence(app.error[0].value, name)
    for name in broken.ODD_NAMES:
        app.get_by_key(f"{page}-upload").set_value((name.format("wav"), broken.wav(), "audio/wav")).run()
        assert not app.exception
        assert not app.error
        assert len(app.get("plotly_chart")) >= 2


def uploader(app: AppTest, prefix: str):
    """The box for files whose key begins so: it gets a new key after each upload."""
    return next(box for box in app.file_uploader if box.key.startswith(prefix))


def test_examples_of_classes_and_what_is_tried_on_the_network_that_was_taught():
    app = start("teach")
    everything = [*broken.pictures().items(), ("text.wav", b"text")]
    worthless = [(*file, "image/jpeg") for file in everything if file[0] != "sound.jpg"]
    for number in (1, 2):
        uploader(app, f"teach-files-{number}").set_value(worthless).run()
    assert not app.exception
    assert len(app.error) == 2
    for error in app.error:
        expect_a_sentence(error.value, "your upload")
    names = [name.format("png") for name in broken.ODD_NAMES] + ["雁" * 250 + ".png"]
    good = [
        [(name, broken.photo("PNG") + bytes([i, n]), "image/png") for n, name in enumerate(names)]
        for i in (1, 2)
    ]
    uploader(app, "teach-files-1").set_value(good[0] + worthless).run()
    uploader(app, "teach-files-2").set_value(good[1]).run()
    assert not app.exception
    assert not app.error
    assert "**12 images:** 6 of Class 1, 6 of Class 2." in text(app)
    left_out = app.dataframe[0].value
    assert sorted(left_out["file"]) == sorted(name for name, *_ in worthless)
    for row in left_out.itertuples():
        expect_a_sentence(row.why, row.file)
    app.get_by_key("teach-classifier").set_value("logistic")
    app.get_by_key("teach-begin").click().run()
    end = time.monotonic() + 100
    while not app.session_state["project"][1].job.finished and time.monotonic() < end:
        time.sleep(0.2)
    app.run()
    tried = [(*file, "image/jpeg") for file in PICTURES]
    app.get_by_key("teach-try-upload").set_value(tried).run()
    assert not app.exception
    assert len(app.error) == len(tried)
    for error, (name, _) in zip(app.error, PICTURES, strict=True):
        expect_a_sentence(error.value, name)


def test_zips():
    app = start("teach")
    app.get_by_key("teach-way").set_value("Zip").run()
    for name, data in broken.zips().items():
        uploader(app, "teach-zip").set_value((name, data, "application/zip")).run()
        assert not app.exception
        assert len(app.error) == 1, name
        expect_a_sentence(app.error[0].value, name)
    for n, name in enumerate(broken.ODD_NAMES):
        good = broken.zipped(
            {
                f"{label}/{i}.png": broken.photo("PNG") + bytes([n, i, ord(label)])
                for label in "ab"
                for i in range(3)
            }
        )
        uploader(app, "teach-zip").set_value((name.format("zip"), good, "application/zip")).run()
        assert not app.exception
        assert not app.error
        assert f"{6 * (n + 1)} images" in text(app)


def test_what_is_to_be_compared():
    app = start("compare")
    app.get_by_key("compare-image-upload").set_value([(*file, "image/jpeg") for file in PICTURES]).run()
    assert not app.exception
    for error, (name, _) in zip(app.error, PICTURES, strict=True):
        expect_a_sentence(error.value, name)
    assert not app.get_by_key("compare-begin").disabled
    app.get_by_key("compare-kind").set_value("audio").run()
    app.get_by_key("compare-networks-audio").set_value(["yamnet.audioset"]).run()
    for name, data in broken.sounds().items():
        app.get_by_key("compare-audio-upload").set_value((name, data, "audio/wav")).run()
        assert not app.exception
        assert len(app.error) == 1, name
        expect_a_sentence(app.error[0].value, name)
