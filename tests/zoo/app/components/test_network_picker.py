"""Networks that are chosen and not here: one block, a download on request, and what is here goes on."""

import threading
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

import zoo
from zoo.app import state
from zoo.app.components import network_picker
from zoo.core.errors import WeightsError
from zoo.hub import weights

SECONDS = 20


def several() -> None:
    """A page with a list of several networks."""
    import streamlit as st

    from zoo.app import state
    from zoo.app.components import network_picker, widgets

    names = ["resnet18.tv", "resnet50.tv", "squeezenet.caffe"]
    selected = widgets.multiselect(st, "Networks", state.with_size(names), names, key="several")
    st.session_state["available"] = network_picker.available(selected, "several", names)


def one() -> None:
    """A page with lists of one network."""
    import streamlit as st

    from zoo.app import state
    from zoo.app.components import network_picker, widgets
    from zoo.app.components.network_picker import Choice

    names = ["resnet18.tv", "squeezenet.caffe"]
    with state.one_sentence():
        first = widgets.selectbox(st, "First", state.with_size(names), names[0], key="first")
        second = widgets.selectbox(st, "Second", state.with_size(names), names[1], key="second")
        network_picker.require(Choice("first", first, names), Choice("second", second, names))
        st.text("Both are here.")


@pytest.fixture
def here(monkeypatch) -> set[str]:
    """The networks that are here."""
    names = {"squeezenet.caffe"}
    monkeypatch.setattr(state, "is_here", lambda name: name in names)
    network_picker.pool.cache_clear()
    return names


@pytest.fixture
def requests(monkeypatch, here) -> list[str]:
    """The networks whose weights were asked for; they come at once."""
    names: list[str] = []

    def ensure(spec, progress):
        progress(1, 1)
        names.append(spec.name)
        here.add(spec.name)

    monkeypatch.setattr(weights, "ensure", ensure)
    return names


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def settled(app: AppTest) -> AppTest:
    """The page when its downloads are over."""
    end = threading.Event()
    for _ in range(SECONDS * 100):
        if all(download.over for download in app.session_state["downloads"].values()):
            return app.run()
        end.wait(0.01)
    raise TimeoutError


def test_nothing_is_downloaded_before_the_button_is_pressed(requests):
    app = AppTest.from_function(several).run()
    assert app.session_state["available"] == ["squeezenet.caffe"]
    assert labels(app) == ["Download (149 MB)", "Remove"]
    assert "**ResNet-18** and **ResNet-50** are not downloaded yet." in [one.value for one in app.markdown]
    app.run()
    assert requests == []
    settled(app.get_by_key("missing-download").click().run())
    assert sorted(requests) == ["resnet18.tv", "resnet50.tv"]
    assert app.session_state["available"] == ["resnet18.tv", "resnet50.tv", "squeezenet.caffe"]
    assert labels(app) == []


def test_what_is_missing_is_removed(requests):
    app = AppTest.from_function(several).run()
    app.get_by_key("missing-change").click().run()
    assert app.multiselect[0].value == ["squeezenet.caffe"]
    assert (labels(app), requests) == ([], [])


def test_a_download_shows_how_far_it_is_and_can_be_stopped(here, monkeypatch):
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def ensure(spec, progress):
        try:
            progress(1, 2)
            begun.set()
            go_on.wait(SECONDS)
            progress(2, 2)
            here.add(spec.name)
        finally:
            ended.set()

    monkeypatch.setattr(weights, "ensure", ensure)
    app = AppTest.from_function(one).run()
    app.get_by_key("missing-download").click().run()
    assert begun.wait(SECONDS)
    app.run()
    (bar,) = app.get("progress")
    assert (bar.proto.value, bar.proto.text) == (50, "Downloading ResNet-18: 23 of 47 MB …")
    app.get_by_key("missing-stop").click().run()
    assert not app.get("progress")
    assert labels(app) == ["Download (47 MB)", "Choose another"]
    go_on.set()
    assert ended.wait(SECONDS)
    assert "resnet18.tv" not in here


def test_a_failure_is_one_message_with_ways_out(here, monkeypatch):
    def fail(spec, progress):
        raise WeightsError("The disk is full.")

    monkeypatch.setattr(weights, "ensure", fail)
    app = AppTest.from_function(several).run()
    settled(app.get_by_key("missing-download").click().run())
    assert [error.value for error in app.error] == [
        "**ResNet-18** and **ResNet-50** could not be downloaded: The disk is full. "
        "Already here: SqueezeNet 1.1."
    ]
    assert not app.get("progress")
    assert labels(app) == ["Try again", "Remove"]
    monkeypatch.setattr(weights, "ensure", lambda spec, progress: here.add(spec.name))
    settled(app.get_by_key("missing-download").click().run())
    assert not app.error
    assert labels(app) == []


def test_a_page_of_one_network_waits_and_another_choice_goes_on(requests):
    app = AppTest.from_function(one).run()
    assert not app.text
    assert labels(app) == ["Download (47 MB)", "Choose another"]
    app.get_by_key("missing-change").click().run()
    assert app.selectbox[0].value == "squeezenet.caffe"
    assert [text.value for text in app.text] == ["Both are here."]
    assert requests == []


def test_one_block_is_about_all_lists_of_a_page(here, requests):
    here.clear()
    app = AppTest.from_function(one).run()
    assert labels(app) == ["Download (52 MB)"]  # and there is no other choice
    settled(app.get_by_key("missing-download").click().run())
    assert [text.value for text in app.text] == ["Both are here."]


def test_networks_that_are_here_come_first_and_labels_hold_what_people_search_for(here, monkeypatch):
    title = "ResNet-18 taught ants or bees"
    own = zoo.describe("resnet18").replace(title=title)
    monkeypatch.setattr(state, "trained_networks", lambda modality=None: {"/own": own})
    monkeypatch.setattr(state, "classes_of", lambda folder: ("ants", "bees", "wasps", "flies"))
    here.add("/own")
    assert state.with_size(["/own", "resnet50.tv", "squeezenet.tv", "squeezenet.caffe"]) == {
        "/own": f"{title} · wasps, flies ✓",
        "squeezenet.caffe": "SqueezeNet 1.1 ✓",
        "resnet50.tv": "ResNet-50 · resnet50.tv · 102 MB",
        "squeezenet.tv": "SqueezeNet 1.1 (torchvision) · 5 MB",
    }


def test_a_page_that_does_not_ask_downloads_nothing(here):
    with pytest.raises(WeightsError, match="ResNet-18 is not downloaded yet"):
        state.network("resnet18.tv")


def test_what_arrives_while_the_page_is_drawn_is_shown_at_once(here):
    app = AppTest.from_function(several)
    app.session_state["downloads"] = {"resnet18.tv": SimpleNamespace(over=True, error="")}
    app.run()
    assert labels(app) == ["Download (149 MB)", "Remove"]
    assert app.session_state["downloads"] == {}
