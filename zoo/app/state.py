"""What the pages share: cached networks, turns, what a session keeps, errors as one sentence, downloads."""

from __future__ import annotations

import io
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd
import soundfile
import streamlit as st
from cachetools import LRUCache, cached
from streamlit.runtime.scriptrunner import get_script_run_ctx

import zoo
from zoo.app.live.session import SessionLimiter
from zoo.app.server.project_cookie import COOKIE, valid_token
from zoo.app.server.sessions import at_end
from zoo.app.server.stopping import at_stop
from zoo.app.services import memory, offered_networks
from zoo.app.services.job_queue import JobQueue
from zoo.app.services.project import Project
from zoo.app.services.project_training import classes_of, is_imported, network_of
from zoo.app.services.project_training import spec_of as spec_of_saved
from zoo.app.services.projects import Projects, require_project_space
from zoo.app.services.semaphore import FairSemaphore
from zoo.app.services.training_job import shown_classes
from zoo.app.services.workspaces import Workspace, WorkspaceRoot
from zoo.app.settings import network_bytes, projects_folder
from zoo.core.errors import WeightsError, ZooError
from zoo.core.machine import available_processors
from zoo.core.spec import Spec
from zoo.results import to_csv

RATE = 16000  # Hz, of the sound networks of the pages, and of the figures
MAX_SECONDS = 600
MAX_RESULTS = 3  # of a kind; those of 10 minutes take 40 MB with their samples, pitch 130 MB


T = TypeVar("T")


def _bytes(net: zoo.Network) -> int:
    """Memory that a network takes: its tensors, and as much again where a graph was made of them."""
    return 2 * sum(tensor.nbytes for tensor in net.module.state_dict().values())


@cached(LRUCache(network_bytes(), getsizeof=_bytes), condition=threading.Condition())
def _load(name: str) -> zoo.Network:
    """Load a network, one for all users; beyond `network_bytes` the least recently used ones go."""
    net = zoo.load(name, trust=name in offered_networks.allowed())
    if net.spec.origin == "saved" and name not in offered_networks.allowed():
        title = net.spec.title if is_imported(net.spec) else " or ".join(shown_classes(net))
        net.spec = net.spec.replace(name=title)  # and not a path of the server
    return net


def network(name: str) -> zoo.Network:
    """Return a network that this session was offered, in eval mode: its own, or one for all users.

    Raises
    ------
    UnknownNameError
        If it was not offered; nothing is loaded then.
    WeightsError
        If it is not downloaded, which `zoo.app.components.network_picker` offers to do.
    """
    if not is_here(name):
        raise WeightsError(f"{title_of(name)} is not downloaded yet; download it first.")
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


class Halted(Exception):
    """What the page would show next waits for a click of the user."""


def remembered(compute: Callable[..., T], *arguments: Any, max_results: int = MAX_RESULTS) -> T:
    """Return ``compute(*arguments)``, kept for this session; beyond `max_results` the oldest goes.

    Unlike Streamlit's cache it lets `compute` draw, for example a progress bar, without drawing it again; it
    waits for its turn on a busy machine, and what the user stopped is not begun again unasked.
    """
    results = st.session_state.setdefault(f"remembered-{compute.__qualname__}", {})
    with st.container():  # which is there each time, so that what follows keeps its place on the page
        if arguments not in results:
            whole = st.session_state.get("whole-work")  # see `stoppable`
            work = whole or (compute.__qualname__, arguments)
            if st.session_state.pop("stop-clicked", False):
                st.session_state["halted"] = work
            if st.session_state.get("halted") == work:
                if not whole:
                    _offer_to_start_again()
                raise Halted
            with turn():
                results[arguments] = compute(*arguments)
            while len(results) > max_results:
                results.pop(next(iter(results)))
    return results[arguments]


def _halt() -> None:
    """Stop the first work that the page would go on with: the one before may have ended at the click."""
    st.session_state["stop-clicked"] = True


def page_is_whole() -> None:
    """Note that the page has been drawn to its end: a click on Stop concerns nothing that comes later."""
    st.session_state.pop("stop-clicked", None)


def _offer_to_start_again() -> None:
    st.info("Stopped.", icon=":material/stop:")
    st.button("Start again", on_click=st.session_state.pop, args=("halted",), key="start-again")


# What follows must last as long as the process: Streamlit's cache would not do, for a browser can clear it.
@cached({}, condition=threading.Condition())
def _workspaces() -> WorkspaceRoot:
    workspaces = WorkspaceRoot()
    at_stop(workspaces.close)
    return workspaces


@cached({}, condition=threading.Condition())
def _projects() -> Projects | None:
    """Return the projects of browsers; None where their folder cannot be written."""
    try:
        return Projects(projects_folder(), _workspaces().folder)
    except OSError as error:
        logging.getLogger("zoo").warning("Projects end with their sessions: %s", error)
        return None


@cached({}, condition=threading.Condition())
def job_queue() -> JobQueue:
    """Return the queue of all sessions for trainings and measurements."""
    return JobQueue()


@cached({}, condition=threading.Condition())
def live_limiter() -> SessionLimiter:
    """Return the limit of live sessions, one for all."""
    return SessionLimiter()


