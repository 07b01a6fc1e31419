"""What the page Embeddings shows of a collection: its map, neighbors, similarities and vectors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

import zoo
from zoo.app import state
from zoo.app.components import input_picker, widgets
from zoo.app.components.charts import chart
from zoo.app.components.input_picker import InputFile
from zoo.app.components.kept_settings import current_key
from zoo.app.services.umap_layout import STEPS, UmapLayout
from zoo.app.state import RATE, File, literally
from zoo.audio.signal import read_mono
from zoo.inference.tasks.embed_files import MAX_GROUPS, Collection, grouped
from zoo.results import Projection, to_csv
from zoo.results.projection import FEWEST
from zoo.vision import decoding

SECONDS = 30  # of a recording that are played
SIDE = 320  # pixels of a small picture, twice what it takes up, for screens that show more
TILE = 108  # pixels
PLAYER = 230  # pixels; a narrower one hides its time
MAX_ROWS = 100  # of the matrix
MAX_DIMENSIONS = 256  # of the picture of the vectors
LAYOUTS = {"pca": "PCA", "umap": "UMAP"}
MAP = "embeddings-map"
QUERY = "embeddings-query"


def show(kind: str, files: Sequence[InputFile], collection: Collection) -> None:
    """Everything about a collection."""
    embedding = collection.embedding
    if st.session_state.get("embeddings-shown") is not collection:
        st.session_state["embeddings-shown"] = collection
        st.session_state["embeddings-small"] = {}
        st.session_state[current_key(QUERY)] = 0
    inputs = dict(zip(dict.fromkeys(embedding.inputs), (files[i] for i in collection.files), strict=True))
    over_time = embedding.times is not None and len(inputs) < len(embedding)
    titles = ["Map", "Similarity", *["Vectors over time"] * over_time]
    tabs = st.tabs(titles, key=f"embeddings-tabs-{over_time}")
    with tabs[0]:
        show_map(kind, inputs, embedding)
    with tabs[1]:
        matrix(embedding)
    if over_time:
        with tabs[2]:
            vectors(embedding)
    provenance = embedding.provenance  # of a batch, whose network the app may not offer
    title = provenance.title if provenance else state.title_of(embedding.network)
    st.caption(
        f"{len(embedding)} vectors of {embedding.values.shape[1]} numbers from "
        f"{literally(embedding.layer)} of {literally(title)}."
    )
    downloads = [
        File("NPZ", "embeddings.npz", "application/octet-stream", embedding.to_npz),
        File("Parquet", "embeddings.parquet", "application/vnd.apache.parquet", embedding.to_parquet),
        File("CSV", "embeddings.csv", "text/csv", lambda: to_csv(embedding.table())),
    ]
    if provenance := embedding.provenance:  # beside the CSV, where `zoo.read_embedding` looks for it
        downloads.append(
            File(
                "Provenance of the CSV", "embeddings.provenance.json", "application/json", provenance.to_json
            )
        )
    state.save("embeddings", *downloads)


def show_map(kind: str, files: dict[str, InputFile], embedding: zoo.Embedding) -> None:
    """Show the map, and beside it the chosen point with its neighbors."""
    columns = st.columns(4)
    method = widgets.segmented_control(
        columns[0],
        "Layout",
        LAYOUTS,
        "pca",
        key="embeddings-method",
        help="PCA keeps large distances; UMAP keeps neighbors together.",
    )
    colors = choose_colors(columns[1], embedding)
    k = widgets.slider(columns[2], "Neighbors", 1, 20, 5, 1, key="embeddings-k")
    others = False
    if len(files) > 1 and len(embedding) > len(files):
        others = widgets.toggle(columns[3], "From other files only", key="embeddings-others")
    left, right = st.columns([3, 2])
    labels = embedding.labels()
    with right:
        selected = widgets.selectbox(
            st,
            "Chosen",
            dict(enumerate(labels)),
            key=QUERY,
            help="Or click a point of the map.",
        )
        near = embedding.neighbors(selected, k, same_input=not others)
        show_input(kind, files, embedding, selected, "")
        st.markdown("**Nearest**" if len(near) else "There is no other file to compare it with.")
        with st.container(horizontal=True):
            for row, similarity in zip(near.indices, near.similarities, strict=True):
                show_input(kind, files, embedding, int(row), f"{similarity:.2f}")
    with left:
        projection = lay_out(embedding, method)
        figure = projection.plot(chosen=selected, near=near.indices.tolist(), **colors)
        figure.update_layout(
            height=520,
            margin={"l": 8, "r": 8, "t": 8, "b": 8},
            dragmode="pan",
            legend={"orientation": "h", "yanchor": "top", "y": -0.16},
        )
        chart(
            figure,
            "map",
            key=MAP,
            on_select=lambda: pick(len(embedding)),
            selection_mode="points",
            alt=f"Map of {len(embedding)} vectors by {LAYOUTS[projection.method]}",
        )
        explain(projection)
        state.save(
            "embeddings-map-table",
            File("Map as CSV", "map.csv", "text/csv", lambda: to_csv(projection.table())),
        )


def pick(number: int) -> None:
    """Choose the one of so many points that was clicked."""
    point = widgets.clicked_point(MAP, range(number))
    if point is not None:
        st.session_state[current_key(QUERY)] = point


def lay_out(embedding: zoo.Embedding, method: str) -> Projection:
    """Return the map by PCA, which is there at once, or by UMAP when another process has computed it."""
    by_pca = state.remembered(principal_components, embedding)
    if method == "pca":
        return by_pca
    layout = state.remembered(UmapLayout, embedding)
    with st.container():  # which keeps the place of the map below
        if layout.error:
            state.refuse(layout.error)
            st.button("Try again", on_click=layout.begin, key="embeddings-umap-again")
        elif not layout.done:
            st.fragment(wait, run_every=1)(layout)
        elif layout.projection is None:
            st.caption(f"UMAP needs {FEWEST} different vectors; this is PCA.")
    return layout.projection or by_pca


def principal_components(embedding: zoo.Embedding) -> Projection:
    return embedding.project()


def wait(layout: UmapLayout) -> None:
    """Show how far a map by UMAP is; the page takes it up when it is done."""
    if layout.done:
        st.rerun()
    text = f"UMAP: {STEPS[layout.step]}, {layout.seconds:.0f} s. Until it is ready, the map is by PCA."
    st.progress(layout.fraction, text=text)


def explain(projection: Projection) -> None:
    if projection.explained_variance_ratio:
        st.caption(f"The map shows {sum(projection.explained_variance_ratio):.0%} of the variance.")
    else:
        st.caption("UMAP keeps neighbors together; its axes and large distances have no meaning.")


def choose_colors(place: Any, embedding: zoo.Embedding) -> dict[str, Any]:
    """Return the options of `Projection.plot` that color the map."""
    inputs, groups = set(embedding.inputs), groups_of(embedding)
    windows = len(inputs) < len(embedding)
    ways = []
    if groups:
        ways.append("Group")
    if windows and 1 < len(inputs) <= MAX_GROUPS:
        ways.append("File")
    if windows:
        ways.append("Time")
    ways += ["Nothing", *["Clusters"] * (len(embedding) > 2)]
    way = widgets.selectbox(place, "Color", ways, key=f"embeddings-color-{'-'.join(ways)}")
    if way == "Group":
        return {"groups": groups}
    if way == "File":
        return {"groups": embedding.inputs}
    if way == "Time" and embedding.times is not None:
        return {"shades": embedding.times[:, 0], "shade": "time (s)"}
    if way == "Clusters":
        max_clusters = min(MAX_GROUPS, len(embedding) - 1)
        k = 2
        if max_clusters > 2:
            key = f"embeddings-clusters-{max_clusters}"
            k = widgets.slider(place, "Clusters", 2, max_clusters, min(3, max_clusters), 1, key=key)
        return {"groups": [f"cluster {one + 1}" for one in state.remembered(cluster, embedding, k)]}
    return {}


def groups_of(embedding: zoo.Embedding) -> list[str] | None:
    """Return the group of each row, if the file names tell any."""
    inputs = list(dict.fromkeys(embedding.inputs))
    if (groups := grouped(inputs)) is None:
        return None
    of_input = dict(zip(inputs, groups, strict=True))
    return [of_input[name] for name in embedding.inputs]


def cluster(embedding: zoo.Embedding, k: int) -> np.ndarray:
    return embedding.clusters(k)


def show_input(kind: str, files: dict[str, InputFile], embedding: zoo.Embedding, row: int, note: str) -> None:
    """Show a tile: a small image or a player, its name, and a caption."""
    name, label = embedding.inputs[row], embedding.labels()[row]
    with st.container(width=TILE if kind == "image" else PLAYER, gap="xsmall"):
        small = st.session_state["embeddings-small"]
        if name not in small:
            small[name] = thumbnail(files[name]) if kind == "image" else samples(files[name])
        if embedding.times is None:
            st.image(small[name], width="stretch", alt=name)
        else:
            start, end = embedding.times[row]
            state.player(small[name][int(start * RATE) : int(min(end, start + SECONDS) * RATE)])
        st.caption(f"**{note}** {literally(label)}" if note else literally(label))


def thumbnail(file: InputFile) -> Any:
    """Return a small copy of the image."""
    return decoding.thumbnail(input_picker.open_stream(file), (SIDE, SIDE))


def samples(file: InputFile) -> np.ndarray:
    return read_mono(input_picker.open_stream(file), RATE, max_duration=state.MAX_SECONDS)


def matrix(embedding: zoo.Embedding) -> None:
    """How alike all are, each with each."""
    some = embedding
    if len(embedding) > MAX_ROWS:
        some = embedding[np.linspace(0, len(embedding) - 1, MAX_ROWS).astype(int)]
        st.caption(f"{MAX_ROWS} of {len(embedding)} vectors, evenly chosen.")
    groups = groups_of(some)
    if groups:
        orders = ["Group", "Likeness"]
        order = widgets.segmented_control(st, "Order", orders, "Group", key="embeddings-order")
        groups = groups if order == "Group" else None
    similarity = some.similarity().ordered(groups)
    figure = similarity.plot(groups and sorted(groups))
    figure.update_layout(height=560, margin={"l": 8, "r": 8, "t": 8, "b": 8})
    alt = f"Cosine similarity of {len(some)} vectors, each with each"
    chart(figure, "similarity", key="embeddings-matrix", alt=alt)
    frame = similarity.table().rename_axis("").reset_index()
    table = File("Similarity as CSV", "similarity.csv", "text/csv", lambda: to_csv(frame))
    state.save("embeddings-matrix-table", table)


def vectors(embedding: zoo.Embedding) -> None:
    """Show the vectors of a recording over time."""
    names = list(dict.fromkeys(embedding.inputs))
    name = names[0]
    if len(names) > 1:
        name = widgets.selectbox(st, "Recording", names, key="embeddings-recording")
    part = embedding[np.array(embedding.inputs) == name]
    figure = part.plot(max_dimensions=MAX_DIMENSIONS)
    figure.update_layout(height=480, margin={"l": 8, "r": 8, "t": 8, "b": 8})
    chart(figure, "vectors", key="embeddings-vectors", alt=f"Embedding of {name} over time", zoom=True)
    if part.values.shape[1] > MAX_DIMENSIONS:
        st.caption(f"The {MAX_DIMENSIONS} dimensions that vary most.")
