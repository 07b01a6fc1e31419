"""The classes of a project with their examples: upload, record, rename, remove."""

import time
from collections.abc import Sequence
from typing import BinaryIO

import streamlit as st

from zoo.app import state
from zoo.app.components import widgets
from zoo.app.components.input_picker import PICTURE_TYPES, SOUND_TYPES
from zoo.app.components.project_bar import attempt_to
from zoo.app.components.stored_uploads import fresh_key, release
from zoo.app.services import uploads
from zoo.app.services.project import ZIP, Project
from zoo.app.services.project_record import MAX_NAME, ExampleClass
from zoo.app.services.reading import Reading
from zoo.app.state import literally

MAX_THUMBNAILS = 8  # thumbnails of a class
REDRAW_SECONDS = 0.25


def class_boxes(project: Project) -> None:
    """Show a box for each class, and wait for uploads that are read."""
    pending = _pending(project)  # before the boxes: they may lack what is stored while they are drawn
    classes = project.record.classes
    for row in range(0, len(classes), 2):
        for column, one in zip(st.columns(2), classes[row : row + 2], strict=False):
            with column.container(border=True):
                _class_box(project, one, removable=len(classes) > 2)
    st.button(
        "Add a class", icon=":material/add:", on_click=attempt_to, args=(_add_class, project), key="teach-add"
    )
    _wait_for(pending)


def zip_box(project: Project) -> None:
    """Ask for a zip of class folders, and which part of it to use."""
    pending = _pending(project)
    key, renew = fresh_key("teach-zip")
    file = st.file_uploader(
        "A zip with a folder for each class", "zip", key=key, max_upload_size=uploads.MAX_BYTES // 1_000_000
    )
    if file:
        part, ready = None, True
        if folders := state.remembered(_parts, file.file_id, file):
            first = next((name for name in folders if name.lower().startswith("train")), folders[0])
            part = widgets.selectbox(st, "Folder to train on", folders, first, key="teach-part")
            ready = st.button("Add its examples", icon=":material/add:", key="teach-add-zip")
        if ready:
            renew()
            project.add_zip(file.name, file.getvalue(), part)
            release(file)
            st.rerun()
    _wait_for(pending)
    _show_problems(project.readings.get(ZIP))


def _parts(_: str, file: BinaryIO) -> list[str]:
    return uploads.parts(file)


def _add_class(project: Project) -> None:
    with project.changing() as record:
        record.add_class()


def _class_box(project: Project, one: ExampleClass, *, removable: bool) -> None:
    # The key holds the label, so that the box shows it when it is changed elsewhere.
    label = widgets.text_input(
        st, "Class", one.label, key=f"teach-name-{one.number}-{one.label}", max_chars=MAX_NAME
    )
    if label != one.label:
        with project.changing() as record:
            record.class_of(one.number).label = label
        st.rerun()
    key, renew = fresh_key(f"teach-files-{one.number}")
    files = st.file_uploader(
        f"Examples of {literally(label)}", PICTURE_TYPES + SOUND_TYPES, accept_multiple_files=True, key=key
    )
    if files:
        renew()
        project.add_files(one.number, [(file.name, file.getvalue()) for file in files])
        release(*files)
        st.rerun()
    if one.examples:
        st.caption(f"{len(one.examples)} examples" if len(one.examples) > 1 else "1 example")
        _strip(project, one)
    with st.container(horizontal=True):
        _device(project, one)
        if removable or one.examples:
            _edit(project, one, removable=removable)
    _show_problems(project.readings.get(one.number))


def _strip(project: Project, one: ExampleClass) -> None:
    """Show the last examples, if they are pictures."""
    if project.record.modality != "image":
        return
    last = one.examples[: -MAX_THUMBNAILS - 1 : -1]
    copies = [(copy, example.name) for example in last if (copy := project.thumbnail_of(example))]
    if copies:
        images, names = map(list, zip(*copies, strict=True))
        st.image(images, width=48, alt=names)


def _device(project: Project, one: ExampleClass) -> None:
    """Take photos or recordings, each of which is an example at once."""
    with st.popover("Camera or microphone", icon=":material/add_a_photo:", key=f"teach-device-{one.number}"):
        device = widgets.segmented_control(
            st, "With", ["Camera", "Microphone"], key=f"teach-with-{one.number}"
        )
        key, renew = fresh_key(f"teach-take-{one.number}")
        name, take = "photo.jpg", None
        if device == "Camera":
            take = st.camera_input(f"A photo of {literally(one.label)}", key=key)
        elif device == "Microphone":
            name = "recording.wav"
            take = st.audio_input(f"A recording of {literally(one.label)}", sample_rate=state.RATE, key=key)
        if take:
            renew()
            project.add_files(one.number, [(f"{len(one.examples) + 1}-{name}", take.getvalue())])
            release(take)
            st.rerun()


def _edit(project: Project, one: ExampleClass, *, removable: bool) -> None:
    """Remove examples, or the class."""
    with st.popover("Remove", icon=":material/delete:", key=f"teach-edit-{one.number}"):
        if one.examples:
            names = {example.content: example.name for example in one.examples}
            unwanted = widgets.multiselect(st, "Examples", names, key=f"teach-unwanted-{one.number}")
            st.button(
                "Remove these examples",
                disabled=not unwanted,
                on_click=attempt_to,
                args=(project.remove_examples, unwanted),
                key=f"teach-remove-examples-{one.number}",
            )
        if removable:
            st.button(
                f"Remove the class and its {len(one.examples)} examples",
                on_click=attempt_to,
                args=(project.remove_class, one.number),
                key=f"teach-remove-{one.number}",
            )


def _pending(project: Project) -> list[Reading]:
    """Return the uploads that are being read."""
    return [reading for reading in project.readings.values() if not reading.over]


def _wait_for(readings: Sequence[Reading]) -> None:
    """Show how far uploads are, and run the page again when they are stored."""
    if not readings:
        return
    bar = st.progress(0.0, text="Reading the examples …")
    while pending := [reading for reading in readings if not reading.over]:
        bar.progress(min(1.0, pending[0].fraction), text="Reading the examples …")
        time.sleep(REDRAW_SECONDS)
    st.rerun()


def _show_problems(reading: Reading | None) -> None:
    """Show why an upload was refused, or what of it was left out."""
    if reading is None:
        return
    if reading.error:
        state.refuse(reading.error)
    if reading.problems:
        with st.expander(f"{len(reading.problems)} left out", icon=":material/warning:"):
            rows = [{"file": name, "why": reason} for name, reason in reading.problems]
            st.dataframe(rows, hide_index=True)
