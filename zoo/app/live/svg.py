"""Figures of live audio, drawn several times a second.

They are SVG and not Plotly: Streamlit puts another Plotly chart in place of one whose figure has changed, so
that four a second flicker, and building one takes a hundred times as long.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

import numpy as np

from zoo.app.components.audio_figures import note_ticks
from zoo.app.live.analyzers import HOP_SOUNDS, KEPT_PITCH, KEPT_SOUNDS, Sounds, TunerReading
from zoo.plotting.theme import percent, shortened
from zoo.results import PitchTrack

IN_TUNE = 5.0  # cents; a trained ear can hardly distinguish less
_RIGHT, _OFF = "#2e9463", "#c05621"  # can be distinguished on white and on black
_WIDTH = 360  # of every figure, in its own units
_LEFT, _END = 128, 352  # where the labels of rows end, and the rows
_SEMITONE = 2 ** (1 / 12)
_FAINT = 0.04  # scores below are not drawn


def tuner(tone: TunerReading | None) -> str:
    """Draw a gauge of cents from the nearest note, whose name is in its middle: green if it is in tune."""
    color = "currentColor" if tone is None else _RIGHT if abs(tone.cents) <= IN_TUNE else _OFF
    parts = [
        _arc(-50, 50, 'stroke="currentColor" stroke-opacity="0.12"'),
        _arc(-IN_TUNE, IN_TUNE, f'stroke="{_RIGHT}" stroke-opacity="0.45"'),
        *(
            _text(*_on_gauge(cents, 155), f"{cents:+d}" if cents else "0", "middle")
            for cents in range(-50, 51, 25)
        ),
        f'<text x="180" y="158" font-size="60" text-anchor="middle" fill="{color}">'
        f"{escape(tone.note.replace('#', '♯')) if tone else '–'}</text>",
    ]
    if tone:
        (x1, y1), (x2, y2) = _on_gauge(tone.cents, 98), _on_gauge(tone.cents, 144)
        parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" '
            'stroke-width="6" stroke-linecap="round"/>'
        )
    reading = f"{tone.note}, {tone.frequency:.1f} Hz, {tone.cents:+.0f} cents" if tone else "no pitch"
    return _svg(180, f"Tuner: {reading}", parts)


def curve(track: PitchTrack) -> str:
    """Draw the pitch of the last seconds; the axis spans an octave at least."""
    low, high = 220.0, 440.0
    if track.voiced.any():
        low, high = float(np.nanmin(track.frequency)), float(np.nanmax(track.frequency))
    middle = math.sqrt(low * high)
    low, high = min(low / _SEMITONE**2, middle / 2**0.5), max(high * _SEMITONE**2, middle * 2**0.5)
    # Its ends move a third of an octave at a time, or the axis would never rest.
    low, high = 2 ** (math.floor(3 * math.log2(low)) / 3), 2 ** (math.ceil(3 * math.log2(high)) / 3)

    def height(hertz: float) -> float:
        return 172 - 160 * math.log(hertz / low) / math.log(high / low)

    parts = []
    for note, hertz in note_ticks(low, high).items():
        y = height(hertz)
        parts.append(_line(72, y, _END, y, 0.15) + _text(68, y + 4, f"{note} · {hertz:.0f} Hz", "end"))
    for stretch in np.ma.clump_unmasked(np.ma.masked_invalid(track.frequency)):
        points = " ".join(
            f"{_END + (_END - 72) * time / KEPT_PITCH:.1f},{height(hertz):.1f}"
            for time, hertz in zip(track.time[stretch], track.frequency[stretch], strict=True)
        )
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{_RIGHT}" stroke-width="3" '
            'stroke-linejoin="round" stroke-linecap="round"/>'
        )
    return _svg(208, "Pitch of the last 10 seconds", [*parts, *_seconds_ago(KEPT_PITCH, 2, 72, 190)])


def bars(sounds: Sounds, max_classes: int = 5) -> str:
    """Draw the present classes with the highest scores."""
    best = sounds.now.best(max_classes)
    parts = []
    for row, (label, score) in enumerate(zip(best.labels, best.scores, strict=True)):
        y, length = 6 + 26 * row, 180 * float(score)
        parts.append(
            _text(_LEFT - 6, y + 15, escape(shortened(label, 22)), "end")
            + f'<rect x="{_LEFT}" y="{y}" width="{length:.1f}" height="20" fill="{_RIGHT}"/>'
            + _text(_LEFT + length + 5, y + 15, percent(score))
        )
    return _svg(12 + 26 * max_classes, f"Heard now: {', '.join(best.labels)}", parts)


def classes(sounds: Sounds, max_classes: int = 8) -> str:
    """Draw the scores of the last seconds, of the classes with the highest ones, as a heat map."""
    best = np.argsort(-sounds.scores.max(axis=0), kind="stable")[:max_classes]
    step = (_END - _LEFT) * HOP_SOUNDS / KEPT_SOUNDS
    starts = _END + (_END - _LEFT) * sounds.times / KEPT_SOUNDS - step
    parts = []
    for row, index in enumerate(best):
        y = 4 + 20 * row
        parts.append(_text(_LEFT - 6, y + 13, escape(shortened(sounds.labels[index], 22)), "end"))
        parts.append(_line(_LEFT, y + 19, _END, y + 19, 0.12))
        parts += [
            f'<rect x="{start:.1f}" y="{y}" width="{step:.2f}" height="18" fill="{_RIGHT}" '
            f'fill-opacity="{score:.2f}"/>'
            for start, score in zip(starts, sounds.scores[:, index], strict=True)
            if score >= _FAINT
        ]
    parts += _seconds_ago(KEPT_SOUNDS, 5, _LEFT, 20 * max_classes + 20)
    return _svg(20 * max_classes + 38, "Scores of the last 20 seconds", parts)


def _svg(height: int, label: str, parts: list[str]) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(label)}" width="100%" '
        f'style="display: block; max-width: 560px; margin: auto" font-size="11" fill="currentColor">'
        f"{''.join(parts)}</svg>"
    )


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, opacity: float) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="currentColor" '
        f'stroke-opacity="{opacity}"/>'
    )


def _on_gauge(cents: float, radius: float) -> tuple[float, float]:
    """Return a point on the half circle, -50 at its left end."""
    angle = math.pi * (50 - cents) / 100
    return 180 + radius * math.cos(angle), 168 - radius * math.sin(angle)


def _arc(begin: float, end: float, stroke: str) -> str:
    (x1, y1), (x2, y2) = _on_gauge(begin, 121), _on_gauge(end, 121)
    return (
        f'<path d="M {x1:.1f} {y1:.1f} A 121 121 0 0 1 {x2:.1f} {y2:.1f}" fill="none" '
        f'stroke-width="36" {stroke}/>'
    )


def _seconds_ago(duration: float, step: int, left: float, y: float) -> Iterator[str]:
    for ago in range(0, int(duration) + 1, step):
        yield _text(_END - (_END - left) * ago / duration, y, str(ago), "middle")
    yield _text((left + _END) / 2, y + 14, "seconds ago", "middle")
