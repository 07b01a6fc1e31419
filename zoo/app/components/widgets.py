"""Streamlit's widgets, which return only what they offered.

A browser can send any value to any widget. Streamlit checks some values, and passes others to `format_func`
and to the page. Here `format_func` looks up a table of the labels that were offered, and each function
returns one of the offered values or raises an `InputError`. Pages use these functions, not Streamlit's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, Generic, Literal, TypeVar, cast, overload

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.errors import StreamlitSelectionCountExceedsMaxError
from streamlit.runtime.uploaded_file_manager import UploadedFile

from zoo.core.errors import InputError

T = TypeVar("T", bound=Hashable)
Number = TypeVar("Number", int, float)
Place = DeltaGenerator | ModuleType
"""Where to draw: a column or another container, or the module `streamlit` itself."""
Options = Mapping[T, str] | Iterable[T]
"""Options with their labels, or options that are their own labels."""


def numbered(labels: Iterable[str]) -> Iterator[str]:
    """Make labels distinct: the second of two equal ones gets a ``(2)``."""
    taken: set[str] = set()
    for label in labels:
        distinct, number = label, 2
        while distinct in taken:
            distinct, number = f"{label} ({number})", number + 1
        taken.add(distinct)
        yield distinct


class Offer(Generic[T]):
    """The options of a widget, each with a label of its own, because a browser sends labels.

    Parameters
    ----------
    widget : str
        The label of the widget, which errors name.
    options : mapping or iterable
    """

    def __init__(self, widget: str, options: Options[T]):
        labels = options if isinstance(options, Mapping) else {option: str(option) for option in options}
        self.widget = widget
        self.labels: dict[T, str] = dict(zip(labels, numbered(labels.values()), strict=True))
        self.options = list(self.labels)

    def label(self, option: T) -> str:
        """Look up the label of an option; for other values a KeyError makes Streamlit use the default."""
        return self.labels[option]

    def one(self, value: object) -> T:
        """Return the option that equals `value`.

        Raises
        ------
        InputError
            If it was not offered.
        """
        for option in self.options:
            if type(option) is type(value) and option == value:
                return option
        raise refusal(self.widget, value, "choose one of those shown")

    def several(self, values: object, most: int | None = None) -> list[T]:
        """Return the options that equal the values, each once.

        Raises
        ------
        InputError
            If one was not offered, or there are more than `most`.
        """
        if not isinstance(values, list | tuple):
            raise refusal(self.widget, values, "choose from those shown")
        chosen = list(dict.fromkeys(map(self.one, values)))
        if most is not None and len(chosen) > most:
            raise InputError(f"{self.widget}: {len(chosen)} were chosen; choose at most {most}.")
        return chosen


def send_new_labels(key: str, labels: Mapping[T, str]) -> None:
    """Set the value of a list anew if labels have changed since it was drawn.

    A browser keeps the labels of what is chosen, and would send one back that is not offered any more.
    """
    before = cast("Mapping[T, str]", st.session_state.get(f"{key}-labels", {}))
    st.session_state[f"{key}-labels"] = labels
    if key in st.session_state and any(
        labels.get(option, label) != label for option, label in before.items()
    ):
        st.session_state[key] = st.session_state[key]


def refusal(widget: str, value: object, advice: str) -> InputError:
    """Say that a widget did not offer a value."""
    return InputError(f"{widget}: {str(value)[:60]!r} was not offered here; {advice}.")


def selectbox(
    place: Place,
    label: str,
    options: Options[T],
    default: T | None = None,
    *,
    key: str,
    help: str | None = None,
    on_change: Callable[[], None] | None = None,
) -> T:
    """Choose one option from a list, by default the first one."""
    offer = Offer(label, options)
    send_new_labels(key, offer.labels)
    # A browser that loads the widget late misses a value set in the session state and sends the default.
    current = chosen(key, offer.options)
    start = default if current is None else current
    index = 0 if start is None else offer.options.index(start)
    value = place.selectbox(
        label,
        offer.options,
        index,
        format_func=offer.label,
        key=key,
        help=help,
        on_change=on_change,
        filter_mode="contains",
    )
    return offer.one(value)


def select_slider(
    place: Place, label: str, options: Options[T], default: T, *, key: str, help: str | None = None
) -> T:
    """Choose one option on a slider."""
    offer = Offer(label, options)
    value = place.select_slider(label, offer.options, default, format_func=offer.label, key=key, help=help)
    return offer.one(value)


def select_range(
    place: Place, label: str, options: Options[T], *, key: str, help: str | None = None
) -> tuple[T, T]:
    """Choose the first and the last option of a range on a slider, by default all of it."""
    offer = Offer(label, options)
    ends = offer.options[0], offer.options[-1]
    value = place.select_slider(label, offer.options, ends, format_func=offer.label, key=key, help=help)
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise refusal(label, value, "choose two ends")
    first, last = map(offer.one, value)
    return first, last


@overload
def segmented_control(
    place: Place, label: str, options: Options[T], default: T, *, key: str, help: str | None = None
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
) -> T | None:
    """Choose one option from a row of buttons; without a default, one or none."""
    offer = Offer(label, options)
    value = place.segmented_control(
        label,
        offer.options,
        default=default,
        required=default is not None,
        format_func=offer.label,
        key=key,
        help=help,
    )
    return default if value is None else offer.one(value)


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
        key=key,
    )
    return offer.several(values)


def multiselect(
    place: Place,
    label: str,
    options: Options[T],
    default: Sequence[T] = (),
    *,
    key: str,
    most: int | None = None,
    help: str | None = None,
) -> list[T]:
    """Choose any number of options from a list, at most `most`."""
    offer = Offer(label, options)
    send_new_labels(key, offer.labels)
    try:
        values = place.multiselect(
            label,
            offer.options,
            list(default),
            format_func=offer.label,
            max_selections=most,
            key=key,
            help=help,
            filter_mode="contains",
            select_all=False,  # else Enter takes all that match
        )
    except StreamlitSelectionCountExceedsMaxError as error:
        raise InputError(f"{label}: too many were chosen; choose at most {most}.") from error
    return offer.several(values, most)


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
    value = place.slider(label, low, high, default, step, format=format, key=key, help=help, width=width)
    steps = (in_range(label, value, low, high) - low) / step
    if abs(steps - round(steps)) > 1e-6:  # sums of floats such as 0.05
        raise refusal(label, value, f"choose a multiple of {step} above {low}")
    return value


def toggle(place: Place, label: str, *, key: str) -> bool:
    """Switch something on or off, at first off."""
    # A browser that draws it anew, after a run in which it was not there, shows its default.
    return place.toggle(label, st.session_state.get(key) is True, key=key)


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
    value = place.number_input(label, low, high, default, step, format=format, key=key, help=help)
    return in_range(label, value, low, high)


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
    most: int,
    placeholder: str | None = None,
) -> str:
    """Enter a text of at most `most` characters."""
    value = place.text_input(label, default, key=key, max_chars=most, placeholder=placeholder)
    if not isinstance(value, str) or len(value) > most:
        raise InputError(f"{label}: enter a text of at most {most} characters.")
    return value


def chosen(key: str, options: Collection[T]) -> T | None:
    """Return the value of a widget before it is drawn, or None if it is not one of `options`."""
    value, offered = st.session_state.get(key), cast("Collection[object]", options)
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
