"""What the commands share: the application, options, and how results and complaints come out."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.core.errors import InputError, ZooError

app = typer.Typer(
    help="Pretrained networks for images and audio.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from zoo import __version__

        typer.echo(f"zoo {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Pretrained networks for images and audio."""


Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
NetworkOption = Annotated[str, typer.Option("--network", "-n", help="Name of the network, see `zoo list`.")]
Trust = Annotated[
    bool,
    typer.Option("--trust", help="Run a SavedModel (tfhub:) of somebody whom you trust."),
]
Overlap = Annotated[
    float | None,
    typer.Option(help="Share of a window of sound that the next one repeats.", show_default="by network"),
]


def split(results: list[Any]) -> tuple[list[Any], int]:
    """Complain about each input that failed; return the other results, and how many failed."""
    from zoo.results import Problem

    problems = [result for result in results if isinstance(result, Problem)]
    for problem in problems:
        complain(InputError(problem.reason))
    return [result for result in results if not isinstance(result, Problem)], len(problems)


def leave(failed: int) -> None:
    if failed:
        raise typer.Exit(2)


def complain(error: ZooError) -> None:
    typer.echo("zoo: " + " ".join(str(error).split()), err=True)


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, allow_nan=False))


def print_csv(table: Any) -> None:
    from zoo.results import to_csv

    typer.echo(to_csv(table), nl=False)


def require_place(out: Path | None, *suffixes: str) -> None:
    """Raise an `InputError` where a file cannot be written under that name."""
    if out and out.suffix not in suffixes:
        raise InputError(f"{out} should end with {' or '.join(suffixes)}.")
    if out and not out.parent.is_dir():
        raise InputError(f"There is no folder {out.parent}.")


def write_file(out: Path, fill: Callable[[Path], object]) -> None:
    from zoo.hub.weights import write

    try:
        write(out, fill)
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror or error}.") from error


@contextmanager
def seconds_bar(name: str) -> Iterator[Callable[[float], object]]:
    from tqdm import tqdm

    with tqdm(desc=Path(name).name, unit="s", disable=None, leave=False, delay=1.0) as bar:
        yield lambda seconds: bar.update(round(seconds) - bar.n)


@contextmanager
def examples_bar(name: str) -> Iterator[Callable[[int, int], None]]:
    from tqdm import tqdm

    with tqdm(desc=name, disable=None, leave=False, delay=1.0) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield progress


@contextmanager
def steps_bar(name: str) -> Iterator[Callable[[Any], None]]:
    """Show a bar for training, with the accuracy of the latest epoch."""
    from tqdm import tqdm

    shape = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
    with tqdm(desc=name, total=1.0, bar_format=shape, disable=None, leave=False, delay=1.0) as bar:

        def watch(step: Any) -> None:
            if step.history:
                bar.set_postfix(accuracy=f"{step.history[-1]['validation_accuracy']:.1%}", refresh=False)
            bar.update(step.share - bar.n)

        yield watch
