"""Charts of the pages: colors of labels, and the file that they are saved as."""

import json
from pathlib import Path

import pytest
from streamlit.elements.lib.streamlit_plotly_theme import GRAY_90
from streamlit.testing.v1 import AppTest

import zoo
from tests.contrast import contrast, rgb
from zoo.app.components.charts import LABELS, STYLE

APP = Path(zoo.__file__).parent / "app"

PAGES = {"light": "#ffffff", "dark": "#171614"}  # Streamlit's own colors, which the app's theme keeps


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


def test_labels_have_their_color_in_the_figure_too_which_is_what_is_saved():
    def draw() -> None:
        import plotly.graph_objects as go

        from zoo.app.components.charts import chart

        chart(go.Figure(go.Bar(x=[1], y=[2])), "scores", key="bars", alt="Scores")

    (element,) = AppTest.from_function(draw).run().get("plotly_chart")
    layout = json.loads(element.proto.spec)["layout"]
    fonts = [layout["font"], layout["legend"]["title"]["font"]]
    for axis in (layout["xaxis"], layout["yaxis"]):
        fonts += [axis["tickfont"], axis["title"]["font"]]
    assert fonts == [{"color": GRAY_90}] * 6  # the browser replaces it


def test_all_charts_of_the_app_are_drawn_so():
    drawing = [path.relative_to(APP) for path in APP.rglob("*.py") if ".plotly_chart(" in path.read_text()]
    assert drawing == [Path("components/charts.py")]
