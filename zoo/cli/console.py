"""What the commands share: the application, options, and how results and complaints come out."""

import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.core.errors import InputError, ZooError
from zoo.core.progress import bar

if TYPE_CHECKING:
    from zoo.inference.network import Network

app = typer.Typer(
    help="Pretrained networks for images and audio.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(requested: bool) -> None:
    if requested:
        from zoo import __version__

        typer.echo(f"zoo {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Pretrained networks for images and audio."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(2)


Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
NetworkOption = Annotated[str, typer.Option("--network", "-n", help="Name of the network, see `zoo list`.")]
Weights = Annotated[
    Path | None,
    typer.Option("--weights", help="Local file of weights, in place of those that the record names."),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, and so on.")]
Engine = Annotated[str, typer.Option("--engine", help="auto, torch, onnxruntime or fft.")]
Trust = Annotated[
    bool,
    typer.Option("--trust", help="Run a SavedModel (tfhub:) whose author you trust."),
]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
Overlap = Annotated[
    float | None,
    typer.Option(help="Share of a window of sound that the next one repeats.", show_default="by network"),
]


def load_network(name: str, *, weights: Path | None, device: str, engine: str, trust: bool) -> "Network":
    """Load the network that the options of a command name."""
    from zoo.inference.load import PRETRAINED, load

    return load(name, weights=weights or PRETRAINED, device=device, engine=engine, trust=trust)


@dataclass(frozen=True)
class RunOptions:
    """Options of every command that runs a network on recordings, see `with_run_options`."""

    weights: Weights = None
    device: Device = "auto"
    engine: Engine = "auto"
    trust: Trust = False
    as_json: Json = False
    as_csv: Csv = False

    def load(self, name: str) -> "Network":
        """Load a network with these options."""
        return load_network(
            name, weights=self.weights, device=self.device, engine=self.engine, trust=self.trust
        )

    def require_one_form(self) -> None:
        """Refuse JSON and CSV at once."""
        if self.as_json and self.as_csv:
            raise InputError("Choose --json or --csv, not both.")


def with_run_options(command: Callable[..., None]) -> Callable[..., None]:
    """Declare `RunOptions` as options of a command, which gets them as its argument `run`."""
    shared = {
        field.name: inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type
        )
        for field in fields(RunOptions)
    }
    parameters = inspect.signature(command).parameters | shared
    del parameters["run"]

    @wraps(command)
    def run_command(**values: Any) -> None:
        run = RunOptions(**{name: values.pop(name) for name in shared})
        command(**values, run=run)

    run_command.__signature__ = inspect.Signature(list(parameters.values()))  # pyright: ignore[reportAttributeAccessIssue]
    run_command.__annotations__ = {name: one.annotation for name, one in parameters.items()}
    return run_command


def leave(failed: int) -> None:
    """End with exit code 2 if an input failed."""
    if failed:
        raise typer.Exit(2)


def complain(error: ZooError) -> None:
    typer.echo("zoo: " + " ".join(str(error).split()), err=True)


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, allow_nan=False))


@contextmanager
def steps_bar(name: str) -> Iterator[Callable[[Any], None]]:
    """Show a bar for training, with the accuracy of the latest epoch."""
    shape = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
    with bar(name, total=1.0, bar_format=shape) as display:

        def watch(step: Any) -> None:
            if step.history:
                display.set_postfix(accuracy=f"{step.history[-1]['validation_accuracy']:.1%}", refresh=False)
            display.update(step.fraction - display.n)

        yield watch
