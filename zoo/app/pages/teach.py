"""Teach a network classes of your own."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

import streamlit as st

import zoo
from zoo.app import state
from zoo.app.components import widgets
from zoo.app.components.input_picker import PICTURE_TYPES, SOUND_TYPES
from zoo.app.components.job_progress import show_progress
from zoo.app.components.training_result import results
from zoo.app.services import offered_networks, uploads
from zoo.app.services.jobs import FAILED, STOPPED, Job
from zoo.app.services.training_job import TrainingConfig, curves, forget_after, kind_of, teach
from zoo.app.state import literally, one_sentence, with_size
from zoo.core.errors import ZooError
from zoo.core.progress import Progress
from zoo.core.spec import NOUNS
from zoo.hub.registry import describe
from zoo.training.fit.classical import CLASSIFIERS
from zoo.training.fit.features import forget
from zoo.training.fit.loop import Settings
from zoo.training.fit.transfer import DEFAULTS

METHODS = {"features": "Classic classifier", "head": "New head", "finetune": "Fine-tuning"}
EPOCHS = {"head": 100, "finetune": 10}  # of fine-tuning few: without a GPU each takes about a minute
Shot = tuple[str, bytes]  # name and content of a photo or a recording


class Brought(NamedTuple):
    """What the user brought: what tells it from other uploads, and how to read it into a folder."""

    key: tuple[object, ...]
    read: Callable[..., zoo.Dataset]


def boxes() -> Brought | None:
    """Classes as named boxes that are filled by upload."""
    numbers = st.session_state.setdefault("teach-boxes", [1, 2])
    filled = []
    for row in range(0, len(numbers), 2):
        for column, number in zip(st.columns(2), numbers[row : row + 2], strict=False):
            with column.container(border=True):
                label = widgets.text_input(
                    st, "Class", f"Class {number}", key=f"teach-name-{number}", most=60
                )
                files = st.file_uploader(
                    f"Examples of {literally(label)}",
                    PICTURE_TYPES + SOUND_TYPES,
                    accept_multiple_files=True,
                    key=f"teach-files-{number}",
                )
                shots = taken(number, label)
                if len(numbers) > 2:
                    st.button("Remove", key=f"teach-remove-{number}", on_click=numbers.remove, args=(number,))
                if files or shots:
                    filled.append((label, files, shots))
    more = max(numbers) + 1
    st.button("Add a class", icon=":material/add:", on_click=numbers.append, args=(more,), key="teach-add")
    if len(filled) == 1:
        st.info("Add examples of a second class.")
    if len(filled) < 2:
        return None

    def read(folder: Path, progress: Progress) -> zoo.Dataset:
        found = [
            uploads.ClassUpload(label, (*((file.name, file.getvalue()) for file in files), *shots))
            for label, files, shots in filled
        ]
        return uploads.from_boxes(found, folder, progress=progress)

    key = tuple((label, *(file.file_id for file in files), *shots) for label, files, shots in filled)
    return Brought(key, read)


def taken(number: int, label: str) -> list[Shot]:
    """Return the photos or recordings taken for a box so far."""
    shots = st.session_state.setdefault(f"teach-shots-{number}", [])
    with st.popover("Camera or microphone", icon=":material/add_a_photo:", key=f"teach-device-{number}"):
        key = f"teach-take-{number}"
        device = widgets.segmented_control(st, "With", ["Camera", "Microphone"], key=f"teach-with-{number}")
        if device == "Camera":
            st.camera_input(f"A photo of {label}", key=key, on_change=keep, args=(key, shots, "photo.jpg"))
        elif device == "Microphone":
            st.audio_input(
                f"A recording of {label}",
                sample_rate=state.RATE,
                key=key,
                on_change=keep,
                args=(key, shots, "recording.wav"),
            )
        if shots:
            st.button("Discard them", on_click=shots.clear, key=f"teach-discard-{number}")
    if shots:
        st.caption(f"{len(shots)} taken")
    return shots


def keep(key: str, shots: list[Shot], name: str) -> None:
    """Put what was just taken into its box; before the next one is taken, the device is cleared."""
    if (shot := widgets.taken_file(key)) is not None:
        shots.append((f"{len(shots) + 1}-{name}", shot.getvalue()))


def archive() -> Brought | None:
    """Ask for a zip of class folders, and which part of it to use."""
    most = uploads.MOST_BYTES // 1_000_000
    label = "A zip with a folder for each class"
    file = st.file_uploader(label, "zip", key="teach-zip", max_upload_size=most)
    if not file:
        return None
    part = None
    if found := state.remembered(parts, file.file_id, file):
        first = next((name for name in found if name.lower().startswith("train")), found[0])
        part = widgets.selectbox(st, "Folder to train on", found, first, key="teach-part")

    def read(folder: Path, progress: Progress) -> zoo.Dataset:
        return uploads.from_zip(file.name, file.getvalue(), folder, part=part, progress=progress)

    return Brought((file.file_id, part), read)


def parts(_: str, file: BinaryIO) -> list[str]:
    return uploads.parts(file)


def fresh_folder() -> Path:
    return Path(tempfile.mkdtemp(dir=state.workspace().folder))


def looked_into(brought: Brought) -> zoo.Dataset | ZooError:
    """Read the examples anew, or show why they are refused.

    The files of the ones before go, unless they are being learned from.
    """
    before = st.session_state.get("teach-folder")
    if before and not busy():
        shutil.rmtree(before, ignore_errors=True)
    folder = st.session_state["teach-folder"] = fresh_folder()
    bar = st.progress(0.0, text="Reading the examples …")
    try:
        return brought.read(folder, lambda done, total: bar.progress(done / max(total, 1)))
    except ZooError as error:
        return error
    finally:
        bar.empty()


def examples() -> zoo.Dataset | None:
    """Return the examples of this page, or those uploaded before another page was visited."""
    way = widgets.segmented_control(st, "Where from", ["Upload", "Zip"], "Upload", key="teach-way")
    brought = boxes() if way == "Upload" else archive()
    session = st.session_state
    if brought and session.get("teach-key") != brought.key:
        session["teach-data"] = looked_into(brought)
        session["teach-key"] = brought.key
    found = session.get("teach-data")
    if isinstance(found, ZooError):
        if brought:
            raise found
        found = None
    if found is None:
        st.info(
            "Put at least ten pictures or recordings of each class into its box, or upload a zip with a "
            "folder for each class. They stay on this server until you leave, and nobody else sees them."
        )
    return found


def overview(data: zoo.Dataset) -> None:
    """Show counts and problems."""
    counts = ", ".join(f"{n} of {label}" for label, n in data.counts().items())
    st.markdown(f"**{len(data)} {NOUNS[data.modality]} from {literally(data.name)}:** {literally(counts)}.")
    if data.problems:
        with st.expander(f"{len(data.problems)} left out", icon=":material/warning:"):
            st.dataframe([{"file": name, "why": reason} for name, reason in data.problems], hide_index=True)


def advised(data: zoo.Dataset, name: str) -> zoo.Advice | None:
    """Advice, measured once for these examples and that network; None where the user went without."""
    key = (data.fingerprint, name)
    skipped = st.session_state.setdefault("teach-unadvised", set())
    if key in skipped:
        st.button("Advise me", icon=":material/lightbulb:", on_click=skipped.discard, args=(key,))
        return None

    def measured(_: str, name: str) -> zoo.Advice:
        net, text = state.network(name), "Trying some of the examples to advise you …"
        state.workspace().at_end(lambda: forget(data.hashes))  # a training finds their features stored
        bar, skip = st.progress(0.0, text=text), st.empty()
        skip.button(
            "Go without advice",
            icon=":material/skip_next:",
            on_click=skipped.add,
            args=(key,),
            key="teach-skip-advice",
        )
        advice = zoo.advise(
            data, network=net, progress=lambda done, total: bar.progress(done / max(total, 1), text=text)
        )
        bar.empty()
        skip.empty()
        return advice

    return state.remembered(measured, *key)


def choose(data: zoo.Dataset) -> tuple[str, TrainingConfig]:
    """Network, method and settings."""
    names = offered_networks.networks(data.modality, "embed")
    default = describe(DEFAULTS[data.modality]).name
    name = widgets.selectbox(st, "Network", with_size(names), default, key=f"teach-network-{data.modality}")
    advice = advised(data, name)
    if advice:
        with st.container(border=True):
            st.markdown(f"**Advice: {METHODS[advice.method].lower()}.** {advice.reasons[0]}")
            with st.expander("Why"):
                for reason in (*advice.reasons[1:], advice.cost):
                    st.markdown(f"- {reason}")
    suggested = advice.method if advice else "head"
    method = widgets.segmented_control(st, "Method", METHODS, suggested, key=f"teach-method-{name}")
    with st.expander("Settings", icon=":material/tune:"):
        return name, settings(method, name, advice)


def settings(method: str, name: str, advice: zoo.Advice | None) -> TrainingConfig:
    left, right = st.columns(2)
    held = widgets.slider(
        left,
        "Held out (%)",
        5,
        50,
        20,
        5,
        key="teach-held",
        help="Never trained on: the network is evaluated on them.",
    )
    seed = widgets.number_input(
        right, "Seed", 0, 9999, 0, 1, key="teach-seed", help="The same seed holds out the same examples."
    )
    if method == "features":
        kind = widgets.selectbox(left, "Classifier", ["auto", *CLASSIFIERS], key="teach-classifier")
        return TrainingConfig(method, held / 100, seed, {"classifier": kind})
    epochs = widgets.slider(left, "Epochs", 1, 200, EPOCHS[method], 1, key=f"teach-epochs-{method}")
    rate = widgets.select_slider(
        right, "Learning rate", [1e-4, 3e-4, 1e-3, 3e-3, 1e-2], Settings.learning_rate, key="teach-rate"
    )
    options = {"epochs": epochs, "learning_rate": rate}
    if method == "finetune":
        options["augment"] = widgets.selectbox(
            left, "Random changes", ["none", "light", "strong"], "light", key="teach-augment"
        )
        layers = {
            layer: f"everything up to {layer}" if layer else "nothing"
            for layer in ((advice and advice.layer) or "", "", *_blocks(name))
        }
        frozen = widgets.selectbox(right, "Frozen layers", layers, key=f"teach-freeze-{name}")
        options["freeze"] = frozen or None
        options["batch_size"] = widgets.select_slider(
            left, "Batch", [4, 8, 16, 32, 64], 16, key="teach-batch"
        )
    return TrainingConfig(method, held / 100, seed, options)


def _blocks(name: str) -> Sequence[str]:
    """Return the larger blocks of a network, by the names of their layers."""
    modules = state.network(name).module.named_modules()
    return [layer for layer, _ in modules if layer and layer.count(".") < 2][:60]


def busy() -> bool:
    job = st.session_state.get("teach-job")
    return job is not None and not job.finished


def begin(data: zoo.Dataset, name: str, choices: TrainingConfig) -> None:
    net, folder = state.network(name), fresh_folder() / "network"
    work = partial(teach, net, data, choices, folder)
    job = state.job_queue().begin(work, kind_of(net, data, choices))
    state.workspace().at_end(lambda: forget_after(job, data))
    st.session_state["teach-job"] = job
    st.session_state.pop("teach-shown", None)


def live(job: Job) -> None:
    """Draw the curves so far."""
    if job.step and job.step.history:
        st.plotly_chart(
            curves(job.step.history), key="teach-live", alt="Accuracy and loss after each epoch so far"
        )


def outcome(job: Job) -> None:
    if job.state == FAILED:
        state.refuse(job.error)
    elif job.state == STOPPED:
        st.info("Stopped before there was anything to show.")
    else:
        if "teach-shown" not in st.session_state:
            state.keep_taught(job.result)
            st.session_state["teach-shown"] = True
        results(job.result)


st.title("Teach")
st.markdown("Show a network examples of your own classes, and it learns to tell them apart.")
with one_sentence():
    data = examples()
    if data:
        overview(data)
        uploads.require_enough(data)
        name, choices = choose(data)
        if st.button("Teach", type="primary", icon=":material/school:", disabled=busy(), key="teach-begin"):
            begin(data, name, choices)
            st.rerun()
job = st.session_state.get("teach-job")
if job is not None:
    with one_sentence():
        if busy():
            show_progress(job, "teach", live)
        else:
            outcome(job)
