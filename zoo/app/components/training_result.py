"""What the page Teach shows of an attempt: how good its network is, and its predictions for new files."""

import tempfile
from pathlib import Path
from typing import Any

import msgspec
import streamlit as st

from zoo.app import state
from zoo.app.components import input_picker
from zoo.app.components.attempts import ended_early, epochs_of, method_of
from zoo.app.components.charts import chart
from zoo.app.components.mistakes import mistakes
from zoo.app.components.project_bar import attempt_to
from zoo.app.services.attempt_results import SavedEvaluation, read_evaluation, restored
from zoo.app.services.project import Project
from zoo.app.services.project_record import Attempt, TrainingConfig
from zoo.app.services.project_settings import local
from zoo.app.services.project_training import (
    begin_training,
    folder_of,
    network_of,
    remove_attempt,
)
from zoo.app.services.training_job import curves, packed, shown_labels, verdict
from zoo.app.state import RATE, File, literally, one_sentence
from zoo.audio.signal import read_mono
from zoo.core.spec import Spec
from zoo.exchange.onnx import to_onnx
from zoo.training.evaluation.evaluation import Evaluation
from zoo.vision.decoding import PixelBudget, count_pixels, thumbnail

SIDES = (600, 600)  # of a picture on the page, at most


class Epoch(msgspec.Struct):
    """A row of a network's history that curves can be drawn of."""

    epoch: int
    accuracy: float
    loss: float
    validation_accuracy: float
    validation_loss: float


def results(project: Project, attempt: Attempt) -> None:
    """Show everything about an attempt, with a place to try its network."""
    with one_sentence():  # of files that are damaged; the attempt can be removed still
        show(project, attempt)
    further_buttons(project, attempt)


def show(project: Project, attempt: Attempt) -> None:
    """Show how good a network is, its mistakes and its training, and the buttons that save it."""
    name = str(network_of(project, attempt))
    spec = state.spec_of(name)
    st.subheader(f"Taught: {literally(' or '.join(shown_labels(attempt.classes)))}")
    method = method_of(attempt)
    st.markdown(f"**{literally(method[0].upper() + method[1:])}**")
    saved = read_evaluation(folder_of(project, attempt))
    if saved:
        evaluation = restored(saved, " or ".join(shown_labels(attempt.classes)), project.record.name)
        figures(attempt, evaluation)
        tried, judged, learned = st.tabs(["Try it", "Mistakes", "How it learned"], key="teach-tabs")
        with judged, one_sentence():
            mistakes(project, saved, evaluation)
        with learned:
            course(spec.training)
    else:
        evaluation, tried = None, st.container()
    with tried, one_sentence():
        try_out(name, spec)
    save(project, attempt, name, saved, evaluation)


def figures(attempt: Attempt, evaluation: Evaluation) -> None:
    """Show accuracy, examples, epochs and time."""
    values = {"Accuracy": f"{evaluation.accuracy:.1%}", "Held out": len(evaluation)}
    if attempt.epochs is not None:
        values["Epochs (early stop)" if ended_early(attempt) else "Epochs"] = epochs_of(attempt)
    if attempt.seconds is not None:
        values["Trained in"] = f"{attempt.seconds:.0f} s"
    state.metrics(values)
    st.markdown(verdict(evaluation))


def try_out(name: str, spec: Spec) -> None:
    """Ask for new files, and show the network's predictions for them."""
    budget = PixelBudget()
    for position, file in enumerate(input_picker.ask(spec.modality, "teach-try")):
        with one_sentence():
            left, right = st.columns(2)
            net = state.network(name)
            if spec.modality == "image":
                budget.take(file.name, count_pixels(input_picker.open_stream(file)))
                small = thumbnail(input_picker.open_stream(file), SIDES)
                left.image(small, caption=literally(file.name), width=300, alt=file.name)
                result = net.classify(input_picker.open_stream(file), top=5)
            else:
                samples = read_mono(input_picker.open_stream(file), RATE, max_duration=state.MAX_SECONDS)
                with left:
                    state.player(samples)
                result = net.classify(samples, sample_rate=RATE, top=5)
            right.markdown(f"**{literally(result.labels[0])}**, {result.scores[0]:.0%} sure")
            with right:
                chart(
                    result.plot(),
                    "scores",
                    key=f"teach-try-{position}",
                    alt=f"Scores of the classes for {file.name}",
                )
    st.caption("The network is also on the page Pictures or Sounds, as long as the project has it.")


