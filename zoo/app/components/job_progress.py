"""The state of a job on the pages: its place in the queue, its progress, and a button that stops it."""

from collections import Counter
from collections.abc import Callable

import streamlit as st

from zoo.app.services.jobs import WAITING, Job, Place
from zoo.app.state import literally


def duration(seconds: float) -> str:
    return f"{max(seconds, 1):.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


@st.fragment(run_every=1)
def show_progress(job: Job, key: str, more: Callable[[Job], object] | None = None) -> None:
    """Show a job every second until it has finished; then the page is run again.

    Parameters
    ----------
    job : Job
    key : str
        Of the page's widgets.
    more : callable, optional
        Draws more about a job that runs.
    """
    if job.finished:
        st.rerun()
    if job.state == WAITING:
        st.info(waiting(job), icon=":material/hourglass_top:")
    else:
        eta = "" if job.eta is None else f", about {duration(job.eta)} left"
        st.progress(min(job.fraction, 1.0), text=f"{literally(job.stage)} …{eta}")
        if more:
            more(job)
    if job.stopping:
        st.caption("Stops as soon as it can …")
    else:
        st.button("Stop", icon=":material/stop:", on_click=job.stop, key=f"{key}-stop")


def note_disturbance(job: Job) -> None:
    """Note below the result of a measurement that other work ran beside it."""
    if job.disturbed:
        st.caption("Other work ran on this server meanwhile, so times may be too long.")


def waiting(job: Job) -> str:
    """Say what a job waits for, and how long that takes."""
    place = job.place
    if not job.kind.quiet:
        begins = f"starts in about {duration(place.seconds)}" if place.ahead else "starts now"
        return f"{place.ahead} before you: {begins}."
    what = f": {busy}" if (busy := _busy(place)) else ""
    return f"Waits for a quiet machine{what}. Starts in about {duration(place.seconds)}."


def _busy(place: Place) -> str:
    """Say what keeps the machine from being quiet."""
    counts = [(n, kind.noun if n == 1 else kind.plural) for kind, n in Counter(place.running).items()]
    if place.pages:
        counts.append((place.pages, "page" if place.pages == 1 else "pages"))
    total = sum(n for n, _ in counts)
    return f"{' and '.join(f'{n} {noun}' for n, noun in counts)} {'is' if total == 1 else 'are'} running"
