"""The table of networks, the chart of the field, and the card of one network: record and layers."""

import re

import pandas as pd
import streamlit as st

from zoo.app.components import widgets
from zoo.app.components.accuracy_latency_chart import charts
from zoo.app.components.import_box import import_box
from zoo.app.components.input_picker import linked_network
from zoo.app.components.layer_view import layers
from zoo.app.components.model_card import figures, record
from zoo.app.components.own_network import own_record
from zoo.app.services import offered_networks
from zoo.app.services.project_training import network_of
from zoo.app.state import File, one_sentence, project, refuse, save, spec_of, trained_networks, with_size
from zoo.core.errors import UnknownNameError
from zoo.core.spec import MODALITIES, TASKS
from zoo.hub import weights
from zoo.hub.registry import is_default
from zoo.results import to_csv

NETWORK_KEY = "networks-network"
RECORD, LAYERS = "Record", "Layers"
YOURS = "yours"


def table() -> pd.DataFrame:
    """One row a network, by its name: first those of the project, then those of everybody."""
    own = trained_networks()
    rows = []
    for name, spec in (own | offered_networks.records()).items():
        accuracy = f"{spec.accuracy.value:g} {spec.accuracy.metric}" if spec.accuracy else ""
        rows.append(
            {
                "name": YOURS if name in own else name,
                "network": spec.title,
                "for": spec.modality,
                "tasks": ", ".join(spec.tasks),
                "parameters": spec.parameters,
                "MB": spec.size_mb,
                "depth": spec.depth,
                "published accuracy": accuracy,
                "license of the weights": spec.license,
                "here": name in own or weights.path_of(spec).is_file(),
            }
        )
    return pd.DataFrame(rows, index=[*own, *offered_networks.records()])


def filtered(everything: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that pass the filters."""
    left, middle, right = st.columns([2, 3, 3])
    modality = widgets.pills(left, "For", MODALITIES, key="networks-modality")
    tasks = widgets.pills(middle, "Task", TASKS, key="networks-task")
    words = widgets.text_input(
        right, "Search", key="networks-search", max_chars=200, placeholder="name, license, …"
    )
    rows = everything
    if modality:
        rows = rows[rows["for"].isin(modality)]
    if tasks:
        rows = rows[rows["tasks"].map(lambda text: set(tasks) <= set(text.split(", ")))]
    if words:
        text = rows.astype(str).agg(" ".join, axis=1).map(_searchable)
        rows = rows[text.str.contains(_searchable(words), regex=False)]
    return rows


def _searchable(text: str) -> str:
    """Return only the letters and digits of a text, so that "ResNet 50" is found in "ResNet-50"."""
    return re.sub(r"[\W_]", "", text).casefold()


def follow_link() -> None:
    """Open the network that the address names, as in ``?network=yamnet``; once, then the box leads."""
    linked = st.query_params.get("network")
    if linked is None or (
        linked == st.session_state.get("networks-link") and NETWORK_KEY in st.session_state
    ):
        return
    st.session_state["networks-link"] = linked
    try:
        st.session_state[NETWORK_KEY] = linked_network(linked, offered_networks.networks())
    except UnknownNameError as error:
        st.session_state["networks-unknown"] = str(error)


def remember_link() -> None:
    """Put the chosen network into the address, so that it can be passed on."""
    name = widgets.current_choice(NETWORK_KEY, offered_networks.networks())
    if name is None:  # one of the project, which nobody else can open
        st.query_params.pop("network", None)
        return
    link = spec_of(name).arch if is_default(name) else name
    st.query_params["network"] = st.session_state["networks-link"] = link
    st.session_state.pop("networks-unknown", None)


def select(names: list[str]) -> None:
    """Choose the network whose row was selected."""
    name = widgets.selected_row("networks-table", names)
    if name is not None:
        st.session_state[NETWORK_KEY] = name
        remember_link()


def card(names: list[str]) -> None:
    if widgets.current_choice(NETWORK_KEY, names) is None:
        st.session_state.pop(NETWORK_KEY, None)
    name = widgets.selectbox(st, "Network", with_size(names), on_change=remember_link, key=NETWORK_KEY)
    spec = spec_of(name)
    figures(spec)
    view = widgets.segmented_control(st, "Show", [RECORD, LAYERS], RECORD, key="networks-view")
    if view == RECORD:
        if name in trained_networks():
            own_record(project(), name, spec)
        else:
            record(spec)
    else:
        layers(name, names)


st.title("Networks")
st.markdown("All pretrained networks. Select a row, or choose below, to see one closely.")
follow_link()
with one_sentence():
    if (imported := import_box(project())) is not None:
        st.session_state[NETWORK_KEY] = str(network_of(project(), imported))
        remember_link()
if sentence := st.session_state.get("networks-unknown"):
    refuse(sentence)
selection = filtered(table())
with one_sentence():
    if selection.empty:
        st.info("No network fits these filters.")
    else:
        names = selection.index.tolist()
        st.dataframe(
            selection,
            hide_index=True,
            key="networks-table",
            on_select=lambda: select(names),
            selection_mode="single-row",
            column_order=["here", *selection.columns.drop("here")],  # seen on narrow screens too
            column_config={
                "parameters": st.column_config.NumberColumn(format="localized"),
                "MB": st.column_config.NumberColumn(format="%.1f"),
                "here": st.column_config.CheckboxColumn(help="The weights are on this machine."),
            },
            alt="The networks that fit the filters",
        )
        save("networks-save", File("Networks as CSV", "networks.csv", "text/csv", lambda: to_csv(selection)))
        title = "Image networks: accuracy against prediction time"
        box = st.expander(title, key="networks-charts", on_change="rerun")
        if box.open:
            with box:
                charts()
        card(names)
