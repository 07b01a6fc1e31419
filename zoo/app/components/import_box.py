"""Import of a network file on the page Networks: the file, what is asked about it, and how far it is."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from zoo.app import state
from zoo.app.components import widgets
from zoo.app.components.import_preprocessing import ask_preprocessing
from zoo.app.components.job_progress import show_progress
from zoo.app.components.stored_uploads import fresh_key, release
from zoo.app.services import uploads
from zoo.app.services.imports import ImportChoice, begin_import, begin_inspection
from zoo.app.services.jobs import DONE, FAILED, Job
from zoo.app.services.project_record import MAX_NAME, Attempt
from zoo.app.settings import project_bytes, session_upload_bytes
from zoo.app.state import literally, one_sentence
from zoo.exchange.foreign_format import data_suffixes

if TYPE_CHECKING:
    from zoo.app.services.project import Project
    from zoo.exchange.inspection import Inspection

BOX = "networks-import"
_PENDING = "networks-import-pending"
_RUNNING, _ENDED = "networks-import-running", "networks-import-ended"
MAX_LABELS = 200_000  # characters
OUTPUTS = {
    "": "As the file says",
    "softmax": "Logits of classes that exclude each other",
    "sigmoid": "Logits of classes that may occur together",
}


@dataclass(frozen=True)
class Pending:
    """A file that was uploaded and is not imported yet, with the job that reads it first."""

    path: Path
    job: Job


def import_box(project: Project) -> Attempt | None:
    """Draw the box that imports; return the network of an import that has just ended."""
    job, imported = project.importing, None
    if job is not None and job.finished and st.session_state.pop(_RUNNING, None) is job:
        st.session_state[_ENDED] = job
        if job.state == DONE:
            _forget()
            imported = job.result
    box = st.expander("Import a network", icon=":material/upload_file:", key=BOX, on_change="rerun")
    if box.open:
        with box, one_sentence():
            _draw(project)
    return imported


def _draw(project: Project) -> None:
    if project.importing is not None and not project.importing.finished:
        st.session_state[_RUNNING] = project.importing
        show_progress(project.importing, "networks-import-job")
        return
    if (ended := st.session_state.get(_ENDED)) is not None:
        _outcome(project, ended)
    pending = st.session_state.get(_PENDING)
    if pending is not None and not pending.job.finished:
        show_progress(pending.job, "networks-import-read")
    elif pending is not None and pending.job.state == DONE:
        _ask(project, pending, pending.job.result)
    else:
        if pending is not None and pending.job.state == FAILED:
            state.refuse(pending.job.error)
        _forget()
        _ask_file()


def _outcome(project: Project, job: Job) -> None:
    """Say how the last import of this session ended."""
    if job.state == FAILED:
        state.refuse(job.error)
    elif job.state != DONE:
        st.info("Stopped; nothing was imported.")
    elif any(attempt.number == job.result.number for attempt in project.record.attempts):
        st.success(
            f"**{literally(job.result.title)}** is imported. It is open below, with a report, and in the "
            "lists of the other pages.",
            icon=":material/check_circle:",
        )


def _ask_file() -> None:
    suffixes = [suffix.removeprefix(".") for suffix in data_suffixes()]
    key, renew = fresh_key("networks-import-file")
    file = st.file_uploader(
        f"A network file ({', '.join(data_suffixes())})",
        suffixes,
        key=key,
        max_upload_size=int(min(session_upload_bytes(), project_bytes()) / 1e6),
    )
    st.caption(
        "A network of another program becomes one of yours: it is read as data, converted layer by layer, "
        "and compared with the original. Nobody else sees it."
    )
    if file:
        folder = Path(tempfile.mkdtemp(dir=state.workspace().folder))
        (path,) = uploads.store([(file.name, file.getvalue())], folder)
        renew()
        release(file)
        job = begin_inspection(path, state.job_queue())
        state.workspace().at_end(job.abandon)
        st.session_state[_PENDING] = Pending(path, job)
        st.session_state.pop(_ENDED, None)
        st.rerun()


def _ask(project: Project, pending: Pending, inspection: Inspection) -> None:
    size = max(pending.path.stat().st_size / 1e6, 0.01)
    classes = f", gives {inspection.classes:,} classes" if inspection.classes else ""
    row = st.container(horizontal=True, vertical_alignment="center")
    row.markdown(
        f"**{literally(uploads.base_name(pending.path.name))}** · {size:,.2f} MB · "
        f"takes {literally(inspection.input)}{classes}",
        width="stretch",
    )
    row.button("Another file", icon=":material/close:", on_click=_forget, key="networks-import-other")
    key = f"networks-import-{pending.path.parent.name}"  # other files have other guesses
    usual = re.sub(r"[/\\:\0]", "-", pending.path.stem)[:MAX_NAME]
    name = widgets.text_input(st, "Name", usual, key=f"{key}-name", max_chars=MAX_NAME).strip()
    preprocess = ask_preprocessing(inspection, key)
    st.markdown("##### Outputs")
    activation = widgets.selectbox(
        st,
        "What the outputs are",
        OUTPUTS,
        key=f"{key}-outputs",
        help="Logits are scores of any size, which are turned into scores from 0 to 1 here. A file that ends "
        "with probabilities says so itself.",
        recall=False,
    )
    if inspection.activation_reason and not activation:
        st.caption(literally(inspection.activation_reason))
    labels = _ask_labels(inspection, key)
    if st.button("Import", type="primary", icon=":material/upload_file:", key="networks-import-begin"):
        choice = ImportChoice(name, labels, preprocess, activation or None)
        st.session_state.pop(_ENDED, None)
        begin_import(project, state.job_queue(), pending.path, choice)
        st.rerun()


def _ask_labels(inspection: Inspection, key: str) -> Path | tuple[str, ...] | None:
    """Ask for the classes, as lines or as a file."""
    if inspection.has_labels:
        st.caption(f"The file names its {inspection.classes:,} classes; other labels take their place.")
    count = f"{inspection.classes:,} " if inspection.classes else ""
    left, right = st.columns(2)
    text = widgets.text_area(
        left,
        f"{count}labels, one a line (optional)",
        key=f"{key}-labels",
        max_chars=MAX_LABELS,
        placeholder="bee\nwasp\n…",
    )
    file = right.file_uploader(
        "Or a file of them", ["txt", "csv", "json"], key=f"{key}-label-file", max_upload_size=2
    )
    if file:
        folder = Path(tempfile.mkdtemp(dir=state.workspace().folder))
        return uploads.store([(file.name, file.getvalue())], folder)[0]
    lines = tuple(line.strip() for line in text.splitlines() if line.strip())
    return lines or None


def _forget() -> None:
    """Drop the file that was uploaded."""
    pending = st.session_state.pop(_PENDING, None)
    if pending is not None:
        pending.job.abandon()
        pending.path.unlink(missing_ok=True)
