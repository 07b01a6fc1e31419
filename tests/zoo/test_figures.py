"""Figures show what was heard, at a size that a browser can take."""

import numpy as np
import pytest

import zoo
from zoo import figures

RATE = 16000
TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(3 * RATE) / RATE)).astype(np.float32)


@pytest.mark.parametrize("seconds", [0.001, 1, 600])
def test_a_figure_is_no_wider_than_a_screen(seconds):
    samples = np.zeros(int(seconds * RATE), np.float32)
    assert len(figures.waveform(samples, RATE).x) <= 2 * figures.MOST_COLUMNS
    picture = figures.spectrogram(samples, RATE, low=60, high=8000)
    assert np.shape(picture.z)[1] <= figures.MOST_COLUMNS + 2
    assert np.isfinite(picture.z).all()


def test_the_spectrogram_peaks_where_the_tone_is():
    picture = figures.spectrogram(TONE, RATE, low=60, high=8000)
    peak = picture.y[np.array(picture.z)[:, 10].argmax()]
    assert peak == pytest.approx(440, rel=0.03)
    assert np.max(picture.z) == pytest.approx(0, abs=3)  # between two rows


def test_pitch_lies_over_the_spectrogram(net):
    track = zoo.pitch(TONE, rate=RATE, network=net("crepe.tiny"))
    figure = figures.pitch(TONE, RATE, track)
    assert [trace.type for trace in figure.data] == ["heatmap", "scatter", "scatter"]
    np.testing.assert_allclose(figure.data[1].y, track.frequency)


@pytest.mark.parametrize(
    ("low", "high", "names"),
    [(250, 500, ["C4", "D4", "E4", "F4", "G4", "A4", "B4"]), (30, 4200, [f"C{i}" for i in range(1, 9)])],
)
def test_a_frequency_axis_names_notes(low, high, names):
    ticks = figures.note_ticks(low, high)
    assert list(ticks) == names
    assert ticks["C4"] == pytest.approx(261.63, abs=0.01)


def test_events_lie_below_waveform_and_spectrogram(net):
    heard = zoo.sound_events(TONE, rate=RATE, network=net("yamnet"), threshold=0.1)
    figure = figures.sound_events(TONE, RATE, heard)
    assert [trace.type for trace in figure.data] == ["scatter", "heatmap", "bar"]
    assert len(figure.data[2].x) == len(heard.events) > 0
