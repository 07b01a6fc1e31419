"""What the pages share: cached networks, turns, what a session keeps, errors as one sentence, downloads."""

from __future__ import annotations

import io
import json
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd
import soundfile
import streamlit as st
from cachetools import LRUCache, cached
from streamlit.runtime.scriptrunner import get_script_run_ctx

import zoo
from zoo.app.live.session import SessionLimiter
from zoo.app.server.sessions import at_end
from zoo.app.server.stopping import at_stop
from zoo.app.services import memory, offered_networks
from zoo.app.services.job_queue import JobQueue
from zoo.app.services.semaphore import FairSemaphore
from zoo.app.services.training_job import TrainedModel
from zoo.app.services.workspaces import Workspace, WorkspaceRoot
from zoo.app.settings import network_bytes
from zoo.core.errors import ZooError
from zoo.core.machine import available_processors
from zoo.core.spec import Spec
from zoo.hub import weights
from zoo.results import to_csv

RATE = 16000  # Hz, at which the sound networks of the pages hear and the figures are drawn
MOST_SECONDS = 600
MOST_RESULTS = 3  # of a kind; those of 10 minutes take 40 MB with their samples, pitch 130 MB
MOST_TAUGHT = 5


T = TypeVar("T")


def _bytes(net: zoo.Network) -> int:
    """Memory that a network takes: its tensors, and as much again where a graph was made of them."""
    return 2 * sum(tensor.nbytes for tensor in net.module.state_dict().values())


@cached(LRUCache(network_bytes(), getsizeof=_bytes), condition=threading.Condition())
def _load(name: str) -> zoo.Network:
    """Load a network, one for all users; beyond `network_bytes` the least recently used ones go."""
    return zoo.load(name, trust=name in offered_networks.allowed())


def network(name: str) -> zoo.Network:
    """Return a network that this session was offered, in eval mode: its own, or one for all users.

    Raises
    ------
    UnknownNameError
        If it was not offered; nothing is loaded then.
    """
    if name in taught():
        return taught()[name].network
    if not is_here(name):
        bar = st.progress(0.0, text=f"Fetching the weights of {title_of(name)} …")
        weights.ensure(
            offered_networks.spec_of(name), lambda done, total: bar.progress(min(1.0, done / max(total, 1)))
        )
        bar.empty()
    with st.spinner("Loading the network …"):
        return _load(name)


_turns = FairSemaphore(max(2, available_processors()))


@contextmanager
def turn() -> Iterator[None]:
    """Wait until this session may keep the machine busy, and say how many are before it."""
    place = st.empty()
    with _turns.take(lambda before: place.info(f"The machine is busy: {before} before you.")):
        place.empty()
        with job_queue().page_at_work():
            yield
        memory.trim(memory.INTERVAL)


class _Halted(Exception):
    """The user stopped what the page would show next."""


def remembered(compute: Callable[..., T], *arguments: Any, most: int = MOST_RESULTS) -> T:
    """Return ``compute(*arguments)``, kept for this session; beyond `most` results the oldest goes.

    Unlike Streamlit's cache it lets `compute` draw, for example a progress bar, without drawing it again; it
    waits for its turn on a busy machine, and what the user stopped is not begun again unasked.
    """
    kept = st.session_state.setdefault(f"remembered-{compute.__qualname__}", {})
    with st.container():  # which is there each time, so that what follows keeps its place on the page
        if arguments not in kept:
            work = (compute.__qualname__, arguments)
            if st.session_state.get("halted") == work:
                _offer_to_start_again()
            st.session_state["working"] = work
            with turn():
                kept[arguments] = compute(*arguments)
            while len(kept) > most:
                kept.pop(next(iter(kept)))
    return kept[arguments]


def _halt() -> None:
    st.session_state["halted"] = st.session_state["working"]


def _offer_to_start_again() -> None:
    st.info("Stopped.", icon=":material/stop:")
    st.button("Start again", on_click=st.session_state.pop, args=("halted",), key="start-again")
    raise _Halted


# What follows must last as long as the process: Streamlit's cache would not do, for a browser can clear it.
@cached({}, condition=threading.Condition())
def _house() -> WorkspaceRoot:
    house = WorkspaceRoot()
    at_stop(house.close)
    return house


@cached({}, condition=threading.Condition())
def job_queue() -> JobQueue:
    """Return the queue of all sessions for trainings and measurements."""
    return JobQueue()


@cached({}, condition=threading.Condition())
def hall() -> SessionLimiter:
    """Where all sessions listen live."""
    return SessionLimiter()


def workspace() -> Workspace:
    """Return the folder of this session and what it made; both are deleted when the session ends."""
    own = st.session_state.get("workspace")
    if own is None or own.closed:
        own = st.session_state["workspace"] = _house().room()
        context = get_script_run_ctx()
        assert context is not None  # pages run in one
        at_end(context.session_id, own.close)
    return own


