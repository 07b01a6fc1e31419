"""Pieces of HTML for notebooks."""

import base64
import io
import re

import numpy as np
import pandas as pd
from PIL import Image

from zoo.plotting import notebook

PALETTE = np.stack([np.arange(256)] * 3, axis=1)


def _stretches(source: str) -> list[tuple[int, int]]:
    """Start and length of each bar, in steps of 400 a line."""
    return [(int(start), int(length)) for start, length in re.findall(r"M(\d+) 0h(\d+)v1", source)]


def test_a_text_is_escaped_after_it_is_shortened_and_can_be_written_to_a_file():
    assert notebook.text("<b>\udcff'\"") == "&lt;b&gt;?&#x27;&quot;"
    assert notebook.text("&" * 50) == "&amp;" * 39 + "…"


def test_a_quantity_has_its_plural():
    assert notebook.quantity(1, "class", "classes") == "1 class"
    assert notebook.quantity(1200, "class", "classes") == "1,200 classes"
    assert notebook.quantity(0, "event") == "0 events"


def test_bars_are_as_long_as_their_fraction_and_never_too_long():
    source = notebook.bars([("a", 0.25, "25%"), ("b", 7.0, "700%"), ("c", float("nan"), "NaN")])
    assert re.findall(r"width:([\d.]+)%;height", source) == ["25.0", "100.0", "0.0"]


def test_a_timeline_joins_what_touches_and_ends_with_the_recording():
    rows = {"a": [(0.0, 1.0), (1.0, 2.0), (3.0, 9.0)], "b": [(0.001, 0.002)]}
    assert _stretches(notebook.timeline(rows, 4.0)) == [(0, 200), (300, 100), (0, 1)]


def test_a_timeline_is_small_whatever_the_number_of_its_stretches():
    many = {"a": [(i / 1000, i / 1000 + 1e-4) for i in range(100_000)]}
    assert len(notebook.timeline(many, 100.0)) < 5000


def test_a_curve_runs_from_the_bottom_to_the_top_and_breaks_at_nan():
    source = notebook.curve(np.array([0, 1, np.nan, 0.5]), (0, 1), ("<0", "1", "0", "3"))
    assert 'd="M0 140.0h0L200 0.0M600 70.0h0"' in source
    assert ">&lt;0</text>" in source


def test_a_long_curve_has_the_medians_of_neighbors():
    source = notebook.curve(np.tile([0.0, 0.5, 1.0], 10_000), (0, 1), ("", "", "", ""))
    assert source.count("L") <= 600
    assert set(re.findall(r"[LM]\d+ ([\d.]+)", source.split('fill="none"')[1])) == {"70.0"}


def test_a_heat_map_has_a_pixel_a_cell():
    source = notebook.heat_map(np.array([[0, 1, np.nan], [0.5, 2, -1]]), PALETTE, aspect=2)
    assert "width:224px;height:112px" in source
    content = re.search(r"base64,([^\"]+)", source).group(1)
    image = Image.open(io.BytesIO(base64.b64decode(content))).convert("L")
    assert np.asarray(image).tolist() == [[0, 255, 0], [128, 255, 0]]


def test_a_table_has_escaped_cells_and_heads_and_a_dash_for_nan():
    source = notebook.table(pd.DataFrame({"<i>": ["<b>"], "n": [1234567], "x": [np.nan]}))
    assert "<th>&lt;i&gt;</th>" in source
    assert re.findall("<td>(.*)</td>", source) == ["&lt;b&gt;", "1,234,567", "–"]
