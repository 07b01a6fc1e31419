"""What the page Sort has found: the list, what is expected of it, and how to take it home."""

from __future__ import annotations

import numpy as np
import streamlit as st

from zoo.app import state
from zoo.app.components import widgets
from zoo.app.components.charts import chart
from zoo.app.components.sort_start import Batch
from zoo.app.components.sort_tiles import show_file
from zoo.app.services.sorting import MAX_ZIP_BYTES, MAX_ZIP_FILES, listed_csv, zipped
from zoo.app.state import File
from zoo.batches.sort_estimate import Threshold
from zoo.batches.sort_fit import MIN_ANSWERS
from zoo.batches.sorter import Sorter
from zoo.plotting.sorting import score_histogram

SHOWN = 6  # files on each side of the line


def show_result(batch: Batch, sorter: Sorter) -> None:
    """Show the list that the answers give, once there are enough of them."""
    yes, no = sorter.counts
    st.subheader("The list so far")
    if min(yes, no) < MIN_ANSWERS:
        st.caption(f"An estimate needs {MIN_ANSWERS} answers of yes and {MIN_ANSWERS} of no.")
        state.save("sort-table", _whole(sorter))
        return
    percent = widgets.slider(
        st,
        "Precision of the list (%)",
        50,
        99,
        90,
        1,
        key="sort-precision",
        help="How much of the list shows what you look for. More makes the list shorter, and misses more.",
    )
    line = _line(sorter, percent / 100)
    st.markdown(sentence(line))
    if (check := sorter.checked).files:
        st.caption(
            f"Random check: of {check.files} files drawn at random, {check.expected:.1f} answers of yes were "
            f"expected, and {check.yes} were given."
        )
    _downloads(sorter, line)
    table = sorter.table()
    figure = score_histogram(table["score"].to_numpy(), table["answer"].tolist(), line.score)
    figure.update_layout(
        height=320, margin={"l": 8, "r": 8, "t": 8, "b": 8}, legend={"orientation": "h", "y": 1.1}
    )
    alt = f"Scores of {len(sorter)} files, with the line of the list"
    chart(figure, "scores", key="sort-scores", alt=alt)
    _around(batch, sorter, line)


def sentence(line: Threshold) -> str:
    """Say in plain words what a list holds, and what is expected of it."""
    low, high = (round(100 * value) for value in line.recall_interval)
    unseen = line.files - line.answered
    return (
        f"**The list has {line.files} {'file' if line.files == 1 else 'files'}**: {line.answered} that you "
        f"said yes to, and {unseen} without an answer. About **{line.expected:.0f} of them are right** "
        f"({line.precision:.0%}), and about {line.total:.0f} files of the batch are: so the list has about "
        f"**{line.recall:.0%}** of all (from {low}% to {high}%)."
    )


def _line(sorter: Sorter, precision: float) -> Threshold:
    """Return the threshold after the present answers; it is computed once for them."""
    answers = tuple((one.number, one.yes) for one in sorter.answers)
    key = (id(sorter), answers, precision)
    if st.session_state.get("sort-line", (None,))[0] != key:
        with st.spinner("Estimating …"), state.turn():
            st.session_state["sort-line"] = (key, sorter.threshold(precision=precision))
    return st.session_state["sort-line"][1]


def _whole(sorter: Sorter) -> File:
    return File("All files as CSV", "sorted.csv", "text/csv", lambda: listed_csv(sorter))


def _downloads(sorter: Sorter, line: Threshold) -> None:
    state.save(
        "sort",
        File("List as CSV", "list.csv", "text/csv", lambda: listed_csv(sorter, line)),
        _whole(sorter),
        File("Files as ZIP", "list.zip", "application/zip", lambda: zipped(sorter, line)),
    )
    st.caption(
        f"A ZIP has at most {MAX_ZIP_FILES:,} files and {MAX_ZIP_BYTES / 1e6:.0f} MB; it lists what it lacks."
    )


def _around(batch: Batch, sorter: Sorter, line: Threshold) -> None:
    """Show the files without an answer that are just above and just below the line."""
    scores, paths = sorter.scores, sorter.features.paths
    answered = [one.number for one in sorter.answers]
    left = np.flatnonzero(~np.isin(sorter.features.numbers, answered))
    order = left[np.argsort(-scores[left], kind="stable")]
    above = int((scores[order] >= line.score).sum())
    for title, places in (
        ("Just above the line", order[max(0, above - SHOWN) : above]),
        ("Just below the line", order[above : above + SHOWN]),
    ):
        if len(places):
            st.markdown(f"**{title}**")
            with st.container(horizontal=True):
                for place in places:
                    with st.container(width=150 if batch.kind == "image" else 230, gap="xsmall"):
                        show_file(batch.kind, paths[place], small=True, note=f"{scores[place]:.2f}")
