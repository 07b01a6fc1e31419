"""The chart of the field on the page Networks: as published, and as measured on this machine."""

import threading
from dataclasses import replace

import pandas as pd
import streamlit as st
from cachetools import cached

import zoo
from zoo.app import state
from zoo.app.components import widgets
from zoo.app.components.charts import chart
from zoo.app.components.job_progress import note_disturbance, show_progress
from zoo.app.services.job_queue import JobQueue
from zoo.app.services.jobs import FAILED, SURVEY, Job, Stopped
from zoo.app.services.workspaces import Workspace
from zoo.app.state import File, downloads, is_here, literally
from zoo.benchmark.compare import Comparison, field
from zoo.core.errors import ZooError
from zoo.hub.registry import is_default
from zoo.results import to_csv

BATCH, REPEATS = 4, 5  # small: the largest networks take seconds a pass
PUBLISHED, MEASURED = "Published", "Measured here"


class Bench:
    """What was measured on this machine, for all sessions: the job that does it, or did it last.

    A measurement that runs ends when the last of the sessions that watch it has ended.

    Parameters
    ----------
    queue : JobQueue
        Where it waits for a quiet machine.
    """

    def __init__(self, queue: JobQueue) -> None:
        self.queue = queue
        self.job: Job | None = None
        self.missed: list[str] = []
        self._watchers: set[Workspace] = set()
        self._lock = threading.RLock()

    @property
    def busy(self) -> bool:
        return self.job is not None and not self.job.finished

    def begin(self, names: list[str], watcher: Workspace) -> None:
        """Measure these networks for a session, unless another measurement runs."""
        with self._lock:
            if not self.busy:
                self._watchers.clear()
                self.job = self.queue.begin(lambda job: self.measure(names, job), SURVEY)
            self.watch(watcher)

    def watch(self, watcher: Workspace) -> None:
        """Let the measurement go on at least until this session ends."""
        with self._lock:
            if watcher not in self._watchers:
                self._watchers.add(watcher)
                watcher.at_end(lambda: self._leave(watcher))

    def _leave(self, watcher: Workspace) -> None:
        with self._lock:
            self._watchers.discard(watcher)
            if self.job is not None and self.busy and not self._watchers:
                self.job.abandon()
                self.job = None

    def measure(self, names: list[str], job: Job) -> Comparison:
        """Network by network, until it is stopped; untrained where weights are not here."""
        parts, self.missed = [], []
        job.enter("Measuring")
        for done, name in enumerate(names):

            def progress(_: int, __: int, done: int = done) -> None:
                job.count_or_stop(done, len(names))

            options = {"fetch": False, "batch": BATCH, "repeats": REPEATS, "progress": progress}
            try:
                parts.append(zoo.compare([name], **options))
            except Stopped:
                break
            except ZooError as error:
                self.missed.append(str(error))
        if not parts:
            raise Stopped
        return replace(parts[0], rows=tuple(row for part in parts for row in part.rows))


@cached({}, condition=threading.Condition())  # not Streamlit's cache, which a browser can have cleared
def bench() -> Bench:
    return Bench(state.job_queue())


def charts() -> None:
    """Draw the chart of either kind, with a title that names the kind."""
    kind = widgets.segmented_control(
        st, "Prediction times", [PUBLISHED, MEASURED], PUBLISHED, key="networks-times"
    )
    if kind == PUBLISHED:
        published()
    else:
        measured()


def published() -> None:
    """From the records: the default checkpoint of each network that has a figure."""
    specs = [spec for spec in map(zoo.describe, zoo.networks()) if is_default(spec.name)]
    figures = {spec.arch: spec.published for spec in specs if spec.published}
    rows = [
        {
            "network": arch,
            "file_mb": figure.size_mb,
            "accuracy": figure.accuracy,
            "time": figure.relative_time,
        }
        for arch, figure in figures.items()
    ]
    table = pd.DataFrame(rows)
    chart(
        field(table, "accuracy", "time", "relative prediction time, published (AlexNet = 1)"),
        "published",
        key="networks-field",
        zoom=True,
        alt="Published accuracy of the image networks against their published relative prediction time",
    )
    st.caption(
        "The area of a marker is the size of the weights. Measured on a P100 GPU at batch 128, published in "
        f"{next(iter(figures.values())).source}."
    )
    state.save(
        "networks-published", File("Published as CSV", "published.csv", "text/csv", lambda: to_csv(table))
    )


def measured() -> None:
    """Show the times measured on this machine, or offer to measure them."""
    own = bench()
    names = [name for name in zoo.networks("image", "classify") if zoo.describe(name).accuracy]
    here = [name for name in names if is_here(name)]
    others = [name for name in names if is_default(name) and name not in here]
    everything = st.toggle(
        f"Also the {len(others)} networks whose weights are not cached, untrained: they are as fast, "
        "and nothing is downloaded",
        disabled=own.busy,
        key="networks-untrained",
    )
    pending = here + others * everything
    if not pending:
        st.info("No weights are cached: measure untrained networks, or run `zoo fetch NAME` first.")
    minutes = max(1, round(sum(map(_seconds, pending)) / 60))
    left = st.container(horizontal=True, vertical_alignment="center")
    if left.button(
        f"Measure {len(pending)} networks",
        icon=":material/speed:",
        disabled=own.busy or not pending,
        key="networks-measure",
    ):
        own.begin(pending, state.workspace())
        st.rerun()
    left.caption(f"It takes about {minutes} min, and other work on this machine slows all of them.")
    if (job := own.job) is None:
        return
    if not job.finished:
        own.watch(state.workspace())
        show_progress(job, "networks")
    else:
        outcome(job, own.missed)


def _seconds(name: str) -> float:
    """Estimate how long one network takes: mostly the start of its process and the export of its graph."""
    return 10 + (zoo.describe(name).depth or 0) / 10


def outcome(job: Job, missed: list[str]) -> None:
    for sentence in missed:
        st.warning(literally(sentence))
    if job.state == FAILED:
        state.refuse(job.error)
    elif job.result is None:
        st.info("Stopped before anything was measured.")
    else:
        show(job.result)
        note_disturbance(job)


def show(result: Comparison) -> None:
    figure = result.plot("measured").update_xaxes(title="relative prediction time, measured (fastest = 1)")
    chart(
        figure,
        "measured",
        key="networks-measured",
        zoom=True,
        alt="Published accuracy of the image networks against their relative prediction time on this machine",
    )
    st.caption(
        "The area of a marker is the size of the weights; accuracy is as published. Measured here: "
        f"{result.conditions}."
    )
    columns = [
        "network",
        "relative_time",
        "latency_ms",
        "throughput",
        "memory_mb",
        "file_mb",
        "accuracy",
    ]
    table = result.table().sort_values("latency_ms")[columns]
    st.dataframe(
        table.round(2),
        hide_index=True,
        key="networks-measured-table",
        alt="Measurements of each network",
    )
    downloads("measured", table, result.to_dict(), "networks-measured")
