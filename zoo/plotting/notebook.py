"""Pieces of HTML with which results show themselves in a notebook.

They need no scripts and no other files. Text and lines take the color of the page, so that they can be read
on a light and on a dark one. `text` and pandas escape everything that comes from outside.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo.plotting.theme import COLOR, shortened

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 20  # of a table
_MAX_TEXT = 40  # characters of a cell
_MAX_TITLE, _MAX_NOTE = 80, 200
_MAX_SENTENCE = 300
_TICKS = 400  # steps that a time line is drawn in
_MAX_POINTS = 600  # of a curve
_WIDTH, _HEIGHT = 600, 140  # of a curve, in pixels
_MAX_CELLS = 64  # of a heat map along each side
_SIDE = 224  # of a heat map, in pixels

_CELL = "border:0;padding:1px 8px 1px 0;text-align:left;white-space:nowrap;background:transparent"
_TABLE = "border:0;border-collapse:collapse;margin:4px 0;table-layout:auto;width:100%;max-width:640px"


def text(value: str, max_length: int = _MAX_TEXT) -> str:
    """Return a text escaped, and shortened to fit in a cell."""
    encodable = value.encode("utf-8", "replace").decode()  # names of files may hold lone surrogates
    return html.escape(shortened(encodable, max_length))


def quantity(count: int, noun: str, plural: str = "") -> str:
    """Return a number and its noun, for example ``"1 event"`` or ``"1,200 events"``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def card(title: str, note: str, *pieces: str) -> str:
    """Return pieces of HTML below a line with a title and a note, both plain text."""
    head = f'<b>{text(title, _MAX_TITLE)}</b> <span style="opacity:.7">{text(note, _MAX_NOTE)}</span>'
    return f'<div style="color:inherit;background:transparent"><div>{head}</div>{"".join(pieces)}</div>'


def paragraphs(texts: Sequence[str]) -> str:
    """Return the first of some sentences, each on a line of its own, and how many more there are."""
    lines = "".join(f"<div>{text(one, _MAX_SENTENCE)}</div>" for one in texts[:MAX_ROWS])
    return lines + more_rows(len(texts))


def more_rows(count: int) -> str:
    """Return a line with the number of rows that a table leaves out, or nothing."""
    hidden = count - MAX_ROWS
    return f'<div style="opacity:.7">and {hidden:,} more</div>' if hidden > 0 else ""


def table(frame: pd.DataFrame, columns: list[str] | None = None) -> str:
    """Return some or all columns of the first rows of a table, and how many more rows there are."""
    rows = frame.head(MAX_ROWS)
    rows = rows.map(lambda value: shortened(value, _MAX_TEXT) if isinstance(value, str) else value)
    thousands = dict.fromkeys(rows.select_dtypes("integer"), "{:,}".format)
    body = rows.to_html(
        columns=columns,
        index=False,
        border=0,
        justify="left",
        na_rep="–",
        float_format="{:.4g}".format,
        formatters=thousands,
    )
    return body + more_rows(len(frame))


def bars(rows: Iterable[tuple[str, float, str]]) -> str:
    """Return one bar a row.

    Parameters
    ----------
    rows : iterable of (label, fraction, number)
        The fraction is the length of the bar, from 0 to 1; the number is written behind it.
    """
    return _rows(
        (label, f'<div style="width:{_percent(fraction)}%;height:11px;background:{COLOR}"></div>', number)
        for label, fraction, number in rows
    )


def timeline(rows: Mapping[str, Sequence[tuple[float, float]]], duration: float) -> str:
    """Return one line a label, with a bar for each stretch of time.

    Parameters
    ----------
    rows : mapping of str to sequence of (start, end)
        In s.
    duration : float
        Of the whole line, in s.
    """
    axis = (
        '<div style="display:flex;justify-content:space-between;border-top:1px solid;opacity:.7">'
        f"<span>0 s</span><span>{duration:.1f} s</span></div>"
    )
    lines = [(label, _stretches(times, duration), "") for label, times in rows.items()]
    return _rows([*lines, ("", axis, "")])


