"""What is in these pictures? Several networks side by side, whether they agree, and where they look."""

import hashlib
import io
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

import zoo
from zoo.app import state
from zoo.app.components import input_picker, network_picker, widgets
from zoo.app.components.charts import chart
from zoo.app.components.input_picker import MAX_FILES, InputFile, ask, open_stream
from zoo.app.services import offered_networks
from zoo.app.state import File, downloads, literally, one_sentence, remembered, spec_of, title_of, with_size
from zoo.benchmark.agreement import Agreement, agreements, pairs
from zoo.core.errors import InputError
from zoo.inference.tasks.explanation import METHODS
from zoo.results.explanation import ExplanationMethod
from zoo.vision.decoding import PixelBudget, count_pixels, decode, thumbnail

SCENES = "vision/labels/places365.csv"
TOP = 10  # classes that are kept, even if fewer are shown
SIDES = (560, 420)  # of a picture on the page, at most
FADE = 0.7  # of what a network does not see
MAX_ANSWERS = 300  # of a session, some 10 kB each

Report = Callable[[float], object]
"""Called with the fraction of a network's work on a picture that is done."""
Step = Callable[[int, str, float], object]
"""Called with how many of these works are done, a text, and the fraction of the present one."""


class Picture:
    """A picture that the user gave, decoded when it is needed, and forgotten after its answers."""

    def __init__(self, file: InputFile):
        self.name = file.name
        self.key = hashlib.sha256(file.data).hexdigest() + file.name
        self._file = file

    @cached_property
    def image(self) -> Image.Image:
        image = decode(open_stream(self._file))
        image.filename = self.name  # pyright: ignore[reportAttributeAccessIssue]  (which results then name)
        return image

    def forget(self) -> None:
        """Free the memory of the decoded picture."""
        self.__dict__.pop("image", None)

    def pixels(self) -> int:
        def counted(_: str) -> int:
            return count_pixels(open_stream(self._file))

        return remembered(counted, self.key, max_results=MAX_FILES)

    def small(self) -> Image.Image:
        """Return the image, no larger than the page has room for."""

        def reduced(_: str) -> Image.Image | str:
            try:
                return thumbnail(self.image, SIDES)
            except InputError as error:  # is remembered too: it may have taken 10 s
                return str(error)

        small = remembered(reduced, self.key, max_results=MAX_FILES)
        if isinstance(small, str):
            raise InputError(small)
        return small


class Looking(NamedTuple):
    """Whether and how to show where the networks look."""

    enabled: bool
    method: ExplanationMethod = "gradcam"
    opacity: float = 0.7


def look(net: zoo.Network, picture: Picture, report: Report) -> zoo.Classification:
    def classify(_: str, __: str) -> zoo.Classification:
        report(0.0)
        return net.classify(picture.image, top=TOP)

    return remembered(classify, net.name, picture.key, max_results=MAX_ANSWERS)


def explain(
    net: zoo.Network, picture: Picture, target: int, method: ExplanationMethod, report: Report
) -> zoo.Explanation:
    def compute(*_: object) -> zoo.Explanation:
        report(0.5)
        return net.explain(
            picture.image, target=target, method=method, progress=lambda done: report(0.5 + done / 2)
        )

    return remembered(compute, net.name, picture.key, target, method, max_results=MAX_ANSWERS)


def is_of_scenes(name: str) -> bool:
    return spec_of(name).labels == SCENES


def choose() -> tuple[list[str], int]:
    """Choose the networks, those for scenes last, and how many classes to show."""
    left, right = st.columns([3, 1])
    own = list(state.trained_networks("image"))
    names = own + sorted(offered_networks.networks("image", "classify"), key=is_of_scenes)
    titles = {
        name: f"Scenes: {title}" if is_of_scenes(name) else title for name, title in with_size(names).items()
    }
    usual = offered_networks.networks("image", "classify", bundled=True)[:2]
    linked = input_picker.linked_networks(names)
    selected = widgets.multiselect(
        left, "Networks", titles, linked or usual, key="pictures-networks", recall=not linked
    )
    passed_on = selected != usual and not set(selected) & set(own)
    input_picker.to_link("network", ",".join(selected) if passed_on else None)
    top = widgets.slider(right, "Classes", 1, TOP, 5, 1, key="pictures-top")
    return network_picker.available(selected, "pictures-networks", names), top


def choose_looking() -> Looking:
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    enabled = widgets.toggle(
        row,
        "Where it looks",
        key="pictures-where",
        help="A heat map over each picture: red parts support the class most; parts that the network does "
        "not see are faded.",
    )
    if not enabled:
        return Looking(False)
    method: ExplanationMethod = widgets.segmented_control(
        row,
        "Method",
        METHODS,
        "gradcam",
        key="pictures-method",
        help="Grad-CAM follows the gradient of the class back to a layer. Occlusion hides one part after "
        "another and sees how far the score falls; it takes longer.",
    )
    opacity = widgets.slider(row, "Opacity (%)", 0, 100, 70, 5, key="pictures-opacity", width=220)
    return Looking(True, method, opacity / 100)


