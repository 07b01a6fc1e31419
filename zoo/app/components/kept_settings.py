"""Choices that are there when their page comes back: after other pages, a reload, a restart of the server."""

from __future__ import annotations

from zoo.app import state
from zoo.app.services.project_record import Setting
from zoo.app.services.project_settings import keep_setting, setting_of

PAGES = (
    "pictures-",
    "sounds-",
    "pitch-",
    "embeddings-",
    "sort-",
)  # whose choices are kept, as their keys begin

_OF_PROJECT = (*PAGES, "teach-")


def current_key(key: str) -> str:
    """Return the key under which Streamlit holds a widget: another one once the project was replaced.

    Else a browser would send what the widget held before, and that would win over what the project holds.
    """
    number = state.project().generation if key.startswith(_OF_PROJECT) else 0
    return f"{key}-of-project-{number}" if number else key


def last_setting(key: str) -> Setting | None:
    """Return what was chosen last in a widget, which may come from a file of a stranger; None if unknown."""
    return setting_of(state.project(), key) if key.startswith(PAGES) else None


def keep(key: str, value: object, default: object) -> None:
    """Keep what is chosen in a widget, once that is something else than the default."""
    if not key.startswith(PAGES):
        return
    last, current = last_setting(key), _plain(value)
    if current != (_plain(default) if last is None else last):
        keep_setting(state.project(), key, current)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, list | tuple) else value
