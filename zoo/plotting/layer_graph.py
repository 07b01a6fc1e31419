"""A graph of layers drawn: from top to bottom by the longest way, branches and shortcuts beside it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import networkx as nx
import numpy as np
import plotly.graph_objects as go

from zoo.plotting.theme import plain, shortened

ROW = 26  # pixels from one rank to the next
MAX_PIXELS = 16000  # in height; browsers draw no canvas that is much higher
_EDGE = "#8a929c"
_NARROW = 0.22  # of a lane in which there are edges only


class Look(NamedTuple):
    """How the nodes of a kind are drawn: seen on white and on black, and distinct without colors too."""

    color: str
    symbol: str
    size: int


LOOKS = {
    "input": Look("#808890", "circle", 12),
    "conv": Look("#3b82c4", "square", 14),
    "norm": Look("#9a8f80", "line-ew-open", 14),
    "activation": Look("#dd9a22", "diamond", 12),
    "pool": Look("#9268c6", "triangle-down", 14),
    "dense": Look("#d64b60", "hexagon", 15),
    "join": Look("#2a9d6f", "cross", 13),
    "block": Look("#14979b", "square", 19),
    "other": Look("#808890", "circle", 9),
}


@dataclass(frozen=True)
class Layout:
    """Where nodes and edges lie: ranks count down from 0, lanes to both sides of 0.

    Attributes
    ----------
    ranks, lanes : dict of str to int
        Of each node.
    ways : dict of (str, str) to int
        The lane that an edge takes where it passes by nodes.
    """

    ranks: dict[str, int]
    lanes: dict[str, int]
    ways: dict[tuple[str, str], int]


def layout(graph: nx.DiGraph[str]) -> Layout:
    """Give each node a rank and a lane, so that nothing lies on anything else.

    The rank is the longest way from the input. One longest way takes lane 0. What is left falls into chains,
    the branches, and into edges that pass by other nodes, the shortcuts, which share a lane where they begin
    at the same node. Shorter ones are put nearer to the middle.
    """
    ranks = {node: rank for rank, nodes in enumerate(nx.topological_generations(graph)) for node in nodes}
    spine = _spine(graph, ranks)
    lanes = dict.fromkeys(spine, 0)
    chains = _chains(graph, ranks, set(spine))
    # What needs a lane: the ranks from the first to the last, and the nodes or the edges that lie there.
    spans: list[tuple[int, int, str | list[str]]] = [
        (
            ranks[chain[0]],
            max([ranks[chain[-1]], *(ranks[n] - 1 for n in graph.successors(chain[-1]))]),
            chain,
        )
        for chain in chains
    ]
    ends = {chain[-1] for chain in chains}
    for node in graph:
        passing = [ranks[after] for after in graph.successors(node) if ranks[after] - ranks[node] > 1]
        if passing and node not in ends:
            spans.append((ranks[node] + 1, max(passing) - 1, node))
    free = _Lanes(len(graph))
    ways: dict[tuple[str, str], int] = {}
    for first, last, what in sorted(spans, key=lambda one: (one[1] - one[0], one[0])):
        lane = free.take(first, last, side=-1 if isinstance(what, str) else 1)  # names are to the right
        if not isinstance(what, str):
            lanes.update(dict.fromkeys(what, lane))
            what = what[-1]
        ways |= {(what, after): lane for after in graph.successors(what) if ranks[after] - ranks[what] > 1}
    return Layout(ranks, lanes, ways)


def _spine(graph: nx.DiGraph[str], ranks: dict[str, int]) -> list[str]:
    """Return a longest path, from its end to its beginning."""
    way = [max(ranks, key=ranks.__getitem__)]
    while before := [node for node in graph.predecessors(way[-1]) if ranks[node] == ranks[way[-1]] - 1]:
        way.append(before[0])
    return way


def _chains(graph: nx.DiGraph[str], ranks: dict[str, int], visited: set[str]) -> list[list[str]]:
    """Return the nodes that are not taken, in chains of neighbors."""
    chains = []
    for node in sorted(set(graph) - visited, key=ranks.__getitem__):
        if node in visited:
            continue
        chain = [node]
        while after := [n for n in graph.successors(chain[-1]) if n not in visited and n not in chain]:
            following = min(after, key=ranks.__getitem__)
            if ranks[following] - ranks[chain[-1]] > 1:
                break
            chain.append(following)
        visited |= set(chain)
        chains.append(chain)
    return chains


class _Lanes:
    """Lanes to both sides of the middle, and which of their ranks are taken."""

    def __init__(self, ranks: int):
        self.ranks = ranks
        self.occupied: dict[int, np.ndarray] = {}

    def take(self, first: int, last: int, side: int) -> int:
        """Take the lane nearest to the middle that is free from one rank to another, and occupy it.

        Of two that are as near, the one on the given side: 1 or -1.
        """
        lanes = (sign * distance for distance in count(1) for sign in (side, -side))
        lane = next(lane for lane in lanes if not self._places(lane, first, last).any())
        self._places(lane, first, last)[:] = True
        return lane

    def _places(self, lane: int, first: int, last: int) -> np.ndarray:
        return self.occupied.setdefault(lane, np.zeros(self.ranks + 1, bool))[first : last + 1]


def draw(graph: nx.DiGraph[str], chosen: str | None = None) -> go.Figure:
    """Draw the figure of a graph of layers; `customdata` of its points has the nodes' names.

    Parameters
    ----------
    graph : DiGraph
        From `zoo.inference.layer_graph`, collapsed or not.
    chosen : str, optional
        A node, or the name of a layer, to mark.
    """
    places = layout(graph)
    across = _across(places)
    x = {node: across[lane] for node, lane in places.lanes.items()}
    figure = go.Figure(_edges(graph, places, across))
    marked = [n for n, data in graph.nodes(data=True) if chosen and chosen in (n, data["layer"])]
    figure.add_scatter(
        x=[x[node] for node in marked],
        y=[places.ranks[node] for node in marked],
        mode="markers",
        marker={"symbol": "circle-open", "size": 28, "color": "#e0457b", "line": {"width": 3}},
        hoverinfo="skip",
        showlegend=False,
    )
    has_names = len(set(places.lanes.values())) <= 8  # more names lie on each other
    for kind, look in LOOKS.items():
        nodes = [node for node, data in graph.nodes(data=True) if data["kind"] == kind]
        if not nodes:
            continue
        figure.add_scatter(
            x=[x[node] for node in nodes],
            y=[places.ranks[node] for node in nodes],
            mode="markers+text" if has_names else "markers",
            name=kind,
            text=[f"\u2002{plain(shortened(_short(node), 18))}\u2002" for node in nodes],
            textposition=["middle left" if places.lanes[n] < 0 else "middle right" for n in nodes],
            textfont={"size": 11},
            marker={
                "color": look.color,
                "symbol": look.symbol,
                "size": look.size,
                "opacity": 1,
                "line": {"width": 3 if look.symbol.endswith("open") else 0, "color": look.color},
            },
            unselected={"marker": {"opacity": 1}},  # what was clicked is marked by the ring
            customdata=[[node, _details(node, graph.nodes[node])] for node in nodes],
            hovertemplate="%{customdata[1]}<extra></extra>",
        )
    deepest = max(places.ranks.values())
    figure.update_xaxes(visible=False, range=[min(across.values()) - 0.6, max(across.values()) + 0.9])
    figure.update_yaxes(visible=False, range=[deepest + 0.7, -0.7])
    return figure.update_layout(
        height=min(ROW * (deepest + 2) + 60, MAX_PIXELS),
        margin={"l": 0, "r": 0, "t": 8, "b": 8},
        legend={
            "orientation": "h",
            "y": 1,
            "yanchor": "bottom",
            "itemclick": False,
            "itemdoubleclick": False,
        },
        dragmode=False,
        modebar={"orientation": "v"},
    )


def _across(places: Layout) -> dict[int, float]:
    """Where each lane lies: those of nodes have room for their names, those of edges are narrow."""
    with_nodes = set(places.lanes.values())
    used = with_nodes | set(places.ways.values()) | {0}
    positions = {0: 0.0}
    for side in (1, -1):
        for lane in range(side, (max if side > 0 else min)(used) + side, side):
            narrow = lane not in with_nodes
            positions[lane] = positions[lane - side] + side * (_NARROW if narrow else 1.0)
    return positions


def _edges(graph: nx.DiGraph[str], places: Layout, across: dict[int, float]) -> go.Scatter:
    x: list[float | None] = []
    y: list[float | None] = []
    for edge in graph.edges:
        (begin, end), (first, last) = (places.lanes[n] for n in edge), (places.ranks[n] for n in edge)
        x.append(across[begin])
        y.append(first)
        if edge in places.ways:
            side = across[places.ways[edge]]
            x += [side, side]
            y += [first + 0.8, last - 0.8]
        x += [across[end], None]
        y += [last, None]
    width = 1.2 if graph.number_of_edges() < 400 else 0.6
    line = {"color": _EDGE, "width": width}
    return go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False)


def _short(node: str) -> str:
    """Return the end of a name, with what a bare number belongs to."""
    parts = node.strip("()").split(".")
    return ".".join(parts[-2:]) if parts[-1].partition("#")[0].isdigit() else parts[-1]


def _details(node: str, data: dict[str, Any]) -> str:
    lines = [f"<b>{plain(node.strip('()'))}</b>", data["type"]]
    if data["shape"]:
        lines.append(" × ".join(map(str, data["shape"])))
    if data["parameters"]:
        lines.append(f"{data['parameters']:,} parameters")
    if data.get("size", 1) > 1:
        lines.append(f"{data['size']} steps")
    return "<br>".join(lines)
