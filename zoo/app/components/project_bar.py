"""What the page Teach shows of the project as a whole: its name, and how to save, open and delete it."""

from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from zoo.app import state
from zoo.app.components import widgets
from zoo.app.components.stored_uploads import fresh_key, release
from zoo.app.services.project import Project
from zoo.app.services.project_archive import file_name, open_file, packed_bytes, packed_project
from zoo.app.services.project_record import MAX_NAME, ProjectRecord
from zoo.app.settings import PROJECT_DAYS, session_upload_bytes
from zoo.core.errors import ZooError

STAYS = (
    "Your project stays on this server for {days} days after your last visit, for this browser only. "
    "Save it as a file to keep it, or to go on elsewhere."
)
ENDS = (
    "This browser accepts no cookies from here, so the project ends when you leave. "
    "Save it as a file to keep it."
)
TOO_LARGE = (
    "The project takes more than the {max_mb:g} MB that can be opened again; remove examples or attempts to "
    "save it as a file."
)


def project_bar(project: Project) -> None:
    """Name the project, and save, open or delete it; one that is damaged can be replaced or deleted."""
    row = st.container(horizontal=True, vertical_alignment="bottom")
    try:
        record = project.record
    except ZooError as error:
        _replace_or_delete(row, project)
        state.refuse(str(error))
        st.stop()
    _name_and_save(row, project, record)
    _replace_or_delete(row, project)
    st.caption(ENDS if state.is_temporary() else STAYS.format(days=PROJECT_DAYS))


def _name_and_save(row: DeltaGenerator, project: Project, record: ProjectRecord) -> None:
    # The key holds the name, so that the box shows it when it is changed elsewhere.
    name = widgets.text_input(
        row, "Project", record.name, key=f"teach-project-{record.name}", max_chars=MAX_NAME
    ).strip()
    if name and name != record.name:
        with project.changing() as changed:
            changed.name = name
        st.rerun()
    if packed_bytes(project) <= session_upload_bytes():
        row.download_button(
            "Save project",
            lambda: packed_project(project),
            file_name(record),
            "application/zip",
            on_click="ignore",
            icon=":material/download:",
            key="teach-save-project",
        )
    else:
        st.caption(TOO_LARGE.format(max_mb=session_upload_bytes() / 1e6))


def _replace_or_delete(row: DeltaGenerator, project: Project) -> None:
    key, renew = fresh_key("teach-open")
    with row.popover("Open", icon=":material/folder_open:", key=key):
        _open(project, key, renew)
    with row.popover("Delete", icon=":material/delete:", key="teach-delete"):
        st.markdown("Delete the project, with its examples and networks? This cannot be undone.")
        st.button("Delete project", on_click=project.delete, key="teach-delete-project")


def _open(project: Project, key: str, renew: Callable[[], None]) -> None:
    """Ask for a saved project or network; before a project is replaced, ask once more."""
    file = st.file_uploader(
        "A project that was saved here, or the zip of a network",
        "zip",
        key=f"{key}-file",
        max_upload_size=int(session_upload_bytes() / 1e6),
    )
    if not file:
        return
    if not _is_empty(project):
        st.markdown(
            "A project in the file replaces the one that you have now; save that first. "
            "A network is added to it."
        )
        if not st.button("Open the file", key="teach-open-anyway"):
            return
    renew()
    content = file.getvalue()
    release(file)
    try:
        with st.spinner("Checking the file …"):
            open_file(project, file.name, content)
    except ZooError as error:
        say_later(str(error))
    st.rerun()


def _is_empty(project: Project) -> bool:
    try:
        return not (project.record.examples or project.record.attempts)
    except ZooError:  # of a damaged project, which may still hold files
        return False


def attempt_to(action: Callable[..., object], *arguments: Any) -> None:
    """Do what a button is for; what is refused is shown on the page that follows."""
    try:
        action(*arguments)
    except ZooError as error:
        say_later(str(error))


def say_later(sentence: str) -> None:
    """Show a sentence at the top of the page's next run."""
    st.session_state["teach-refused"] = sentence


def show_refusal() -> None:
    """Show what the run before refused."""
    if sentence := st.session_state.pop("teach-refused", None):
        state.refuse(sentence)
