"""The attempts of a project side by side, and which of them the page shows."""

from datetime import datetime

import streamlit as st

from zoo.app import state
from zoo.app.components import widgets
from zoo.app.components.training_choice import METHODS
from zoo.app.services.project import Project
from zoo.app.services.project_record import Attempt, TrainingConfig
from zoo.app.services.project_settings import FOLDER, local


def choose_attempt(project: Project) -> Attempt | None:
    """Show a table of the trained attempts, and let the user choose one; at first the last one is shown."""
    attempts = [attempt for attempt in project.record.attempts[::-1] if not attempt.imported]
    if not attempts:
        return None
    st.subheader("Attempts")
    st.dataframe([_row(attempt) for attempt in attempts], hide_index=True, key="teach-attempts")
    if len(attempts) == 1:
        return attempts[0]
    labels = {attempt.number: _label(attempt) for attempt in attempts}
    # A new attempt is shown at once, whichever was chosen before.
    number = widgets.selectbox(st, "Show", labels, key=f"teach-attempt-{attempts[0].number}")
    return next(attempt for attempt in attempts if attempt.number == number)


def method_of(attempt: Attempt) -> str:
    """Describe how an attempt was trained: method and network, epochs, and whether it was stopped."""
    if attempt.config is None or attempt.network is None:
        return "opened from a file"
    method = method_name(attempt.network, attempt.config)
    if attempt.stopped:
        return f"{method}, stopped" + (f" after {epochs_of(attempt)} epochs" if epochs_of(attempt) else "")
    return method


def method_name(network: str, config: TrainingConfig) -> str:
    """Return what is trained, and how."""
    return f"{METHODS[config.method].lower()} on {network_title(network)}"


def epochs_of(attempt: Attempt) -> str:
    """Return how many epochs of how many were done; empty where the method has none."""
    if attempt.epochs is None or attempt.config is None:
        return ""
    return f"{attempt.epochs} of {attempt.config.epochs}" if attempt.config.epochs else str(attempt.epochs)


def ended_early(attempt: Attempt) -> bool:
    """Whether training ended before its last epoch by itself, because the network improved no more."""
    planned = attempt.config.epochs if attempt.config else None
    return bool(planned and attempt.epochs and attempt.epochs < planned and not attempt.stopped)


def network_title(name: str) -> str:
    """Return the title of a network of a record, as far as it is offered here."""
    own = name.startswith(FOLDER)
    try:
        return state.title_of(local(state.project(), name) if own else name)
    except LookupError:
        return "a network that was removed" if own else name


def _row(attempt: Attempt) -> dict[str, str]:
    accuracy = "" if attempt.accuracy is None else f"{attempt.accuracy:.1%}"
    ended = " (stopped)" if attempt.stopped else " (early stop)" if ended_early(attempt) else ""
    has_interval = attempt.low is not None and attempt.high is not None
    interval = f"{attempt.low:.0%} to {attempt.high:.0%}" if has_interval else ""
    return {
        "method": METHODS[attempt.config.method] if attempt.config else "Opened",
        "accuracy": accuracy,
        "95 % interval": interval,
        "network": network_title(attempt.network) if attempt.network else attempt.title,
        "classes": ", ".join(attempt.classes),
        "epochs": epochs_of(attempt) + ended,
        "held out": str(attempt.tested or ""),
        "seconds": "" if attempt.seconds is None else f"{attempt.seconds:.0f}",
        "when": _when(attempt.date),
    }


def _label(attempt: Attempt) -> str:
    accuracy = "" if attempt.accuracy is None else f", {attempt.accuracy:.1%}"
    return f"{_when(attempt.date)}: {method_of(attempt)}{accuracy}"


def _when(date: str) -> str:
    try:
        return f"{datetime.fromisoformat(date):%Y-%m-%d %H:%M} UTC"
    except ValueError:  # of a file that was changed by hand
        return date[:16]
