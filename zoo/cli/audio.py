"""Commands that locate sounds in time and track pitch: events, pitch."""

from itertools import groupby
from operator import methodcaller
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.audio.options import PitchOptions, SoundEventOptions
from zoo.cli.console import (
    NetworkOption,
    Overlap,
    RunOptions,
    app,
    leave,
    print_json,
    with_run_options,
)
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
from zoo.core.errors import InputError

Threshold = Annotated[float, typer.Option(help="Score from which a class counts as present.")]
Separation = Annotated[float, typer.Option(help="Join events closer than this, in s.")]
MinDuration = Annotated[float, typer.Option(help="Drop events shorter than this, in s.")]
Specificity = Annotated[
    str, typer.Option(help="high: the network's classes; medium or low: their categories in AudioSet.")
]
Include = Annotated[
    list[str] | None,
    typer.Option(help="Report only this class or category and what is below it; may be repeated."),
]
Exclude = Annotated[
    list[str] | None, typer.Option(help="Do not report this class or category, nor what is below it.")
]
Confidence = Annotated[float, typer.Option(help="Confidence below which a frame is unvoiced.")]
Silence = Annotated[float | None, typer.Option(help="Level in dB below which a frame is unvoiced.")]
Smooth = Annotated[int, typer.Option(help="Frames to smooth voiced pitch over, an odd number.")]
Midi = Annotated[Path | None, typer.Option(help="Write the notes to this .mid file, or into this folder.")]
Synth = Annotated[
    Path | None, typer.Option(help="Write the pitch as sound to this .wav file, or into this folder.")
]


@app.command()
@with_run_options
def events(
    files: list[str],
    run: RunOptions,
    network: NetworkOption = "yamnet",
    overlap: Overlap = None,
    threshold: Threshold = SoundEventOptions.threshold,
    separation: Separation = SoundEventOptions.separation,
    min_duration: MinDuration = SoundEventOptions.min_duration,
    specificity: Specificity = SoundEventOptions.specificity,
    include: Include = None,
    exclude: Exclude = None,
    top: Annotated[int, typer.Option(help="Classes to name for the whole clip.")] = 5,
    as_labels: Annotated[bool, typer.Option("--audacity", help="Print labels for Audacity.")] = False,
) -> None:
    """Detect which sounds occur when.

    Scores are independent of each other and not calibrated across classes: compare a class with itself.
    """
    if run.as_json + run.as_csv + as_labels > 1:
        raise InputError("Choose one of --json, --csv and --audacity.")
    net = run.load(network)

    def detect(files: list[Any], progress: Seconds) -> list[Any]:
        return net.sound_events(
            files,
            overlap=overlap,
            threshold=threshold,
            separation=separation,
            min_duration=min_duration,
            specificity=specificity,
            include=include or (),
            exclude=exclude or (),
            top=top,
            progress=progress,
            on_error="skip",
        )

    recordings = net.preprocessor.several(files)
    if as_labels and len(recordings) > 1:
        raise InputError(f"--audacity takes one recording, and there are {len(recordings)}.")
    results = list(each(recordings, detect))
    succeeded, failed = split(results)
    if run.as_json:
        print_records(records(results, net.name, methodcaller("to_dict")))
    elif run.as_csv:
        print_tables(succeeded, methodcaller("table"), with_names=len(recordings) > 1)
    elif as_labels:
        for result in succeeded:
            typer.echo(result.to_audacity(), nl=False)
    else:
        for result in succeeded:
            _print_events(result, len(recordings) > 1)
    leave(failed)


