"""Commands about labeled examples: advise, train and evaluate."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.console import (
    Device,
    Engine,
    Json,
    Trust,
    Weights,
    app,
    complain,
    leave,
    load_network,
    print_json,
    steps_bar,
)
from zoo.cli.output import require_place
from zoo.core.errors import InputError
from zoo.core.progress import progress_bar
from zoo.core.validation import number, parsed
from zoo.hub.registry import as_path

if TYPE_CHECKING:
    from zoo.training.data.dataset import Dataset

Data = Annotated[str, typer.Argument(help="Labeled examples, as `zoo.dataset` reads them.")]
Recipe = Annotated[
    str | None, typer.Option(help="Well-known data and a network that fits them; DATA is left out then.")
]
Start = Annotated[
    str | None, typer.Option("--network", "-n", help="Name or path of a network to start from.")
]
Method = Annotated[str, typer.Option(help="auto, features, head, finetune or scratch; see `zoo advise`.")]
Validation = Annotated[
    str, typer.Option("--val", help="Examples that are held out, or which share of the data.")
]
Classifier = Annotated[str, typer.Option(help="Of features: auto, logistic, linear-svm, rbf-svm or knn.")]
Augment = Annotated[
    str | None,
    typer.Option(
        help="none, light or strong; of small pictures shift or mirror.",
        show_default="none for head, else light",
    ),
]
LearningRate = Annotated[float | None, typer.Option(help="Learning rate of the head.", show_default="0.001")]


@app.command()
def advise(
    data: Data,
    network: Annotated[
        str, typer.Option("--network", "-n", help="Name or path of a network; auto chooses one.")
    ] = "auto",
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Advise how to train on some data, and why: features, a new head, or fine-tuning."""
    from zoo.training.advice.advice import advise as ask
    from zoo.training.data.load import dataset

    with progress_bar("advice") as progress:
        net = _trusted(network) if trust and network != "auto" else network
        advice = ask(dataset(data), network=net, progress=progress)
    if as_json:
        return print_json(advice.to_dict())
    layer = f", {advice.layer}" if advice.layer else ""
    typer.echo(f"{advice.method}: {advice.network}{layer}")
    for sentence in (*advice.reasons, advice.cost):
        typer.echo(f"- {sentence}")


@app.command()
def train(
    data: Annotated[str | None, typer.Argument(help="Labeled examples, as `zoo.dataset` reads them.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the trained network.")] = None,
    recipe: Recipe = None,
    list_recipes: Annotated[bool, typer.Option("--list-recipes", help="Name the recipes.")] = False,
    network: Start = None,
    method: Method = "auto",
    validation: Validation = "0.2",
    classifier: Classifier = "auto",
    augment: Augment = None,
    freeze: Annotated[str | None, typer.Option(help="Last layer that fine-tuning leaves alone.")] = None,
    label: Annotated[str | None, typer.Option(help="Pattern of file names whose group is the class.")] = None,
    group: Annotated[str | None, typer.Option(help="Pattern of file names: what belongs together.")] = None,
    epochs: Annotated[int | None, typer.Option(help="At most.", show_default="by method")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Examples in a batch.", show_default="32")] = None,
    learning_rate: LearningRate = None,
    dtype: Annotated[str | None, typer.Option(help="fp32, bf16 or fp16.", show_default="fp32")] = None,
    device: Device = "auto",
    seed: int = 0,
    trust: Trust = False,
    resume: Annotated[bool, typer.Option(help="Go on where a training was cut off.")] = False,
    as_json: Json = False,
) -> None:
    """Train a network on classes of your own.

    An interrupted fine-tuning, or training from scratch, leaves a checkpoint beside the folder; --resume
    goes on from it.
    """
    if list_recipes:
        return _list_recipes(as_json)
    if out is None:
        raise InputError("Say where the trained network goes: --out FOLDER.")
    if out.exists() and not resume:
        raise InputError(f"{out} exists; choose another folder, or pass --resume.")
    options = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "dtype": dtype}
    options = {"device": device, **{key: value for key, value in options.items() if value is not None}}
    if recipe:
        apart = method != "auto" or classifier != "auto" or validation != "0.2"
        if apart or any((data, network, augment, freeze, label, group)):
            raise InputError("A recipe says what the data, the network and the method are; leave those out.")
        return _follow(recipe, out, options | {"seed": seed, "resume": resume}, as_json)
    from zoo.training.data.load import dataset
    from zoo.training.fit.loop import is_first
    from zoo.training.fit.transfer import transfer

    examples = _examples(data, label, group)
    held = dataset(validation, label=label, group=group) if _is_path(validation) else _fraction(validation)
    with _resumable(out), progress_bar("features") as progress, steps_bar("training") as watch:
        trained = transfer(
            examples,
            network=_trusted(network) if trust and network else network,
            method=method,
            validation=held,
            classifier=classifier,
            augment=augment,
            freeze=freeze,
            out=out,
            resume=resume,
            seed=seed,
            progress=progress,
            watch=watch,
            **options,
        )
    if is_first():
        _print_trained(trained.spec.training, out, as_json)


