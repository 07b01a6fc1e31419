"""Widgets return what they offered, whatever a browser sends."""

import ast
import math
from pathlib import Path

import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as some
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.SelectWidgetFilterMode_pb2 import SelectWidgetFilterMode
from streamlit.runtime.uploaded_file_manager import DeletedFile, UploadedFile, UploadedFileRec
from streamlit.testing.v1 import AppTest

import zoo
from zoo.app.components import widgets
from zoo.app.components.offer import Offer, numbered
from zoo.core.errors import InputError

PAGES = Path(zoo.__file__).parent / "app" / "pages"
CHECKED = {
    "selectbox",
    "multiselect",
    "pills",
    "segmented_control",
    "select_slider",
    "slider",
    "number_input",
    "text_input",
}
UNCHECKED = {"radio", "text_area", "date_input", "time_input", "feedback", "data_editor", "chat_input"}
values = some.one_of(
    some.none(),
    some.booleans(),
    some.integers(),
    some.floats(),
    some.text(),
    some.binary(),
    some.lists(some.text()),
    some.dictionaries(some.text(), some.integers()),
    some.sampled_from(["a", "b", 1, 2.0, True]),
)


@given(value=values)
def test_an_option_is_one_of_those_offered_of_the_same_type(value):
    options = ["a", "b", 1, 2.0]
    if any(type(value) is type(option) and value == option for option in options):
        assert Offer("Widget", options).one(value) == value
    else:
        with pytest.raises(
            InputError, match=r"^Widget: .* was not offered here; choose one of those shown\.$"
        ):
            Offer("Widget", options).one(value)


@given(value=some.one_of(values, some.lists(values)))
def test_several_options_are_those_offered_each_once(value):
    try:
        selected = Offer("Widget", {"a": "A", "b": "B", 1: "one"}).several(value, max_selections=2)
    except InputError:
        return
    assert set(selected) <= {"a", "b", 1}
    assert len(set(selected)) == len(selected) <= 2


def test_several_options_are_no_more_than_allowed():
    offer = Offer("Widget", "abc")
    assert offer.several(["c", "a", "c"], max_selections=2) == ["c", "a"]
    with pytest.raises(InputError, match="Widget: 3 were chosen; choose at most 2"):
        offer.several(["a", "b", "c"], max_selections=2)


@given(labels=some.lists(some.sampled_from(["a", "b", "a (2)", "a (3)"])))
def test_labels_become_distinct_and_first_ones_stay(labels):
    distinct = list(numbered(labels))
    assert len(set(distinct)) == len(labels)
    assert all(label == labels[0] for label in distinct[:1])
    assert all(new.startswith(old) for new, old in zip(distinct, labels, strict=True))


@given(value=values)
def test_a_number_is_finite_in_its_range_and_of_its_type(value):
    for low, high in ((1, 9), (0.5, 9.5)):
        good = type(value) is type(low) and math.isfinite(value) and low <= value <= high
        if good:
            assert widgets.in_range("Widget", value, low, high) == value
        else:
            with pytest.raises(InputError, match=r"^Widget: .* was not offered here; choose a number from"):
                widgets.in_range("Widget", value, low, high)


@given(
    state=some.one_of(
        values,
        some.fixed_dictionaries(
            {
                "selection": some.one_of(
                    values,
                    some.fixed_dictionaries(
                        {
                            "rows": some.one_of(values, some.lists(values)),
                            "points": some.one_of(values, some.lists(values)),
                        }
                    ),
                )
            }
        ),
    )
)
def test_a_selection_is_of_what_is_shown(state):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(st, "session_state", {"key": state})
        assert widgets.selected_row("key", ("a", "b", "c")) in (None, "a", "b", "c")
        assert widgets.clicked_point("key", range(3)) in (None, 0, 1, 2)
        assert widgets.current_choice("key", ("a", "b")) in (None, "a", "b")
        assert widgets.taken_file("key") is None


@pytest.mark.parametrize(
    ("rows", "row"),
    [([1], "b"), ([2, 0], "c"), ([], None), ([-1], None), ([3], None), (["1"], None), ([True], None)],
)
def test_a_row(rows, row, monkeypatch):
    monkeypatch.setattr(st, "session_state", {"key": {"selection": {"rows": rows}}})
    assert widgets.selected_row("key", "abc") == row


@pytest.mark.parametrize(
    ("point", "layer"),
    [
        ({"customdata": ["fc", 1]}, "fc"),
        ({"customdata": ["conv"]}, None),
        ({"customdata": "fc"}, None),
        ({}, None),
    ],
)
def test_a_point(point, layer, monkeypatch):
    monkeypatch.setattr(st, "session_state", {"key": {"selection": {"points": [point]}}})
    assert widgets.clicked_point("key", ["fc"]) == layer


def test_a_photo_that_this_session_did_not_upload_is_none(monkeypatch):
    own = UploadedFile(UploadedFileRec("1", "photo.jpg", "image/jpeg", b"x"), FileURLs())
    monkeypatch.setattr(st, "session_state", {"own": own, "other": DeletedFile("2")})
    assert widgets.taken_file("own") is own
    assert widgets.taken_file("other") is None
    assert widgets.taken_file("absent") is None