def curve(values: np.ndarray, limits: tuple[float, float], marks: tuple[str, str, str, str]) -> str:
    """Return a line through values at even distances, with gaps where they are NaN.

    Parameters
    ----------
    values : ndarray, shape (n,)
        More than 600 are replaced by medians of neighbors.
    limits : tuple of float
        Values at the bottom and at the top.
    marks : tuple of str
        Texts at the bottom, top, left and right of the axes.
    """
    chunks = np.array_split(values, max(1, min(len(values), _MAX_POINTS)))
    points = np.array([np.nanmedian(chunk) if np.isfinite(chunk).any() else np.nan for chunk in chunks])
    low, high = limits
    y = _HEIGHT * (1 - (points - low) / ((high - low) or 1))
    x = np.linspace(0, _WIDTH, len(points)) if len(points) > 1 else [_WIDTH / 2]
    bottom, top, left, right = map(html.escape, marks)
    style = 'fill="currentColor" font-size="12"'
    return (
        f'<svg viewBox="-70 -12 {_WIDTH + 82} {_HEIGHT + 36}" style="width:100%;max-width:{_WIDTH + 82}px">'
        f'<path d="M0 0V{_HEIGHT}H{_WIDTH}" fill="none" stroke="currentColor" stroke-opacity=".5"/>'
        f'<path d="{_path(x, y)}" fill="none" stroke="{COLOR}" stroke-width="2.5" stroke-linecap="round"/>'
        f'<text x="-6" y="{_HEIGHT}" text-anchor="end" {style}>{bottom}</text>'
        f'<text x="-6" y="8" text-anchor="end" {style}>{top}</text>'
        f'<text x="0" y="{_HEIGHT + 18}" {style}>{left}</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT + 18}" text-anchor="end" {style}>{right}</text></svg>'
    )


def heat_map(values: np.ndarray, palette: np.ndarray, aspect: float) -> str:
    """Return an image of cells.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
        From 0 to 1.
    palette : ndarray, shape (256, 3)
        Colors of 0 to 1, from 0 to 255.
    aspect : float
        Width of the image divided by its height.
    """
    from PIL import Image

    image = Image.fromarray((255 * np.nan_to_num(values).clip(0, 1)).round().astype(np.uint8), "L")
    image.thumbnail((_MAX_CELLS, _MAX_CELLS))
    image = Image.fromarray(np.asarray(image), "P")
    image.putpalette(palette.round().astype(np.uint8).tobytes())
    file = io.BytesIO()
    image.save(file, "PNG")
    width, height = max(1, round(_SIDE * min(1, aspect))), max(1, round(_SIDE / max(1, aspect)))
    style = f"width:{width}px;height:{height}px;image-rendering:pixelated;margin:4px 0"
    return (
        f'<img alt="heat map" style="{style}" '
        f'src="data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}">'
    )


def _rows(rows: Iterable[tuple[str, str, str]]) -> str:
    """Return a table of labels, drawings (as HTML) and numbers."""
    lines = "".join(
        f'<tr style="background:transparent"><td style="{_CELL};width:1%">{text(label)}</td>'
        f'<td style="{_CELL}">{drawing}</td><td style="{_CELL};width:1%">{text(number)}</td></tr>'
        for label, drawing, number in rows
    )
    return f'<table style="{_TABLE}">{lines}</table>'


def _stretches(times: Sequence[tuple[float, float]], duration: float) -> str:
    """Return bars along a line; those closer than it can show are joined, which bounds their number."""
    filled = np.zeros(_TICKS + 2, bool)
    scale = _TICKS / duration if duration > 0 else 0
    for start, end in times:
        first = min(max(int(start * scale), 0), _TICKS - 1)
        filled[first + 1 : max(first + 1, min(round(end * scale), _TICKS)) + 1] = True
    changes = np.flatnonzero(np.diff(filled.astype(int)))
    path = "".join(f"M{a} 0h{b - a}v1h{a - b}z" for a, b in changes.reshape(-1, 2))
    style = "display:block;width:100%;height:11px"
    return (
        f'<svg viewBox="0 0 {_TICKS} 1" preserveAspectRatio="none" style="{style}">'
        f'<path d="{path}" fill="{COLOR}"/></svg>'
    )


def _path(x: Iterable[float], y: Iterable[float]) -> str:
    steps, joined = [], False
    for across, down in zip(x, y, strict=True):
        finite = bool(np.isfinite(down))
        if finite:
            steps.append(f"L{across:.0f} {down:.1f}" if joined else f"M{across:.0f} {down:.1f}h0")
        joined = finite
    return "".join(steps)


def _percent(fraction: float) -> str:
    return f"{100 * float(np.clip(np.nan_to_num(fraction), 0, 1)):.1f}"
