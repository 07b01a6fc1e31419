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


def _by_task(text: str) -> Any:
    """Declare an option of a task: the task has its default."""
    return typer.Option(help=text, show_default="by task")


Task = Annotated[str, typer.Option(help="classify, embed, events, or pitch.")]
Networks = Annotated[
    list[str], typer.Option("--network", "-n", help="Name of the network; several with commas, or repeated.")
]
Out = Annotated[Path, typer.Option(help="Folder of the results: a new one, or one to go on with.")]
Top = Annotated[int | None, _by_task("Classes to name.")]
Layer = Annotated[str | None, typer.Option(help="Layer to embed with.", show_default="by network")]
Threshold = Annotated[float | None, _by_task("Of events, or of pitch.")]
Separation = Annotated[float | None, _by_task("Join closer events, in s.")]
MinDuration = Annotated[float | None, _by_task("Drop shorter events, in s.")]
Specificity = Annotated[str | None, _by_task("high, medium, or low.")]
Include = Annotated[list[str] | None, typer.Option(help="Report only these classes.")]
Exclude = Annotated[list[str] | None, typer.Option(help="Do not report these classes.")]
Hop = Annotated[float | None, _by_task("Time between frames of pitch, in s.")]
Decoder = Annotated[str | None, _by_task("Of pitch, see `zoo pitch`.")]
Silence = Annotated[float | None, _by_task("Of pitch, in dB.")]
Fmin = Annotated[float | None, typer.Option(help="Lowest pitch, in Hz.")]
Fmax = Annotated[float | None, typer.Option(help="Highest pitch, in Hz.")]
Smooth = Annotated[int | None, _by_task("Frames to smooth pitch over.")]
Smoother = Annotated[str | None, _by_task("median or mean.")]
Workers = Annotated[int | None, typer.Option(help="Processes.", show_default="a GPU or core each")]
Cluster = Annotated[
    str | None,
    typer.Option(help="Your Dask scheduler, such as dask://host:8786.", show_default="ZOO_CLUSTER"),
]
Shard = Annotated[str | None, typer.Option(help="Part of the work, such as 3/64, for job arrays.")]
ShardFiles = Annotated[
    int | None, typer.Option(help="Files in a shard; fixed by the first run.", show_default="by number")
]
MaxSeconds = Annotated[
    float | None, typer.Option(help="Time that a file may take.", show_default="30 for images, 600 for audio")
]
MaxGigabytes = Annotated[float, typer.Option(help="Memory that a file may take.")]
Retry = Annotated[bool, typer.Option("--retry", help="Work again on files that failed.")]
Plan = Annotated[bool, typer.Option("--plan", help="Write the manifest only.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and how long.")]


@app.command()
def batch(
    sources: list[str],
    task: Task,
    network: Networks,
    out: Out,
    top: Top = None,
    layer: Layer = None,
    overlap: Overlap = None,
    threshold: Threshold = None,
    separation: Separation = None,
    min_duration: MinDuration = None,
    specificity: Specificity = None,
    include: Include = None,
    exclude: Exclude = None,
    hop: Hop = None,
    decoder: Decoder = None,
    silence: Silence = None,
    fmin: Fmin = None,
    fmax: Fmax = None,
    smooth: Smooth = None,
    smoother: Smoother = None,
    device: Device = "auto",
    engine: Engine = "auto",
    trust: Trust = False,
    workers: Workers = None,
    cluster: Cluster = None,
    shard: Shard = None,
    shard_files: ShardFiles = None,
    max_seconds: MaxSeconds = None,
    max_gigabytes: MaxGigabytes = 4.0,
    retry: Retry = False,
    plan: Plan = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Run a task on many files, and keep the results in a folder; do only what is not done yet.

    SOURCES are files, folders, patterns, tables (.csv, .parquet) with a column file, archives (.zip, .tar),
    URLs (s3://, gs://, hf://), or - for a list of files on standard input. With --json, every line is one
    object: progress, and at last the report.
    """
    arguments = {name: value for name, value in locals().items() if value is not None and name != "as_json"}
    arguments["network"] = [name for names in network for name in names.split(",") if name]
    report = _run(arguments, as_json)
    if as_json:
        print_json({"report": report.to_dict()})
    else:
        _print_report(report)
    leave(0 if dry_run or plan else report.failed)


def _run(arguments: dict[str, Any], as_json: bool) -> "BatchReport":
    """Call `zoo.batch` and show its progress; tell someone who interrupts it how to go on."""
    require("pyarrow")
    import zoo.batches.api as batches

    latest: BatchProgress | None = None
    try:
        with _progress_display(as_json) as show:

            def note(progress: "BatchProgress") -> None:
                nonlocal latest
                latest = progress
                show(progress)

            return batches.batch(**arguments, progress=note)
    except KeyboardInterrupt:
        where = f" after {latest.done} of {latest.total} files" if latest else ""
        out = arguments["out"]
        complain(InputError(f"Stopped{where}; what is finished is in {out}, and the same command goes on."))
        raise


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
