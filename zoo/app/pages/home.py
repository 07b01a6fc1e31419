"""What can be done here, and what this machine has for it."""

from pathlib import Path

import pandas as pd
import streamlit as st

from zoo.app.services import offered_networks
from zoo.core.machine import machine
from zoo.hub import weights

PAGES = Path(__file__).parent
QUESTIONS = {  # a picture each
    "pictures": ("What is in this picture?", "Networks side by side, with heat maps."),
    "sounds": ("Which sounds occur when?", "521 kinds of sound, located in time."),
    "teach": ("Teach it your own classes", "A few photos or recordings of each are enough."),
}
MORE = {
    "pitch": "The melody of a voice or the notes of many, as a curve, as notes and as MIDI",
    "live": "Sounds and pitch from your microphone, as they occur",
    "embeddings": "Files on a map of similarity, and the nearest neighbors of each",
    "sort": "Find the files of a folder that show something, by answers of yes and no",
    "compare": "Networks measured on this machine: speed, memory, agreement",
    "networks": "All networks: records, layers, and what each layer makes of an input",
}
# The whole card leads where its link leads.
CARDS = """<style>
[class*="st-key-home-"] { position: relative; }
[class*="st-key-home-"]:hover { border-color: #3f9b6e; }
[class*="st-key-home-"] [data-testid="stElementContainer"]:has([data-testid="stPageLink"]),
[class*="st-key-home-"] [data-testid="stPageLink"], [class*="st-key-home-"] [data-testid="stPageLink"] * {
    position: static;
}
[class*="st-key-home-"] [data-testid="stPageLink"] a::after {
    content: ""; position: absolute; inset: 0; z-index: 1;
}
</style>"""


def cards() -> None:
    st.html(CARDS)
    for column, (page, (question, answer)) in zip(st.columns(3), QUESTIONS.items(), strict=True):
        with column.container(border=True, key=f"home-{page}"):
            st.image(PAGES / "images" / f"{page}.webp", width="stretch", alt=answer)
            st.page_link(PAGES / f"{page}.py", label=f"**{question}**")
            st.markdown(answer)
    for page, what in MORE.items():
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.page_link(PAGES / f"{page}.py", label=f"**{page.capitalize()}**", width=140)
            st.markdown(what)


def this_machine() -> None:
    st.subheader("This machine")
    here = machine()
    table = networks()
    fetched = table[table["here"]]
    columns = st.columns(3)
    columns[0].metric("Runs on", "GPU" if here.gpu else f"CPU, {here.cores} cores")
    columns[0].caption(here.device)
    columns[1].metric("Memory", f"{here.memory_gb:.0f} GB")
    columns[1].caption(f"{here.free_gb:.0f} GB of it are free.")
    columns[2].metric("Networks here", f"{len(fetched)} of {len(table)}")
    missing = table[~table["here"]]
    cost = f"They take {fetched['MB'].sum():.0f} MB."
    if len(missing):
        smallest, largest = missing["MB"].min(), missing["MB"].max()
        cost += f" Others are downloaded on request, {smallest:.0f} to {largest:.0f} MB each."
    columns[2].caption(cost)
    with st.expander("Cached weights, and the download sizes of the others"):
        st.dataframe(
            table,
            hide_index=True,
            column_config={
                "MB": st.column_config.NumberColumn(format="%.1f"),
                "here": st.column_config.CheckboxColumn(help="The weights are on this machine."),
            },
        )


def networks() -> pd.DataFrame:
    """Name, size and place of the weights of every network."""
    rows = [
        {
            "network": spec.title,
            "name": name,
            "for": spec.modality,
            "MB": spec.size_mb,
            "here": weights.path_of(spec).is_file(),
            "from": spec.sources[0].url,
        }
        for name, spec in offered_networks.records().items()
    ]
    return pd.DataFrame(rows).sort_values(["here", "MB"], ascending=[False, True])


st.title("Zoo")
st.markdown("Pretrained networks for images and audio. Classify, listen, compare, and train, without code.")
cards()
this_machine()
