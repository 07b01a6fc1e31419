"""The options of a widget, which returns only what it offered."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from zoo.app.components.kept_settings import last_setting
from zoo.core.errors import InputError

T = TypeVar("T", bound=Hashable)
Options = Mapping[T, str] | Iterable[T]
"""Options with their labels, or options that are their own labels."""


def numbered(labels: Iterable[str]) -> Iterator[str]:
    """Make labels distinct: the second of two equal ones gets a ``(2)``."""
    used: set[str] = set()
    for label in labels:
        distinct, number = label, 2
        while distinct in used:
            distinct, number = f"{label} ({number})", number + 1
        used.add(distinct)
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

    def last(self, key: str) -> T | None:
        """Return what was chosen last in a widget if it is among the options, else None."""
        value = last_setting(key)
        return next((one for one in self.options if type(one) is type(value) and one == value), None)

    def last_several(self, key: str) -> list[T] | None:
        """Return those of the options that were chosen last in a widget, or None if that is unknown."""
        values = last_setting(key)
        if not isinstance(values, list):
            return None
        last = [one for value in values for one in self.options if type(one) is type(value) and one == value]
        return last if last or not values else None

    def several(self, values: object, max_selections: int | None = None) -> list[T]:
        """Return the options that equal the values, each once.

        Raises
        ------
        InputError
            If one was not offered, or there are more than `max_selections`.
        """
        if not isinstance(values, list | tuple):
            raise refusal(self.widget, values, "choose from those shown")
        selected = list(dict.fromkeys(map(self.one, values)))
        if max_selections is not None and len(selected) > max_selections:
            raise InputError(f"{self.widget}: {len(selected)} were chosen; choose at most {max_selections}.")
        return selected


def refusal(widget: str, value: object, advice: str) -> InputError:
    """Say that a widget did not offer a value."""
    return InputError(f"{widget}: {str(value)[:60]!r} was not offered here; {advice}.")