@app.command()
@with_run_options
def pitch(
    files: list[str],
    run: RunOptions,
    network: NetworkOption = "crepe.full",
    hop: Annotated[float, typer.Option(help="Time between frames, in s.")] = PitchOptions.hop,
    decoder: Annotated[str, typer.Option(help="Or viterbi, soft-viterbi, argmax.")] = PitchOptions.decoder,
    threshold: Confidence = PitchOptions.threshold,
    silence: Silence = PitchOptions.silence,
    fmin: Annotated[float | None, typer.Option(help="Lowest pitch to consider, in Hz.")] = None,
    fmax: Annotated[float | None, typer.Option(help="Highest pitch to consider, in Hz.")] = None,
    smooth: Smooth = PitchOptions.smooth,
    smoother: Annotated[str, typer.Option(help="median or mean.")] = PitchOptions.smoother,
    notes: Annotated[bool, typer.Option("--notes", help="Print notes in place of frames.")] = False,
    midi: Midi = None,
    synth: Synth = None,
) -> None:
    """Track the pitch of a melody or voice over time.

    JSON and CSV have every frame, or with --notes every note.
    """
    run.require_one_form()
    require_place(midi, ".mid", or_folder=True)
    require_place(synth, ".wav", or_folder=True)
    net = run.load(network)

    def track_pitch(files: list[Any], progress: Seconds) -> list[Any]:
        return net.pitch(
            files,
            hop=hop,
            decoder=decoder,
            threshold=threshold,
            silence=silence,
            fmin=fmin,
            fmax=fmax,
            smooth=smooth,
            smoother=smoother,
            progress=progress,
            on_error="skip",
        )

    recordings = net.preprocessor.several(files)
    scores, sounds = places(midi, recordings, ".mid"), places(synth, recordings, ".wav")
    results = []
    for track, score, sound in zip(each(recordings, track_pitch), scores, sounds, strict=True):
        results.append(track)
        if not is_problem(track):
            _write_track(track, score, sound)
    tracks, failed = split(results)
    if run.as_json:
        _print_json(records(results, net.name, _notes_of if notes else methodcaller("to_dict")))
    elif run.as_csv:
        print_tables(tracks, methodcaller("notes" if notes else "table"), with_names=len(recordings) > 1)
    else:
        for track in tracks:
            _print_pitch(track, notes, len(recordings) > 1)
    leave(failed)


def _write_track(track: Any, score: Path | None, sound: Path | None) -> None:
    if score:
        write_file(score, lambda path: path.write_bytes(track.to_midi()))
    if sound:
        write_file(sound, lambda path: _write_wav(track, path))


def _notes_of(track: Any) -> dict[str, Any]:
    return {"input": track.input, "network": track.network, "notes": track.notes().to_dict("records")}


def _print_json(values: list[dict[str, Any]]) -> None:
    """Print records of pitch; of the notes of one recording, their list alone."""
    if len(values) == 1 and "notes" in values[0]:
        return print_json(values[0]["notes"])
    print_records(values)


def _print_events(result: Any, with_name: bool) -> None:
    if with_name:
        typer.echo(result.input)
    for event in result.events:
        typer.echo(f"{event.start:8.2f} s to {event.end:8.2f} s  {event.score:5.2f}  {event.label}")
    clip = zip(result.clip.labels, result.clip.scores, strict=True)
    typer.echo("whole clip: " + ", ".join(f"{label} {score:.2f}" for label, score in clip))


def _print_pitch(track: Any, notes: bool, with_name: bool) -> None:
    if with_name:
        typer.echo(track.input)
    if not notes:
        return typer.echo(pitch_summary(track))
    for note in track.notes().itertuples():
        typer.echo(f"{note.start:8.2f} s to {note.end:8.2f} s  {note.name:<4} {note.cents:+4.0f} cents")


def pitch_summary(track: Any) -> str:
    import numpy as np

    if not track.voiced.any():
        return "no pitch: every frame is silent or below the confidence threshold"
    runs = [note for note, frames in groupby(track.note_names()) if note and len(list(frames)) >= 5]
    low, middle, high = np.nanpercentile(track.frequency, [0, 50, 100])
    notes = " ".join(runs[:16]) + (" …" if len(runs) > 16 else "")
    return (
        f"{track.voiced.mean():.0%} voiced, {low:.1f} to {high:.1f} Hz, median {middle:.1f} Hz, "
        f"confidence {track.confidence[track.voiced].mean():.2f}; {notes}"
    )


def _write_wav(track: Any, path: Path, sample_rate: int = 44100) -> None:
    import soundfile

    soundfile.write(path, track.synthesize(sample_rate), sample_rate, format="WAV")