@app.command()
def evaluate(
    network: Annotated[str, typer.Argument(help="Name or path of a network.")],
    data: Data,
    report: Annotated[Path | None, typer.Option(help="Write a page to this .html file.")] = None,
    weights: Weights = None,
    device: Device = "auto",
    engine: Engine = "auto",
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Evaluate a network on labeled examples."""
    require_place(report, ".html")
    from zoo.training.data.load import dataset
    from zoo.training.evaluation.evaluate import evaluate as judge

    examples = dataset(data)
    net = load_network(network, weights=weights, device=device, engine=engine, trust=trust)
    with progress_bar(examples.name) as progress:
        result = judge(examples, network=net, progress=progress)
    for problem in result.problems:
        complain(InputError(problem.reason))
    if report:
        result.report(report, data=examples, network=net)
    if as_json:
        print_json(result.to_dict())
    else:
        _print_figures(result)
    leave(len(result.problems) - len(examples.problems))  # what `dataset` left out was never asked for


def _examples(data: str | None, label: str | None, group: str | None) -> "Dataset":
    """Return the examples to learn from, and complain of those that cannot be used."""
    if data is None:
        raise InputError("Say what to learn from: DATA, or --recipe NAME.")
    from zoo.training.data.load import dataset

    examples = dataset(data, label=label, group=group)
    for problem in examples.problems:
        complain(InputError(problem.reason))
    return examples


def _print_trained(record: Mapping[str, Any], out: Path, as_json: bool) -> None:
    if as_json:
        return print_json({"folder": str(out), **record})
    counts = ", ".join(f"{name} {count}" for name, count in record["counts"].items())
    typer.echo(
        f"{record['parent']} learned by the method {record['method']} in {record['seconds']} s: {counts}"
    )
    if record["method"] == "features":
        best = record["accuracy in folds"][record["classifier"]]
        typer.echo(f"{record['classifier']}: {best:.1%} balanced accuracy in {record['folds']} folds")
    else:
        best = min(record["history"], key=lambda row: row["validation_loss"])
        typer.echo(f"{best['validation_accuracy']:.1%} of {record['held out']} held-out examples right")
    typer.echo(f"saved in {out}: `zoo classify FILE --network {as_path(out)}`")


@contextmanager
def _resumable(out: Path) -> Iterator[None]:
    """Tell how to resume an interrupted training that left a checkpoint."""
    from zoo.training.fit.transfer import checkpoint_of

    try:
        yield
    except KeyboardInterrupt:
        if (place := checkpoint_of(out)).is_file():
            typer.echo(f"zoo: stopped; the same command with --resume goes on from {place}", err=True)
        raise


def _list_recipes(as_json: bool) -> None:
    from zoo.training.recipes import RECIPES

    if as_json:
        return print_json([recipe.to_dict() for recipe in RECIPES.values()])
    for recipe in RECIPES.values():
        expected = f"at least {recipe.accuracy:.0%}" if recipe.accuracy else "accuracy"
        typer.echo(f"{recipe.name:<16} {recipe.title}\n{'':<16} {expected}: {recipe.measured}")


def _follow(name: str, out: Path, options: dict[str, Any], as_json: bool) -> None:
    from zoo.training.fit.loop import is_first
    from zoo.training.recipes import find, train

    recipe = find(name)
    with _resumable(out), progress_bar("features") as progress, steps_bar("training") as watch:
        trained, result = train(name, out=out, progress=progress, watch=watch, **options)
    if not is_first():
        return None
    if as_json:
        return print_json({"folder": str(out), "expected": recipe.accuracy, **trained.spec.training})
    typer.echo(f"{name}, {trained.spec.training['seconds']} s: {recipe.title}")
    _print_figures(result)
    if recipe.accuracy:
        typer.echo(f"expected: an accuracy of at least {recipe.accuracy:.0%} ({recipe.measured})")
    typer.echo(f"saved in {out}: `zoo classify FILE --network {as_path(out)}`")


def _trusted(network: str) -> Any:
    from zoo.inference.load import load

    return load(network, trust=True)


def _is_path(text: str) -> bool:
    return not text.replace(".", "", 1).isdigit()


def _fraction(text: str) -> float:
    return number("--val", parsed(text), 0, 1)


def _print_figures(result: Any) -> None:
    typer.echo(f"{result.network} on {result.dataset}: {len(result)} examples")
    for name, value in (
        ("accuracy", result.accuracy),
        ("balanced_accuracy", result.balanced_accuracy),
        ("f1", result.f1),
        *([("top5", result.top(5))] if len(result.classes) > 5 else []),
    ):
        low, high = result.interval(name)
        typer.echo(f"  {name.replace('_', ' '):<18} {value:6.1%}  ({low:.1%} to {high:.1%})")
    typer.echo(f"  {'calibration error':<18} {result.ece():6.1%}")
    for mistake in result.mistakes(max_rows=5).itertuples():
        typer.echo(f"  {mistake.input}: {mistake.true}, taken for {mistake.predicted} ({mistake.score:.1%})")
