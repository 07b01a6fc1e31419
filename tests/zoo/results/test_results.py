"""Results become tables, plots and JSON without losing anything."""

import io
import json
import re
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from zoo.results import Classification, Embedding, Explanation, PitchTrack, SoundEvent, SoundEvents, to_csv

CLIP = Classification(
    network="n",
    input="i",
    indices=np.array([2, 0]),
    ids=("c", "a"),
    labels=("Sea", "Air"),
    names=("Sea, ocean", "Air"),
    groups=("", ""),
    scores=np.array([0.75, 0.25], np.float32),
    all_scores=np.array([0.25, 0.0, 0.75], np.float32),
)
EVENTS = SoundEvents(
    network="n",
    input="i",
    events=(SoundEvent("Sea", 2, "c", 0.0, 1.5, 0.75), SoundEvent("Air", 0, "a", 0.48, 1.44, 0.5)),
    scores=np.zeros((2, 3), np.float32),
    times=np.array([[0, 0.96], [0.48, 1.44]]),
    labels=("Air", "Fire", "Sea"),
    duration=1.5,
    clip=CLIP,
)
TRACK = PitchTrack(
    network="n",
    input="i",
    time=np.array([0.0, 0.01, 0.02]),
    frequency=np.array([440.0, np.nan, 32.7]),
    confidence=np.array([0.9, 0.1, 0.6], np.float32),
    voiced=np.array([True, False, True]),
    level=np.array([-10.0, -90.0, -50.0], np.float32),
)
EMBEDDING = Embedding("n", "pool", np.ones((2, 3), np.float32), np.array([[0, 1], [1, 2.0]]), ("a", "a"))

EXPLANATION = Explanation(
    network="n",
    input="i",
    index=2,
    id="c",
    label="Sea",
    score=0.75,
    method="gradcam",
    layer="conv",
    values=np.array([[0, 1], [0.5, 0]], np.float32),
    crop_box=(2.0, 0.0, 6.0, 4.0),
    size=(8, 4),
)


@pytest.mark.parametrize(
    "result", [CLIP, EVENTS, TRACK, EMBEDDING, EXPLANATION], ids=lambda r: type(r).__name__
)
def test_every_result_has_a_table_a_plot_and_strict_json_and_is_frozen(result):
    assert len(result.table()) >= 2
    assert result.plot().data
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["network"] == "n"
    with pytest.raises(FrozenInstanceError):
        result.network = "other"


def test_the_json_of_a_classification():
    assert CLIP.to_dict() == {
        "input": "i",
        "network": "n",
        "predictions": [
            {"index": 2, "id": "c", "label": "Sea", "score": 0.75, "name": "Sea, ocean"},
            {"index": 0, "id": "a", "label": "Air", "score": 0.25, "name": "Air"},
        ],
    }
    assert replace(CLIP, groups=("outdoor", "")).to_dict()["predictions"][0]["group"] == "outdoor"
    assert CLIP.best(1).labels == ("Sea",)
    assert len(CLIP.best(1).all_scores) == 3


def test_bars_have_a_place_each_and_texts_that_fit_and_are_no_markup():
    """ImageNet has two cranes."""
    long = "scores_of_a_network_with_a_very_long_name_of_its_own"
    labels = ("crane", "crane", "a label that is much longer than a column is wide", "<b>bold</b>")
    many = replace(
        CLIP,
        network=long,
        labels=labels,
        ids=tuple("abcd"),
        scores=np.array([0.4, 0.3, 0.2, 0.0001], np.float32),
    )
    figure = many.plot()
    assert list(figure.data[0].y) == [0, 1, 2, 3]
    assert list(figure.data[0].text) == ["40.0%", "30.0%", "20.0%", "<0.1%"]
    texts = [annotation.text for annotation in figure.layout.annotations]
    assert texts == ["crane", "crane", "a label that is much longer tha…", "&lt;b&gt;bold&lt;/b&gt;"]
    assert max(map(len, figure.layout.xaxis.title.text.split("<br>"))) <= 32
    low, high = figure.layout.yaxis.range  # the labels of the first bar are inside too
    assert low > 3.2
    assert high < -0.5


