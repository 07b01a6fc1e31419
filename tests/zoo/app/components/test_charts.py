"""Charts of the pages: colors of labels, and the file that they are saved as."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from tests.contrast import contrast
from zoo.app.components.charts import LABELS, STYLE

PAGES = {"light": "#ffffff", "dark": "#171614"}  # Streamlit's own colors, which the app's theme keeps


def rgb(color: str) -> list[int]:
    return [int(color[i : i + 2], 16) for i in (1, 3, 5)]


@pytest.mark.parametrize("scheme", PAGES)
def test_labels_can_be_read(scheme):
    assert contrast(rgb(LABELS[scheme]), rgb(PAGES[scheme])) >= 4.5
    assert LABELS[scheme] in STYLE


def test_black_on_white_has_the_largest_contrast_and_equal_colors_have_none():
    assert contrast([0, 0, 0], [255, 255, 255]) == pytest.approx(21)
    assert contrast([128, 132, 149], [255, 255, 255]) == pytest.approx(3.7, abs=0.05)
    assert contrast([9, 9, 9], [9, 9, 9]) == 1


def test_a_chart_is_saved_under_its_name_and_has_buttons_to_zoom_where_they_are_asked_for():
    def draw() -> None:
        import plotly.graph_objects as go

        from zoo.app.components.charts import chart

        chart(go.Figure(), "scores", key="plain", alt="Scores")
        chart(go.Figure(), "events", key="zoomed", alt="Events", zoom=True)

    app = AppTest.from_function(draw).run()
    assert not app.exception
    plain, zoomed = (json.loads(element.proto.config) for element in app.get("plotly_chart"))
    assert plain["toImageButtonOptions"]["filename"] == "scores"
    assert zoomed["toImageButtonOptions"]["filename"] == "events"
    assert "zoom2d" in plain["modeBarButtonsToRemove"]
    assert not zoomed["modeBarButtonsToRemove"]
