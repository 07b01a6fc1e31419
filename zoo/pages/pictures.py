"""What is in these pictures? Several networks side by side."""

import pandas as pd
import streamlit as st
from PIL import Image

import zoo
from vision.picture import decode
from zoo.pages import shared
from zoo.pages.shared import Given, ask, downloads, named, network, one_sentence, title_of, with_size


@st.cache_data(max_entries=200, show_spinner=False)
def look(name: str, given: Given) -> zoo.Classification:
    return network(name).classify(named(given), top=10)


def thumbnail(picture: Image.Image) -> Image.Image:
    """The picture, no larger than a page has room for."""
    small = picture.copy()
    small.thumbnail((480, 300))
    return small


def show(position: int, given: Given, chosen: list[str], top: int) -> list[zoo.Classification]:
    """One picture beside what each network says; returns what they said."""
    picture = decode(named(given))
    with st.container(border=True):
        columns = st.columns(1 + len(chosen))
        small = thumbnail(picture)
        columns[0].image(small, caption=given.name, width=small.width if small.width < 220 else "stretch")
        results = []
        for column, name in zip(columns[1:], chosen, strict=True):
            with column, st.spinner(f"{title_of(name)} looks at it …"):
                result = look(name, given)
                st.markdown(f"**{title_of(name)}**: {result.labels[0]}")
                st.plotly_chart(
                    result.best(top).plot(),
                    key=f"pictures-{position}-{name}",
                    config={"displayModeBar": False},
                    alt=f"Best {top} classes of {name} for {given.name}",
                )
            results.append(result.best(top))
    return results


st.title("Pictures")
st.markdown("Upload pictures, take one, or try a sample, and see what each network makes of them.")
with one_sentence():
    pictures = ask("picture", "pictures")
    left, right = st.columns([3, 1])
    own = list(shared.taught("picture"))
    names = own + zoo.networks("picture", "classify")
    here = zoo.networks("picture", "classify", embedded=True)
    first = own[:1] + here[:2]
    chosen = left.multiselect("Networks", names, first, format_func=with_size, key="pictures-networks")
    top = right.slider("Classes", 1, 10, 5, key="pictures-top")
    results: list[zoo.Classification] = []
    if pictures and not chosen:
        st.info("Choose a network.")
    for position, given in enumerate(pictures if chosen else []):
        with one_sentence():
            results += show(position, given, chosen, top)
    if results:
        tables = [result.table().assign(input=result.input, network=result.network) for result in results]
        everything = pd.concat(tables)[["input", "network", "index", "id", "label", "score"]]
        downloads("pictures", everything, [result.to_dict() for result in results], "pictures")
