"""The command that finds the notes of many voices: notes."""

from operator import methodcaller
from typing import Annotated, Any

import typer

from zoo.audio.options import NoteOptions
from zoo.cli.audio import Midi
from zoo.cli.console import NetworkOption, RunOptions, app, leave, with_run_options
from zoo.cli.many import Seconds, each
from zoo.cli.output import (
    is_problem,
    places,
    print_records,
    print_tables,
    records,
    require_place,
    split,
    write_file,
)


@app.command()
@with_run_options
def notes(
    files: list[str],
    run: RunOptions,
    network: NetworkOption = "basicpitch",
    threshold: Annotated[float, typer.Option(help="Score from which a key sounds.")] = NoteOptions.threshold,
    onset_threshold: Annotated[
        float, typer.Option(help="Score from which a key begins anew.")
    ] = NoteOptions.onset_threshold,
    min_duration: Annotated[
        float, typer.Option(help="Drop notes shorter than this, in s.")
    ] = NoteOptions.min_duration,
    fmin: Annotated[float | None, typer.Option(help="Lowest pitch to consider, in Hz.")] = None,
    fmax: Annotated[float | None, typer.Option(help="Highest pitch to consider, in Hz.")] = None,
    midi: Midi = None,
) -> None:
    """Find the notes of any number of voices or instruments.

    For the pitch of one voice over time there is `zoo pitch`.
    """
    run.require_one_form()
    require_place(midi, ".mid", or_folder=True)
    net = run.load(network)

    def transcribe(files: list[Any], progress: Seconds) -> list[Any]:
        return net.notes(
            files,
            threshold=threshold,
            onset_threshold=onset_threshold,
            min_duration=min_duration,
            fmin=fmin,
            fmax=fmax,
            progress=progress,
            on_error="skip",
        )

    recordings = net.preprocessor.several(files)
    results = []
    for result, score in zip(each(recordings, transcribe), places(midi, recordings, ".mid"), strict=True):
        results.append(result)
        if score and not is_problem(result):
            write_file(score, lambda path, result=result: path.write_bytes(result.to_midi()))
    succeeded, failed = split(results)
    if run.as_json:
        print_records(records(results, net.name, methodcaller("to_dict")))
    elif run.as_csv:
        print_tables(succeeded, methodcaller("table"), with_names=len(recordings) > 1)
    else:
        for result in succeeded:
            _print_notes(result, len(recordings) > 1)
    leave(failed)


def _print_notes(result: Any, with_name: bool) -> None:
    if with_name:
        typer.echo(result.input)
    if not result.notes:
        typer.echo("no notes: no key reaches the threshold for long enough")
    for note in result.notes:
        typer.echo(f"{note.start:8.2f} s to {note.end:8.2f} s  {note.name:<4} {note.amplitude:.2f}")
