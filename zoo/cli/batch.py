"""The command that works on many files: batch."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.console import Device, Engine, Json, Overlap, Trust, app, complain, leave, print_json
from zoo.core.errors import InputError
from zoo.core.extras import require
from zoo.core.progress import bar

if TYPE_CHECKING:
    from zoo.batches.report import BatchProgress, BatchReport

_LINE_SECONDS = 1.0  # between two lines of JSON

Task = Annotated[str, typer.Option(help="classify, embed, events, or pitch.")]
Networks = Annotated[
    list[str], typer.Option("--network", "-n", help="Name of the network; several with commas, or repeated.")
]
Out = Annotated[Path, typer.Option(help="Folder of the results: a new one, or one to go on with.")]


@app.command()
def batch(
    sources: list[str],
    task: Task,
    network: Networks,
    out: Out,
    top: Annotated[int | None, typer.Option(help="Classes to name.", show_default="by task")] = None,
    layer: Annotated[str | None, typer.Option(help="Layer to embed with.", show_default="by network")] = None,
    overlap: Overlap = None,
    threshold: Annotated[
        float | None, typer.Option(help="Of events, or of pitch.", show_default="by task")
    ] = None,
    separation: Annotated[
        float | None, typer.Option(help="Join closer events, in s.", show_default="by task")
    ] = None,
    min_duration: Annotated[
        float | None, typer.Option(help="Drop shorter events, in s.", show_default="by task")
    ] = None,
    specificity: Annotated[
        str | None, typer.Option(help="high, medium, or low.", show_default="by task")
    ] = None,
    include: Annotated[list[str] | None, typer.Option(help="Report only these classes.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Do not report these classes.")] = None,
    hop: Annotated[
        float | None, typer.Option(help="Time between frames of pitch, in s.", show_default="by task")
    ] = None,
    decoder: Annotated[
        str | None, typer.Option(help="Of pitch, see `zoo pitch`.", show_default="by task")
    ] = None,
    silence: Annotated[float | None, typer.Option(help="Of pitch, in dB.", show_default="by task")] = None,
    fmin: Annotated[float | None, typer.Option(help="Lowest pitch, in Hz.")] = None,
    fmax: Annotated[float | None, typer.Option(help="Highest pitch, in Hz.")] = None,
    smooth: Annotated[
        int | None, typer.Option(help="Frames to smooth pitch over.", show_default="by task")
    ] = None,
    smoother: Annotated[str | None, typer.Option(help="median or mean.", show_default="by task")] = None,
    device: Device = "auto",
    engine: Engine = "auto",
    trust: Trust = False,
    workers: Annotated[int | None, typer.Option(help="Processes.", show_default="a GPU or core each")] = None,
    cluster: Annotated[
        str | None,
        typer.Option(help="Your Dask scheduler, such as dask://host:8786.", show_default="ZOO_CLUSTER"),
    ] = None,
    shard: Annotated[str | None, typer.Option(help="Part of the work, such as 3/64, for job arrays.")] = None,
    shard_files: Annotated[
        int | None, typer.Option(help="Files in a shard; fixed by the first run.", show_default="by number")
    ] = None,
    max_seconds: Annotated[
        float | None,
        typer.Option(help="Time that a file may take.", show_default="30 for images, 600 for audio"),
    ] = None,
    max_gigabytes: Annotated[float, typer.Option(help="Memory that a file may take.")] = 4.0,
    retry: Annotated[bool, typer.Option("--retry", help="Work again on files that failed.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Write the manifest only.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and how long.")] = False,
    as_json: Json = False,
) -> None:
    """Run a task on many files, and keep the results in a folder; do only what is not done yet.

    SOURCES are files, folders, patterns, tables (.csv, .parquet) with a column file, archives (.zip, .tar),
    URLs (s3://, gs://, hf://), or - for a list of files on standard input. With --json, every line is one
    object: progress, and at last the report.
    """
    require("pyarrow")
    import zoo.batches.api as batches

    arguments = {
        "top": top,
        "layer": layer,
        "overlap": overlap,
        "threshold": threshold,
        "separation": separation,
        "min_duration": min_duration,
        "specificity": specificity,
        "include": include,
        "exclude": exclude,
        "hop": hop,
        "decoder": decoder,
        "silence": silence,
        "fmin": fmin,
        "fmax": fmax,
        "smooth": smooth,
        "smoother": smoother,
    }
    options: Any = {name: value for name, value in arguments.items() if value is not None}
    latest: BatchProgress | None = None
    try:
        with _progress_display(as_json) as show:

            def note(progress: "BatchProgress") -> None:
                nonlocal latest
                latest = progress
                show(progress)

            report = batches.batch(
                sources,
                task=task,
                network=[name for names in network for name in names.split(",") if name],
                out=out,
                device=device,
                engine=engine,
                trust=trust,
                workers=workers,
                cluster=cluster,
                shard=shard,
                shard_files=shard_files,
                max_seconds=max_seconds,
                max_gigabytes=max_gigabytes,
                retry=retry,
                plan=plan,
                dry_run=dry_run,
                progress=note,
                **options,
            )
    except KeyboardInterrupt:
        where = f" after {latest.done} of {latest.total} files" if latest else ""
        complain(InputError(f"Stopped{where}; what is finished is in {out}, and the same command goes on."))
        raise
    if as_json:
        print_json({"report": report.to_dict()})
    else:
        _print_report(report)
    leave(0 if dry_run or plan else report.failed)


@contextmanager
def _progress_display(as_json: bool) -> "Iterator[Callable[[BatchProgress], None]]":
    """Show progress: as a bar on a terminal, or as lines of JSON."""
    if as_json:
        due = [0.0]

        def print_line(progress: "BatchProgress") -> None:
            if time.monotonic() >= due[0] or progress.done == progress.total:
                due[0] = time.monotonic() + _LINE_SECONDS
                print_json({"progress": progress.to_dict()})

        yield print_line
        return
    with bar("files", unit=" files") as display:

        def move(progress: "BatchProgress") -> None:
            display.total = progress.total
            display.set_postfix(failed=progress.failed, refresh=False)
            display.update(progress.done - display.n)

        yield move


def _print_report(report: "BatchReport") -> None:
    changes = f"{report.new} new, {report.changed} changed, {report.gone} gone"
    typer.echo(f"{report.files} files ({changes}); {report.done} done, {report.left} left", err=True)
    if report.failed:
        typer.echo(
            f"{report.failed} could not be used; zoo.open_batch({str(report.folder)!r}).failures", err=True
        )
    if report.dry_run and report.seconds is not None:
        typer.echo(f"this would take about {_duration(report.seconds)} here", err=True)


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 1):.0f} seconds"
