"""Training from beginning to end, as the app does it: hold out, train, judge, save."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.app.services.jobs import INSTANT, LONG, SHORT, Job, Kind
from zoo.app.services.uploads import require_enough
from zoo.core.validation import number
from zoo.inference.network import Network
from zoo.plotting.theme import COLOR
from zoo.training.data.dataset import Dataset
from zoo.training.evaluation.evaluate import evaluate
from zoo.training.evaluation.evaluation import Evaluation
from zoo.training.evaluation.thumbnails import Thumbnail, thumbnail_of
from zoo.training.fit.features import count_missing, forget
from zoo.training.fit.transfer import transfer

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST_MISTAKES = 8
SHORT_EXAMPLES = 300  # whose features take about 10 s with a small network on 2 cores


@dataclass(frozen=True)
class TrainingConfig:
    """How to train.

    Attributes
    ----------
    method : {"features", "head", "finetune"}
    held : float
        Share of the examples that the network never sees, and is judged on.
    seed : int
    options : mapping
        Further options and settings of `zoo.transfer`.
    """

    method: str
    held: float = 0.2
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)


class Mistake(NamedTuple):
    """An example that was named wrong, how sure the network was, and a small copy of it."""

    name: str
    true: str
    predicted: str
    score: float
    copy: Thumbnail | None


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A trained network, how good it is on examples that it had not seen, and where it was saved.

    `mistakes` are the worst of them.
    """

    network: Network
    evaluation: Evaluation
    mistakes: tuple[Mistake, ...]
    held: Dataset
    folder: Path


def teach(net: Network, data: Dataset, choices: TrainingConfig, folder: Path, job: Job) -> TrainedModel:
    """Train on a part of the examples, and judge by the rest.

    Parameters
    ----------
    net : Network
        Stays as it is.
    data : Dataset
    choices : Choices
    folder : Path
        Where the trained network is saved.
    job : Job
        Is told how far it is, and asked whether to stop.

    Raises
    ------
    InputError
        If there is too little to learn from, or an option cannot be used.
    Stopped
        If the job was stopped before there was a network.
    """
    require_enough(data)
    training, held = _split(data, choices)
    job.enter("Computing features of the examples")
    trained = transfer(
        training,
        network=net,
        method=choices.method,
        seed=choices.seed,
        progress=job.count_or_stop,
        watch=_within(job),
        **choices.options,
    )
    name = " or ".join(shown_classes(trained))
    trained.spec = trained.spec.replace(name=name, title=f"{net.spec.title} taught {name}")
    job.enter("Evaluating on the held-out examples")
    evaluation = evaluate(held, network=trained, progress=job.count)
    return TrainedModel(trained, evaluation, tuple(_worst(evaluation, held)), held, trained.save(folder))


def _split(data: Dataset, config: TrainingConfig) -> tuple[Dataset, Dataset]:
    """Split the examples into those to train on and those to judge by."""
    return data.split(number("held", config.held, 0.05, 0.5), seed=config.seed)


def kind_of(net: Network, data: Dataset, config: TrainingConfig) -> Kind:
    """Return the kind of work that a training is: the method decides, and which features are stored."""
    if config.method == "finetune":
        return LONG
    missing = count_missing(net, _split(data, config)[0])
    if missing > SHORT_EXAMPLES:
        return LONG
    return SHORT if missing else INSTANT


def forget_after(job: Job, data: Dataset, seconds: float = 10.0) -> None:
    """Abandon a training, and remove the features of its examples once its thread has ended."""
    job.abandon()
    job.wait(seconds)
    forget(data.hashes)


def _worst(evaluation: Evaluation, held: Dataset) -> Iterator[Mistake]:
    assert evaluation.positions is not None  # `evaluate` gives them
    for row in evaluation.mistakes(MOST_MISTAKES).itertuples():
        copy = thumbnail_of(held, int(evaluation.positions[row.Index]))
        yield Mistake(Path(row.input).name, row.true, row.predicted, row.score, copy)


def shown_classes(net: Network, most: int = 4) -> list[str]:
    """Return the first classes of a network, and how many more there are."""
    labels = [label.label for label in net.labels]
    return labels if len(labels) <= most else [*labels[: most - 1], f"{len(labels) - most + 1} others"]


def _within(job: Job) -> Any:
    """Wrap the job's watch so that it enters the stage of training when that begins."""

    def watch(step: Any) -> bool:
        if job.step is None:
            job.enter("Training")
        return job.on_step(step)

    return watch


def curves(history: tuple[Mapping[str, float], ...] | list[Mapping[str, float]]) -> go.Figure:
    """Loss and accuracy after each epoch, on what is learned from and on what says when to stop.

    Parameters
    ----------
    history : sequence of mappings
        As of `zoo.training.fit.loop.Step`.
    """
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=1, cols=2, subplot_titles=("accuracy", "loss"), horizontal_spacing=0.09)
    epochs = [row["epoch"] for row in history]
    lines = (("", "learned from", "#9aa5a0"), ("validation_", "validation", COLOR))
    for column, measure in enumerate(("accuracy", "loss"), 1):
        for prefix, name, color in lines:
            figure.add_scatter(
                x=epochs,
                y=[row[prefix + measure] for row in history],
                name=name,
                mode="lines+markers" if len(epochs) < 30 else "lines",
                line={"color": color, "width": 2},
                showlegend=column == 1,
                hovertemplate=f"epoch %{{x}}: {measure} %{{y:.3f}}<extra>{name}</extra>",
                row=1,
                col=column,
            )
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%", row=1, col=1)
    figure.update_yaxes(rangemode="tozero", row=1, col=2)
    figure.update_xaxes(title="epoch", tickformat="d", dtick=1 if len(epochs) < 8 else None)
    legend = {"orientation": "h", "y": -0.35, "x": 0.5, "xanchor": "center"}
    return figure.update_layout(height=280, margin={"l": 8, "r": 8, "t": 30, "b": 8}, legend=legend)


def verdict(evaluation: Evaluation) -> str:
    """State the accuracy in one sentence, with what the number of examples allows to say."""
    right, n = round(evaluation.accuracy * len(evaluation)), len(evaluation)
    if right == n:
        # The rule of three: an event that happened in none of n trials is rarer than 3 / n, at 95 %.
        doubt = f"; up to {min(3 / n, 1):.0%} of new ones may still be wrong" if n > 3 else ""
        return f"All {n} held-out examples are classified correctly{doubt}."
    low, high = evaluation.interval("accuracy")
    return (
        f"{right} of {n} held-out examples are classified correctly: expect {low:.0%} to {high:.0%} of new "
        "ones like them (95% confidence)."
    )


def packed(folder: Path) -> bytes:
    """Pack a saved network as a zip with one folder in it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as zipped:  # weights hardly shrink
        for path in sorted(folder.iterdir()):
            zipped.write(path, f"{folder.name}/{path.name}")
    return stream.getvalue()
