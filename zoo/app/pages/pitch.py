"""The page Pitch: the pitch of a melody or voice over time, or the notes of many voices."""

import io
import time
from dataclasses import replace
from typing import NamedTuple

import librosa
import numpy as np
import soundfile
import streamlit as st

import zoo
from zoo.app import state
from zoo.app.components import audio_figures, input_picker, network_picker, note_view, widgets
from zoo.app.components.charts import chart
from zoo.app.components.input_picker import InputFile
from zoo.app.components.network_picker import Choice
from zoo.app.components.playhead import linked_player
from zoo.app.services import offered_networks
from zoo.app.state import RATE, File, literally, one_sentence
from zoo.audio.options import DECODERS
from zoo.audio.signal import read_mono
from zoo.inference.tasks.pitch import redecode
from zoo.plotting.piano_roll import piano_roll
from zoo.results import to_csv

KEYS = list(
    librosa.midi_to_note(range(24, 96), unicode=False)
)  # C1 to B6, as far as the network's bins reach
HELP = {
    "local-average": "each frame for itself",
    "viterbi": "the smoothest path through the largest bins, as in the original",
    "soft-viterbi": "the smoothest path, weighing all bins",
    "argmax": "the nearest bin of each frame, of 20 cents",
}


class TimedTrack(NamedTuple):
    """A track, and how long it took."""

    track: zoo.PitchTrack
    seconds: float


def track_pitch(name: str, file: InputFile) -> tuple[np.ndarray, TimedTrack]:
    """Return the samples, and the track with all activations, before it is decoded and gated."""
    net = state.network(name)
    samples = read_mono(input_picker.open_stream(file), RATE, max_duration=state.MAX_SECONDS)
    with state.progress(f"{literally(state.title_of(name))} is running …") as progress:
        begin = time.perf_counter()
        track = zoo.pitch(
            samples,
            sample_rate=RATE,
            network=net,
            threshold=0,
            silence=None,
            keep_activations=True,
            progress=lambda seconds: progress(seconds * RATE / len(samples)),
        )
        seconds = time.perf_counter() - begin
    return samples, TimedTrack(replace(track, input=file.name), seconds)


def decode_track(name: str, file: InputFile, decoder: str, keys: tuple[str, str]) -> TimedTrack:
    """Decode the track before any gate, without its activations."""
    _, timed = state.remembered(track_pitch, name, file)
    low, high = (None if key in (KEYS[0], KEYS[-1]) else float(librosa.note_to_hz(key)) for key in keys)
    # A quarter tone beyond, so that both keys are inside however they are tuned.
    low, high = low and low / 2 ** (1 / 24), high and high * 2 ** (1 / 24)
    with st.spinner("Tracking the pitch …"):
        begin = time.perf_counter()
        track = redecode(timed.track, decoder=decoder, fmin=low, fmax=high)
        return TimedTrack(replace(track, activations=None), time.perf_counter() - begin)


def choose() -> tuple[str, str, tuple[str, str], dict[str, float], int]:
    """Network, decoder, range, gate and smoothing."""
    columns = st.columns(4)
    names = offered_networks.networks(task="pitch")
    with columns[0]:
        name = input_picker.choose_network(
            "Network",
            names,
            "crepe.small",
            "pitch-network",
            help="Larger networks of CREPE are more accurate and slower. SwiftF0 is the smallest; it decodes "
            "each frame by itself.",
        )
    decoder = widgets.selectbox(
        columns[1],
        "Decoder",
        DECODERS,
        key="pitch-decoder",
        help="; ".join(f"{decoder}: {text}" for decoder, text in HELP.items()) + ".",
    )
    threshold = widgets.slider(
        columns[2],
        "Confidence",
        0.0,
        1.0,
        0.5,
        0.05,
        key="pitch-threshold",
        help="Frames of lower confidence are unvoiced.",
    )
    silence = widgets.slider(
        columns[3],
        "Silence (dB)",
        -90,
        -20,
        -60,
        5,
        key="pitch-silence",
        help="Quieter frames are unvoiced.",
    )
    with st.expander("Range and smoothing", icon=":material/tune:"):
        left, right = st.columns(2)
        keys = widgets.select_range(
            left,
            "Notes to consider",
            KEYS,
            key="pitch-range",
            help="If you know the range of the voice or instrument, the pitch is searched only within it.",
        )
        smooth = widgets.slider(
            right,
            "Smoothing (frames)",
            1,
            31,
            1,
            2,
            key="pitch-smooth",
            help="Median filter over that many frames; 1: no filter.",
        )
    return name, decoder, keys, {"threshold": threshold, "silence": silence}, smooth