def test_a_map_lies_where_the_network_looked():
    """Seen: the columns 2 to 5 of 8; cells of 2 × 2 pixels."""
    placed = EXPLANATION.map
    assert placed.shape == (4, 8)
    assert np.isnan(placed[:, [0, 1, 6, 7]]).all()
    corners = placed[[0, 0, 3, 3], [2, 5, 2, 5]]
    np.testing.assert_allclose(corners, [0, 1, 0.5, 0])
    assert placed[0, 3] == pytest.approx(0.25)  # a quarter of the way between the middles of two cells
    np.testing.assert_allclose(EXPLANATION.placed(16, 8)[1::2, 5:11].max(), 1)
    table = EXPLANATION.table()
    assert table.iloc[1].tolist() == [4, 0, 6, 2, 1]
    assert table.iloc[2].tolist() == [2, 2, 4, 4, 0.5]
    assert EXPLANATION.to_dict()["values"] == [[0, 1], [0.5, 0]]


def test_a_map_over_a_picture_changes_only_what_is_hot():
    picture = Image.new("RGB", (80, 40), (100, 100, 100))
    drawn = np.asarray(EXPLANATION.overlay(picture, opacity=1.0)).astype(int)
    assert drawn.shape == (40, 80, 3)
    assert (drawn[:, :20] == 100).all()
    assert (drawn[:, 60:] == 100).all()
    assert abs(drawn[0, 22] - 100).max() <= 1
    assert drawn[0, 59, 0] > drawn[0, 59, 2] + 50, "the hottest is red"


def test_what_is_not_seen_fades_to_gray_where_that_is_asked_for():
    picture = Image.new("RGB", (80, 40), (0, 0, 0))
    drawn = np.asarray(EXPLANATION.overlay(picture, opacity=0, fade=0.5))
    assert (drawn[:, :20] == 64).all()
    assert (drawn[:, 60:] == 64).all()
    assert not drawn[:, 20:60].any()
    assert EXPLANATION.is_cropped
    assert not replace(EXPLANATION, crop_box=(-2, 0, 10, 4)).is_cropped


def test_the_json_of_events():
    result = EVENTS.to_dict()
    sea = {"label": "Sea", "index": 2, "id": "c"}
    assert result["events"][0] == sea | {"start": 0.0, "end": 1.5, "score": 0.75}
    assert result["clip"][0] == sea | {"score": 0.75}


def test_events_become_labels_of_audacity():
    assert EVENTS.to_audacity() == "0.000000\t1.500000\tSea\n0.480000\t1.440000\tAir\n"
    odd = replace(EVENTS, events=(SoundEvent("two\tlines\n", 0, "a", 0, 1, 0.5),))
    assert odd.to_audacity() == "0.000000\t1.000000\ttwo lines\n"


def test_no_event_is_an_empty_table_with_its_columns_and_an_empty_plot():
    nothing = replace(EVENTS, events=())
    assert list(nothing.table().columns) == ["start", "end", "label", "index", "id", "score"]
    assert len(nothing.plot().data[0].x) == 0


def test_the_columns_of_a_pitch_track_and_its_notes():
    assert list(TRACK.table().columns) == ["time", "frequency", "confidence", "voiced"]
    assert TRACK.note_names() == ["A4", "", "C1"]
    assert TRACK.to_dict()["frequency"] == [440.0, None, 32.7]


def test_a_gate_only_takes_away():
    gated = TRACK.gated(threshold=0.5, silence=-40)
    assert gated.voiced.tolist() == [True, False, False]
    assert np.isnan(gated.frequency[1:]).all()
    assert TRACK.voiced.sum() == 2


def test_the_table_of_an_embedding_keeps_input_and_time():
    assert list(EMBEDDING.table().columns) == ["input", "start", "end", "0", "1", "2"]


FORMULAS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "'=1", "''=1", "＝1", "=cmd|' /C calc'!A0",
    '=HYPERLINK("x")',
]  # fmt: skip
HARMLESS = ["tabby, tabby cat", "a=b", "'til dawn", "3 - 4", "", "5", " ", "naïve", "a\r=1+1", "a\n=1+1"]


def test_a_spreadsheet_runs_no_formula_of_a_csv_and_texts_come_back():
    texts = FORMULAS + HARMLESS
    numbers = -np.arange(float(len(texts)))
    table = pd.DataFrame({"=label": texts, "score": numbers, "index": np.arange(len(texts)) - 5})
    written = pd.read_csv(
        io.StringIO(to_csv(table), newline=""), keep_default_na=False, dtype={"=label": str}
    )
    assert list(written) == ["'=label", "score", "index"]
    assert not any(one.startswith(tuple("=+-@\t\r\n＝")) for one in written["'=label"])
    assert list(written["'=label"])[len(FORMULAS) :] == HARMLESS
    assert [re.sub("^'('*[=+@\t\r\n＝＋－＠-])", r"\1", text) for text in written["'=label"]] == texts
    assert list(written["score"]) == list(numbers)
    assert list(table["=label"]) == texts  # the table itself stays as it was
