"""The table of networks, and the record of one."""

import pandas as pd
import streamlit as st

import zoo
from zoo import weights
from zoo.comparison import field
from zoo.pages.shared import one_sentence
from zoo.registry import is_default
from zoo.spec import MODALITIES, TASKS


def table() -> pd.DataFrame:
    rows = []
    for spec in map(zoo.describe, zoo.networks()):
        accuracy = f"{spec.accuracy.value:g} {spec.accuracy.metric}" if spec.accuracy else ""
        rows.append(
            {
                "name": spec.name,
                "network": spec.title,
                "for": spec.modality,
                "tasks": ", ".join(spec.tasks),
                "parameters": spec.parameters,
                "MB": spec.size_mb,
                "depth": spec.depth,
                "published accuracy": accuracy,
                "licence of the weights": spec.licence,
                "here": weights.path_of(spec).is_file(),
            }
        )
    return pd.DataFrame(rows)


def field_as_published() -> None:
    """The chart of the field from the records: the default checkpoint of each network that has a figure."""
    specs = [spec for spec in map(zoo.describe, zoo.networks()) if spec.published and is_default(spec.name)]
    rows = [
        {
            "network": spec.arch,
            "file_mb": spec.published.size_mb,
            "accuracy": spec.published.accuracy,
            "time": spec.published.relative_time,
        }
        for spec in specs
    ]
    st.plotly_chart(
        field(pd.DataFrame(rows), "accuracy", "time", "relative prediction time (AlexNet = 1)"),
        key="networks-field",
        alt="Published accuracy of the image networks against their relative prediction time",
    )
    st.caption(
        "The area of a marker is the size of the weights. Measured on a P100 GPU at batch 128, published in "
        f"{specs[0].published.source}; `zoo compare` measures on this machine."
    )


def record(name: str) -> None:
    spec = zoo.describe(name)
    st.subheader(spec.title)
    if is_default(name):
        st.caption(f"`{spec.name}`, or just `{spec.arch}`")
    else:
        st.caption(f"`{spec.name}`")
    for column, (label, value) in zip(
        st.columns(4),
        {
            "Parameters": f"{spec.parameters / 1e6:.2f} M",
            "Size": f"{spec.size_mb:.1f} MB",
            "Layers deep": spec.depth,
            "Input": " × ".join(map(str, spec.input_shape)),
        }.items(),
        strict=True,
    ):
        column.metric(label, value)
    preprocessing = st.empty()
    preprocessing.markdown("**Preprocessing.** …")
    if spec.accuracy:
        a = spec.accuracy
        st.markdown(f"**Published.** {a.value:g} {a.metric} on {a.dataset}, from {a.source}.")
    st.markdown(f"**Fidelity.** {spec.fidelity}")
    st.markdown(f"**Licence of the weights.** {spec.licence}")
    st.markdown(f"**Citation.** {spec.citation}")
    st.markdown(f"**Original.** {spec.homepage}")
    known = weights.record_of(spec)
    st.markdown("**Sources**, tried in this order:")
    for source in spec.sources:
        st.markdown(f"- `{source.url}`  \n  {weights.checksum_of(source, known)}")
    example = f'import zoo\n\nnet = zoo.load("{spec.name}")'
    st.code(example, language="python")
    preprocessing.markdown(f"**Preprocessing.** {spec.preset().describe()}")  # its first time imports torch


st.title("Networks")
st.markdown("Pretrained networks for pictures and for sound. Choose one to read its record.")
everything = table()
left, middle, right = st.columns([2, 3, 3])
modality = left.pills("For", MODALITIES, selection_mode="multi", key="networks-modality")
tasks = middle.pills("Task", TASKS, selection_mode="multi", key="networks-task")
words = right.text_input("Search", placeholder="name, licence, …", key="networks-search")
shown = everything
if modality:
    shown = shown[shown["for"].isin(modality)]
if tasks:
    shown = shown[shown["tasks"].map(lambda text: set(tasks) <= set(text.split(", ")))]
if words:
    text = shown.astype(str).agg(" ".join, axis=1).str.casefold()
    shown = shown[text.str.contains(words.strip().casefold(), regex=False)]
with one_sentence():
    if shown.empty:
        st.info("No network fits these filters.")
    else:
        st.dataframe(
            shown,
            hide_index=True,
            column_config={
                "parameters": st.column_config.NumberColumn(format="localized"),
                "MB": st.column_config.NumberColumn(format="%.1f"),
                "here": st.column_config.CheckboxColumn(help="The weights are on this machine."),
            },
        )
        with st.expander("The image networks in one picture: accuracy against prediction time"):
            field_as_published()
        chosen = st.selectbox(
            "Record of", shown["name"], format_func=lambda n: f"{zoo.describe(n).title} ({n})"
        )
        record(chosen)
