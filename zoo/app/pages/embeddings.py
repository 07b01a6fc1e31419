"""The page Embeddings: which files a network gives similar vectors."""

from collections.abc import Hashable
from operator import attrgetter

import streamlit as st
from cachetools import LRUCache

from zoo.app import state
from zoo.app.components import input_picker, network_picker, widgets
from zoo.app.components.embedding_inputs import KINDS, MAX_FILES, EmbeddingInputs, choose_inputs
from zoo.app.components.embedding_view import show
from zoo.app.components.network_picker import Choice
from zoo.app.services import offered_networks
from zoo.app.state import MAX_SECONDS, literally, one_sentence, with_size
from zoo.hub.registry import describe
from zoo.inference.tasks import embed_files
from zoo.inference.tasks.embed_files import Collection, FileVectors, Limits, Memory
from zoo.training.fit.transfer import DEFAULTS
from zoo.vision.decoding import max_request_pixels

FEW = 5  # recordings, of which each window is a point of its own unless the user chooses otherwise
# 2000 windows are 16 minutes of YAMNet or 20 s of CREPE; ten million numbers are 40 MB.
LIMITS = Limits(seconds=MAX_SECONDS, pixels=max_request_pixels(), vectors=2000, numbers=10_000_000)
MEMORY_BYTES = 40_000_000  # of the vectors that a session embedded last: those of any file within the limits


def choose(kind: str) -> tuple[str, str | None, bool | None]:
    """Network, layer and pooling."""
    left, right = st.columns(2)
    names = [*state.trained_networks(kind), *offered_networks.networks(kind, "embed")]
    name = widgets.selectbox(
        left,
        "Network",
        with_size(names),
        describe(DEFAULTS[kind]).name,
        key=f"embeddings-network-{kind}",
    )
    network_picker.require(Choice(f"embeddings-network-{kind}", name, names))
    net = state.network(name)
    shapes = state.remembered(shapes_of, name)
    own = {
        "": f"{net.spec.embedding_layer}, its embedding"
    }  # not None, which Streamlit takes for no choice at all
    layer = widgets.selectbox(
        right,
        "Layer",
        own | {one: described(one, shape) for one, shape in shapes.items()},
        key=f"embeddings-layer-{name}",
        help="Early layers respond to edges or tones, late ones to meaning.",
    )
    layer = layer or None
    shape = shapes.get(layer or net.spec.embedding_layer, ())
    if len(shape) < 2:
        return name, layer, None
    pool = widgets.toggle(
        right,
        "Average over positions",
        layer is not None or net.spec.pool,
        key=f"embeddings-pool-{name}-{layer}",
        help="If off, a vector keeps every position and changes when things move.",
    )
    return name, layer, pool


def shapes_of(name: str) -> dict[str, tuple[int, ...]]:
    """Return the layers of a network that give out a tensor, and its shape for one input."""
    return {row["name"]: row["shape"] for row in state.network(name).summary().layers if row["shape"]}


def described(layer: str, shape: tuple[int, ...]) -> str:
    return f"{layer} ({' × '.join(map(str, shape))})"


def one_a_file(inputs: EmbeddingInputs) -> bool:
    """Whether a recording becomes one point, the mean of its windows."""
    many = len(inputs.files) > FEW
    point = widgets.segmented_control(
        st,
        "A point for each",
        ["Window", "File"],
        "File" if many else "Window",
        key=f"embeddings-point-{many}",
        help="A file's point is the mean of its windows.",
    )
    return point == "File"


def embedded(
    inputs: EmbeddingInputs, name: str, layer: str | None, pool: bool | None, mean: bool
) -> Collection:
    net, total = state.network(name), len(inputs.files)
    streams = [input_picker.open_stream(upload) for upload in inputs.files]
    keys = [(name, layer, pool, mean, hash(stream.getvalue())) for stream in streams]
    with state.progress(f"{literally(net.spec.title)} is running …") as progress:
        return embed_files.collect(
            net,
            streams,
            layer=layer,
            pool=pool,
            mean=mean,
            limits=LIMITS,
            memory=Memory(keys, vectors_of_session()),
            progress=lambda done, file: progress(done / total, f"{done + 1} of {total}: {literally(file)}"),
        )


def vectors_of_session() -> LRUCache[Hashable, FileVectors]:
    """Return the vectors of the files that this session embedded last, for one more file or a file less."""
    if "embeddings-vectors" not in st.session_state:
        st.session_state["embeddings-vectors"] = LRUCache(MEMORY_BYTES, getsizeof=attrgetter("nbytes"))
    return st.session_state["embeddings-vectors"]


def left_out(collection: Collection) -> None:
    if not (problems := collection.problems):
        return
    if len(problems) <= 3:
        for problem in problems:
            st.warning(literally(problem.reason), icon=":material/warning:")
        return
    with st.expander(f"{len(problems)} files are left out", icon=":material/warning:"):
        st.dataframe([{"file": name, "why": reason} for name, reason in problems], hide_index=True)


st.title("Embeddings")
st.markdown(
    "A network turns each picture or sound into a vector; similar files get vectors that "
    "point the same way: see them on a map, and find the nearest to any of them."
)
with one_sentence():
    kind = widgets.segmented_control(st, "What", KINDS, "image", key="embeddings-kind")
    inputs = choose_inputs(kind)
    stored = inputs.collection if inputs else None
    name, layer, pool = choose(kind) if stored is None else ("", None, None)
    if inputs is None:
        st.info(f"Upload some files, {MAX_FILES} at most, or try the sample. Nobody else sees them.")
    else:
        mean = kind == "audio" and stored is None and one_a_file(inputs)
        collection = stored or state.remembered(embedded, inputs, name, layer, pool, mean)
        left_out(collection)
        show(kind, inputs.files, collection)
