"""What a page shows of networks that were chosen and are not downloaded: one block, with a button for it.

A page downloads nothing that its user did not ask for with that button.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import streamlit as st
from cachetools import cached

from zoo.app import state
from zoo.app.components.kept_settings import current_key
from zoo.app.server.stopping import at_stop
from zoo.app.services.downloads import Download, DownloadPool
from zoo.app.state import Halted, literally

MAX_NAMED = 6  # networks, in a sentence that names those that are here


class Choice(NamedTuple):
    """A network that was chosen in a list.

    Attributes
    ----------
    key : str
        Of the list's widget.
    name : str
    offered : sequence of str
        What else the list offers.
    """

    key: str
    name: str
    offered: Sequence[str] = ()


def require(*choices: Choice) -> None:
    """Go on with the page if the networks are here, else offer to download them.

    Raises
    ------
    Halted
        If one is not here; the block is drawn then.
    """
    place = st.container()  # which is there each time, so that what follows keeps its place on the page
    missing = [choice for choice in choices if not state.is_here(choice.name)]
    if not missing:
        return
    others = {choice.key: _here(choice.offered)[:1] for choice in missing}
    instead = {key: names[0] for key, names in others.items() if names}
    offered = [name for choice in missing for name in choice.offered]
    label = "Choose another" if len(instead) == len(missing) else None
    with place:
        _block(list(dict.fromkeys(choice.name for choice in missing)), offered, label, instead)
    raise Halted


def available(names: Sequence[str], key: str, offered: Sequence[str]) -> list[str]:
    """Return the chosen networks that are here, and offer to download or to remove the others.

    Parameters
    ----------
    names : sequence of str
    key : str
        Of the widget in which they were chosen.
    offered : sequence of str
        All that it offers.
    """
    here = _here(names)
    with st.container():  # as in `require`
        if missing := [name for name in dict.fromkeys(names) if name not in here]:
            _block(missing, offered, "Remove", {key: here})
    return here


@cached({}, condition=threading.Condition())  # not Streamlit's cache, which a browser can have cleared
def pool() -> DownloadPool:
    """Where all sessions download."""
    downloads = DownloadPool()
    at_stop(downloads.close)
    return downloads


def titles(names: Iterable[str]) -> str:
    """List the titles of networks in words."""
    *first, last = [f"**{literally(state.title_of(name))}**" for name in names]
    return f"{', '.join(first)} and {last}" if first else last


def _here(names: Iterable[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if state.is_here(name)]


def _own() -> dict[str, Download]:
    """Return the downloads that this session waits for, or that failed for it, by the name of the network."""
    return st.session_state.setdefault("downloads", {})


def _block(
    missing: Sequence[str], offered: Sequence[str], label: str | None, change: Mapping[str, object]
) -> None:
    """Draw what is missing, how its download goes, or why that failed, with buttons.

    Parameters
    ----------
    missing, offered : sequence of str
        The networks that were chosen and are not here; all that could be chosen.
    label : str or None
        Of a button that makes the `change`, the values of widgets by their keys.
    """
    own = _own()
    if arrived := [name for name in missing if name in own and own[name].over and not own[name].error]:
        for name in arrived:
            own.pop(name)
        st.rerun()  # they came after the page had looked for them
    running = [own[name] for name in missing if name in own and not own[name].over]
    failed = {name: own[name].error for name in missing if name in own and own[name].error}
    with st.container(border=True, key="missing"):
        if running:
            _running(running)
            return
        if failed:
            _failure(failed, offered)
        rest = [name for name in missing if name not in failed]
        if rest:
            st.markdown(f"{titles(rest)} {'is' if len(rest) == 1 else 'are'} not downloaded yet.")
        size = sum(state.spec_of(name).size_mb for name in missing)
        buttons = st.container(horizontal=True)
        buttons.button(
            "Try again" if failed else f"Download ({size:.0f} MB)",
            icon=":material/download:",
            on_click=_begin,
            args=(missing,),
            key="missing-download",
        )
        if label:
            buttons.button(label, on_click=_change, args=(change,), key="missing-change")


def _failure(failed: dict[str, str], offered: Sequence[str]) -> None:
    """Say which downloads failed and why, in one message, and what is here instead."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in failed.items():
        by_reason.setdefault(reason, []).append(name)
    sentences = [
        f"{titles(names)} could not be downloaded: {literally(reason)}."
        for reason, names in by_reason.items()
    ]
    if here := _here(offered):
        names = ", ".join(literally(state.title_of(name)) for name in here[:MAX_NAMED])
        more = f" and {len(here) - MAX_NAMED} others" if len(here) > MAX_NAMED else ""
        sentences.append(f"Already here: {names}{more}.")
    st.error(" ".join(sentences), icon=":material/error:")


@st.fragment(run_every=0.5)
def _running(downloads: Sequence[Download]) -> None:
    """Draw how far downloads are, with a button that stops them; the page runs again when one is over.

    One that was stopped may still wait for its server.
    """
    own = _own().values()
    if any(download.over or download not in own for download in downloads):
        st.rerun()
    size = sum(download.spec.size_mb for download in downloads)
    done_mb = sum(download.spec.size_mb * download.fraction for download in downloads)
    names = ", ".join(literally(download.spec.title) for download in downloads)
    st.progress(done_mb / size, text=f"Downloading {names}: {done_mb:.0f} of {size:.0f} MB …")
    st.button("Stop", icon=":material/stop:", on_click=_stop, args=(downloads,), key="missing-stop")


def _begin(names: Sequence[str]) -> None:
    workspace, own = state.workspace(), _own()
    for name in names:
        own[name] = download = pool().join(state.spec_of(name), workspace)
        workspace.at_end(partial(pool().leave, download, workspace))


def _stop(downloads: Sequence[Download]) -> None:
    own = _own()
    for download in downloads:
        pool().leave(download, state.workspace())
        own.pop(download.spec.name, None)


def _change(change: Mapping[str, object]) -> None:
    st.session_state.update({current_key(key): value for key, value in change.items()})
