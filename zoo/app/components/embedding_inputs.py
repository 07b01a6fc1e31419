"""Where the files of the page Embeddings come from.

Streamlit executes a page on every run, and so would define its classes anew: objects of one run would not
equal those of the next. The classes that serve as keys of remembered results are therefore defined here.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from zoo.app import state
from zoo.app.components import widgets
from zoo.app.components.input_picker import PICTURE_TYPES, SOUND_TYPES, InputFile
from zoo.app.components.kept_uploads import uploads_of
from zoo.app.services import offered_batches, uploads
from zoo.batches.folder import BatchFolder
from zoo.core.errors import InputError
from zoo.hub.samples import DIGITS_CREDIT, SAMPLES, digits, sample
from zoo.inference.tasks.embed_files import Collection

MAX_FILES = 100
KINDS = {"image": "Pictures", "audio": "Sounds"}
RECORDINGS = ("bicycle-bell.wav", "melody.wav")


@dataclass(frozen=True)
class EmbeddingInputs:
    """Files of a user, and the key that tells them from others."""

    key: tuple[object, ...]
    files: tuple[InputFile, ...] = field(compare=False, repr=False)
    collection: Collection | None = field(default=None, compare=False, repr=False)
    """Their vectors, where a batch has them."""


def choose_inputs(kind: str) -> EmbeddingInputs | None:
    """Offer the files to compare: the user's own, a zip, a sample, or a batch that the app's owner offers."""
    offered = offered_batches.batches(kind)
    ways = ["Upload", "Zip", "Sample", *["Batch"] * bool(offered)]
    way = widgets.segmented_control(st, "Where from", ways, "Upload", key="embeddings-way")
    if way == "Batch":
        return choose_batch(kind, offered)
    if way == "Sample":
        return read_sample(kind)
    return upload_files(kind) if way == "Upload" else upload_zip()


def upload_files(kind: str) -> EmbeddingInputs | None:
    key = f"embeddings-upload-{kind}"
    files = uploads_of(
        key,
        lambda: st.file_uploader(
            KINDS[kind],
            PICTURE_TYPES if kind == "image" else SOUND_TYPES,
            accept_multiple_files=True,
            key=key,
            help="The part of a file name before the first _ becomes its group.",
        ),
        several=True,
    )
    if len(files) > MAX_FILES:
        st.warning(f"Only the first {MAX_FILES} of {len(files)} files are used.")
        files = files[:MAX_FILES]
    if (size := sum(len(file.data) for file in files)) > uploads.MAX_BYTES:
        raise InputError(
            f"Your files take {size / 1e6:.0f} MB; the limit is {uploads.MAX_BYTES / 1e6:.0f} MB."
        )
    return to_inputs(files) if files else None


def to_inputs(files: Sequence[InputFile]) -> EmbeddingInputs:
    return EmbeddingInputs(tuple((file.name, hash(file.data)) for file in files), tuple(files))


def upload_zip() -> EmbeddingInputs | None:
    max_mb = uploads.MAX_BYTES // 1_000_000
    files = uploads_of(
        "embeddings-zip",
        lambda: st.file_uploader(
            "A zip, with a folder for each group", "zip", key="embeddings-zip", max_upload_size=max_mb
        ),
    )
    return state.remembered(unpack, to_inputs(files)) if files else None


def unpack(zipped: EmbeddingInputs) -> EmbeddingInputs:
    (archive_file,) = zipped.files
    with tempfile.TemporaryDirectory(dir=state.workspace().folder) as folder:
        contents = uploads.unzipped(archive_file.name, archive_file.data, Path(folder), MAX_FILES)
    return EmbeddingInputs(zipped.key, tuple(InputFile(name, data) for name, data in contents))


def choose_batch(kind: str, offered: Mapping[str, BatchFolder]) -> EmbeddingInputs:
    left, right = st.columns(2)
    name = widgets.selectbox(left, "Batch", list(offered), key=f"embeddings-batch-{kind}")
    networks = list(offered[name].networks)
    network = widgets.selectbox(right, "Network", networks, key=f"embeddings-batch-network-{kind}-{name}")
    inputs = state.remembered(read_batch, kind, name, network)
    files = len(offered[name].manifest)
    if files > MAX_FILES:
        st.caption(f"{MAX_FILES} of the {files:,} files of the batch, evenly chosen.")
    return inputs


def read_batch(kind: str, name: str, network: str) -> EmbeddingInputs:
    folder = offered_batches.batches(kind)[name]
    with st.spinner("Reading the batch …"):
        files, collection = offered_batches.sampled(
            folder, network, max_files=MAX_FILES, max_bytes=uploads.MAX_BYTES
        )
    inputs = tuple(InputFile(name, data) for name, data in files)
    return EmbeddingInputs((kind, name, network), inputs, collection)


def read_sample(kind: str) -> EmbeddingInputs:
    if kind == "image":
        st.caption(f"Handwritten digits, eight of each. {DIGITS_CREDIT}.")
        return EmbeddingInputs((kind, "sample"), tuple(InputFile(name, data) for name, data in digits()))
    for name in RECORDINGS:
        st.caption(f"{SAMPLES[name].title}. {SAMPLES[name].credit}.")
    with st.spinner("Fetching the sample …"):
        return EmbeddingInputs(
            (kind, "sample"), tuple(InputFile(name, Path(sample(name)).read_bytes()) for name in RECORDINGS)
        )
