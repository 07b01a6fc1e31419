"""The page of an evaluation: whole in one file, and harmless whatever the labels are."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import soundfile
from PIL import Image

import zoo
from tests.browser.chromium import browser_path
from zoo.core.errors import InputError
from zoo.training.data.dataset import Dataset
from zoo.training.evaluation.evaluation import Evaluation
from zoo.training.evaluation.thumbnails import RATE, SECONDS, thumbnail_of

EVIL = '<script>alert("label")</script>'
URL = re.compile(r"https?:|//")


class Page(HTMLParser):
    """Elements with their attributes, and the text outside of scripts and styles."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text, self._quiet = "", False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._quiet = tag in ("script", "style")

    def handle_endtag(self, tag):
        self._quiet = False

    def handle_data(self, data):
        self.text += "" if self._quiet else data.replace("\N{NO-BREAK SPACE}", " ")

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def pictures() -> Dataset:
    colors = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (90, 90, 90)]
    inputs = [np.full((400, 600, 3), color, np.uint8) for color in colors]
    return Dataset("<b>data</b>", "image", inputs, np.array([0, 0, 1, 1]), (EVIL, "b"))


@pytest.fixture
def evaluation() -> Evaluation:
    """Two right answers; of the wrong ones the second example is the surer one."""
    return Evaluation(
        network="net",
        dataset="<b>data</b>",
        classes=(EVIL, "b"),
        inputs=('"><img src=x onerror=alert(1)>.png', "x1", "x2", "x3"),
        targets=np.array([0, 0, 1, 1]),
        scores=np.array([[0.8, 0.2], [0.1, 0.9], [0.3, 0.7], [0.6, 0.4]], np.float32),
        problems=(("<i>bad</i>.png", "it is no picture & more"),),
        conditions={"device": "<u>cpu</u>"},
    )


def written(evaluation, folder, **options) -> str:
    evaluation.report(folder / "report.html", **options)
    return (folder / "report.html").read_text(encoding="utf-8")


def test_untrusted_texts_are_shown_and_never_run(evaluation, pictures, tmp_path):
    result = replace(evaluation, targets=np.array([1, 0, 1, 1]))  # the evil name is among the mistakes
    text = written(result, tmp_path, data=pictures)
    page = Page(text)
    for row in (EVIL, "<b>data</b>", "<i>bad</i>.png", "<u>cpu</u>", '"><img src=x onerror=alert(1)>.png'):
        assert row in page.text
    assert not {"b", "i", "u"} & {tag for tag, _ in page.elements}
    assert 'alert("label")' not in "".join(re.findall(r"<script[^>]*>(.*?)</script>", text, re.S))
    assert len(page.all("img")) == 3
    assert not any("onerror" in attributes for _, attributes in page.elements)


def test_nothing_comes_from_elsewhere(evaluation, pictures, tmp_path):
    page = Page(written(evaluation, tmp_path, data=pictures))
    for tag, attributes in page.elements:
        for key in ("src", "href", "srcset", "data", "action", "poster"):
            assert attributes.get(key, "data:").startswith("data:"), tag
    style = re.search(r"<style>(.*?)</style>", (tmp_path / "report.html").read_text(), re.S)[1]
    assert not URL.search(style)
    policy = page.all("meta")[2]["content"]
    assert policy.startswith("default-src 'none'")
    assert not URL.search(policy)
    assert "plotly.js v" in (tmp_path / "report.html").read_text()
    assert (tmp_path / "report.html").read_text().count("plotly.js v") == 1


def test_figures_tables_and_mistakes_are_there(evaluation, pictures, tmp_path):
    page = Page(written(evaluation, tmp_path, data=pictures))
    for words in ("accuracy", "50.0 %", "Confusion matrix", "Calibration", "ROC", "4 examples"):
        assert words in page.text
    divs = {attributes.get("id") for attributes in page.all("div")}
    assert {"confusion", "reliability", "roc", "precision"} <= divs
    first, second = page.all("img")
    assert first["alt"] == "x1"
    image = Image.open(io.BytesIO(base64.b64decode(first["src"].partition(",")[2])))
    assert image.format == "JPEG"
    assert image.size == (320, 213)
    assert image.getpixel((5, 5))[1] == pytest.approx(200, abs=3)  # JPEG
    assert second["alt"] == "x3"


