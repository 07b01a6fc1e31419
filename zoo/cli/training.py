"""Commands about labelled examples: advise and evaluate."""

from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.cli.console import Json, app, complain, examples_bar, leave, print_json, require_place
from zoo.errors import InputError

Data = Annotated[str, typer.Argument(help="Labelled examples, as `zoo.dataset` reads them.")]


@app.command()
def advise(
    data: Data,
    network: Annotated[
        str, typer.Option("--network", "-n", help="Name or folder of a network; auto chooses one.")
    ] = "auto",
    as_json: Json = False,
) -> None:
    """Say how to train on some data, and why: features, a new head, or fine-tuning."""
    from zoo.training.advice import advise as ask
    from zoo.training.reading import dataset

    advice = ask(dataset(data), network)
    if as_json:
        return print_json(advice.to_dict())
    layer = f", {advice.layer}" if advice.layer else ""
    typer.echo(f"{advice.method}: {advice.network}{layer}")
    for sentence in (*advice.reasons, advice.cost):
        typer.echo(f"- {sentence}")


@app.command()
def evaluate(
    network: Annotated[str, typer.Argument(help="Name or folder of a network.")],
    data: Data,
    report: Annotated[Path | None, typer.Option(help="Write a page to this .html file.")] = None,
    as_json: Json = False,
) -> None:
    """Judge a network on labelled examples."""
    require_place(report, ".html")
    from zoo.loading import load
    from zoo.training.evaluating import evaluate as judge
    from zoo.training.reading import dataset

    examples, net = dataset(data), load(network)
    with examples_bar(examples.name) as progress:
        result = judge(net, examples, progress=progress)
    for problem in result.problems:
        complain(InputError(problem.reason))
    if report:
        result.report(report, data=examples, network=net)
    if as_json:
        print_json(result.to_dict())
    else:
        _print_figures(result)
    leave(len(result.problems) - len(examples.problems))  # what `dataset` left out was never asked for


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
    for mistake in result.mistakes(most=5).itertuples():
        typer.echo(f"  {mistake.input}: {mistake.true}, taken for {mistake.predicted} ({mistake.score:.1%})")
