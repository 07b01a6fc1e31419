"""What the pages share: cached networks, inputs with limits, errors as one sentence."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import soundfile
import streamlit as st

import zoo
from zoo import weights
from zoo.errors import ZooError
from zoo.results import to_csv
from zoo.samples import SAMPLES, names, sample

RATE = 16000  # Hz, at which the sound networks of the pages hear and the figures are drawn
MOST_SECONDS = 600
MOST_FILES = 20
MOST_RESULTS = 4  # of long recordings, with their samples: 40 MB each at the most
SOUND_TYPES = ["wav", "flac", "ogg", "opus", "mp3", "m4a", "aac", "mp4", "webm", "aiff"]
PICTURE_TYPES = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif"]


T = TypeVar("T")


@dataclass(frozen=True)
class Given:
    """A file that a user handed to a page."""

    name: str
    data: bytes


def named(given: Given) -> io.BytesIO:
    """The file as a stream that knows its name, which results and errors then use."""
    stream = io.BytesIO(given.data)
    stream.name = given.name
    return stream


_load = st.cache_resource(max_entries=8, show_spinner="Loading the network …")(lambda name: zoo.load(name))


def network(name: str) -> zoo.Network:
    """A network in eval mode, one for all users; nobody changes it."""
    if not weights.path_of(zoo.describe(name)).is_file():
        bar = st.progress(0.0, text=f"Fetching the weights of {title_of(name)} …")
        zoo.fetch(name, progress=lambda done, total: bar.progress(min(1.0, done / max(total, 1))))
        bar.empty()
    return _load(name)


def remembered(compute: Callable[..., T], *arguments: Any) -> T:
    """The result of ``compute(*arguments)``, kept for this user's session; of `MOST_RESULTS` the oldest goes.

    Unlike Streamlit's cache it lets `compute` draw, for example a progress bar, without drawing it again.
    """
    kept = st.session_state.setdefault("remembered", {})
    key = (compute.__qualname__, *arguments)
    if key not in kept:
        kept[key] = compute(*arguments)
        while len(kept) > MOST_RESULTS:
            kept.pop(next(iter(kept)))
    return kept[key]


@contextmanager
def listening(name: str, samples: np.ndarray) -> Iterator[Callable[[float], object]]:
    """A progress bar for a network that works through samples; called with the seconds that are done."""
    bar = st.progress(0.0, text=f"{title_of(name)} listens …")
    try:
        yield lambda seconds: bar.progress(min(1.0, seconds * RATE / len(samples)))
    finally:
        bar.empty()


@contextmanager
def one_sentence() -> Iterator[None]:
    """Say what the zoo refuses in one sentence on the page, and go on with the page."""
    try:
        yield
    except ZooError as error:
        st.error(str(error), icon=":material/error:")


def ask(kind: str, key: str) -> list[Given]:
    """Let the user choose pictures or a recording: own files, a device, or a sample.

    Parameters
    ----------
    kind : {"picture", "sound", "melody"}
    key : str
        Of the widgets, different for each page.
    """
    device = "Camera" if kind == "picture" else "Microphone"
    way = st.segmented_control(
        "Where from", ["Upload", device, "Sample"], default="Upload", required=True, key=f"{key}-way"
    )
    if way == "Upload":
        types = PICTURE_TYPES if kind == "picture" else SOUND_TYPES
        label = "Pictures" if kind == "picture" else f"A recording of up to {MOST_SECONDS // 60} minutes"
        files = st.file_uploader(label, types, accept_multiple_files=kind == "picture", key=f"{key}-upload")
        files = files if isinstance(files, list) else [files] if files else []
        if len(files) > MOST_FILES:
            st.warning(f"The first {MOST_FILES} of {len(files)} files are shown.")
        return [Given(file.name, file.getvalue()) for file in files[:MOST_FILES]]
    if way == "Camera":
        shot = st.camera_input("A photo", key=f"{key}-camera")
        return [Given("camera.jpg", shot.getvalue())] if shot else []
    if way == "Microphone":
        take = st.audio_input("Record", sample_rate=RATE, key=f"{key}-microphone")
        return [Given("recording.wav", take.getvalue())] if take else []
    chosen = st.selectbox("Sample", names(kind), format_func=lambda n: SAMPLES[n].title, key=f"{key}-sample")
    st.caption(SAMPLES[chosen].credit)
    with st.spinner("Fetching the sample …"):
        return [Given(chosen, Path(sample(chosen)).read_bytes())]


def player(samples: np.ndarray) -> None:
    """A player of what the network heard, as loud as it was."""
    stream = io.BytesIO()
    soundfile.write(stream, samples, RATE, format="wav", subtype="PCM_16")
    st.audio(stream.getvalue(), format="audio/wav")


def title_of(name: str) -> str:
    """Readable name of a network."""
    return zoo.describe(name).title


def with_size(name: str) -> str:
    """Readable name of a network, and what it costs to fetch it where it is not here."""
    spec = zoo.describe(name)
    here = weights.path_of(spec).is_file()
    return spec.title if here else f"{spec.title} ({spec.size_mb:.0f} MB to fetch)"


def downloads(stem: str, table: pd.DataFrame, record: Any, key: str) -> None:
    """Buttons that save a result as CSV and as JSON."""
    row = st.container(horizontal=True)
    row.download_button(
        "CSV",
        to_csv(table),
        f"{stem}.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
        key=f"{key}-csv",
    )
    row.download_button(
        "JSON",
        json.dumps(record, ensure_ascii=False, indent=1),
        f"{stem}.json",
        "application/json",
        on_click="ignore",
        icon=":material/download:",
        key=f"{key}-json",
    )