def course(training: dict[str, Any]) -> None:
    """Draw the curves of training, or list what the classic classifiers reached.

    The record may come from a file of a stranger: what has another form is left out.
    """
    history = converted(training.get("history"), list[Epoch])
    folds = converted(training.get("accuracy in folds"), dict[str, float])
    if history:
        rows = [msgspec.structs.asdict(row) for row in history]
        chart(curves(rows), "curves", key="teach-curves", alt="Accuracy and loss after each epoch")
    elif folds:
        st.markdown("Balanced accuracy of the classifiers that were tried, in cross-validation:")
        selected = training.get("classifier")
        table = [
            {"classifier": kind, "accuracy": f"{value:.1%}", "": "chosen" * (kind == selected)}
            for kind, value in folds.items()
        ]
        st.dataframe(table, hide_index=True)


def converted(value: Any, kind: Any) -> Any:
    """Return a value of a record in the form that is expected, or None."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return None


def save(
    project: Project,
    attempt: Attempt,
    name: str,
    saved: SavedEvaluation | None,
    evaluation: Evaluation | None,
) -> None:
    """Show the buttons that save the network and the report."""
    files = [
        File("Network", "network.zip", "application/zip", lambda: packed(network_of(project, attempt))),
        File("ONNX", "network.onnx", "application/octet-stream", lambda: to_onnx(state.network(name))),
    ]
    if saved and evaluation:
        files.append(
            File("Report", "report.html", "text/html", lambda: report(project, name, saved, evaluation))
        )
    state.save("teach", *files)
    st.caption(
        'Unpack the network to use it: `zoo.load("./network")` or `zoo classify FILE --network ./network`. '
        "The ONNX file is for other programs; its metadata describe the preprocessing and the labels."
    )


def report(project: Project, name: str, saved: SavedEvaluation, evaluation: Evaluation) -> bytes:
    """Return the evaluation as an HTML page, with examples as far as the project has all of them."""
    data = project.dataset()
    positions = {content: i for i, content in enumerate(data.hashes)}
    there = all(content in positions for content in saved.contents)
    held = data.take([positions[content] for content in saved.contents]) if there else None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        evaluation.report(path, data=held, network=state.network(name))
        return path.read_bytes()


def further_buttons(project: Project, attempt: Attempt) -> None:
    """Train again with the same settings, or remove the attempt."""
    with st.container(horizontal=True):
        if attempt.network is not None and attempt.config is not None:
            train_again_button(project, attempt.network, attempt.config, key="teach-again")
        st.button(
            "Remove this attempt",
            icon=":material/delete:",
            on_click=attempt_to,
            args=(remove_attempt, project, attempt.number),
            key=f"teach-remove-attempt-{attempt.number}",
        )


def train_again_button(project: Project, network: str, config: TrainingConfig, *, key: str) -> None:
    """Show a button that begins another training with the same settings."""
    st.button(
        "Train again",
        icon=":material/replay:",
        help="With the same settings, on the examples that the project has now.",
        disabled=project.busy,
        on_click=attempt_to,
        args=(train_again, project, network, config),
        key=key,
    )


def train_again(project: Project, network: str, config: TrainingConfig) -> None:
    """Begin another training with the network and the settings of an earlier one."""
    net = state.network(local(project, network))
    begin_training(project, state.job_queue(), net, network, config)
