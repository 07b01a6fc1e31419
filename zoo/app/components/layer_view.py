"""The layers of a network on the page Networks: their graph, their table, and what they make of an input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import networkx as nx
import pandas as pd
import streamlit as st
import torch
from torch import nn

from zoo.app import state
from zoo.app.components import input_picker, network_picker, widgets
from zoo.app.components.charts import chart
from zoo.app.components.input_picker import InputFile, open_stream
from zoo.app.components.network_picker import Choice
from zoo.app.state import File, literally, one_sentence, spec_of
from zoo.inference import layer_graph as graphs
from zoo.inference.activations import MAX_SECONDS, SIDE, Activations, look
from zoo.plotting.layer_graph import draw
from zoo.results import to_csv

WHOLE = "The whole network"
KINDS = {
    "conv": "convolution",
    "norm": "normalization",
    "activation": "activation",
    "pool": "pooling",
    "dense": "fully connected",
    "join": "joins branches",
    "block": "a block of several steps",
    "input": "the input",
    "other": "moves or passes on values",
}


@st.cache_resource(max_entries=16, show_spinner="Building the network without weights …")
def _structure(name: str) -> tuple[nn.Module, nx.DiGraph[str]]:
    """Build the module and graph of a network without values, which takes neither weights nor memory."""
    spec = spec_of(name)
    module = graphs.skeleton(spec)
    return module, graphs.graph_of(module, torch.zeros(1, *spec.input_shape, device="meta"))


def layers(name: str, offered: Sequence[str]) -> None:
    """Graph and table of a network, and the layer that is chosen in either of them or in the box.

    Parameters
    ----------
    name : str
    offered : sequence of str
        All networks that could be chosen.
    """
    module, graph = _structure(name)
    view = shown_part(name, graph)
    box = f"networks-layer-{name}"
    options = list(dict.fromkeys([*view, *graph]))
    if box not in st.session_state:
        st.session_state[box] = next(node for node in graph if graph.nodes[node]["kind"] in ("conv", "dense"))
    elif widgets.current_choice(box, options) is None:
        st.session_state[box] = options[0]
    left, right = st.columns(2)
    with left, st.container(height=700, key="networks-graph-box"):
        key = f"networks-graph-{name}-{len(view)}-{options[0]}"  # another part is another chart
        chart(
            draw(view, st.session_state[box]),
            "layers",
            key=key,
            zoom=True,
            on_select=lambda: _choose(box, widgets.clicked_point(key, options)),
            selection_mode="points",
            alt=f"Graph of the layers of {state.short_name(name)}: the table below has the same as text",
        )
    with right:
        selected = widgets.selectbox(st, "Layer", {node: node.strip("()") for node in options}, key=box)
        where = graph if selected in graph else view  # a block is in the view only
        details(name, module, where, selected)
        with one_sentence():
            activations(name, offered, where.nodes[selected])
    table(name, graph, box)


def shown_part(name: str, graph: nx.DiGraph[str]) -> nx.DiGraph[str]:
    """Choose what the graph shows: all of the network or one block of it, at a level of detail."""
    left, right = st.columns(2)
    blocks = list(dict.fromkeys(block for _, data in graph.nodes(data=True) for block in data["inside"]))
    part = widgets.selectbox(left, "Part", [WHOLE, *blocks], key=f"networks-part-{name}")
    inside = graph if part == WHOLE else graphs.part_of(graph, part)
    sizes = {level: len(graphs.collapsed(inside, level)) for level in range(1, graphs.levels(inside) + 1)}
    distinct = {size: level for level, size in reversed(sizes.items())}  # the first level of each size
    choices = sorted(distinct.values())
    level = choices[0]
    if len(choices) > 1:
        level = widgets.select_slider(
            right,
            "Detail",
            {level: f"{sizes[level]} nodes" for level in choices},
            distinct[sizes[graphs.readable_level(inside)]],
            key=f"networks-detail-{name}-{part}",
            help="Each block of layers is one node at first.",
        )
    return graphs.collapsed(inside, level)


def _choose(box: str, layer: str | None) -> None:
    """Choose the layer whose point was clicked or whose row was selected, if there is one."""
    if layer is not None:
        st.session_state[box] = layer


def shape(value: tuple[int, ...] | None) -> str:
    return " × ".join(map(str, value)) if value else ""


def details(name: str, module: nn.Module, graph: nx.DiGraph[str], node: str) -> None:
    """Kind, position, shapes and parameters of a node."""
    data = graph.nodes[node]
    lines = [f"**{data['type']}**, {KINDS[data['kind']]}"]
    if data["kind"] == "block":
        lines.append(f"Stands for {data['size']} steps")
    else:
        lines.append(f"Step {list(graph).index(node)} of {len(graph) - 1}")
    before = list(graph.predecessors(node))
    lines += [f"In: {shape(graph.nodes[one]['shape'])} from `{one.strip('()')}`" for one in before[:4]]
    if len(before) > 4:
        lines.append(f"In: {len(before) - 4} more")
    lines.append(f"Out: {shape(data['shape'])}")
    if data["parameters"]:
        lines.append(f"Parameters: {data['parameters']:,}")
    if data["layer"] and data["kind"] != "block":
        layer = module.get_submodule(data["layer"])
        lines += [f"{key}: {shape(tuple(p.shape))}" for key, p in layer.named_parameters(recurse=False)]
        if settings := layer.extra_repr():
            lines.append(f"`{settings}`")
    st.markdown("\n".join(f"- {line}" for line in lines))
    if data["kind"] == "block":
        st.button(
            "Look inside",
            icon=":material/zoom_in:",
            on_click=lambda: st.session_state.update({f"networks-part-{name}": node}),
            key="networks-inside",
        )


def activations(name: str, offered: Sequence[str], data: dict[str, Any]) -> None:
    """Show the activations of the chosen layer for an input, which takes weights."""
    st.markdown("##### Activations")
    spec = spec_of(name)
    if not data["layer"]:
        st.info("This step is not a layer. Choose a layer to see its activations.")
        return
    network_picker.require(Choice("networks-network", name, offered))
    kind = (
        "image" if spec.modality == "image" else "melody" if {"pitch", "notes"} & set(spec.tasks) else "audio"
    )
    inputs = input_picker.ask(kind, f"networks-{kind}")
    if not inputs:
        st.info(f"Upload a {'picture' if kind == 'image' else 'recording'}, or choose a sample.")
        return
    if len(inputs) > 1:
        st.caption(f"Only the first of the {len(inputs)} pictures is used.")
    place = st.empty()
    at = st.session_state.get(f"networks-window-{name}")
    result = state.remembered(_look, name, data["layer"], inputs[0], at)
    with place.container():
        show(result, name)


def _look(name: str, layer: str, file: InputFile, at: float | None) -> Activations:
    net = state.network(name)
    with state.progress(f"{literally(net.spec.title)} is running …") as progress:
        return look(
            net, open_stream(file), layer, at=at, progress=lambda seconds: progress(seconds / MAX_SECONDS)
        )


def show(result: Activations, name: str) -> None:
    """Show the values of one layer as fits their shape."""
    key = f"networks-{result.layer}"
    if result.times is not None:
        chart(
            result.over_time(),
            "activations-over-time",
            key=f"{key}-course",
            alt=f"Mean of the channels of {result.layer} over time",
        )
        starts = [round(float(start), 3) for start in result.times[:, 0]]
        begin, end = result.times[result.window]
        st.caption(f"Below: the window from {begin:.2f} to {end:.2f} s, marked above.")
        if len(set(starts)) > 1:
            choices = sorted(set(starts))
            widgets.select_slider(
                st,
                "Window that begins at (s)",
                choices,
                min(choices, key=lambda start: abs(start - begin)),
                key=f"networks-window-{name}",
            )
    if result.values.ndim == 1:
        chart(
            result.bars(),
            "activations",
            key=f"{key}-bars",
            alt=f"The largest of the {len(result.values)} units of {result.layer}",
        )
    elif result.values.ndim == 2:
        chart(
            result.lines(),
            "activations",
            key=f"{key}-lines",
            alt=f"The strongest channels of {result.layer}",
        )
    else:
        maps(result)
    numbers(result, key)


def maps(result: Activations) -> None:
    """Show a grid of the strongest channels."""
    max_channels = widgets.segmented_control(st, "Channels", [16, 36, 64], 16, key="networks-channels")
    pictures = result.maps(max_channels)
    names = [result.name_of(channel) if result.labels else f"channel {channel}" for channel, _ in pictures]
    grid = st.container(horizontal=True, gap="small")
    for (_, picture), one in zip(pictures, names, strict=True):
        grid.image(picture, caption=literally(one), width=SIDE, alt=f"Map of {one} of {result.layer}")
    turned = " Time runs from left to right, high frequencies are on top." if result.axes else ""
    st.caption(
        f"The strongest of {len(result.values)} channels, each from its smallest value (dark) to its largest "
        f"(bright).{turned}"
    )


def numbers(result: Activations, key: str) -> None:
    s = result.statistics()
    st.markdown(
        f"{result.values.size:,} values: mean {s['mean']:.3g}, standard deviation {s['deviation']:.3g}, "
        f"from {s['smallest']:.3g} to {s['largest']:.3g}, {s['zeros']:.0%} of them zero."
    )
    chart(
        result.histogram(),
        "histogram",
        key=f"{key}-histogram",
        alt=f"Histogram of the values of {result.layer}",
    )


def table(name: str, graph: nx.DiGraph[str], box: str) -> None:
    """All steps as rows; selecting one chooses it."""
    names = list(graph)
    rows = [
        {
            "step": step,
            "layer": node.strip("()"),
            "type": data["type"],
            "kind": data["kind"],
            "in": ", ".join(
                shape(graph.nodes[source]["shape"]) for source in list(graph.predecessors(node))[:4]
            ),
            "out": shape(data["shape"]),
            "parameters": data["parameters"],
        }
        for step, (node, data) in enumerate(graph.nodes.items())
    ]
    key = f"networks-rows-{name}"
    steps = pd.DataFrame(rows)
    st.dataframe(
        steps,
        hide_index=True,
        key=key,
        on_select=lambda: _choose(box, widgets.selected_row(key, names)),
        selection_mode="single-row",
        column_config={"parameters": st.column_config.NumberColumn(format="localized")},
        alt=f"The layers of {state.short_name(name)}, in the order in which they run",
    )
    st.caption("Select a row to choose that layer. Shapes are those of one input.")
    file = f"{state.short_name(name)}-layers.csv"
    state.save(f"{key}-save", File("Layers as CSV", file, "text/csv", lambda: to_csv(steps)))
