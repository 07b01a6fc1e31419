"""Where the page Sort begins: a batch that the app's owner offers, and examples of what is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st

from zoo.app import state
from zoo.app.components import widgets
from zoo.app.components.input_picker import PICTURE_TYPES, SOUND_TYPES, InputFile, open_stream
from zoo.app.components.kept_uploads import uploads_of
from zoo.app.components.sort_tiles import show_file
from zoo.app.services import offered_batches, offered_networks
from zoo.app.services.offered_batches import shown_name
from zoo.app.services.sorting import features_of, keep_answers, restored
from zoo.app.state import literally
from zoo.batches.folder import BatchFolder
from zoo.batches.sorter import Sorter
from zoo.core.errors import InputError, ZooError

KINDS = {"image": "Pictures", "audio": "Sounds"}
COMMAND = {
    "image": "zoo batch photos/ --task embed --network efficientnet_lite0 --out sorted",
    "audio": "zoo batch recordings/ --task embed --network yamnet --out sorted",
}
TILES = 8  # files to begin with that are shown at once
NO_CLASS = "—"


@dataclass(frozen=True)
class Batch:
    """A batch that is offered: its kind, name, folder, and one of its networks."""

    kind: str
    name: str
    folder: BatchFolder
    network: str


def choose_batch() -> Batch | None:
    """Choose one of the offered batches; without any, say how to make one."""
    kind = widgets.segmented_control(st, "What", KINDS, "image", key="sort-kind")
    offered: Mapping[str, BatchFolder] = offered_batches.batches(kind)
    if not offered:
        st.info(
            f"The owner of this app offers no {KINDS[kind].lower()} yet; to offer a folder, run "
            f"`{COMMAND[kind]}` and start the app as `{offered_batches.VARIABLE}=sorted zoo app`."
        )
        return None
    left, right = st.columns(2)
    name = widgets.selectbox(left, "Batch", list(offered), key=f"sort-batch-{kind}")
    networks = list(offered[name].networks)
    network = widgets.selectbox(right, "Network", networks, key=f"sort-network-{kind}-{name}")
    return Batch(kind, name, offered[name], network)


def open_sorter(batch: Batch) -> Sorter:
    """Return the sorter of this session for a batch, with the answers that the project keeps."""
    features = state.remembered(_features, batch.name, batch.network, batch.kind)
    key = (batch.kind, batch.name, batch.network, state.project().generation)
    if st.session_state.get("sort-open") != key or st.session_state["sort-sorter"].features is not features:
        st.session_state["sort-sorter"] = restored(
            state.project(), batch.name, batch.folder, batch.network, None
        )
        st.session_state["sort-open"] = key
        st.session_state.pop("sort-begun", None)
        st.session_state["sort-round"] = []
    return st.session_state["sort-sorter"]


def _features(name: str, network: str, kind: str) -> object:
    with st.spinner("Reading the batch …"):
        return features_of(offered_batches.batches(kind)[name], network)


def begin(batch: Batch, sorter: Sorter) -> None:
    """Let the user say what to look for: files of the batch, files of the user's own, or a class."""
    ways = ["File of the batch", "Upload", *["Class"] * bool(sorter.labels)]
    way = widgets.segmented_control(
        st, "Begin with", ways, "Class" if sorter.labels else ways[0], key=f"sort-way-{len(ways)}"
    )
    label, examples = None, list[InputFile]()
    if way == "Class":
        options = {NO_CLASS: NO_CLASS} | {label: label for label in sorted(sorter.labels)}
        chosen = widgets.selectbox(
            st, "What the network calls it", options, key=f"sort-label-{batch.name}-{batch.network}"
        )
        label = None if chosen == NO_CLASS else chosen
    elif way == "Upload":
        examples = _uploaded(batch)
    else:
        _tiles(batch, sorter)
    begun = (label, tuple((one.name, hash(one.data)) for one in examples))
    if st.session_state.get("sort-begun", (None, ())) != begun:
        sorter.begin(label, [state.remembered(_vector, batch, one) for one in examples])
        st.session_state["sort-begun"] = begun
        st.session_state["sort-round"] = []


def _uploaded(batch: Batch) -> list[InputFile]:
    if batch.network not in offered_networks.networks() or not offered_networks.is_here(batch.network):
        raise InputError(
            f"The network {batch.network} is not on this server, so it cannot embed an upload; begin with a "
            "file of the batch."
        )
    key = f"sort-upload-{batch.kind}"
    types = PICTURE_TYPES if batch.kind == "image" else SOUND_TYPES
    return uploads_of(key, lambda: st.file_uploader("One example", types, key=key))


def _vector(batch: Batch, file: InputFile) -> np.ndarray:
    with st.spinner("Embedding the example …"):
        try:
            return batch.folder.query(open_stream(file), batch.network).vector
        except ZooError as error:
            text = str(error).replace(str(batch.folder.path), batch.name)
            raise InputError(text) from error


def _tiles(batch: Batch, sorter: Sorter) -> None:
    """Show files, each with a button that makes it an example."""
    row = st.container(horizontal=True, vertical_alignment="bottom")
    part = widgets.text_input(row, "Part of the file's name", key="sort-search", max_chars=100).strip()
    paths = sorter.features.paths
    places = [i for i, path in enumerate(paths) if part.casefold() in shown_name(path).casefold()]
    if not places:
        st.info(f"No file of the batch has {literally(part)} in its name.")
        return
    turn = st.session_state.setdefault("sort-turn", 0)
    row.button("Show others", icon=":material/refresh:", on_click=_next_turn, key="sort-others")
    drawn = np.random.default_rng(turn).permutation(len(places))[:TILES]
    for start in range(0, len(drawn), 4):
        for column, which in zip(st.columns(4), drawn[start : start + 4], strict=False):
            with column:
                place = places[int(which)]
                number = int(sorter.features.numbers[place])
                show_file(batch.kind, paths[place], small=True)
                st.button(
                    "Like this one",
                    on_click=_take,
                    args=(batch.name, sorter, number),
                    key=f"sort-take-{number}",
                )


def _next_turn() -> None:
    st.session_state["sort-turn"] += 1


def _take(name: str, sorter: Sorter, number: int) -> None:
    sorter.answer(number, True)
    st.session_state["sort-round"] = []
    keep_answers(state.project(), name, sorter)
