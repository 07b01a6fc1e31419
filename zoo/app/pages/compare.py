"""The page Compare: which network is fast enough here, and whether several agree."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pandas as pd
import streamlit as st

import zoo
from zoo.app import state
from zoo.app.components import input_picker, network_picker, widgets
from zoo.app.components.charts import chart
from zoo.app.components.input_picker import InputFile, open_stream
from zoo.app.components.job_progress import note_disturbance, show_progress
from zoo.app.components.offer import numbered
from zoo.app.services import offered_networks
from zoo.app.services.jobs import FAILED, MEASUREMENT, STOPPED, Job
from zoo.app.state import RATE, File, literally, one_sentence, spec_of, title_of, with_size
from zoo.audio.signal import read_mono
from zoo.benchmark.compare import Measurement
from zoo.core.errors import ZooError
from zoo.core.spec import NOUNS
from zoo.hub.saved import is_saved
from zoo.results import to_csv
from zoo.results.problem import Problem
from zoo.vision.decoding import PixelBudget, check, count_pixels

MAX_NETWORKS = 12
KINDS = {"image": "Pictures", "audio": "Sounds"}
ENGINES = ["auto", "torch", "onnxruntime"]
DISSENT = "background-color: rgba(230, 150, 0, 0.3)"  # seen on white and on black
UNTRAINED = "Untrained: as fast as the trained one; no answers."


@dataclass(frozen=True)
class Request:
    """What is to be compared, and how; `absent` were chosen too, and are not downloaded."""

    names: tuple[str, ...]
    absent: tuple[str, ...]
    files: tuple[InputFile, ...]
    batch: int
    repeats: int
    engine: str


def choose() -> tuple[str, list[str], list[str]]:
    """Pictures or sounds, the networks to measure, and those that are left out."""
    left, right = st.columns([1, 3])
    kind = widgets.segmented_control(left, "Networks for", KINDS, "image", key="compare-kind")
    own = list(state.trained_networks(kind))
    names = own + offered_networks.networks(kind)
    usual = offered_networks.networks(kind, "classify", bundled=True)[:2]  # which answer the same question
    key = f"compare-networks-{kind}"
    selected = widgets.multiselect(
        right, "Networks", with_size(names), usual, max_selections=MAX_NETWORKS, key=key
    )
    here = network_picker.available(selected, key, names)
    absent = [name for name in selected if name not in here]
    with st.container():  # which is there each time, so that what follows keeps its place on the page
        untrained = absent and st.toggle(
            "Also measure what is not downloaded, untrained", key="compare-untrained", help=UNTRAINED
        )
    return (kind, selected, []) if untrained else (kind, here, absent)


def inputs(kind: str, names: Sequence[str]) -> tuple[InputFile, ...]:
    """Return the valid inputs for the networks to classify, if any."""
    silent = [name for name in names if "classify" not in spec_of(name).tasks]
    if silent:
        able = [
            title_of(name)
            for name in [*state.trained_networks(kind), *offered_networks.networks(kind, "classify")]
        ]
        advice = f"; for answers choose only among {', '.join(able)}" if len(able) > 1 else ""
        st.info(
            f"{literally(title_of(silent[0]))} does not classify {NOUNS[kind]}, so speed, memory and size "
            f"are compared, not answers{literally(advice)}."
        )
        return ()
    with st.expander(f"{KINDS[kind]} to classify (optional)", icon=":material/add_photo_alternate:"):
        files = input_picker.ask(kind, f"compare-{kind}")
        usable = tuple(one for one, why in zip(files, refusals(kind, files), strict=True) if why is None)
    return usable


def refusals(kind: str, uploads: Sequence[InputFile]) -> list[str | None]:
    """Check each file once, show the reasons against it, and return them."""
    key = tuple((one.name, hash(one.data)) for one in uploads)
    if st.session_state.get("compare-seen", [None])[0] != key:
        with st.spinner("Reading your files …"):
            budget = PixelBudget()
            st.session_state["compare-seen"] = key, [refusal(kind, one, budget) for one in uploads]
    reasons = st.session_state["compare-seen"][1]
    for why in filter(None, reasons):
        state.refuse(why)
    return reasons


def refusal(kind: str, file: InputFile, budget: PixelBudget) -> str | None:
    try:
        if kind == "image":
            budget.take(file.name, count_pixels(open_stream(file)))
            check(open_stream(file))
        else:
            read_mono(open_stream(file), RATE, max_duration=state.MAX_SECONDS)
    except ZooError as error:
        return str(error)
    return None


def settings() -> tuple[int, int, str]:
    """Batch, passes and engine."""
    with st.expander("Settings", icon=":material/tune:"):
        columns = st.columns(3)
        batch = widgets.select_slider(
            columns[0],
            "Batch",
            [1, 2, 4, 8, 16, 32],
            16,
            key="compare-batch",
            help="Batch size for the throughput.",
        )
        repeats = widgets.slider(
            columns[1],
            "Passes",
            3,
            50,
            10,
            1,
            key="compare-repeats",
            help="Number of timed passes, after two warm-up passes.",
        )
        engine = widgets.selectbox(
            columns[2],
            "Engine",
            ENGINES,
            key="compare-engine",
            help="auto: the faster one for each network.",
        )
    return batch, repeats, engine


def work(request: Request) -> Callable[[Job], zoo.Comparison]:
    """Run the job: measure one network after the other."""
    titles = distinct([*request.names, *request.absent])

    def run(job: Job) -> zoo.Comparison:
        job.enter("")

        def progress(done: int, total: int) -> None:
            name = request.names[min(done, total - 1)]
            job.stage = f"Measures {titles[name]}, {min(done + 1, total)} of {total}"
            job.count_or_stop(done, total)

        comparison = zoo.compare(
            request.names,
            [open_stream(one) for one in request.files] or None,
            fetch=False,
            batch=request.batch,
            repeats=request.repeats,
            engine=request.engine,
            trust=True,  # what is offered is the catalog's, the owner's or the visitor's own
            progress=progress,
        )
        reasons = dict(comparison.problems) | dict.fromkeys(request.absent, "it is not downloaded.")
        measured = [name for name in request.names if name not in reasons]
        return replace(
            comparison,
            rows=tuple(
                _presentable(row, titles[name]) for name, row in zip(measured, comparison.rows, strict=True)
            ),
            problems=tuple(Problem(titles[name], reason) for name, reason in reasons.items()),
        )

    return run


def _presentable(row: Measurement, title: str) -> Measurement:
    """Shorten the name of a trained network, which is its path on the server."""
    return replace(row, title=title, network=title if is_saved(row.network) else row.network)


def distinct(names: Sequence[str]) -> dict[str, str]:
    """Titles by name; of several that have the same, the later ones are numbered."""
    return dict(zip(names, numbered(map(title_of, names)), strict=True))


def busy() -> bool:
    job = st.session_state.get("compare-job")
    return job is not None and not job.finished


def begin(request: Request) -> None:
    job = state.job_queue().begin(work(request), MEASUREMENT)
    state.workspace().at_end(job.abandon)
    st.session_state["compare-job"] = job


def results(job: Job) -> None:
    """Figures, charts, table and answers."""
    comparison: zoo.Comparison = job.result
    for title, reason in comparison.problems:
        st.warning(f"**{literally(title)}** is left out: {literally(reason)}", icon=":material/warning:")
    if comparison.busy:
        st.warning(
            f"The machine was busy: other programs took {comparison.background_load:.0%} of the processors, "
            "so times may be too long. Compare again when it is quiet.",
            icon=":material/warning:",
        )
    summary(comparison)
    charts = {"Accuracy and time": accuracy, "Latency and memory": bars, "Answers": answers}
    for tab, show in zip(st.tabs(list(charts), key="compare-tabs"), charts.values(), strict=True):
        with tab:
            show(comparison)
    table(comparison)
    st.caption(f"Measured on {comparison.conditions}.")
    note_disturbance(job)
    state.downloads("comparison", comparison.table(), comparison.to_dict(), "compare")


def summary(comparison: zoo.Comparison) -> None:
    fastest = min(comparison.rows, key=lambda row: row.latency_ms)
    smallest = min(comparison.rows, key=lambda row: row.memory_mb)
    columns = st.columns(3)
    columns[0].metric(f"Fastest: {literally(fastest.title)}", f"{fastest.latency_ms:.1f} ms")
    columns[1].metric(f"Least memory: {literally(smallest.title)}", f"{smallest.memory_mb:.0f} MB")
    if comparison.groups():
        same = int((~comparison.dissent().any(axis=1)).sum())
        columns[2].metric("Same answer from all", f"{same} of {len(comparison.inputs)}")


def accuracy(comparison: zoo.Comparison) -> None:
    figure = comparison.plot()
    if not len(figure.data[0].x):
        st.info("No top-1 accuracy is published for these networks.")
        return
    figure.update_xaxes(title="time of a prediction, the fastest network = 1")
    chart(
        figure,
        "accuracy-and-time",
        key="compare-field",
        alt="Published accuracy of each network against its time measured here",
    )


def bars(comparison: zoo.Comparison) -> None:
    chart(
        comparison.bars(),
        "latency-and-memory",
        key="compare-bars",
        alt="Latency and memory of each network as bars",
    )
    st.caption(
        "Bars of latency are the median of the passes, and their thin lines reach to the 90th percentile."
    )


def answers(comparison: zoo.Comparison) -> None:
    """Show each network's answer for each input; answers that differ are marked."""
    if not comparison.inputs:
        st.info("Add pictures or recordings to see whether the networks agree.")
        return
    labels, differs = comparison.answers(), comparison.dissent()
    marked = labels.copy()
    for name in differs.columns:
        marked[name] = labels[name].where(~differs[name], "≠ " + labels[name])
    styles = pd.DataFrame("", index=labels.index, columns=labels.columns)
    styles[differs.columns] = differs.replace({True: DISSENT, False: ""}).astype(str)
    st.dataframe(marked.style.apply(lambda _: styles, axis=None), hide_index=True, key="compare-answers")
    state.save("compare-save", File("Answers as CSV", "answers.csv", "text/csv", lambda: to_csv(labels)))
    if not (groups := comparison.groups()):
        st.info("Agreement needs two networks; choose another with the same classes.")
        return
    st.caption(legend(groups))
    st.markdown("**Share of inputs for which two networks give the same answer**")
    for position, group in enumerate(map(list, groups)):
        shares = comparison.agreement().loc[group, group]
        st.dataframe(shares.map("{:.0%}".format), key=f"compare-agreement-{position}")