def test_positions_lead_to_the_right_example(evaluation, pictures, tmp_path):
    moved = replace(evaluation, positions=np.array([3, 2, 1, 0]))
    first = Page(written(moved, tmp_path, data=pictures)).all("img")[0]
    image = Image.open(io.BytesIO(base64.b64decode(first["src"].partition(",")[2])))
    assert image.getpixel((5, 5))[2] == pytest.approx(200, abs=3), "x1 is the third of the data"
    for result in (moved, evaluation):
        with pytest.raises(InputError, match="has 2 examples"):
            result.report(tmp_path / "r.html", data=pictures.take([0, 1]))


def test_without_data_the_mistakes_are_named_but_not_where_they_lie(evaluation, tmp_path):
    page = Page(written(evaluation, tmp_path))
    assert not page.all("img")
    assert "x1" in page.text
    placed = replace(
        evaluation, inputs=tuple(f"/home/me/data/{name}" for name in ("a/1", "a/2", "b/3", "b/4"))
    )
    text = Page(written(placed, tmp_path)).text
    assert "a/2" in text
    assert "/home/me" not in text


def test_a_network_brings_its_license_and_its_training_record(evaluation, net, tmp_path):
    network = net("squeezenet").with_preprocessor(net("squeezenet").preprocessor)
    text = Page(written(evaluation, tmp_path, network=network)).text
    assert "BSD-2-Clause" in text
    assert "Training" not in text
    network.spec = network.spec.replace(training={"epochs": 3, "data": {"name": "<s>ants</s>"}})
    text = Page(written(evaluation, tmp_path, network=network)).text
    assert "data, name" in text
    assert "<s>ants</s>" in text


def test_when_all_are_right_the_page_says_what_that_is_worth(evaluation, tmp_path):
    right = replace(evaluation, scores=np.eye(2, dtype=np.float32)[evaluation.targets])
    text = " ".join(Page(written(right, tmp_path)).text.split())
    assert "There are none." in text
    assert "a share of up to 75.0 %" in text
    one = replace(evaluation, targets=np.zeros(4, int))
    assert "ROC" not in Page(written(one, tmp_path)).text, "of one class there is none"


def test_a_recording_becomes_a_short_clip(tmp_path):
    tone = np.sin(2 * np.pi * 440 * np.arange(15 * 8000) / 8000).astype(np.float32)
    data = Dataset("s", "audio", [tone, tone[:0]], np.array([0, 0]), ("a",), sample_rate=8000)
    clip = thumbnail_of(data, 0)
    assert clip.kind == "audio"
    samples, sample_rate = soundfile.read(io.BytesIO(base64.b64decode(clip.url.partition(",")[2])))
    assert sample_rate == RATE
    assert len(samples) / sample_rate == pytest.approx(SECONDS, abs=0.1)  # MP3 adds a frame or two
    loudest = np.abs(np.fft.rfft(samples[RATE : 2 * RATE])).argmax()
    assert loudest == 440
    assert thumbnail_of(data, 1) is None, "what cannot be decoded is left out"


def test_names_that_are_no_text_can_be_written(evaluation, tmp_path):
    assert "caf?" in Page(written(replace(evaluation, dataset="caf\udce9"), tmp_path)).text


def test_what_cannot_be_written_is_said(evaluation, tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        evaluation.report(tmp_path / "no" / "report.html")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_a_browser_shows_it_without_errors_or_requests(evaluation, pictures, tmp_path, width):
    from playwright.sync_api import sync_playwright

    browser = browser_path()
    written(evaluation, tmp_path, data=pictures)
    complaints, requests = [], []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": width, "height": 900})
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: requests.append(request.url))
        page.goto((tmp_path / "report.html").as_uri())
        page.wait_for_selector("#precision .main-svg")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
        assert page.locator(".plotly-graph-div").count() == 4
        ticks = page.locator("#confusion .ytick text")
        assert ticks.first.text_content() == '<script>alert("labe…', "shown as text, not as markup"
        chromium.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(("data:", "blob:"))] == [
        (tmp_path / "report.html").as_uri()
    ]


def test_zoo_knows_evaluations():
    assert zoo.Evaluation is Evaluation