def summary(track: zoo.PitchTrack) -> None:
    if not track.voiced.any():
        st.info("No frame is voiced; lower the confidence or the silence level to see more.")
        return
    middle = float(np.nanmedian(track.frequency))
    state.metrics(
        {
            "Median": f"{middle:.1f} Hz",
            "Lowest": f"{np.nanmin(track.frequency):.1f} Hz",
            "Highest": f"{np.nanmax(track.frequency):.1f} Hz",
            "Voiced": f"{track.voiced.mean():.0%}",
        }
    )


def as_notes(track: zoo.PitchTrack, duration: float) -> None:
    notes = track.notes()
    if notes.empty:
        st.info("No note lasts a tenth of a second.")
        return
    chart(
        piano_roll(notes, duration),
        "notes",
        key="pitch-notes",
        zoom=True,
        alt=f"The {len(notes)} notes of {track.input}, from {notes['name'].iloc[0]} on",
    )
    st.dataframe(
        notes[["start", "end", "name"]].assign(cents=notes["cents"].round() + 0.0),  # and no minus nought
        hide_index=True,
        column_config={
            "start": st.column_config.NumberColumn("start (s)", format="%.2f"),
            "end": st.column_config.NumberColumn("end (s)", format="%.2f"),
            "cents": st.column_config.NumberColumn(format="%+.0f"),
        },
    )
    state.save("pitch-notes-save", File("Notes as CSV", "notes.csv", "text/csv", lambda: to_csv(notes)))


def as_sound(track: zoo.PitchTrack) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, track.synthesize(RATE), RATE, format="wav", subtype="PCM_16")
    return stream.getvalue()


def show_pitch(recordings: list[InputFile]) -> None:
    """Show the pitch of recordings in which one voice sounds at a time."""
    name, decoder, keys, gate, smooth = choose()
    network_picker.require(Choice("pitch-network", name, offered_networks.networks(task="pitch")))
    for recording in recordings:
        samples, analysis = state.remembered(track_pitch, name, recording)
        path = state.remembered(decode_track, name, recording, decoder, keys)
        track = path.track.gated(**gate).smoothed(smooth)
        linked_player(samples, "pitch-figure", "pitch-player")
        summary(track)
        st.caption(
            f"{literally(state.title_of(name))} took {analysis.seconds:.1f} s for "
            f"{len(samples) / RATE:.1f} s of sound, the decoder {decoder} {path.seconds:.2f} s."
        )
        over_time, notes = st.tabs(["Pitch", "Notes"], key="pitch-tabs")
        with over_time:
            chart(
                audio_figures.pitch(samples, RATE, track),
                "pitch",
                key="pitch-figure",
                zoom=True,
                alt=f"Pitch of {recording.name} over time",
            )
        with notes:
            as_notes(track, len(samples) / RATE)
        if widgets.toggle(st, "Play the pitch as a tone", key="pitch-play"):
            st.audio(as_sound(track), format="audio/wav")
        state.downloads(
            "pitch",
            track.table(),
            track.to_dict(),
            "pitch",
            File("MIDI", "pitch.mid", "audio/midi", track.to_midi),
            File("Tone", "pitch.wav", "audio/wav", lambda track=track: as_sound(track)),
        )


st.title("Pitch")
st.markdown(
    "Upload music, sing a melody, or try the sample, and see its pitch: of one voice over time, or all notes "
    "of many voices."
)
with one_sentence():
    recordings = input_picker.ask("melody", "pitch")
    if note_view.wanted():
        note_view.show(recordings)
    else:
        show_pitch(recordings)
