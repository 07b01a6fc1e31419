"""The page Sounds: which sounds occur when."""

from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

import zoo
from zoo.app import state
from zoo.app.components import audio_figures, input_picker, network_picker, widgets
from zoo.app.components.charts import chart
from zoo.app.components.input_picker import InputFile
from zoo.app.components.network_picker import Choice
from zoo.app.components.playhead import linked_player
from zoo.app.services import offered_networks
from zoo.app.state import RATE, File, literally, one_sentence
from zoo.audio import class_grouping
from zoo.audio.options import SoundEventOptions
from zoo.audio.signal import read_mono
from zoo.inference.tasks.sound_events import relocate
from zoo.plotting.theme import percent

SPECIFICITY = {
    "high": "the network's own classes",
    "medium": "categories such as Vehicle",
    "low": "seven kinds such as Animal",
}


def detect_events(name: str, file: InputFile) -> tuple[np.ndarray, zoo.SoundEvents]:
    """Return the samples and all scores, independent of the threshold."""
    samples = read_mono(input_picker.open_stream(file), RATE, max_duration=state.MAX_SECONDS)
    with state.progress(f"{literally(state.title_of(name))} is running …") as progress:
        result = zoo.sound_events(
            samples,
            sample_rate=RATE,
            network=state.network(name),
            progress=lambda seconds: progress(seconds * RATE / len(samples)),
        )
    return samples, replace(result, input=file.name, clip=replace(result.clip, input=file.name))


def choose(net: zoo.Network, threshold: float) -> dict[str, Any]:
    """Choose what counts as an event: the options of `zoo.sound_events`."""
    class_names = class_grouping.names(net.labels)
    left, right = st.columns(2)
    include = widgets.multiselect(
        left,
        "Only these sounds",
        class_names,
        key="sounds-include",
        help="Classes, or categories with all below them.",
    )
    exclude = widgets.multiselect(right, "Not these sounds", class_names, key="sounds-exclude")
    with st.expander("Duration, gaps and detail", icon=":material/tune:"):
        columns = st.columns(3)
        shortest = widgets.slider(
            columns[0],
            "Shortest event (s)",
            0.0,
            5.0,
            0.5,
            0.1,
            key="sounds-shortest",
            help="Shorter ones are dropped.",
        )
        gap = widgets.slider(
            columns[1],
            "Longest gap to merge (s)",
            0.0,
            5.0,
            0.25,
            0.05,
            key="sounds-separation",
            help="Events of one class with a shorter gap are merged.",
        )
        ways = SPECIFICITY if class_grouping.has_categories(net.labels) else {"high": SPECIFICITY["high"]}
        detail = widgets.selectbox(columns[2], "Detail", ways, key="sounds-specificity")
    return {
        "threshold": threshold,
        "min_duration": shortest,
        "separation": gap,
        "specificity": detail,
        "include": include,
        "exclude": exclude,
    }


def chosen_event(result: zoo.SoundEvents) -> tuple[float, float] | None:
    """Start and end of the event that is marked in the table, which is drawn below the player."""
    event = widgets.selected_row("sounds-table", result.events)
    return (event.start, event.end) if event else None


def show(samples: np.ndarray, result: zoo.SoundEvents, independent: bool) -> None:
    linked_player(samples, "sounds-figure", "sounds-player", chosen_event(result))
    best = zip(result.clip.labels, result.clip.scores, strict=True)
    st.markdown("**Overall:** " + ", ".join(f"{literally(label)} {percent(score)}" for label, score in best))
    events, scores, whole = st.tabs(["Events", "Scores over time", "Overall"], key="sounds-tabs")
    with events:
        chart(
            audio_figures.sound_events(samples, RATE, result),
            "events",
            key="sounds-figure",
            zoom=True,
            alt=f"Waveform, spectrogram and events of {result.input}",
        )
        show_table(result)
    with scores:
        chart(
            audio_figures.class_scores(result),
            "scores-over-time",
            key="sounds-scores",
            zoom=True,
            alt=f"Scores over time of the top classes of {result.input}",
        )
    with whole:
        chart(
            result.clip.best(15).plot(),
            "scores",
            key="sounds-whole",
            alt=f"Mean scores of the top classes of {result.input}",
        )
    audacity = File("Audacity labels", "events.txt", "text/plain", result.to_audacity)
    state.downloads("events", result.table(), result.to_dict(), "sounds", audacity)
    if independent:
        st.caption(
            "Scores are independent of each other and not calibrated across classes: "
            "compare a class with itself over time, not with another."
        )


def show_table(result: zoo.SoundEvents) -> None:
    """Show the events as a table; each of them can be played."""
    if not result.events:
        st.info("No class reaches the threshold; lower it to see less certain events.")
        return
    st.caption("Click an event in the chart, or select it in the table, to play it.")
    table = result.table()
    st.dataframe(
        table.assign(score=100 * table["score"]),
        hide_index=True,
        key="sounds-table",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "start": st.column_config.NumberColumn("start (s)", format="%.2f"),
            "end": st.column_config.NumberColumn("end (s)", format="%.2f"),
            "score": st.column_config.ProgressColumn(min_value=0, max_value=100, format="%.1f%%"),
            "index": None,  # for programs, in the downloads
            "id": None,
        },
    )


st.title("Sounds")
st.markdown("Upload a recording, make one, or try the sample, and see which sounds occur when.")
with one_sentence():
    recordings = input_picker.ask("audio", "sounds")
    left, right = st.columns([1, 2])
    usual, *others = offered_networks.networks(task="events")
    names = [*state.trained_networks("audio"), usual, *others]
    with left:
        name = input_picker.choose_network("Network", names, usual, "sounds-network")
    threshold = widgets.slider(
        right,
        "Threshold",
        0.05,
        0.95,
        SoundEventOptions.threshold,
        0.05,
        key="sounds-threshold",
        format="percent",
    )
    network_picker.require(Choice("sounds-network", name, names))
    net = state.network(name)
    options = choose(net, threshold)
    for recording in recordings:
        samples, everything = state.remembered(detect_events, name, recording)
        show(samples, relocate(everything, net, **options), net.spec.activation == "sigmoid")
