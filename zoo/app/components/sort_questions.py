"""The questions of the page Sort: a file, and the answers yes and no, by click or key."""

from __future__ import annotations

import streamlit as st

from zoo.app import state
from zoo.app.components.sort_start import Batch
from zoo.app.components.sort_tiles import show_file
from zoo.app.services.sorting import MAX_ANSWERS, keep_answers
from zoo.batches.sort_answers import Question
from zoo.batches.sorter import Sorter

ROUND = 5  # questions, after which the head is trained again
WHY = {
    "example": "An example that you gave.",
    "likely": "One of the likeliest files without an answer.",
    "unsure": "The head is unsure about this one.",
    "check": "Drawn at random, to check the estimate.",
}


def ask(batch: Batch, sorter: Sorter) -> None:
    """Ask about one file; after `ROUND` answers the head is trained, and chooses others."""
    yes, no = sorter.counts
    if yes + no >= MAX_ANSWERS:
        st.info(f"You gave {MAX_ANSWERS:,} answers, which is as many as this page keeps.")
        return
    if not (questions := _round(sorter)):
        st.info("Every file has an answer.")
        return
    question = questions[0]
    left, right = st.columns([3, 2])
    with left.container(key="sort-file"):
        show_file(batch.kind, question.path)
    with right:
        st.markdown("**Is this what you look for?**")
        with st.container(horizontal=True):
            _button(batch, sorter, question, "Yes", "y", True)
            _button(batch, sorter, question, "No", "n", False)
        with st.container(horizontal=True):
            st.button(
                "Skip",
                on_click=_skip,
                args=(question.number,),
                shortcut="s",
                key=f"sort-skip-{question.number}",
            )
            st.button(
                "Undo",
                on_click=_undo,
                args=(batch, sorter),
                disabled=not yes + no,
                shortcut="u",
                key="sort-undo",
            )
        st.caption(WHY[question.reason])
        st.markdown(f"**{yes + no} {'answer' if yes + no == 1 else 'answers'}**: {yes} yes, {no} no")
        st.progress(1 - len(questions) / ROUND, text=f"{len(questions)} until the head is trained again")


def _round(sorter: Sorter) -> list[Question]:
    """Return the questions that are left of this round, or those of the next one."""
    questions: list[Question] = st.session_state.setdefault("sort-round", [])
    if not questions:
        skipped = st.session_state.setdefault("sort-skipped", set())
        with st.spinner("Training the head …"), state.turn():
            questions[:] = sorter.next(ROUND, skip=skipped)
    return questions


def _button(batch: Batch, sorter: Sorter, question: Question, label: str, key: str, yes: bool) -> None:
    st.button(
        label,
        type="primary" if yes else "secondary",
        icon=":material/check:" if yes else ":material/close:",
        on_click=_answer,
        args=(batch, sorter, question, yes),
        shortcut=key,
        width=140,
        key=f"sort-{label.lower()}-{question.number}",
    )


def _answer(batch: Batch, sorter: Sorter, question: Question, yes: bool) -> None:
    sorter.answer(question, yes)
    _done(question.number)
    keep_answers(state.project(), batch.name, sorter)


def _skip(number: int) -> None:
    st.session_state.setdefault("sort-skipped", set()).add(number)
    _done(number)


def _done(number: int) -> None:
    questions: list[Question] = st.session_state["sort-round"]
    questions[:] = [one for one in questions if one.number != number]


def _undo(batch: Batch, sorter: Sorter) -> None:
    """Take the last answer back, and ask about its file again."""
    number = sorter.undo()
    if number is not None:
        st.session_state["sort-round"].insert(0, sorter.question(number))
    keep_answers(state.project(), batch.name, sorter)