def taught(modality: str | None = None) -> dict[str, TrainedModel]:
    """Return the networks that this session trained, the last one first, under names unique to it."""
    if "workspace" not in st.session_state:
        return {}
    made = workspace().made.items()
    return {name: one for name, one in reversed(made) if modality in (None, one.network.spec.modality)}


def keep_taught(one: TrainedModel) -> None:
    """Offer a network that was taught on the other pages too; past `MOST_TAUGHT` the oldest goes."""
    made = workspace().made
    made[str(one.folder)] = one
    while len(made) > MOST_TAUGHT:
        oldest = next(iter(made))
        shutil.rmtree(made.pop(oldest).folder, ignore_errors=True)


@contextmanager
def progress(text: str) -> Iterator[Callable[..., object]]:
    """Show a progress bar with a button that stops the work. Within `remembered`.

    What it gives is called with the share that is done, and with another text if there is one. It is drawn
    four times a second at most: each time takes a browser on the same machine from the work.
    """
    drawn = time.monotonic()

    def report(share: float, text: str = text) -> None:
        nonlocal drawn
        if time.monotonic() - drawn > 0.25:
            bar.progress(min(1.0, share), text=text)
            drawn = time.monotonic()

    bar, stop = st.progress(0.0, text=text), st.empty()
    stop.button("Stop", icon=":material/stop:", on_click=_halt, key="stop")
    try:
        yield report
    finally:
        bar.empty()
        stop.empty()


@contextmanager
def one_sentence() -> Iterator[None]:
    """Say what the zoo refuses in one sentence on the page, and go on with the page."""
    try:
        yield
    except _Halted:
        pass
    except ZooError as error:
        refuse(str(error))


def refuse(sentence: str) -> None:
    """Show why something was refused as plain text: file names are not Markdown."""
    st.error(literally(sentence), icon=":material/error:")


def literally(text: str) -> str:
    """Escape a text so that Markdown, with Streamlit's formulas, colors and icons, shows it unchanged."""
    return re.sub(r"[\\*`$\[\]<>~]|(?<!\w)_|_(?!\w)|:(?=[\w/+-]+:)", r"\\\g<0>", text)


def player(samples: np.ndarray) -> None:
    """Show a player of the analyzed sound at its own loudness."""
    stream = io.BytesIO()
    soundfile.write(stream, samples, RATE, format="wav", subtype="PCM_16")
    st.audio(stream.getvalue(), format="audio/wav")


def metrics(values: Mapping[str, Any]) -> None:
    """Figures side by side, two of which fit on a phone."""
    row = st.container(horizontal=True)
    for label, value in values.items():
        row.metric(label, value, width=160)


def spec_of(name: str) -> Spec:
    """Return the record of a network that this session was offered: everybody's, or its own.

    Raises
    ------
    UnknownNameError
        If it was not offered; nothing is looked up then.
    """
    own = taught()
    return own[name].network.spec if name in own else offered_networks.spec_of(name)


def title_of(name: str) -> str:
    """Readable name of a network."""
    return spec_of(name).title


def is_here(name: str) -> bool:
    """Whether nothing must be fetched for a network."""
    return name in taught() or offered_networks.is_here(name)


def with_size(names: Iterable[str]) -> dict[str, str]:
    """Return the titles of networks by name, with what it costs to fetch those that are not here."""
    own = taught()
    return {name: own[name].network.spec.title if name in own else _with_size(name) for name in names}


def _with_size(name: str) -> str:
    spec = offered_networks.spec_of(name)
    return spec.title if offered_networks.is_here(name) else f"{spec.title} ({spec.size_mb:.0f} MB to fetch)"


class File(NamedTuple):
    """What a button saves: its label, the file's name, its kind, and what gives its content when clicked."""

    label: str
    name: str
    kind: str
    content: Callable[[], str | bytes]


def downloads(stem: str, table: pd.DataFrame, record: Any, key: str, *others: File) -> None:
    """Buttons that save a result as CSV, as JSON, and as other files."""
    files = [
        File("CSV", f"{stem}.csv", "text/csv", lambda: to_csv(table)),
        File(
            "JSON",
            f"{stem}.json",
            "application/json",
            lambda: json.dumps(record, ensure_ascii=False, indent=1),
        ),
    ]
    save(key, *files, *others)


def save(key: str, *files: File) -> None:
    """Show a row of buttons, each of which saves a file that is made on a click."""
    row = st.container(horizontal=True)
    for file in files:
        row.download_button(
            file.label,
            file.content,
            file.name,
            file.kind,
            on_click="ignore",
            icon=":material/download:",
            key=f"{key}-{file.label}",
        )
