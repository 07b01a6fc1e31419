"""The command that measures networks side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli.console import Device, Engine, Json, Trust, app, leave, print_json
from zoo.core.errors import InputError
from zoo.core.progress import progress_bar
from zoo.hub.registry import networks

if TYPE_CHECKING:
    from zoo.benchmark.compare import Comparison


@app.command()
def compare(
    names: Annotated[list[str] | None, typer.Argument(help="Networks; none: the embedded ones.")] = None,
    inputs: Annotated[list[str] | None, typer.Option("--input", help="A file; may be repeated.")] = None,
    untrained: Annotated[bool, typer.Option(help="Measure without weights; nothing is fetched.")] = False,
    batch: Annotated[int, typer.Option(help="Batch size of the throughput.")] = 16,
    repeats: Annotated[int, typer.Option(help="Passes that are timed.")] = 10,
    device: Device = "auto",
    engine: Engine = "auto",
    dtype: Annotated[str, typer.Option(help="fp32, bf16 or fp16.")] = "fp32",
    trust: Trust = False,
    plot: Annotated[Path | None, typer.Option(help="Write the chart to this .html file.")] = None,
    as_json: Json = False,
) -> None:
    """Measure networks on this machine, beside what is published of them."""
    from zoo.benchmark.compare import compare as measure

    if plot and (plot.suffix != ".html" or not plot.parent.is_dir()):
        raise InputError(f"{plot} should be an .html file in a folder that is there.")
    with progress_bar("networks") as progress:
        result = measure(
            names or networks("image", "classify", bundled=True),
            inputs or None,
            pretrained=not untrained,
            batch=batch,
            repeats=repeats,
            device=device,
            engine=engine,
            dtype=dtype,
            trust=trust,
            progress=progress,
        )
    if plot:
        result.plot().write_html(plot, include_plotlyjs=True)
    for problem in result.problems:
        typer.echo(f"zoo: {problem.input} is left out: {problem.reason}", err=True)
    if as_json:
        print_json(result.to_dict())
    else:
        _print(result)
    leave(len(result.problems))


def _print(result: "Comparison") -> None:
    """Print the networks as a table, and how far they agree."""
    typer.echo(result.conditions)
    columns = {
        "network": "network",
        "engine": "engine",
        "latency_ms": "ms",
        "latency_p90_ms": "p90 ms",
        "relative_time": "relative",
        "throughput": "a second",
        "memory_mb": "memory MB",
        "file_mb": "file MB",
        "accuracy": "top-1 %",
        "published_time": "published relative",
    }
    table = result.table()[list(columns)].rename(columns=columns)
    typer.echo(table.to_string(index=False, float_format="{:.2f}".format, na_rep="-"))
    for group in result.groups():
        typer.echo("\nshare of the inputs on which two networks agree")
        shares = result.agreement().loc[list(group), list(group)]
        typer.echo(shares.to_string(float_format="{:.2f}".format))
