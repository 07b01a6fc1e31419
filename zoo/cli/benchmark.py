"""The command that measures networks side by side."""

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.console import Device, Engine, Json, Trust, app, print_json
from zoo.core.errors import InputError
from zoo.core.progress import progress_bar
from zoo.hub.registry import networks


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
    if as_json:
        return print_json(result.to_dict())
    typer.echo(result.conditions)
    columns = {
        "network": "network",
        "engine": "engine",
        "latency_ms": "ms",
        "latency_p90_ms": "p90 ms",
        "relative_time": "relative",
        "throughput": "a second",
        "peak_memory_mb": "memory MB",
        "file_mb": "file MB",
        "accuracy": "top-1 %",
        "published_time": "published relative",
    }
    table = result.table()[list(columns)].rename(columns=columns)
    typer.echo(table.to_string(index=False, float_format="{:.2f}".format, na_rep="-"))
    if result.inputs:
        typer.echo("\nshare of the inputs on which two networks agree")
        typer.echo(result.agreement().to_string(float_format="{:.2f}".format))
