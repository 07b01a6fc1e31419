"""An evaluation as one HTML page, which opens without a server and without the internet."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from zoo.core.errors import InputError
from zoo.hub.weights import write
from zoo.training.evaluation.judged import Judged
from zoo.training.evaluation.thumbnails import Thumbnail, thumbnail_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from zoo.inference.network import Network
    from zoo.training.data.dataset import Dataset

_MISTAKES = 20
_ROWS = 200


class Headline(NamedTuple):
    """A figure, its 95 % interval where it has one, and what it is."""

    name: str
    value: float
    interval: tuple[float, float] | None
    meaning: str


class Mistake(NamedTuple):
    """A wrong answer; the thumbnail is None where the data is not at hand."""

    row: Mapping[str, Any]
    thumbnail: Thumbnail | None


def write_report(
    evaluation: Judged,
    path: str | os.PathLike[str],
    *,
    data: Dataset | None = None,
    network: Network | None = None,
) -> None:
    """Write an evaluation as an HTML page.

    Everything is in the one file: the figures with Plotly's script, small copies of the worst mistakes. The
    page forbids the browser to load anything else. Labels and names of files are always shown as text.

    Parameters
    ----------
    evaluation : Judged
    path : str or path
        Of the file, which is replaced if it is there.
    data : Dataset, optional
        What was judged: the page then shows the worst mistakes as pictures or players.
    network : Network, optional
        What was judged: the page then has its license, and its training record where there is one.

    Raises
    ------
    InputError
        If the evaluation is not of this data, or the file cannot be written.
    """
    if data is not None and _positions(evaluation).max() >= len(data):
        raise InputError(f"{data.name} has {len(data)} examples; the evaluation is of more.")
    figures = _figures(evaluation)
    page = (
        _environment()
        .get_template("report.html")
        .render(
            evaluation=evaluation,
            headlines=_headlines(evaluation),
            mistakes=_mistakes(evaluation, data),
            pictures=data is not None and data.modality == "image",
            wrong=int((evaluation.predictions.targets != evaluation.predictions.classes).sum()),
            classes=_classes(evaluation),
            figures={name: Markup(_embedded(name, figure)) for name, figure in figures.items()},
            columns=len(figures["confusion"].layout.xaxis.ticktext),
            facts=_facts(evaluation, network),
            record=list(_flat(network.spec.training if network else {})),
            script=Markup(get_plotlyjs()),
        )
    )
    try:
        write(Path(path), lambda temporary: temporary.write_text(page, "utf-8", "replace"))
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from error


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("zoo.training.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["share"] = lambda value: (
        "–" if value != value else f"{100 * value:.1f}\N{NO-BREAK SPACE}%"
    )
    return environment


def _headlines(evaluation: Judged) -> list[Headline]:
    def measured(measure: str, name: str, value: float, meaning: str) -> Headline:
        return Headline(name, value, evaluation.interval(measure), meaning)

    headlines = [
        measured("accuracy", "accuracy", evaluation.accuracy, "share of correct predictions"),
        measured(
            "balanced_accuracy",
            "balanced accuracy",
            evaluation.balanced_accuracy,
            "mean over the classes of the share that was found",
        ),
        measured(
            "f1", "F1", evaluation.f1, "mean over the classes of F1, which counts misses and false alarms"
        ),
    ]
    if len(evaluation.classes) > 5:
        headlines.append(measured("top5", "top 5", evaluation.top(5), "true class among the five best"))
    ece = evaluation.ece()
    headlines.append(
        Headline("calibration error", ece, None, "how far confidence is from accuracy; 0 is best")
    )
    if area := evaluation.roc().macro:
        headlines.append(Headline("area under ROC", area.area, None, "mean over the classes; 50 % is chance"))
    return headlines


def _mistakes(evaluation: Judged, data: Dataset | None) -> list[Mistake]:
    def thumbnail(row: int) -> Thumbnail | None:
        return None if data is None else thumbnail_of(data, int(_positions(evaluation)[row]))

    worst = evaluation.mistakes(_MISTAKES)
    folder = _common_folder(evaluation.inputs)
    worst["input"] = [name.removeprefix(folder) for name in worst["input"]]
    rows = zip(worst.index, worst.to_dict("records"), strict=True)
    return [Mistake(values, thumbnail(row)) for row, values in rows]


def _positions(evaluation: Judged) -> np.ndarray:
    return np.arange(len(evaluation)) if evaluation.positions is None else evaluation.positions


def _common_folder(names: Sequence[str]) -> str:
    """Return the folder of all files, which reports leave out: it names folders of the author's disk."""
    try:
        return os.path.join(os.path.commonpath([os.path.dirname(name) for name in names]), "")
    except ValueError:  # absolute paths and others
        return ""


def _classes(evaluation: Judged) -> list[dict[str, Any]]:
    """Return the classes that occur, those with examples first; of very many the least accurate."""
    table = evaluation.per_class().iloc[evaluation.met]
    if len(table) > _ROWS:
        table = table.sort_values("f1", kind="stable").head(_ROWS)
    return table.sort_values("support", key=lambda n: n == 0, kind="stable").to_dict("records")


def _figures(evaluation: Judged) -> dict[str, go.Figure]:
    figures = {"confusion": evaluation.plot(), "reliability": evaluation.plot_reliability()}
    if evaluation.roc().curves:
        figures |= {"roc": evaluation.plot_roc(), "precision": evaluation.plot_precision_recall()}
    return figures


def _embedded(name: str, figure: go.Figure) -> str:
    """Return a figure as HTML; Plotly itself escapes what would end its script."""
    figure.update_layout(template="plotly_white", font={"size": 12})
    return figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=name,
        default_height=f"{figure.layout.height}px",
        config={"responsive": True, "displayModeBar": False},
    )


def _facts(evaluation: Judged, network: Network | None) -> list[tuple[str, str]]:
    facts = [("network", evaluation.network), ("data", evaluation.dataset), *evaluation.conditions.items()]
    if network is not None:
        spec = network.spec
        facts[1:1] = [("title", spec.title), ("license", spec.license), ("citation", spec.citation)]
    return facts


def _flat(record: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Flatten a record: entries of inner records get joint names."""
    for key, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}, ")
        else:
            yield f"{before}{key}", str(value)