def page() -> None:
    """One widget of each kind, and what it returns."""
    import streamlit as st

    from zoo.app.components import widgets
    from zoo.app.state import one_sentence

    names = {"a": "Same", "b": "Same", "c": "Other"}
    results = {
        "select": lambda: widgets.selectbox(st, "Select", names, "b", key="select"),
        "slide": lambda: widgets.select_slider(st, "Slide", [1, 2, 4], 2, key="slide"),
        "range": lambda: widgets.select_range(st, "Range", ["C", "D", "E"], key="range"),
        "segment": lambda: widgets.segmented_control(st, "Segment", names, "c", key="segment"),
        "optional": lambda: widgets.segmented_control(st, "Optional", names, key="optional"),
        "pills": lambda: widgets.pills(st, "Pills", names, ["a"], key="pills"),
        "several": lambda: widgets.multiselect(st, "Several", names, ["a"], max_selections=2, key="several"),
        "number": lambda: widgets.slider(st, "Number", 1, 9, 3, 2, key="number"),
        "share": lambda: widgets.slider(st, "Share", 0.0, 1.0, 0.5, 0.05, key="share"),
        "entry": lambda: widgets.number_input(st, "Entry", 0, 9, 1, 1, key="entry"),
        "text": lambda: widgets.text_input(st, "Text", "x", key="text", max_chars=5),
    }
    for key, result in results.items():
        with one_sentence():
            st.session_state[f"{key}-result"] = result()


DEFAULTS = {
    "select": "b",
    "slide": 2,
    "range": ("C", "E"),
    "segment": "c",
    "optional": None,
    "pills": ["a"],
    "several": ["a"],
    "number": 3,
    "share": 0.5,
    "entry": 1,
    "text": "x",
}


def test_defaults_and_choices():
    app = AppTest.from_function(page, default_timeout=120).run()
    assert {key: app.session_state[f"{key}-result"] for key in DEFAULTS} == DEFAULTS
    assert app.selectbox[0].options == ["Same", "Same (2)", "Other"]
    by_key = {
        "select": "a",
        "slide": 4,
        "segment": "a",
        "optional": "c",
        "several": ["c", "b"],
        "share": 0.35,
    }
    for key, value in by_key.items():
        app.get_by_key(key).set_value(value)
    app.run()
    assert not app.exception
    assert not app.error
    assert {key: app.session_state[f"{key}-result"] for key in by_key} == by_key


def test_the_default_of_a_list_is_its_value_for_browsers_that_load_it_late():
    app = AppTest.from_function(page, default_timeout=120)
    app.session_state["select"] = "c"
    assert app.run().selectbox[0].proto.default == 2
    assert app.run().selectbox[0].proto.default == 2
    assert app.selectbox[0].set_value("a").run().selectbox[0].proto.default == 0
    assert app.session_state["select-result"] == "a"


def relabeled() -> None:
    """Lists whose labels change."""
    import streamlit as st

    from zoo.app.components import widgets

    names = {"a": st.session_state.get("label", "A"), "b": "B"}
    widgets.selectbox(st, "Select", names, key="select")
    widgets.multiselect(st, "Several", names, ["a"], key="several")


def test_a_new_label_of_what_is_chosen_is_sent_to_the_browser():
    app = AppTest.from_function(relabeled, default_timeout=120).run()
    lists = app.selectbox[0], app.multiselect[0]
    assert [one.proto.set_value for one in lists] == [False, False]
    app.session_state["label"] = "A ✓"
    app.run()
    assert [app.selectbox[0].proto.set_value, app.multiselect[0].proto.set_value] == [True, True]
    assert app.selectbox[0].proto.raw_value == "A ✓"
    assert list(app.multiselect[0].proto.raw_values) == ["A ✓"]
    app.run()
    assert [app.selectbox[0].proto.set_value, app.multiselect[0].proto.set_value] == [False, False]


def test_lists_are_searched_by_parts_of_labels_and_enter_takes_one():
    app = AppTest.from_function(page, default_timeout=120).run()
    contains = SelectWidgetFilterMode.FILTER_MODE_CONTAINS
    assert [app.selectbox[0].proto.filter_mode, app.multiselect[0].proto.filter_mode] == [contains] * 2
    assert app.multiselect[0].proto.select_all == 0


@pytest.mark.parametrize(
    "value", ["tfhub:/folder", "Same", 7, -1, 1.5, math.inf, ["a", "hf:x"], {"a": 1}, b"a"]
)
@pytest.mark.parametrize("key", ["select", "segment", "optional", "pills", "several"])
def test_what_was_not_offered_is_the_default_nothing_or_a_sentence(key, value):
    app = AppTest.from_function(page, default_timeout=120)
    app.session_state[key] = [value] if key in ("pills", "several") else value
    app.run()
    assert not app.exception
    assert all(error.value.startswith(key.capitalize()) for error in app.error)
    result = app.session_state.get(f"{key}-result", None)
    assert result in (None, [], ["a"], DEFAULTS[key])


def test_too_many_and_too_much_are_a_sentence():
    app = AppTest.from_function(page, default_timeout=120).run()
    app.get_by_key("several").set_value(["a", "b", "c"])
    app.get_by_key("number").set_value(4)
    app.get_by_key("share").set_value(0.37)
    app.run()
    assert not app.exception
    assert [error.value for error in app.error] == [
        "Several: too many were chosen; choose at most 2.",
        "Number: '4' was not offered here; choose a multiple of 2 above 1.",
        "Share: '0.37' was not offered here; choose a multiple of 0.05 above 0.0.",
    ]


@pytest.mark.parametrize("path", sorted(PAGES.glob("*.py")), ids=lambda path: path.name)
def test_pages_use_no_widget_of_streamlit_for_choices(path):
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    attributes = [func for func in calls if isinstance(func, ast.Attribute)]
    assert not [func.attr for func in attributes if func.attr in UNCHECKED]
    if path.name != "widgets.py":
        direct = [func for func in attributes if ast.unparse(func.value) != "widgets"]
        assert not [func.attr for func in direct if func.attr in CHECKED]
