"""The table of networks, and the record of one."""

import pandas as pd
import streamlit as st

import zoo
from zoo import weights
from zoo.network import preset_of
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
        digest = source.sha256 or known.get("sources", {}).get(source.url, "not known before first use")
        st.markdown(f"- `{source.url}`  \n  SHA-256 `{digest}`")
    example = f'import zoo\n\nnet = zoo.load("{spec.name}")'
    st.code(example, language="python")
    preprocessing.markdown(f"**Preprocessing.** {preset_of(spec).describe()}")  # its first time imports torch


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
        chosen = st.selectbox(
            "Record of", shown["name"], format_func=lambda n: f"{zoo.describe(n).title} ({n})"
        )
        record(chosen)
