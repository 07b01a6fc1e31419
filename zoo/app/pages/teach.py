"""Teach a network classes of your own."""

import streamlit as st

import zoo
from zoo.app import state
from zoo.app.components import widgets
from zoo.app.components.attempts import choose_attempt
from zoo.app.components.charts import chart
from zoo.app.components.example_classes import class_boxes, zip_box
from zoo.app.components.interrupted_training import show_interrupted
from zoo.app.components.job_progress import show_progress
from zoo.app.components.project_bar import project_bar, show_refusal
from zoo.app.components.training_choice import choose
from zoo.app.components.training_result import results
from zoo.app.services import uploads
from zoo.app.services.jobs import FAILED, STOPPED, Job
from zoo.app.services.project import Project
from zoo.app.services.project_settings import portable
from zoo.app.services.project_training import begin_training, forget_unfinished
from zoo.app.services.training_job import curves
from zoo.app.state import literally, one_sentence
from zoo.core.spec import NOUNS


def examples(project: Project) -> zoo.Dataset | None:
    """Ask for examples; return those of the project once there are enough to train."""
    way = widgets.segmented_control(st, "Where from", ["Upload", "Zip"], "Upload", key="teach-way")
    if way == "Zip":
        zip_box(project)
    else:
        class_boxes(project)
    data = project.dataset()
    if not len(data):
        st.info(
            f"Put pictures or recordings of each class into its box, at least {uploads.FEWEST} and better "
            "ten or more, or upload a zip with a folder for each class. Nobody else sees them."
        )
        return None
    counts = ", ".join(f"{n} of {label}" for label, n in data.counts().items())
    st.markdown(f"**{len(data)} {NOUNS[data.modality]}:** {literally(counts)}.")
    if len(data.classes) < 2:
        st.info("Add examples of a second class.")
        return None
    uploads.require_enough(data)
    return data


def train(project: Project, data: zoo.Dataset) -> None:
    """Choose what to train and how, and begin."""
    name, config = choose(project, data)
    if st.button("Teach", type="primary", icon=":material/school:", key="teach-begin"):
        stored = portable(project, name)
        begin_training(project, state.job_queue(), state.network(name), stored, config)
        st.rerun()


def live(job: Job) -> None:
    """Draw the curves so far."""
    if job.step and job.step.history:
        alt = "Accuracy and loss after each epoch so far"
        chart(curves(job.step.history), "curves", key="teach-live", alt=alt)


def outcome(project: Project, job: Job) -> None:
    """Show why a training has no result."""
    if job.state == FAILED:
        state.refuse(job.error)
    elif job.state == STOPPED and not job.abandoned:
        st.info("Stopped before there was anything to show.")
        if project.record.unfinished:  # it was stopped while it waited for its turn
            forget_unfinished(project)


st.title("Teach")
st.markdown("Show a network examples of your own classes, and it learns to tell them apart.")
own = state.project()
show_refusal()
with one_sentence():
    project_bar(own)
    data = examples(own)
    if own.job is not None and own.busy:
        show_progress(own.job, "teach", live)
    elif data:
        train(own, data)
with one_sentence():
    if own.job is not None and not own.busy:
        outcome(own, own.job)
    show_interrupted(own)
    if attempt := choose_attempt(own):
        results(own, attempt)