def legend(groups: Sequence[Sequence[str]]) -> str:
    """Explain the mark of answers: two networks have no majority."""
    differ = "different answers of two networks" if any(len(group) == 2 for group in groups) else ""
    minority = "answers that differ from the majority" if any(len(group) > 2 for group in groups) else ""
    return f"≠ marks {', and '.join(filter(None, (minority, differ)))}."


def table(comparison: zoo.Comparison) -> None:
    numbers = {
        "latency_ms": ("median (ms)", "%.1f"),
        "latency_p90_ms": ("90 % within (ms)", "%.1f"),
        "relative_time": ("relative", "%.2f"),
        "throughput": ("a second", "%.1f"),
        "memory_mb": ("memory (MB)", "%.0f"),
        "file_mb": ("file (MB)", "%.1f"),
        "accuracy": ("accuracy", "%.4g"),
    }
    rows = comparison.table().dropna(axis="columns", how="all")
    rows["weights"] = rows["trained"].map({True: "trained", False: "untrained"})
    trained = rows["trained"].all()
    columns = ["network", *numbers, "metric", "engine", *([] if trained else ["weights"])]
    st.dataframe(
        rows[[name for name in columns if name in rows]],
        hide_index=True,
        key="compare-table",
        placeholder="–",
        column_config={
            **{
                name: st.column_config.NumberColumn(label, format=form)
                for name, (label, form) in numbers.items()
            },
            "metric": st.column_config.TextColumn("measure", help="Kind of the published accuracy."),
        },
    )
    st.caption(
        "Memory is what each network adds to the program, for its weights and for a batch of "
        f"{comparison.batch} inputs."
    )
    if not trained:
        st.caption(UNTRAINED)


def outcome(job: Job) -> None:
    if job.state == FAILED:
        state.refuse(job.error)
    elif job.state == STOPPED:
        st.info("Stopped; nothing was kept.")
    else:
        results(job)


st.title("Compare")
st.markdown(
    "Choose networks, and see how fast they are on this machine, what memory they take, "
    "and whether they agree on your own pictures or recordings."
)
with one_sentence():
    kind, network_names, absent = choose()
    if network_names:
        files = inputs(kind, network_names)
        request = Request(tuple(network_names), tuple(absent), files, *settings())
        if st.button(
            "Compare", type="primary", icon=":material/balance:", disabled=busy(), key="compare-begin"
        ):
            begin(request)
            st.rerun()
    else:
        st.info("Choose a network, or better two.")
job = st.session_state.get("compare-job")
if job is not None:
    with one_sentence():
        if busy():
            show_progress(job, "compare")
        else:
            outcome(job)
