"""The record of one network, as the page Networks shows it."""

import streamlit as st

from zoo.app.state import literally
from zoo.core.spec import Spec
from zoo.hub import weights
from zoo.hub.registry import is_default
from zoo.inference.build import preprocessor


def figures(spec: Spec) -> None:
    """Name and numbers; the name of a saved network, which is its folder on the server, stays out."""
    st.subheader(literally(spec.title))
    if spec.origin != "saved":
        short = f", or just `{spec.arch}`" if is_default(spec.name) else ""
        st.markdown(f"`{spec.name}`{short}")
    small = spec.parameters < 10_000
    values = {
        "Parameters": f"{spec.parameters:,}" if small else f"{spec.parameters / 1e6:.2f} M",
        "Size": f"{1000 * spec.size_mb:.0f} kB" if small else f"{spec.size_mb:.1f} MB",
    }
    if spec.depth is not None:
        values["Layers deep"] = str(spec.depth)
    values |= {
        "Input": " × ".join(map(str, spec.input_shape)),
    }
    row = st.container(horizontal=True, gap="large")
    for label, value in values.items():
        row.metric(label, value, width="content")


def record(spec: Spec) -> None:
    """Show the record of a checkpoint, and how to use it."""
    preprocessing = st.empty()
    preprocessing.markdown("**Preprocessing.** …")
    if spec.accuracy:
        a = spec.accuracy
        st.markdown(f"**Published.** {a.value:g} {literally(f'{a.metric} on {a.dataset}, from {a.source}')}.")
    st.markdown(f"**Fidelity.** {literally(spec.validation)}")
    st.markdown(f"**License of the weights.** {literally(spec.license)}")
    st.markdown(f"**Citation.** {literally(spec.citation)}")
    st.markdown(f"**Original.** {spec.homepage}")
    cached = weights.record_of(spec)
    st.markdown("**Sources**, tried in this order:")
    for source in spec.sources:
        st.markdown(f"- `{source.url}`  \n  {weights.checksum_of(source, cached)}")
    st.code(f'import zoo\n\nnet = zoo.load("{spec.name}")', language="python")
    preprocessing.markdown(
        f"**Preprocessing.** {preprocessor(spec).describe()}"
    )  # its first time imports torch
