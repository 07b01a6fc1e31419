"""What the page Teach shows of a training that was interrupted: what it was, and a button that repeats it."""

import streamlit as st

from zoo.app.components.attempts import method_name
from zoo.app.components.project_bar import attempt_to
from zoo.app.components.training_result import train_again_button
from zoo.app.services.project import Project
from zoo.app.services.project_training import forget_unfinished, interrupted_training
from zoo.app.state import literally


def show_interrupted(project: Project) -> None:
    """Offer to repeat a training that the end of the server or of the visit interrupted."""
    if project.busy or (training := interrupted_training(project)) is None:
        return
    with st.container(border=True, key="teach-interrupted"):
        name = method_name(training.network, training.config)
        st.markdown(
            f"**A training was interrupted.** {literally(name[0].upper() + name[1:])} had no result yet: the "
            "server was restarted, or you were away for too long."
        )
        with st.container(horizontal=True):
            train_again_button(project, training.network, training.config, key="teach-interrupted-again")
            st.button(
                "Dismiss",
                icon=":material/close:",
                on_click=attempt_to,
                args=(forget_unfinished, project),
                key="teach-interrupted-dismiss",
            )
