"""Widgets that take files, which the project keeps: they are there when their page comes back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from zoo.app import state
from zoo.app.components import widgets
from zoo.app.services.project_inputs import inputs_of, keep_inputs, path_of, stored_file
from zoo.app.services.project_record import StoredFile
from zoo.app.settings import PROJECT_DAYS
from zoo.core.errors import InputError, ZooError

STAYS = (
    f"Files stay on this server for {PROJECT_DAYS} days after your last visit, for this browser only. "
    "One that you remove here is deleted."
)
ENDS = "This browser accepts no cookies from here, so files are deleted when you leave."
Files = Sequence[UploadedFile] | UploadedFile | None


@dataclass(frozen=True)
class InputFile:
    """A file that a user handed to a page: its name, and its content or where that is kept."""

    name: str
    source: bytes | Path

    @property
    def data(self) -> bytes:
        """Its content, which is read anew each time: many files of many users would fill the memory."""
        try:
            return self.source if isinstance(self.source, bytes) else self.source.read_bytes()
        except FileNotFoundError:
            raise InputError(f"{self.name} was removed; load the page again.") from None


def uploads_of(key: str, draw: Callable[[], Files], *, several: bool = False) -> list[InputFile]:
    """Draw a widget that takes files; return those kept from before, and those that it holds.

    Parameters
    ----------
    key : str
        Of the widget.
    draw : callable
    several : bool
        Whether it takes more than one file; else a file takes the place of the one before.
    """
    slot = f"{key}-held"
    if key not in st.session_state:  # a new widget: it holds nothing of what it held on an earlier visit
        st.session_state[slot] = {}
    value = draw()
    files = list(value) if isinstance(value, Sequence) else [value] if value else []
    before: dict[str, StoredFile] = st.session_state.setdefault(slot, {})
    held = {
        file.file_id: before.get(file.file_id) or stored_file(file.name, file.getvalue()) for file in files
    }
    if held.keys() != before.keys():
        added = {held[file.file_id]: file.getvalue() for file in files if file.file_id not in before}
        _keep(key, added, [file for file in before.values() if file not in held.values()], several=several)
        st.session_state[slot] = held
    own = [InputFile(file.name, file.getvalue()) for file in files]
    return own if own and not several else [*_kept_from_before(key, held.values()), *own]


def _keep(key: str, added: dict[StoredFile, bytes], removed: list[StoredFile], *, several: bool) -> None:
    project = state.project()
    try:
        if added and not several:
            removed = [file for file in inputs_of(project, key) if file not in added]
        keep_inputs(project, key, added, removed)
    except (ZooError, OSError) as error:
        st.warning(state.literally(f"What you added stays only until you leave this page. {error}"))


def _kept_from_before(key: str, held: Collection[StoredFile]) -> list[InputFile]:
    """Show the files that the project keeps beside those of the widget, and let the user remove some."""
    project = state.project()
    files = {f"{file.content}/{file.name}": file for file in inputs_of(project, key) if file not in held}
    if not files:
        return []
    number = hashlib.sha256("\n".join(files).encode()).hexdigest()[:16]  # another list is another widget
    labels = {path: file.name for path, file in files.items()}
    stay = widgets.multiselect(
        st,
        "Kept from before",
        labels,
        list(files),
        key=f"kept-{key}-{number}",
        help=ENDS if state.is_temporary() else STAYS,
    )
    if len(stay) < len(files):
        keep_inputs(project, key, {}, [file for path, file in files.items() if path not in stay])
        st.rerun()
    return [InputFile(file.name, path_of(project, file)) for file in files.values()]
