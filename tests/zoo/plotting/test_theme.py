"""Texts on the color of all figures."""

import numpy as np
import pandas as pd

from tests.contrast import contrast, rgb
from zoo.plotting.comparison import bars
from zoo.plotting.evaluation import confusion
from zoo.plotting.theme import COLOR, INK


def test_texts_on_bars_and_cells_can_be_read():
    assert contrast(rgb(INK), rgb(COLOR)) >= 4.5
    row = {"network": "a", "latency_ms": 1.0, "latency_p90_ms": 2.0, "memory_mb": 3.0}
    for trace in bars(pd.DataFrame([row])).data:
        assert trace.insidetextfont.color == INK
    assert confusion(np.eye(2, dtype=int), ["a", "b"], 2).data[0].textfont.color == INK
