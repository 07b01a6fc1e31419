"""Figures show what was heard, at a size that a browser can take."""

from dataclasses import replace

import numpy as np
import pytest

import zoo
from zoo.app.components import audio_figures

RATE = 16000
TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(3 * RATE) / RATE)).astype(np.float32)


@pytest.mark.parametrize("seconds", [0.001, 1, 600])
def test_a_figure_is_no_wider_than_a_screen(seconds):
    samples = np.zeros(int(seconds * RATE), np.float32)
    assert len(audio_figures.waveform(samples, RATE).x) <= 2 * audio_figures.MAX_COLUMNS
    picture = audio_figures.spectrogram(samples, RATE, low=60, high=8000)
    assert np.shape(picture.z)[1] <= audio_figures.MAX_COLUMNS + 2
    assert np.isfinite(picture.z).all()


def test_the_spectrogram_peaks_where_the_tone_is():
    picture = audio_figures.spectrogram(TONE, RATE, low=60, high=8000)
    peak = 10 ** picture.y[np.array(picture.z)[:, 10].argmax()]
    assert peak == pytest.approx(440, rel=0.03)
    assert np.max(picture.z) == pytest.approx(0, abs=3)  # between two rows


def test_pitch_lies_over_the_spectrogram(net):
    track = zoo.pitch(TONE, sample_rate=RATE, network=net("crepe.tiny"))
    figure = audio_figures.pitch(TONE, RATE, track)
    assert [trace.type for trace in figure.data] == ["heatmap", "scatter", "scatter"]
    np.testing.assert_allclose(10 ** figure.data[1].y, track.frequency)
    ticks = figure.layout.yaxis
    assert 10 ** ticks.tickvals[ticks.ticktext.index("A4 · 440 Hz")] == pytest.approx(440)


@pytest.mark.parametrize(
    ("low", "high", "names"),
    [(250, 500, ["C4", "D4", "E4", "F4", "G4", "A4", "B4"]), (30, 4200, [f"C{i}" for i in range(1, 9)])],
)
def test_a_frequency_axis_names_notes(low, high, names):
    ticks = audio_figures.note_ticks(low, high)
    assert list(ticks) == names
    assert ticks["C4"] == pytest.approx(261.63, abs=0.01)


def test_the_scores_of_classes_are_as_wide_as_a_screen_and_lose_no_peak(net):
    result = zoo.sound_events(TONE, sample_rate=RATE, network=net("yamnet"))
    figure = audio_figures.class_scores(result, max_classes=7)
    assert np.shape(figure.data[0].z) == (7, len(result.scores))
    best = result.scores.max(axis=0).argsort()[::-1][:7]
    np.testing.assert_array_equal(figure.data[0].z, result.scores[:, best].T)
    long = replace(result, scores=np.tile(result.scores, (400, 1)), times=np.tile(result.times, (400, 1)))
    scores = np.array(audio_figures.class_scores(long, max_classes=7).data[0].z)
    assert scores.shape[1] <= audio_figures.MAX_COLUMNS
    np.testing.assert_array_equal(scores.max(axis=1), result.scores[:, best].max(axis=0))


def test_events_lie_below_waveform_and_spectrogram(net):
    result = zoo.sound_events(TONE, sample_rate=RATE, network=net("yamnet"), threshold=0.1)
    figure = audio_figures.sound_events(TONE, RATE, result)
    assert [trace.type for trace in figure.data] == ["scatter", "heatmap", "bar"]
    assert len(figure.data[2].x) == len(result.events) > 0
