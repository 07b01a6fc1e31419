"""The worst mistakes of a network, each with a click that removes the example or gives it another class."""

from typing import Any

import streamlit as st

from zoo.app import state
from zoo.app.components.charts import chart
from zoo.app.components.project_bar import attempt_to
from zoo.app.services.attempt_results import SavedEvaluation
from zoo.app.services.project import Project
from zoo.app.services.project_record import ExampleClass
from zoo.app.state import literally
from zoo.training.evaluation.evaluation import Evaluation
from zoo.training.evaluation.thumbnails import Thumbnail, thumbnail_of

MAX_MISTAKES = 8


def mistakes(project: Project, saved: SavedEvaluation, evaluation: Evaluation) -> None:
    """Show the confusion matrix, and the worst mistakes to look at or to listen to."""
    alt = "Confusion matrix of the held-out examples"
    chart(evaluation.plot(), "confusion-matrix", key="teach-confusion", alt=alt)
    worst = list(evaluation.mistakes(MAX_MISTAKES).itertuples())
    if not worst:
        st.info("No mistakes among the held-out examples.")
        return
    st.markdown("**The worst mistakes**")
    owners = {example.content: one for one in project.record.classes for example in one.examples}
    copies = state.remembered(_copies, project, tuple(saved.contents[row.Index] for row in worst))
    for start in range(0, len(worst), 4):
        for column, row in zip(st.columns(4), worst[start : start + 4], strict=False):
            with column:
                content = saved.contents[row.Index]
                _mistake(row, copies.get(content))
                _repair(project, content, row, owners.get(content))


def _copies(project: Project, contents: tuple[str, ...]) -> dict[str, Thumbnail]:
    """Return small copies of examples that are in the project still, by their contents."""
    data = project.dataset()
    positions = {content: i for i, content in enumerate(data.hashes) if content in contents}
    copies = {content: thumbnail_of(data, i) for content, i in positions.items()}
    return {content: copy for content, copy in copies.items() if copy}


def _mistake(row: Any, copy: Thumbnail | None) -> None:
    true, predicted = literally(row.true), literally(row.predicted)
    st.markdown(f"{true}, taken for **{predicted}** ({row.score:.0%})")
    if copy and copy.kind == "image":
        st.image(copy.url, caption=literally(row.input), alt=row.input)
    elif copy:
        st.audio(copy.url)


def _repair(project: Project, content: str, row: Any, owner: ExampleClass | None) -> None:
    """Offer to remove an example, or to move it to another class."""
    if owner is None:
        st.caption("Removed from the project")
        return
    if owner.label.strip() != row.true:
        st.caption(f"Now an example of {literally(owner.label)}")
    others = [one for one in project.record.classes if one.number != owner.number]
    likely = [one for one in others if one.label.strip() == row.predicted]
    with st.container(horizontal=True):
        st.button(
            "Remove",
            on_click=attempt_to,
            args=(project.remove_examples, [content]),
            key=f"teach-drop-{content}",
        )
        for one in likely:
            _move_button(project, content, one)
        if rest := [one for one in others if one not in likely]:
            with st.popover("Other class", key=f"teach-others-{content}"):
                for one in rest:
                    _move_button(project, content, one)


def _move_button(project: Project, content: str, target: ExampleClass) -> None:
    st.button(
        f"Move to {literally(target.label)}",
        on_click=attempt_to,
        args=(project.move_example, content, target.number),
        key=f"teach-move-{content}-{target.number}",
    )