def show(
    position: int, picture: Picture, networks: list[str], top: int, looking: Looking, step: Step
) -> list[Any]:
    """Show one picture beside the answer of each network; return the answers."""
    small = picture.small()
    results = []
    with st.container(border=True, key=f"pictures-shown-{position}"):
        left, right = st.columns([1, 2])
        alt = f"The picture {picture.name}"
        if small.width < 220:  # a caption is as narrow as its picture
            left.image(small, width=small.width, alt=alt)
            left.caption(literally(picture.name))
        else:
            left.image(small, caption=literally(picture.name), width="stretch", alt=alt)
        badges = left.container(horizontal=True)
        with right:
            columns = [column for _ in range(0, len(networks), 2) for column in st.columns(2)]
        for number, (column, name) in enumerate(zip(columns, networks, strict=False)):
            with column, one_sentence():
                text = f"{literally(title_of(name))} is running: {literally(picture.name)}"
                report = partial(step, position * len(networks) + number, text)
                results.append(answer(f"{position}-{name}", nets[name], picture, top, looking, report))
        for agreement in agreements(results, identifiers):
            badge(badges, agreement)
    return [result.best(top) for result in results]


def answer(
    key: str, net: zoo.Network, picture: Picture, top: int, looking: Looking, report: Report
) -> zoo.Classification:
    """Show one network's answer for one image, and its heat map."""
    result = look(net, picture, report)
    group = f" ({result.groups[0]})" if result.groups[0] else ""
    st.markdown(f"**{literally(titles[net.name])}**: {literally(result.labels[0] + group)}")
    if looking.enabled:
        with one_sentence():
            heat(key, net, picture, result, looking, report)
    chart(
        result.best(top).plot(),
        "scores",
        key=f"pictures-{key}",
        alt=f"Best {top} classes of {titles[net.name]} for {picture.name}",
    )
    return result


def heat(
    key: str,
    net: zoo.Network,
    picture: Picture,
    result: zoo.Classification,
    looking: Looking,
    report: Report,
) -> None:
    """Show the image with the heat map of a class of the user's choice."""
    label = dict(zip(result.indices.tolist(), result.labels, strict=True))
    target = widgets.selectbox(st, "Where it finds", label, key=f"pictures-target-{key}-{picture.key[:16]}")
    explanation = explain(net, picture, target, looking.method, report)
    at = f" at the layer {literally(explanation.layer)}" if explanation.layer else ""
    nothing = "" if explanation.values.any() else ": no part supports it"
    drawn = explanation.overlay(picture.small(), opacity=looking.opacity, fade=FADE)
    st.image(
        drawn,
        caption=f"{METHODS[explanation.method]}{at}{nothing}",
        width="stretch",
        alt=f"Where {titles[net.name]} finds {explanation.label} in {picture.name}",
    )
    if explanation.is_cropped:
        st.caption("The network does not see the faded margin: its preprocessing cuts it off.")
    state.save(
        f"pictures-heat-{key}", File("Heat map as PNG", "heat-map.png", "image/png", partial(png, drawn))
    )


def png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def loaded(name: str) -> bool:
    """Load a network, or show once for all images why that fails."""
    with one_sentence():
        nets[name] = net = state.network(name)
        identifiers[net.name] = frozenset(label.id for label in net.labels)
        titles[net.name] = title_of(name)
    return name in nets


def badge(place: DeltaGenerator, agreement: Agreement) -> None:
    of = len(agreement.networks)
    if agreement.votes > 1:
        text, color, icon = f"{agreement.votes} of {of} agree: {literally(agreement.label)}", "orange", "done"
    else:
        text, color, icon = f"The {of} networks disagree", "red", "close"
    if agreement.whole:
        color, icon = "green", "done_all"
    place.badge(text, color=color, icon=f":material/{icon}:")


def summary(everything: list[list[zoo.Classification]]) -> None:
    """How often each two networks agree over all pictures."""
    lines = [
        f"{' and '.join(literally(titles[name]) for name in pair.networks)} give the same answer for "
        f"**{pair.same} of {pair.inputs}** pictures."
        for pair in pairs(everything, identifiers)
        if pair.inputs > 1
    ]
    if lines:
        st.markdown("\n".join(f"- {line}" for line in lines) if lines[1:] else lines[0])


st.title("Pictures")
st.markdown("Upload pictures, take one, paste a link, or try a sample, and compare the networks' answers.")
nets: dict[str, zoo.Network] = {}  # by the names on this page
identifiers: dict[str, frozenset[str]] = {}  # identifiers of the classes, by the names in results
titles: dict[str, str] = {}
with one_sentence():
    pictures = [Picture(upload) for upload in ask("image", "pictures")]
    network_names, top = choose()
    looking = choose_looking()
    if pictures and not network_names:
        st.info("Choose a network.")
    network_names = [name for name in network_names if loaded(name)] if pictures else []
    overview = st.container()
    everything: list[list[zoo.Classification]] = []
    budget = PixelBudget()
    keys = [picture.key for picture in pictures]
    with state.stoppable("pictures", *keys, *network_names, looking.enabled, looking.method) as report:

        def step(done: int, text: str, fraction: float) -> None:
            report((done + fraction) / (len(pictures) * len(network_names)), text)

        for position, picture in enumerate(pictures if network_names else []):
            with one_sentence():
                budget.take(picture.name, picture.pixels())
                everything.append(show(position, picture, network_names, top, looking, step))
            picture.forget()
    results = [result for results in everything for result in results]
    with overview:
        summary(everything)
    if results:
        tables = [result.table().assign(input=result.input, network=result.network) for result in results]
        table = pd.concat(tables)[["input", "network", "index", "id", "label", "score"]]
        downloads("pictures", table, [result.to_dict() for result in results], "pictures")
