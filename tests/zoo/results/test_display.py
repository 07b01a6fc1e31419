"""Results show themselves at a prompt and in a notebook: briefly, and without trust in texts."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from tests.zoo.results.large_results import (
    CURVES,
    EMPTY,
    EVALUATION,
    EVENTS,
    HOSTILE,
    LARGE,
    MEASUREMENT,
    TRACK,
)
from zoo.results import Problem
from zoo.results.display import ShortRepr
from zoo.training.data.dataset import Dataset

VOID = {"br", "img", "path"}
TAGS = {"b", "div", "img", "path", "span", "svg", "table", "tbody", "td", "text", "th", "thead", "tr"}


class Page(HTMLParser):
    """Collect the tags, attributes and text of a piece of HTML, and check that each tag is closed."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags, self.open, self.attributes, self.text = set(), [], [], ""
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def _name(result):
    return type(result).__name__


def _classes(base: type) -> set[type]:
    return {base}.union(*map(_classes, base.__subclasses__()))


def test_every_result_class_is_among_the_large_ones():
    assert _classes(ShortRepr) - {ShortRepr} == {type(result) for result in [*LARGE, MEASUREMENT]}


PROBLEM = Problem("folder/" * 500, HOSTILE)
DATASET = Dataset(
    name="data",
    modality="image",
    inputs=["a.png"] * 5000,
    targets=np.zeros(5000, int),
    classes=tuple(f"class {i}" for i in range(1000)),
    problems=(PROBLEM,) * 100,
)


@pytest.mark.parametrize("result", [*LARGE, MEASUREMENT, CURVES.macro, PROBLEM, DATASET], ids=_name)
def test_a_repr_is_short_whatever_the_size_of_the_data(result):
    text = repr(result)
    assert text.startswith(f"{type(result).__name__}(")
    assert text.endswith(")")
    assert len(text) < 1000


def test_a_repr_has_the_values_that_fit_and_the_shape_of_the_others():
    assert "scores=<float32 array of shape (7300, 521)>" in repr(EVENTS)
    track = repr(TRACK[:2])
    assert "time=array([0.  , 0.01])" in track
    assert "activations=<float32 array of shape (2, 360)>" in track


@pytest.mark.parametrize("result", LARGE, ids=_name)
def test_a_large_result_is_a_small_piece_of_html_without_scripts(result):
    source = result._repr_html_()
    assert len(source.encode()) < 50_000
    page = Page(source)
    assert page.tags <= TAGS
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "href"]
    links = [value for name, value in page.attributes if name == "src"]
    assert all(link.startswith("data:image/png;base64,") for link in links)
    assert "http" not in source


@pytest.mark.parametrize("result", LARGE, ids=_name)
def test_hostile_texts_are_shown_as_they_are(result):
    if HOSTILE in map(str, vars(result).values()):
        assert '<script>alert("1")</script>' in Page(result._repr_html_()).text


@pytest.mark.parametrize("result", LARGE, ids=_name)
def test_text_has_the_color_of_the_page(result):
    """No text color, and no background but that of bars."""
    source = result._repr_html_()
    assert set(re.findall(r"(?<![-\w])color:([^;\"]+)", source)) == {"inherit"}
    assert set(re.findall(r"background(?:-color)?:([^;\"]+)", source)) <= {"transparent", "#3f9b6e"}
    assert set(re.findall(r'<text[^>]* fill="([^"]+)"', source)) <= {"currentColor"}


@pytest.mark.parametrize("result", EMPTY, ids=_name)
def test_an_empty_result_shows_itself_too(result):
    assert Page(result._repr_html_()).text
    assert len(repr(result)) < 1000


def test_tables_have_at_most_twenty_rows_and_say_how_many_more():
    source = EVENTS._repr_html_()
    assert source.split('class="dataframe"')[1].count("<tr>") == 20
    assert "and 4,980 more" in source
    assert "5,000 events of 30 classes, 10 drawn" in source


def test_an_evaluation_shows_its_headline_figures():
    text = Page(EVALUATION._repr_html_()).text
    assert f"accuracy{EVALUATION.accuracy:.1%}" in text
    assert f"top5{EVALUATION.top(5):.1%}" in text
    assert f"calibration error{EVALUATION.ece():.3f}" in text


def test_a_pitch_track_has_gaps_where_it_is_unvoiced():
    track = TRACK[:3000]
    path = re.search(r'<path d="(M[^"]*h0[^"]*)"', track._repr_html_()).group(1)
    stretches = np.count_nonzero(np.diff(track.voiced.astype(int)) == 1) + int(track.voiced[0])
    assert stretches > 3
    assert path.count("M") == stretches
