"""Figures of sound: waveform and spectrogram on one time axis with what a network made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import torch
import torchaudio
from plotly.colors import sequential
from plotly.subplots import make_subplots

from zoo.plotting.theme import COLOR, plain, shortened
from zoo.results import PitchTrack, SoundEvents

MAX_COLUMNS = 1000  # a screen shows no more
# Streamlit takes #000001 to #000010, among them Magma's first color, for places in its own palette.
_MAGMA = ["#01000c", *sequential.Magma[1:]]
_MARGIN = {"l": 8, "r": 8, "t": 8, "b": 8}


def waveform(samples: np.ndarray, sample_rate: int) -> go.Scatter:
    """Draw the outline of a waveform, at most `MAX_COLUMNS` columns wide."""
    step = max(1, -(-len(samples) // MAX_COLUMNS))
    columns = np.pad(samples, (0, -len(samples) % step), mode="edge").reshape(-1, step)
    outline = np.stack([columns.min(axis=1), columns.max(axis=1)], axis=1).ravel()
    time = (np.arange(len(columns)) * step / sample_rate).repeat(2)
    return go.Scatter(
        x=time,
        y=outline,
        mode="lines",
        line={"width": 1, "color": COLOR},
        hoverinfo="skip",
        showlegend=False,
    )


def spectrogram(
    samples: np.ndarray, sample_rate: int, *, low: float, high: float, rows: int = 128, window: int = 2048
) -> go.Heatmap:
    """Draw a spectrogram in dB below its maximum; its vertical axis is log10 of the frequency in Hz.

    Plotly draws it on a linear axis of logarithms in a fifth of the time that its logarithmic axis takes.

    Parameters
    ----------
    samples : ndarray, shape (n,)
    sample_rate : int
        Hz.
    low, high : float
        Frequencies that it spans, in Hz.
    rows : int
        Frequencies that it shows.
    window : int
        Length of the transform, in samples.
    """
    hop = max(window // 8, -(-len(samples) // MAX_COLUMNS))
    transform = torch.nn.Sequential(
        torchaudio.transforms.Spectrogram(n_fft=window, hop_length=hop),
        torchaudio.transforms.AmplitudeToDB(top_db=80),
    )
    padded = np.pad(samples, (0, max(0, window - len(samples))))
    decibels = transform(torch.from_numpy(padded)).numpy()
    frequencies = np.geomspace(low, high, rows)
    position = frequencies * window / sample_rate
    below = position.astype(int).clip(max=window // 2 - 1)
    fraction = (position - below)[:, None]
    interpolated = (1 - fraction) * decibels[below] + fraction * decibels[below + 1]
    return go.Heatmap(
        z=(interpolated - decibels.max()).clip(-80).round().astype(np.int8),
        x=np.arange(interpolated.shape[1]) * hop / sample_rate,
        y=np.log10(frequencies),
        customdata=np.broadcast_to(frequencies.astype(np.uint16)[:, None], interpolated.shape),
        colorscale=_MAGMA,
        zmin=-80,
        zmax=0,
        showscale=False,
        hovertemplate="%{x:.2f} s, %{customdata} Hz: %{z} dB<extra></extra>",
    )


def frequency_ticks(ticks: dict[str, float]) -> dict[str, Any]:
    """Words for places on the vertical axis of a `spectrogram`, given in Hz."""
    return {"tickvals": np.log10(list(ticks.values())), "ticktext": list(ticks)}


def note_ticks(low: float, high: float) -> dict[str, float]:
    """Return notes to name on a frequency axis, and their Hz: the white keys of two octaves, else the Cs."""
    import librosa

    letters = "CDEFGAB" if high < 4.5 * low else "C"
    names = [f"{letter}{octave}" for octave in range(9) for letter in letters]
    ticks = dict(zip(names, librosa.note_to_hz(names).tolist(), strict=True))
    return {name: hertz for name, hertz in ticks.items() if low <= hertz <= high}


def sound_events(
    samples: np.ndarray, sample_rate: int, result: SoundEvents, max_classes: int = 12
) -> go.Figure:
    """Waveform, spectrogram and the time line of events below one another."""
    events = result.plot(max_classes=max_classes)
    rows = len({event.label for event in result.events})
    heights = [90, 170, 60 + 28 * min(rows, max_classes)]
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.03, row_heights=heights)
    figure.add_trace(waveform(samples, sample_rate), row=1, col=1)
    figure.add_trace(spectrogram(samples, sample_rate, low=60, high=sample_rate / 2), row=2, col=1)
    for trace in events.data:
        trace.showlegend = False
        trace.marker.colorbar.update(y=0, yanchor="bottom", len=max(0.25, heights[2] / sum(heights)))
        figure.add_trace(trace, row=3, col=1)
    figure.update_yaxes(showticklabels=False, row=1, col=1)
    figure.update_yaxes(
        frequency_ticks({str(f): f for f in (100, 300, 1000, 3000)}), title="Hz", row=2, col=1
    )
    figure.update_yaxes(events.layout.yaxis, row=3, col=1)
    figure.update_xaxes(range=[0, result.duration])
    figure.update_xaxes(title="time (s)", row=3, col=1)
    return figure.update_layout(height=sum(heights) + 80, margin=_MARGIN, barmode="overlay")


def class_scores(result: SoundEvents, max_classes: int = 20) -> go.Figure:
    """Draw the scores over time of the classes with the highest ones, as a heat map."""
    best = np.argsort(-result.scores.max(axis=0), kind="stable")[:max_classes]
    step = max(1, -(-len(result.scores) // MAX_COLUMNS))
    padded = np.pad(result.scores[:, best], ((0, -len(result.scores) % step), (0, 0)))
    peaks = padded.reshape(-1, step, len(best)).max(axis=1).T
    labels = [plain(result.labels[i]) for i in best]
    figure = go.Figure(
        go.Heatmap(
            z=peaks,
            x=result.times.mean(axis=1)[::step],
            y=np.arange(len(best)),  # places, and not the labels: two may look alike once shortened
            customdata=np.broadcast_to(np.array(labels, dtype=object)[:, None], peaks.shape),
            colorscale=_MAGMA,
            zmin=0,
            zmax=1,
            colorbar={"title": "score", "thickness": 12, "tickformat": ".0%"},
            hovertemplate="%{customdata}, %{x:.2f} s: %{z:.1%}<extra></extra>",
        )
    )
    figure.update_xaxes(title="time (s)", range=[0, result.duration])
    figure.update_yaxes(
        tickvals=np.arange(len(best)),
        ticktext=[shortened(label) for label in labels],
        autorange="reversed",
        automargin=True,
    )
    return figure.update_layout(height=90 + 22 * len(best), margin=_MARGIN)


def pitch(samples: np.ndarray, sample_rate: int, track: PitchTrack) -> go.Figure:
    """Draw the pitch over a spectrogram with the names of the octaves, and its confidence below."""
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.04, row_heights=[0.78, 0.22])
    background = spectrogram(samples, sample_rate, low=30, high=4200, rows=200)
    # What is pointed at is the pitch; and without words for the pointer it is half the size.
    background.update(customdata=None, hovertemplate=None, hoverinfo="skip")
    figure.add_trace(background, row=1, col=1)
    (line,) = track.plot().data
    line.update(
        y=np.log10(track.frequency),
        customdata=np.column_stack([track.frequency, line.customdata]),
        hovertemplate="%{x:.2f} s: %{customdata[0]:.1f} Hz, %{customdata[1]}, "
        "confidence %{customdata[2]:.2f}<extra></extra>",
        line={"color": "#39ff88", "width": 3},
    )
    figure.add_trace(line, row=1, col=1)
    figure.add_trace(
        go.Scatter(
            x=track.time,
            y=track.confidence,
            mode="lines",
            line={"width": 1, "color": COLOR},
            fill="tozeroy",
            hovertemplate="%{x:.2f} s: %{y:.2f}<extra></extra>",
        ),
        row=2,
        col=1,
    )
    low, high = (32.7, 2093.0)
    if track.voiced.any():
        low, high = max(30, np.nanmin(track.frequency) / 1.3), min(4200, np.nanmax(track.frequency) * 1.3)
    notes = {f"{note} · {hertz:.0f} Hz": hertz for note, hertz in note_ticks(low, high).items()}
    figure.update_yaxes(frequency_ticks(notes), range=np.log10([low, high]), row=1, col=1)
    figure.update_yaxes(title="confidence", range=[0, 1], row=2, col=1)
    figure.update_xaxes(range=[0, max(len(samples) / sample_rate, 0.1)])
    figure.update_xaxes(title="time (s)", row=2, col=1)
    return figure.update_layout(height=560, margin=_MARGIN, showlegend=False)
