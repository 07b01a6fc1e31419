"""The card of a network of the project on the page Networks: its import, and what to do with it."""

from __future__ import annotations

import re
from pathlib import Path

import streamlit as st

from zoo.app import state
from zoo.app.services.import_results import read_report
from zoo.app.services.project import Project
from zoo.app.services.project_training import remove_attempt
from zoo.app.services.training_job import packed
from zoo.app.state import File, literally, one_sentence
from zoo.core.errors import ZooError
from zoo.core.spec import Spec
from zoo.inference.build import preprocessor
from zoo.results import to_csv
from zoo.results.import_report import ImportReport

_REFUSED = "networks-own-refused"
_PYTHON = re.compile(r"; pass \w+= to [^.;]*")  # advice on arguments
_NAMED = 8  # layers, in a sentence


def own_record(project: Project, name: str, spec: Spec) -> None:
    """Show where a network of the project comes from, and the buttons that save and remove it."""
    folder = Path(name).parent
    report = None
    with one_sentence():
        report = read_report(folder)
    if report is not None:
        _report(report, spec)
    else:
        st.markdown(f"**Preprocessing.** {literally(preprocessor(spec).describe())}")
        st.markdown(f"**Fidelity.** {literally(spec.validation)}")
    st.markdown(f"**License of the weights.** {literally(spec.license)}")
    _buttons(project, name, spec, report)


def _report(report: ImportReport, spec: Spec) -> None:
    """Show what became of the file."""
    runtime, largest = report.left_to_runtime, max(report.differences.values(), default=0.0)
    state.metrics(
        {
            "Layers": len(report.layers),
            "Run as they came": len(runtime),
            "Largest difference": f"{largest:.0e}",
        }
    )
    taken, given, layers, preprocessing, labels, activation, difference = report.sentences()
    if len(runtime) > _NAMED:
        layers = layers.partition(": ")[0] + "; the table names them."
    lines = {
        "File": f"{report.file} ({report.format})",
        "Input": taken,
        "Outputs": given,
        "Layers": layers,
        "Preprocessing": preprocessing,
        "Labels": labels,
        "Agreement": difference + ("" if report.departure else " No layer departs by more than 1e-4."),
    }
    if spec.labels:
        lines["Scores"] = activation
    for label, sentence in lines.items():
        st.markdown(f"**{label}.** {literally(_PYTHON.sub('', sentence))}")
    with st.expander("What became which layer", icon=":material/table_rows:", key="networks-own-layers"):
        st.dataframe(
            report.table()[["operator", "node", "kind", "layer", "runs in", "parameters"]],
            hide_index=True,
            column_config={"parameters": st.column_config.NumberColumn(format="localized")},
            alt="The operators of the file, and the layers that they became",
            key="networks-own-table",
        )


def _buttons(project: Project, name: str, spec: Spec, report: ImportReport | None) -> None:
    stem = re.sub(r"[^\w-]+", "-", spec.title).strip("-") or "network"
    files = [File("Network", f"{stem}.zip", "application/zip", lambda: packed(Path(name)))]
    if report is not None:
        files.append(File("Report as CSV", f"{stem}-layers.csv", "text/csv", lambda: to_csv(report.table())))
    state.save("networks-own", *files)
    st.caption(
        'Unpack the network to use it: `zoo.load("./network")`. "Open" on the page Teach takes the zip back.'
    )
    if sentence := st.session_state.pop(_REFUSED, None):
        state.refuse(sentence)
    with st.popover("Remove", icon=":material/delete:", key=f"networks-own-remove-{Path(name).parent.name}"):
        st.markdown(f"Remove **{literally(spec.title)}** from your networks? This cannot be undone.")
        st.button("Remove this network", on_click=_remove, args=(project, name), key="networks-own-remove")


def _remove(project: Project, name: str) -> None:
    try:
        remove_attempt(project, Path(name).parent.name)
    except ZooError as error:
        st.session_state[_REFUSED] = str(error)
