"""How a user hands something to a page: files, a device, a link or a sample, and a network to look at it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import streamlit as st

from zoo.app.components import widgets
from zoo.app.components.kept_uploads import InputFile, uploads_of
from zoo.app.services.safe_fetch import fetch
from zoo.app.state import MAX_SECONDS, RATE, one_sentence, refuse, spec_of, trained_networks, with_size
from zoo.core.errors import UnknownNameError
from zoo.hub.registry import is_default
from zoo.hub.samples import SAMPLES, names, sample

MAX_FILES = 20
SOUND_TYPES = ["wav", "flac", "ogg", "opus", "mp3", "m4a", "aac", "mp4", "webm", "aiff"]
PICTURE_TYPES = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif"]


def open_stream(file: InputFile) -> io.BytesIO:
    """Open the file as a stream with a name, which results and errors then use."""
    stream = io.BytesIO(file.data)
    stream.name = file.name
    return stream


def ask(kind: str, key: str) -> list[InputFile]:
    """Let the user choose pictures or a recording: own files, a device, a link, or a sample.

    Parameters
    ----------
    kind : {"image", "audio", "melody"}
    key : str
        Of the widgets, different for each page.
    """
    device = "Camera" if kind == "image" else "Microphone"
    linked = from_link("sample")
    way = widgets.segmented_control(
        st,
        "Where from",
        ["Upload", device, "Link", "Sample"],
        "Sample" if linked else "Upload",
        key=f"{key}-way",
        recall=not linked,
    )
    if way != "Sample":
        to_link("sample", None)
    if way == "Upload":
        types = PICTURE_TYPES if kind == "image" else SOUND_TYPES
        label = "Pictures" if kind == "image" else f"A recording of up to {MAX_SECONDS // 60} minutes"
        several = kind == "image"
        uploader = f"{key}-upload"
        files = uploads_of(
            uploader,
            lambda: st.file_uploader(label, types, accept_multiple_files=several, key=uploader),
            several=several,
        )
        if len(files) > MAX_FILES:
            st.warning(f"The first {MAX_FILES} of {len(files)} files are shown.")
        return files[:MAX_FILES]
    if way == "Camera":
        camera = f"{key}-camera"
        shots = uploads_of(camera, lambda: st.camera_input("A photo", key=camera))
        return [InputFile("camera.jpg", shot.source) for shot in shots]
    if way == "Microphone":
        microphone = f"{key}-microphone"
        takes = uploads_of(microphone, lambda: st.audio_input("Record", sample_rate=RATE, key=microphone))
        return [InputFile("recording.wav", take.source) for take in takes]
    if way == "Link":
        what = "a picture" if kind == "image" else "a recording"
        url = widgets.text_input(
            st, f"Link to {what}", key=f"{key}-link", max_chars=2000, placeholder="https://…"
        )
        if not url.strip():
            return []
        with one_sentence(), st.spinner("Fetching the link …"):
            return [fetch_once(url)]
        return []
    titles = {name: SAMPLES[name].title for name in names(kind)}
    if linked and linked not in titles:
        refuse(f"Unknown sample {linked[:60]!r}; choose one of {', '.join(titles)}.")
        linked = None
    selected = widgets.selectbox(st, "Sample", titles, linked, key=f"{key}-sample", recall=not linked)
    to_link("sample", selected)
    st.caption(SAMPLES[selected].credit)
    with st.spinner("Fetching the sample …"):
        return [InputFile(selected, Path(sample(selected)).read_bytes())]


def fetch_once(url: str) -> InputFile:
    """Fetch the file at a link and keep it until the session asks for another; waiting takes no turn."""
    cached = st.session_state.get("fetched")
    if cached is None or cached[0] != url:
        cached = st.session_state["fetched"] = (url, InputFile(*fetch(url)))
    return cached[1]


def from_link(parameter: str) -> str | None:
    """Read the page's address, for example ``/sounds?network=yamnet&sample=bicycle-bell.wav``."""
    return st.query_params.get(parameter)


def to_link(parameter: str, value: str | None) -> None:
    """Put what is chosen into the page's address, so that it can be passed on; None takes it out."""
    if value is not None:
        st.query_params[parameter] = value
    else:
        st.query_params.pop(parameter, None)


def linked_network(linked: str, offered: Sequence[str]) -> str:
    """Return the network that a link names: one of those offered, never a folder or another collection.

    Raises
    ------
    UnknownNameError
        If the link names another one.
    """
    by_name = {spec_of(name).arch: name for name in offered if is_default(name)}
    by_name |= {name.lower(): name for name in offered}
    if (key := linked.strip().lower()) in by_name:
        return by_name[key]
    close = get_close_matches(key[:60], by_name, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(close)}?" if close else "."
    raise UnknownNameError(f"The link names the network {linked[:60]!r}, which is not offered here{hint}")


def linked_networks(offered: Sequence[str]) -> list[str]:
    """Return the networks that the page's address names: none, and a sentence, if one is not offered."""
    names = filter(None, (from_link("network") or "").split(","))
    try:
        return list(dict.fromkeys(linked_network(name, offered) for name in names))
    except UnknownNameError as error:
        refuse(str(error))
        return []


def choose_network(label: str, offered: list[str], usual: str, key: str, *, help: str | None = None) -> str:
    """Let the user choose a network; the page's address may name another first choice than the usual one."""
    linked = next(iter(linked_networks(offered)), None)
    name = widgets.selectbox(
        st, label, with_size(offered), linked or usual, key=key, help=help, recall=not linked
    )
    to_link("network", None if name == usual or name in trained_networks() else name)
    return name
