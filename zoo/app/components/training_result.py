"""What the page Teach shows of a network that was trained: how good it is, and what it says of new files."""

import tempfile
from pathlib import Path
from typing import Any

import streamlit as st

import zoo
from zoo.app import state
from zoo.app.components import input_picker
from zoo.app.services.training_job import TrainedModel, curves, packed, verdict
from zoo.app.state import RATE, File, literally, one_sentence
from zoo.audio.signal import read_mono
from zoo.exchange.onnx import to_onnx
from zoo.vision.decoding import PixelBudget, count_pixels, thumbnail

SIDES = (600, 600)  # of a picture on the page, at most


def results(taught: TrainedModel) -> None:
    """Everything about a trained network, with a place to try it."""
    st.subheader(f"Taught: {literally(taught.network.name)}")
    evaluation, training = taught.evaluation, taught.network.spec.training
    state.metrics(
        {
            "Accuracy": f"{evaluation.accuracy:.1%}",
            "Held out": len(evaluation),
            "Trained in": f"{training['seconds']:.0f} s",
        }
    )
    st.markdown(verdict(evaluation))
    tried, judged, learned = st.tabs(["Try it", "Mistakes", "How it learned"], key="teach-tabs")
    with tried, one_sentence():
        attempt(taught.network)
    with judged:
        mistakes(taught)
    with learned:
        course(training)
    save(taught)


def attempt(net: zoo.Network) -> None:
    """Ask for new files, and show the network's predictions for them."""
    budget = PixelBudget()
    for position, given in enumerate(input_picker.ask(net.spec.modality, "teach-try")):
        with one_sentence():
            left, right = st.columns(2)
            if net.spec.modality == "image":
                budget.take(given.name, count_pixels(input_picker.named(given)))
                small = thumbnail(input_picker.named(given), SIDES)
                left.image(small, caption=literally(given.name), width=300, alt=given.name)
                said = net.classify(input_picker.named(given), top=5)
            else:
                samples = read_mono(input_picker.named(given), RATE, most=state.MOST_SECONDS)
                with left:
                    state.player(samples)
                said = net.classify(samples, sample_rate=RATE, top=5)
            right.markdown(f"**{literally(said.labels[0])}**, {said.scores[0]:.0%} sure")
            right.plotly_chart(
                said.plot(),
                key=f"teach-try-{position}",
                config={"displayModeBar": False},
                alt=f"Scores of the classes for {given.name}",
            )
    st.caption("The network is also on the page Pictures or Sounds until you leave.")


def mistakes(taught: TrainedModel) -> None:
    """Show the confusion matrix, and the worst mistakes to look at or to listen to."""
    evaluation = taught.evaluation
    st.plotly_chart(evaluation.plot(), key="teach-confusion", alt="Confusion matrix of the held-out examples")
    if not taught.mistakes:
        st.info("No mistakes among the held-out examples.")
        return
    st.markdown("**The worst mistakes**")
    for start in range(0, len(taught.mistakes), 4):
        for column, one in zip(st.columns(4), taught.mistakes[start : start + 4], strict=False):
            with column:
                true, predicted = literally(one.true), literally(one.predicted)
                st.markdown(f"{true}, taken for **{predicted}** ({one.score:.0%})")
                if one.copy and one.copy.kind == "image":
                    st.image(one.copy.url, caption=literally(one.name), alt=one.name)
                elif one.copy:
                    st.audio(one.copy.url)


def course(training: dict[str, Any]) -> None:
    """Curves of training, or what the classic classifiers reached."""
    if training.get("history"):
        st.plotly_chart(
            curves(training["history"]), key="teach-curves", alt="Accuracy and loss after each epoch"
        )
    elif "accuracy in folds" in training:
        st.markdown("Balanced accuracy of the classifiers that were tried, in cross-validation:")
        rows = [
            {"classifier": kind, "accuracy": f"{value:.1%}", "": "chosen" * (kind == training["classifier"])}
            for kind, value in training["accuracy in folds"].items()
        ]
        st.dataframe(rows, hide_index=True)


def save(taught: TrainedModel) -> None:
    state.save(
        "teach",
        File("Network", "network.zip", "application/zip", lambda: packed(taught.folder)),
        File("ONNX", "network.onnx", "application/octet-stream", lambda: to_onnx(taught.network)),
        File("Report", "report.html", "text/html", lambda: _report(taught)),
    )
    st.caption(
        'Unpack the network to use it: `zoo.load("./network")` or `zoo classify FILE --network ./network`. '
        "The ONNX file is for other programs; its metadata describe the preprocessing and the labels."
    )


def _report(taught: TrainedModel) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        taught.evaluation.report(path, data=taught.held, network=taught.network)
        return path.read_bytes()
