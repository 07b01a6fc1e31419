"""What the pages show of a job that waits for its turn, or runs."""

from collections.abc import Callable

import streamlit as st

from zoo.app.services.jobs import WAITING, Job
from zoo.app.state import literally


def duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


@st.fragment(run_every=1)
def record_layers(job: Job, key: str, more: Callable[[Job], object] | None = None) -> None:
    """How far a job is, every second, with a button that stops it; the page is run again when it is over.

    Parameters
    ----------
    job : Job
    key : str
        Of the page's widgets.
    more : callable, optional
        Draws what else there is to see of a job that runs.
    """
    if job.over:
        st.rerun()
    if job.state == WAITING:
        st.info(f"{job.ahead} before you: one network is trained or measured at a time on this machine.")
    else:
        left = "" if job.left is None else f", about {duration(job.left)} left"
        st.progress(min(job.share, 1.0), text=f"{literally(job.stage)} …{left}")
        if more:
            more(job)
    if job.stopping:
        st.caption("Stops as soon as it can …")
    else:
        st.button("Stop", icon=":material/stop:", on_click=job.stop, key=f"{key}-stop")
