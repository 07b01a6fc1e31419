"""Training from beginning to end, as the app does it: hold out, train, judge, save."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.app.services.jobs import INSTANT, LONG, SHORT, Job, Kind
from zoo.app.services.project_record import TrainingConfig
from zoo.app.services.uploads import require_enough
from zoo.core.validation import number
from zoo.inference.network import Network
from zoo.plotting.theme import COLOR
from zoo.training.data.dataset import Dataset
from zoo.training.evaluation.evaluate import evaluate
from zoo.training.evaluation.evaluation import Evaluation
from zoo.training.fit.features import count_missing
from zoo.training.fit.transfer import transfer

if TYPE_CHECKING:
    import plotly.graph_objects as go

SHORT_EXAMPLES = 300  # whose features take about 10 s with a small network on 2 cores


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A trained network, how good it is on examples that it had not seen, and where it was saved."""

    network: Network
    evaluation: Evaluation
    held: Dataset
    folder: Path


def train_network(
    net: Network, data: Dataset, config: TrainingConfig, folder: Path, job: Job
) -> TrainedModel:
    """Train on a part of the examples, and judge by the rest.

    Parameters
    ----------
    net : Network
        Stays as it is.
    data : Dataset
    config : TrainingConfig
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
    training, held = _split(data, config)
    job.enter("Computing features of the examples")
    trained = transfer(
        training,
        network=net,
        method=config.method,
        seed=config.seed,
        progress=job.count_or_stop,
        watch=_within(job),
        **config.options,
    )
    name = " or ".join(shown_classes(trained))
    trained.spec = trained.spec.replace(name=name, title=f"{net.spec.title} taught {name}")
    job.enter("Evaluating on the held-out examples")
    evaluation = evaluate(held, network=trained, progress=job.count)
    return TrainedModel(trained, evaluation, held, trained.save(folder))


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


def shown_classes(net: Network) -> list[str]:
    """Return the first classes of a network, and how many more there are."""
    return shown_labels([label.label for label in net.labels])


def shown_labels(labels: Sequence[str], max_labels: int = 4) -> list[str]:
    """Return the first labels, and how many more there are."""
    if len(labels) <= max_labels:
        return list(labels)
    return [*labels[: max_labels - 1], f"{len(labels) - max_labels + 1} others"]


def _within(job: Job) -> Any:
    """Wrap the job's watch so that it enters the stage of training when that begins."""

    def watch(step: Any) -> bool:
        if job.step is None:
            job.enter("Training")
        return job.on_step(step)

    return watch


def curves(history: Sequence[Mapping[str, float]]) -> go.Figure:
    """Loss and accuracy after each epoch, on the training examples and on those that decide when to stop.

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


def accuracy_interval(evaluation: Evaluation) -> tuple[float, float]:
    """Return the 95 % interval of the accuracy on new examples like those that were held out."""
    n = len(evaluation)
    if round(evaluation.accuracy * n) == n:
        # The rule of three: an event that did not happen in n trials is rarer than 3 / n, at 95 %.
        return max(0.0, 1 - 3 / n), 1.0
    return evaluation.interval("accuracy")


def verdict(evaluation: Evaluation) -> str:
    """State the accuracy in one sentence, with what the number of examples allows to say."""
    right, n = round(evaluation.accuracy * len(evaluation)), len(evaluation)
    low, high = accuracy_interval(evaluation)
    if right == n:
        doubt = f"; up to {1 - low:.0%} of new ones may still be wrong" if n > 3 else ""
        return f"All {n} held-out examples are classified correctly{doubt}."
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