def workspace() -> Workspace:
    """Return the folder of this session, which is deleted when the session ends."""
    own = st.session_state.get("workspace")
    if own is None or own.closed:
        own = st.session_state["workspace"] = _workspaces().create()
        at_end(session_number(), lambda lost: own.close(lost=lost))
    return own


def session_number() -> str:
    """Return the number of this session."""
    context = get_script_run_ctx()
    assert context is not None  # pages run in one
    return context.session_id


def project() -> Project:
    """Return the project of this browser; without its cookie, one that ends with the session."""
    own = workspace()
    if (opened := st.session_state.get("project")) is None or opened[0] is not own:
        token, projects = valid_token(st.context.cookies.get(COOKIE)), _projects()
        if token and projects:
            current = projects.open(token)
        else:
            current = Project(own.folder / "project", own.folder, require_project_space)
            own.at_end(current.delete)
        session = session_number()
        current.join(session)
        own.at_end(lambda: current.leave(session, lost=own.lost))
        opened = st.session_state["project"] = (own, current)
    return opened[1]


def is_temporary() -> bool:
    """Whether the project ends with this session."""
    return project().folder.is_relative_to(workspace().folder)


def trained_networks(modality: str | None = None) -> dict[str, Spec]:
    """Return the records of the project's networks, trained or imported, the last one first, by name."""
    if "project" not in st.session_state:  # which every session of the app has
        return {}
    specs = {}
    with suppress(ZooError):  # of a damaged project; the page Teach shows why
        own = project()
        for attempt in reversed(own.record.attempts):
            folder = str(network_of(own, attempt))
            with suppress(ZooError):
                specs[folder] = spec_of_saved(folder)
    return {name: spec for name, spec in specs.items() if modality in (None, spec.modality)}


@contextmanager
def progress(text: str) -> Iterator[Callable[..., object]]:
    """Show a progress bar with a button that stops the work. Within `remembered`.

    What it gives is called with the fraction that is done, and with another text if there is one. It is drawn
    four times a second at most: each time takes a browser on the same machine from the work.
    """
    drawn = time.monotonic()

    def report(fraction: float, text: str = text) -> None:
        nonlocal drawn
        if time.monotonic() - drawn > 0.25:
            bar.progress(min(1.0, fraction), text=text)
            drawn = time.monotonic()

    bar, stop = st.progress(0.0, text=text), st.empty()
    stop.button("Stop", icon=":material/stop:", on_click=_halt, key="stop")
    try:
        yield report
    finally:
        bar.empty()
        stop.empty()


@contextmanager
def stoppable(*work: Hashable) -> Iterator[Callable[[float, str], object]]:
    """Let the user stop all that `remembered` computes within as one work, with one progress bar.

    What it gives is called with the fraction that is done, and a text; nothing is drawn before.

    Parameters
    ----------
    *work : hashable
        What tells this work from others: what was stopped is not begun again unasked.
    """
    with ExitStack() as stack:
        place = st.container()
        report: Callable[..., object] | None = None

        def step(fraction: float, text: str) -> None:
            nonlocal report
            if report is None:
                with place:
                    report = stack.enter_context(progress(text))
            report(fraction, text)

        st.session_state["whole-work"] = work
        stack.callback(st.session_state.pop, "whole-work")
        yield step
        if st.session_state.get("halted") == work:
            with place:
                _offer_to_start_again()


@contextmanager
def one_sentence() -> Iterator[None]:
    """Say what the zoo refuses in one sentence on the page, and go on with the page."""
    try:
        yield
    except Halted:
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
    own = trained_networks()
    return own[name] if name in own else offered_networks.spec_of(name)


def title_of(name: str) -> str:
    """Readable name of a network."""
    return spec_of(name).title


def short_name(name: str) -> str:
    """Return the name of a network, or the title of one of the project, whose name is a folder."""
    return title_of(name) if name in trained_networks() else name


def is_here(name: str) -> bool:
    """Whether nothing must be fetched for a network."""
    return name in trained_networks() or offered_networks.is_here(name)


def with_size(names: Iterable[str]) -> dict[str, str]:
    """Return the labels of networks by name: first those that are here, marked, then others with a size."""
    here = {name: is_here(name) for name in names}
    return {name: _with_size(name, here[name]) for name in sorted(here, key=lambda name: not here[name])}


def _with_size(name: str, here: bool) -> str:
    """Return the title, what else people search for, and a mark or the size.

    Lists find the networks whose labels contain what is typed: besides the title that is the name where the
    title does not contain it, and of a network of the project those of its classes that the title leaves out.
    """
    spec = spec_of(name)
    parts = [spec.title]
    if is_imported(spec):
        parts.append("imported")
    elif name in trained_networks():
        parts += filter(None, [", ".join(one for one in classes_of(name) if one not in spec.title)])
    elif name in zoo.networks() and spec.arch not in spec.title.casefold():
        parts.append(name)
    if not here:
        parts.append(f"{spec.size_mb:.0f} MB")
    return " · ".join(parts) + " ✓" * here


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
