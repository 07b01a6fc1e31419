"""Streamlit's widgets, which return only what they offered.

A browser can send any value to any widget. Streamlit checks some values, and passes others to `format_func`
and to the page. Here `format_func` looks up a table of the labels that were offered, and each function
returns one of the offered values or raises an `InputError`. Pages use these functions, not Streamlit's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from types import ModuleType
from typing import Any, Literal, TypeVar, cast, overload

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.errors import StreamlitSelectionCountExceedsMaxError
from streamlit.runtime.uploaded_file_manager import UploadedFile

from zoo.app.components.kept_settings import current_key, keep, last_setting
from zoo.app.components.offer import Offer, Options, T, refusal
from zoo.core.errors import InputError

Number = TypeVar("Number", int, float)
Place = DeltaGenerator | ModuleType
"""Where to draw: a column or another container, or the module `streamlit` itself."""


def send_new_labels(key: str, labels: Mapping[T, str]) -> None:
    """Set the value of a list anew if labels have changed since it was drawn.

    A browser keeps the labels of what is chosen, and would send one back that is not offered any more.
    """
    key = current_key(key)
    before = cast("Mapping[T, str]", st.session_state.get(f"{key}-labels", {}))
    st.session_state[f"{key}-labels"] = labels
    if key in st.session_state and any(
        labels.get(option, label) != label for option, label in before.items()
    ):
        st.session_state[key] = st.session_state[key]


def selectbox(
    place: Place,
    label: str,
    options: Options[T],
    default: T | None = None,
    *,
    key: str,
    help: str | None = None,
    on_change: Callable[[], None] | None = None,
    recall: bool = True,
) -> T:
    """Choose one option from a list, at first the last choice if it is kept and `recall`, or `default`."""
    offer = Offer(label, options)
    send_new_labels(key, offer.labels)
    # A browser that loads the widget late misses a value set in the session state and sends the default.
    current = current_choice(key, offer.options)
    if current is None and recall:
        current = offer.last(key)
    start = default if current is None else current
    index = 0 if start is None else offer.options.index(start)
    value = place.selectbox(
        label,
        offer.options,
        index,
        format_func=offer.label,
        key=current_key(key),
        help=help,
        on_change=on_change,
        filter_mode="contains",
    )
    option = offer.one(value)
    keep(key, option, offer.options[0] if default is None else default)
    return option


def select_slider(
    place: Place, label: str, options: Options[T], default: T, *, key: str, help: str | None = None
) -> T:
    """Choose one option on a slider."""
    offer = Offer(label, options)
    start = offer.last(key)
    start = default if start is None else start
    value = place.select_slider(
        label, offer.options, start, format_func=offer.label, key=current_key(key), help=help
    )
    option = offer.one(value)
    keep(key, option, default)
    return option


def select_range(
    place: Place, label: str, options: Options[T], *, key: str, help: str | None = None
) -> tuple[T, T]:
    """Choose the first and the last option of a range on a slider, by default all of it."""
    offer = Offer(label, options)
    ends = offer.options[0], offer.options[-1]
    last = offer.last_several(key)
    start = (last[0], last[1]) if last is not None and len(last) == 2 else ends
    value = place.select_slider(
        label, offer.options, start, format_func=offer.label, key=current_key(key), help=help
    )
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise refusal(label, value, "choose two ends")
    first, last = map(offer.one, value)
    keep(key, (first, last), ends)
    return first, last


@overload
def segmented_control(
    place: Place,
    label: str,
    options: Options[T],
    default: T,
    *,
    key: str,
    help: str | None = None,
    recall: bool = True,
) -> T: ...
@overload
def segmented_control(place: Place, label: str, options: Options[T], *, key: str) -> T | None: ...
def segmented_control(
    place: Place,
    label: str,
    options: Options[T],
    default: T | None = None,
    *,
    key: str,
    help: str | None = None,
    recall: bool = True,
) -> T | None:
    """Choose one option from a row of buttons, at first as `selectbox`; without a default, one or none."""
    offer = Offer(label, options)
    start = offer.last(key) if recall and default is not None else None
    value = place.segmented_control(
        label,
        offer.options,
        default=default if start is None else start,
        required=default is not None,
        format_func=offer.label,
        key=current_key(key),
        help=help,
    )
    if default is None:
        return None if value is None else offer.one(value)
    option = default if value is None else offer.one(value)
    keep(key, option, default)
    return option


def pills(
    place: Place,
    label: str,
    options: Options[T],
    default: Sequence[T] = (),
    *,
    key: str,
    joined: bool = False,
) -> list[T]:
    """Choose any number of options from a row of buttons, which may be joined into one control."""
    offer = Offer(label, options)
    draw = place.segmented_control if joined else place.pills
    values = draw(
        label,
        offer.options,
        selection_mode="multi",
        default=list(default),
        format_func=offer.label,
        key=current_key(key),
    )
    return offer.several(values)


def multiselect(
    place: Place,
    label: str,
    options: Options[T],
    default: Sequence[T] = (),
    *,
    key: str,
    max_selections: int | None = None,
    help: str | None = None,
    recall: bool = True,
) -> list[T]:
    """Choose any number of options from a list, at most `max_selections`, at first as `selectbox`."""
    offer = Offer(label, options)
    last = offer.last_several(key) if recall else None
    send_new_labels(key, offer.labels)
    try:
        values = place.multiselect(
            label,
            offer.options,
            list(default) if last is None else last[:max_selections],
            format_func=offer.label,
            max_selections=max_selections,
            key=current_key(key),
            help=help,
            filter_mode="contains",
            select_all=False,  # else Enter takes all that match
        )
    except StreamlitSelectionCountExceedsMaxError as error:
        raise InputError(f"{label}: too many were chosen; choose at most {max_selections}.") from error
    several = offer.several(values, max_selections)
    keep(key, several, default)
    return several


def slider(
    place: Place,
    label: str,
    low: Number,
    high: Number,
    default: Number,
    step: Number,
    *,
    key: str,
    format: str | None = None,
    help: str | None = None,
    width: int | Literal["stretch"] = "stretch",
) -> Number:
    """Choose a number of the type of `low`, a whole number of steps above it."""
    start = last_number(key, low, high, default, step)
    value = place.slider(
        label, low, high, start, step, format=format, key=current_key(key), help=help, width=width
    )
    if not is_step(in_range(label, value, low, high), low, step):
        raise refusal(label, value, f"choose a multiple of {step} above {low}")
    keep(key, value, default)
    return value


def toggle(place: Place, label: str, default: bool = False, *, key: str, help: str | None = None) -> bool:
    """Switch something on or off, at first as `default`, or as it was left if that is kept."""
    # A browser that draws it anew, after a run in which it was not there, shows its default.
    last = last_setting(key)
    start = st.session_state.get(current_key(key), last if isinstance(last, bool) else default) is True
    value = place.toggle(label, start, key=current_key(key), help=help)
    keep(key, value, default)
    return value


def number_input(
    place: Place,
    label: str,
    low: Number,
    high: Number,
    default: Number,
    step: Number,
    *,
    key: str,
    format: str | None = None,
    help: str | None = None,
) -> Number:
    """Enter a number of the type of `low`."""
    start = last_number(key, low, high, default, step)
    value = place.number_input(label, low, high, start, step, format=format, key=current_key(key), help=help)
    entered = in_range(label, value, low, high)
    keep(key, entered, default)
    return entered


def last_number(key: str, low: Number, high: Number, default: Number, step: Number) -> Number:
    """Return the number that was chosen last in a widget if that can be chosen, else the default."""
    value = cast("Number", last_setting(key))  # if it has the type
    valid = type(value) is type(low) and low <= value <= high and is_step(value, low, step)
    return value if valid else default


def is_step(value: Number, low: Number, step: Number) -> bool:
    """Return whether a number is a whole number of steps above the lowest one."""
    steps = (value - low) / step
    return abs(steps - round(steps)) < 1e-6  # sums of floats such as 0.05


def in_range(label: str, value: object, low: Number, high: Number) -> Number:
    """Return a number of the type of `low` if it is finite and in its range.

    Raises
    ------
    InputError
        If it is not.
    """
    if type(value) is not type(low) or not math.isfinite(value) or not low <= value <= high:
        raise refusal(label, value, f"choose a number from {low} to {high}")
    return value


def text_input(
    place: Place,
    label: str,
    default: str = "",
    *,
    key: str,
    max_chars: int,
    placeholder: str | None = None,
) -> str:
    """Enter a text of at most `max_chars` characters."""
    value = place.text_input(label, default, key=key, max_chars=max_chars, placeholder=placeholder)
    if not isinstance(value, str) or len(value) > max_chars:
        raise InputError(f"{label}: enter a text of at most {max_chars} characters.")
    return value


def text_area(place: Place, label: str, *, key: str, max_chars: int, placeholder: str | None = None) -> str:
    """Enter a text of several lines and at most `max_chars` characters."""
    value = place.text_area(label, key=key, max_chars=max_chars, placeholder=placeholder, height=140)
    if not isinstance(value, str) or len(value) > max_chars:
        raise InputError(f"{label}: enter a text of at most {max_chars} characters.")
    return value


def current_choice(key: str, options: Collection[T]) -> T | None:
    """Return the value of a widget before it is drawn, or None if it is not one of `options`."""
    value, offered = st.session_state.get(current_key(key)), cast("Collection[object]", options)
    return cast("T", value) if isinstance(value, Hashable) and value in offered else None


def selected_row(key: str, rows: Sequence[T]) -> T | None:
    """Return the one of `rows` that is selected in a table, or None."""
    match st.session_state.get(key):
        case {"selection": {"rows": [row, *_]}} if type(row) is int and 0 <= row < len(rows):
            return rows[row]
    return None


def clicked_point(key: str, options: Collection[T]) -> T | None:
    """Return the one of `options` whose point was clicked in a chart, or None.

    The points of the chart carry the options first in their ``customdata``.
    """
    match st.session_state.get(key):
        case {"selection": {"points": [{"customdata": [int() | str() as value, *_]}, *_]}}:
            return cast("T", value) if value in cast("Collection[object]", options) else None
    return None


def taken_file(key: str) -> UploadedFile | None:
    """Return the photo or recording of a device, or None if this session did not upload it."""
    value: Any = st.session_state.get(key)
    return value if isinstance(value, UploadedFile) else None
