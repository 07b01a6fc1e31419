"""The page Sort: find the files of a batch that show something, by answers of yes and no."""

import streamlit as st

from zoo.app import state
from zoo.app.components.sort_questions import ask
from zoo.app.components.sort_result import show_result
from zoo.app.components.sort_start import Batch, begin, choose_batch, open_sorter
from zoo.app.services.sorting import keep_answers
from zoo.app.state import one_sentence
from zoo.batches.sorter import Sorter


def start_again(batch: Batch, sorter: Sorter) -> None:
    """Offer to take all answers back."""
    with st.popover("Start again", icon=":material/restart_alt:", key="sort-again"):
        st.markdown(f"Take back all {sum(sorter.counts)} answers?")
        st.button("Take them back", on_click=forget, args=(batch, sorter), key="sort-forget")


def forget(batch: Batch, sorter: Sorter) -> None:
    """Take all answers back, here and in the project."""
    while sorter.undo() is not None:
        pass
    keep_answers(state.project(), batch.name, sorter)
    st.session_state["sort-round"] = []
    st.session_state["sort-skipped"] = set()


st.title("Sort")
st.markdown(
    "Find the pictures or sounds of a folder that show what you look for: say yes or no to some of them, and "
    "a head is trained on your answers, which sorts all the others."
)
with one_sentence():
    if batch := choose_batch():
        sorter = open_sorter(batch)
        st.caption(f"{len(sorter):,} files have a vector.")
        with st.expander("What to look for", expanded=not sum(sorter.counts)):
            begin(batch, sorter)
        if sorter.has_begun:
            ask(batch, sorter)
            show_result(batch, sorter)
        if sum(sorter.counts):
            start_again(batch, sorter)
