"""The figures of what is heard, which are drawn here."""

from xml.etree import ElementTree

import numpy as np
import pytest

from zoo.app.live import svg as figures
from zoo.app.live.analyzers import Sounds, TunerReading
from zoo.results import Classification, PitchTrack


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def texts(svg: str) -> list[str]:
    return [element.text for element in parsed(svg).iter("text")]


def track(frequency: np.ndarray) -> PitchTrack:
    n = len(frequency)
    time = (np.arange(n) - n) * 0.02
    voiced = ~np.isnan(frequency)
    return PitchTrack("crepe.tiny", "live", time, frequency, np.ones(n), voiced, np.zeros(n))


def sounds(labels: tuple[str, ...], scores: np.ndarray) -> Sounds:
    mean = scores.mean(axis=0)
    best = np.argsort(-mean)
    names = tuple(labels[i] for i in best)
    now = Classification("yamnet", "live", best, names, names, names, names, mean[best], mean)
    return Sounds(now, np.arange(1 - len(scores), 1) * 0.24, scores, labels)


@pytest.mark.parametrize(("cents", "color"), [(4.9, "#2e9463"), (-5.1, "#c05621")])
def test_a_tuner_is_green_within_5_cents_only(cents, color):
    svg = figures.tuner(TunerReading(440.0, "C#4", cents, 0.9))
    needle = next(parsed(svg).iter("line"))
    assert needle.get("stroke") == color
    assert (float(needle.get("x2")) > 180) == (cents > 0)
    assert "C♯4" in texts(svg)
    assert parsed(svg).get("aria-label") == f"Tuner: C#4, 440.0 Hz, {cents:+.0f} cents"


def test_a_tuner_without_a_tone_has_no_needle():
    svg = figures.tuner(None)
    assert not list(parsed(svg).iter("line"))
    assert parsed(svg).get("aria-label") == "Tuner: no pitch"


def test_a_curve_has_a_line_for_each_stretch_within_the_figure():
    frequency = np.repeat([220.0, np.nan, 330.0, np.nan, 440.0, np.nan], 20)
    lines = list(parsed(figures.curve(track(frequency))).iter("polyline"))
    points = [np.array([p.split(",") for p in line.get("points").split()], float) for line in lines]
    assert [len(part) for part in points] == [20, 20, 20]
    heights = [part[:, 1].mean() for part in points]
    assert sorted(heights, reverse=True) == heights
    assert all(12 <= height <= 172 for height in heights)


def test_a_curve_of_silence_is_empty():
    svg = figures.curve(track(np.full(100, np.nan)))
    assert not list(parsed(svg).iter("polyline"))
    assert "A4 · 440 Hz" in texts(svg)


def test_bars_are_the_best_classes_and_labels_are_no_markup():
    labels = ("Dog", "<b>Cat</b> & mouse", *(f"Class {i}" for i in range(8)))
    svg = figures.bars(sounds(labels, np.tile(np.linspace(1, 0.1, 10), (3, 1))))
    assert texts(svg)[:4] == ["Dog", "100.0%", "<b>Cat</b> & mouse", "90.0%"]
    widths = [float(bar.get("width")) for bar in parsed(svg).iter("rect")]
    assert len(widths) == 5
    assert widths == sorted(widths, reverse=True)
    assert "<b>" not in svg


def test_the_map_shows_what_is_more_than_faint():
    scores = np.zeros((83, 10), np.float32)
    scores[80:, 3] = 0.8
    svg = figures.classes(sounds(tuple(f"Class {i}" for i in range(10)), scores))
    cells = list(parsed(svg).iter("rect"))
    assert [cell.get("fill-opacity") for cell in cells] == ["0.80"] * 3
    assert float(cells[-1].get("x")) + float(cells[-1].get("width")) == pytest.approx(352, abs=0.2)
    assert texts(svg)[0] == "Class 3"
