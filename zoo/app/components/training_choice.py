"""What to train and how: network, method and settings, with advice; the project keeps the last choice."""

from collections.abc import Collection, Sequence
from typing import TypeVar

import streamlit as st

import zoo
from zoo.app import state
from zoo.app.components import network_picker, widgets
from zoo.app.components.network_picker import Choice
from zoo.app.services import offered_networks
from zoo.app.services.project import Project
from zoo.app.services.project_record import TrainingConfig
from zoo.app.services.project_settings import local, portable
from zoo.app.services.project_training import is_imported
from zoo.app.state import literally, with_size
from zoo.hub.registry import describe
from zoo.training.fit.classical import CLASSIFIERS
from zoo.training.fit.loop import Settings
from zoo.training.fit.transfer import DEFAULTS

METHODS = {"features": "Classic classifier", "head": "New head", "finetune": "Fine-tuning"}
EPOCHS = {"head": 100, "finetune": 10}  # of fine-tuning few: without a GPU each takes about a minute
LEARNING_RATES = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2]
BATCH_SIZES = [4, 8, 16, 32, 64]
HELD = range(5, 51, 5)  # %

T = TypeVar("T")


def choose(project: Project, data: zoo.Dataset) -> tuple[str, TrainingConfig]:
    """Choose network, method and settings."""
    record = project.record
    own = [name for name, spec in state.trained_networks(data.modality).items() if is_imported(spec)]
    names = [*own, *offered_networks.networks(data.modality, "embed")]
    stored = record.network and local(project, record.network)
    usual = one_of(stored, names, describe(DEFAULTS[data.modality]).name)
    name = widgets.selectbox(st, "Network", with_size(names), usual, key=f"teach-network-{data.modality}")
    network_picker.require(Choice(f"teach-network-{data.modality}", name, names))
    advice = advised(data, name)
    if advice:
        with st.container(border=True):
            st.markdown(f"**Advice: {METHODS[advice.method].lower()}.** {literally(advice.reasons[0])}")
            with st.expander("Why"):
                for reason in (*advice.reasons[1:], advice.cost):
                    st.markdown(f"- {literally(reason)}")
    last = record.config if stored == name else None
    usual_method = last.method if last else advice.method if advice else "head"
    method = widgets.segmented_control(st, "Method", METHODS, usual_method, key=f"teach-method-{name}")
    with st.expander("Settings", icon=":material/tune:"):
        config = settings(method, name, advice, last)
    if (name, config) != (stored, record.config):
        with project.changing() as changed:
            changed.network, changed.config = portable(project, name), config
    return name, config


def advised(data: zoo.Dataset, name: str) -> zoo.Advice | None:
    """Return advice, measured once for these examples and that network; None where the user skipped it."""
    key = (data.fingerprint, name)
    skipped = st.session_state.setdefault("teach-unadvised", set())
    if key in skipped:
        st.button("Advise me", icon=":material/lightbulb:", on_click=skipped.discard, args=(key,))
        return None

    def measured(_: str, name: str) -> zoo.Advice:
        net, text = state.network(name), "Trying some of the examples to advise you …"
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


def settings(
    method: str, name: str, advice: zoo.Advice | None, last: TrainingConfig | None
) -> TrainingConfig:
    """Choose the settings of a method; those that were chosen last are the defaults."""
    left, right = st.columns(2)
    advised_layer = (advice.layer if advice else None) or ""
    last = last or TrainingConfig("head")
    held = widgets.slider(
        left,
        "Held out (%)",
        HELD[0],
        HELD[-1],
        one_of(round(100 * last.held), HELD, 20),
        HELD.step,
        key="teach-held",
        help="Never trained on: the network is evaluated on them.",
    )
    seed = widgets.number_input(
        right,
        "Seed",
        0,
        9999,
        last.seed,
        1,
        key="teach-seed",
        help="Equal seeds hold out equal examples.",
    )
    if method == "features":
        kinds = ["auto", *CLASSIFIERS]
        usual = one_of(last.classifier, kinds, "auto")
        kind = widgets.selectbox(left, "Classifier", kinds, usual, key="teach-classifier")
        return TrainingConfig("features", held / 100, seed, classifier=kind)
    usual_epochs = last.epochs if last.epochs and last.method == method else EPOCHS[method]
    epochs = widgets.slider(left, "Epochs", 1, 200, usual_epochs, 1, key=f"teach-epochs-{method}")
    usual_rate = one_of(last.learning_rate, LEARNING_RATES, Settings.learning_rate)
    rate = widgets.select_slider(right, "Learning rate", LEARNING_RATES, usual_rate, key="teach-rate")
    if method == "head":
        return TrainingConfig("head", held / 100, seed, epochs=epochs, learning_rate=rate)
    augments = ["none", "light", "strong"]
    augment = widgets.selectbox(
        left, "Random changes", augments, one_of(last.augment, augments, "light"), key="teach-augment"
    )
    layers = {
        layer: f"everything up to {layer}" if layer else "nothing"
        for layer in (advised_layer, "", *_blocks(name))
    }
    usual_layer = one_of(last.freeze or "", layers, "") if last.method == method else advised_layer
    frozen = widgets.selectbox(right, "Frozen layers", layers, usual_layer, key=f"teach-freeze-{name}")
    batch = widgets.select_slider(
        left, "Batch", BATCH_SIZES, one_of(last.batch_size, BATCH_SIZES, 16), key="teach-batch"
    )
    return TrainingConfig(
        "finetune",
        held / 100,
        seed,
        epochs=epochs,
        learning_rate=rate,
        batch_size=batch,
        augment=augment,
        freeze=frozen or None,
    )


def one_of(value: T | None, options: Collection[T], usual: T) -> T:
    """Return a value of an earlier choice if it is still an option, else the usual one."""
    return value if value is not None and value in options else usual


def _blocks(name: str) -> Sequence[str]:
    """Return the larger blocks of a network, by the names of their layers."""
    modules = state.network(name).module.named_modules()
    return [layer for layer, _ in modules if layer and layer.count(".") < 2][:60]
