"""Widgets for files that are stored at once: an upload empties its widget, and leaves the memory."""

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import streamlit as st
from streamlit.runtime import get_instance
from streamlit.runtime.uploaded_file_manager import UploadedFile

from zoo.app import state

if TYPE_CHECKING:
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager


def fresh_key(name: str) -> tuple[str, Callable[[], None]]:
    """Return the key of a widget that takes files, and what gives it a new key, which empties it."""
    number = st.session_state.setdefault(f"{name}-uses", 0)

    def renew() -> None:
        st.session_state[f"{name}-uses"] = number + 1

    return f"{name}-{number}", renew


def release(*files: UploadedFile) -> None:
    """Drop uploads that are stored elsewhere now, so that they do not count as the session's any more."""
    manager = cast("MemoryUploadedFileManager", get_instance().uploaded_file_mgr)
    for file in files:
        manager.remove_file(state.session_number(), file.file_id)
