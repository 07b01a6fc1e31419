"""The notes of many voices, on the page Pitch: options, piano roll, player and files."""

import time
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import streamlit as st

import zoo
from zoo.app import state
from zoo.app.components import input_picker, network_picker, widgets
from zoo.app.components.charts import chart
from zoo.app.components.input_picker import InputFile
from zoo.app.components.network_picker import Choice
from zoo.app.components.playhead import linked_player
from zoo.app.services import offered_networks
from zoo.app.state import RATE, File, literally
from zoo.audio.basicpitch import SAMPLE_RATE
from zoo.audio.options import NoteOptions
from zoo.audio.signal import read_mono

_VOICES = {"pitch": "One voice (frequency)", "notes": "Notes (many voices)"}


class TimedNotes(NamedTuple):
    """Notes, how long they took in s, and the samples for the player."""

    notes: zoo.Notes
    seconds: float
    samples: np.ndarray


def wanted() -> bool:
    """Ask whether to find notes of many voices, or the pitch of one."""
    linked = (input_picker.from_link("network") or "").strip().lower()
    is_linked = linked in {way for name in _networks() for way in (name, name.partition(".")[0])}
    first = "notes" if is_linked else "pitch"
    voices = widgets.segmented_control(
        st, "What to find", _VOICES, first, key="pitch-voices", recall=not is_linked
    )
    if (voices == "notes") != is_linked:
        input_picker.to_link("network", None)  # one of the other kind
    return voices == "notes"


def _networks() -> list[str]:
    return offered_networks.networks(task="notes")


def show(recordings: list[InputFile]) -> None:
    """Show the notes of recordings."""
    names = _networks()
    columns = st.columns(3)
    with columns[0]:
        name = input_picker.choose_network(
            "Network",
            names,
            names[0],
            "pitch-notes-network",
            help="Basic Pitch finds the notes of any instrument, and of several at once; no drums.",
        )
    threshold = widgets.slider(
        columns[1],
        "Threshold of keys",
        0.05,
        0.95,
        NoteOptions.threshold,
        0.05,
        key="pitch-notes-threshold",
        help="Score from which a key sounds: the higher, the fewer notes.",
    )
    onset_threshold = widgets.slider(
        columns[2],
        "Threshold of onsets",
        0.05,
        0.95,
        NoteOptions.onset_threshold,
        0.05,
        key="pitch-notes-onset",
        help="Score from which a key begins anew: the lower, the more notes that are repeated.",
    )
    network_picker.require(Choice("pitch-notes-network", name, names))
    for recording in recordings:
        _show_one(recording, name, state.remembered(_transcribe, name, recording, threshold, onset_threshold))


def _transcribe(name: str, file: InputFile, threshold: float, onset_threshold: float) -> TimedNotes:
    net = state.network(name)
    samples = read_mono(input_picker.open_stream(file), SAMPLE_RATE, max_duration=state.MAX_SECONDS)
    with state.progress(f"{literally(state.title_of(name))} is running …") as progress:
        begin = time.perf_counter()
        notes = zoo.notes(
            samples,
            sample_rate=SAMPLE_RATE,
            network=net,
            threshold=threshold,
            onset_threshold=onset_threshold,
            progress=lambda seconds: progress(seconds * SAMPLE_RATE / len(samples)),
        )
        seconds = time.perf_counter() - begin
    played = read_mono(input_picker.open_stream(file), RATE, max_duration=state.MAX_SECONDS)
    return TimedNotes(replace(notes, input=file.name, recording=None), seconds, played)


def _show_one(recording: InputFile, name: str, timed: TimedNotes) -> None:
    notes, table = timed.notes, timed.notes.table()
    linked_player(timed.samples, "pitch-roll", "pitch-player")
    st.caption(
        f"{literally(state.title_of(name))} took {timed.seconds:.1f} s for {notes.duration:.1f} s of sound."
    )
    if not notes.notes:
        st.info("There are no notes; lower the thresholds to see more.")
        return
    state.metrics(
        {
            "Notes": f"{len(notes):,}",
            "Keys": f"{table['midi'].nunique()}",
            "Lowest": table["name"][table["midi"].idxmin()],
            "Highest": table["name"][table["midi"].idxmax()],
        }
    )
    chart(
        notes.plot(),
        "notes",
        key="pitch-roll",
        zoom=True,
        alt=f"The {len(notes)} notes of {recording.name} as a piano roll, from {notes.notes[0].name} on",
    )
    with st.expander("Table", icon=":material/table:"):
        st.dataframe(
            table[["start", "end", "name", "velocity"]],
            hide_index=True,
            column_config={
                "start": st.column_config.NumberColumn("start (s)", format="%.2f"),
                "end": st.column_config.NumberColumn("end (s)", format="%.2f"),
            },
        )
    state.downloads(
        "notes",
        table,
        notes.to_dict(),
        "pitch-roll-save",
        File("MIDI", "notes.mid", "audio/midi", notes.to_midi),
    )
