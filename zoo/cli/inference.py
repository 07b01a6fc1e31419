"""Commands that put a network to work: classify, explain, events, pitch, embed."""

from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.audio.options import PitchOptions, SoundEventOptions
from zoo.cli.console import (
    Json,
    NetworkOption,
    Overlap,
    Trust,
    app,
    complain,
    leave,
    print_csv,
    print_json,
    require_place,
    seconds_bar,
    split,
    write_file,
)
from zoo.core.errors import InputError

EMBEDDERS = {"image": "efficientnet_lite0", "audio": "yamnet"}


@app.command()
def classify(
    files: list[str],
    network: NetworkOption = "squeezenet",
    top: Annotated[int, typer.Option(help="Classes to name.")] = 5,
    engine: Annotated[str, typer.Option(help="auto, torch, onnxruntime or fft.")] = "auto",
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Say what is in pictures, or in recordings as a whole."""
    from zoo.inference.load import load

    net = load(network, engine=engine, trust=trust)
    net.require("classify")
    results, failed = split(net.classify(files, top=top, on_error="skip"))
    if as_json:
        print_json([result.to_dict() for result in results])
    else:
        for result in results:
            typer.echo(result.input)
            for label, group, score in zip(result.labels, result.groups, result.scores, strict=True):
                typer.echo(f"  {score:6.1%}  {label}" + (f", {group}" if group else ""))
    leave(failed)


@app.command()
def explain(
    file: str,
    network: NetworkOption = "squeezenet",
    target: Annotated[
        str | None, typer.Option(help="Class to look for, by its label or identifier; the best if left out.")
    ] = None,
    method: Annotated[str, typer.Option(help="gradcam or occlusion.")] = "gradcam",
    layer: Annotated[str | None, typer.Option(help="Layer for gradcam; the record's if left out.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the picture with the map over it, .png.")] = None,
    opacity: Annotated[float, typer.Option(help="Of the map, from 0 to 1.")] = 0.7,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Say where on a picture a network finds a class."""
    require_place(out, ".png")
    from zoo.core.validation import number
    from zoo.inference.load import load
    from zoo.vision.decoding import decode

    number("opacity", opacity, 0, 1)
    net = load(network, trust=trust)
    if not net.preprocessor.is_one(file):
        raise InputError(f"{file} stands for several pictures; explain takes one.")
    found = net.explain(file, target=target, method=method, layer=layer)
    if out:
        picture = found.overlay(decode(file), opacity=opacity)
        write_file(out, lambda temporary: picture.save(temporary, "PNG"))
    if as_json:
        print_json(found.to_dict())
    else:
        left, top, right, bottom = found.table().sort_values("value").iloc[-1][:4]
        at = f" at {found.layer}" if found.layer else ""
        typer.echo(
            f"{found.label} {found.score:.1%}, {found.method}{at}: "
            f"most around {(left + right) / 2:.0f}, {(top + bottom) / 2:.0f} "
            f"of {found.size[0]} × {found.size[1]} pixels"
        )


@app.command()
def events(
    files: list[str],
    network: NetworkOption = "yamnet",
    overlap: Overlap = None,
    threshold: Annotated[
        float, typer.Option(help="Score from which a class counts as present.")
    ] = SoundEventOptions.threshold,
    separation: Annotated[
        float, typer.Option(help="Join events closer than this, in s.")
    ] = SoundEventOptions.separation,
    min_duration: Annotated[
        float, typer.Option(help="Drop events shorter than this, in s.")
    ] = SoundEventOptions.min_duration,
    specificity: Annotated[
        str, typer.Option(help="high: the network's classes; medium or low: their categories in AudioSet.")
    ] = SoundEventOptions.specificity,
    include: Annotated[
        list[str] | None,
        typer.Option(help="Report only this class or category and what is below it; may be repeated."),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="Do not report this class or category, nor what is below it.")
    ] = None,
    top: Annotated[int, typer.Option(help="Classes to name for the whole clip.")] = 5,
    trust: Trust = False,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_labels: Annotated[bool, typer.Option("--audacity", help="Print labels for Audacity.")] = False,
) -> None:
    """Say which sounds are heard when.

    Scores are independent of each other and not calibrated across classes: compare a class with itself.
    """
    if as_json + as_csv + as_labels > 1:
        raise InputError("Choose one of --json, --csv and --audacity.")
    from zoo.inference.load import load

    net = load(network, trust=trust)

    def detect(file: Any, progress: Callable[[float], object]) -> Any:
        return net.sound_events(
            file,
            overlap=overlap,
            threshold=threshold,
            separation=separation,
            min_duration=min_duration,
            specificity=specificity,
            include=include or (),
            exclude=exclude or (),
            top=top,
            progress=progress,
        )

    paths = _recordings(net, files, "--audacity" if as_labels else "")
    results, failed = _each_with_bar(paths, detect)
    if as_json and results:
        _print_json([result.to_dict() for result in results], paths)
    elif as_csv and results:
        _print_csv(results, [result.table() for result in results], paths)
    elif as_labels:
        for result in results:
            typer.echo(result.to_audacity(), nl=False)
    else:
        for result in results:
            _print_events(result, len(paths) > 1)
    leave(failed)


@app.command()
def pitch(
    files: list[str],
    network: NetworkOption = "crepe.full",
    step: Annotated[float, typer.Option(help="Time between frames, in s.")] = PitchOptions.step,
    decoder: Annotated[str, typer.Option(help="Or viterbi, soft-viterbi, argmax.")] = PitchOptions.decoder,
    threshold: Annotated[
        float, typer.Option(help="Confidence below which a frame is unvoiced.")
    ] = PitchOptions.threshold,
    silence: Annotated[
        float | None, typer.Option(help="Level in dB below which a frame is unvoiced.")
    ] = PitchOptions.silence,
    fmin: Annotated[float | None, typer.Option(help="Lowest pitch to consider, in Hz.")] = None,
    fmax: Annotated[float | None, typer.Option(help="Highest pitch to consider, in Hz.")] = None,
    smooth: Annotated[
        int, typer.Option(help="Frames to smooth voiced pitch over, an odd number.")
    ] = PitchOptions.smooth,
    smoother: Annotated[str, typer.Option(help="median or mean.")] = PitchOptions.smoother,
    notes: Annotated[bool, typer.Option("--notes", help="Print notes in place of frames.")] = False,
    midi: Annotated[Path | None, typer.Option(help="Write the notes to this .mid file.")] = None,
    synth: Annotated[Path | None, typer.Option(help="Write the pitch as sound to this .wav file.")] = None,
    trust: Trust = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print every frame, or note, as CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print every frame, or note, as JSON.")] = False,
) -> None:
    """Say which pitch a melody or voice has over time."""
    if as_json and as_csv:
        raise InputError("Choose --json or --csv, not both.")
    require_place(midi, ".mid")
    require_place(synth, ".wav")
    from zoo.inference.load import load

    net = load(network, trust=trust)

    def track_pitch(file: Any, progress: Callable[[float], object]) -> Any:
        return net.pitch(
            file,
            step=step,
            decoder=decoder,
            threshold=threshold,
            silence=silence,
            fmin=fmin,
            fmax=fmax,
            smooth=smooth,
            smoother=smoother,
            progress=progress,
        )

    paths = _recordings(net, files, "--midi" if midi else "--synth" if synth else "")
    tracks, failed = _each_with_bar(paths, track_pitch)
    for track in tracks:
        if midi:
            write_file(midi, lambda temporary, track=track: temporary.write_bytes(track.to_midi()))
        if synth:
            write_file(synth, lambda temporary, track=track: _write_wav(track, temporary))
    if as_csv and tracks:
        _print_csv(tracks, [track.notes() if notes else track.table() for track in tracks], paths)
    elif as_json and tracks:
        _print_json([_notes_of(track) if notes else track.to_dict() for track in tracks], paths, notes)
    else:
        for track in tracks:
            _print_pitch(track, notes, len(paths) > 1)
    leave(failed)


@app.command()
def embed(
    files: list[str],
    out: Annotated[Path, typer.Option(help="Where to: .npz, .parquet or .csv.")],
    network: Annotated[
        str | None,
        typer.Option(
            "--network",
            "-n",
            help="Name of the network.",
            show_default="efficientnet_lite0 or yamnet, by input",
        ),
    ] = None,
    layer: Annotated[
        str | None, typer.Option(help="Layer to take; the one before the head if left out.")
    ] = None,
    overlap: Overlap = None,
    trust: Trust = False,
) -> None:
    """Write a vector for each picture, or for each window of sound."""
    contents: dict[str, Callable[[Any], bytes]] = {
        ".npz": lambda embedding: embedding.to_npz(),
        ".parquet": lambda embedding: embedding.to_parquet(),
        ".csv": lambda embedding: to_csv(embedding.table()).encode(),
    }
    require_place(out, *contents)
    from zoo.inference.load import load
    from zoo.results import to_csv

    net = load(network or EMBEDDERS[_modality_of(files)], trust=trust)
    result = net.embed(files, layer=layer, overlap=overlap, on_error="skip")
    _, failed = split(list(result.problems))
    if len(result):
        content = contents[out.suffix](result)
        write_file(out, lambda temporary: temporary.write_bytes(content))
        rows, columns = result.values.shape
        typer.echo(f"{rows} vectors of {columns} numbers from {result.layer} of {net.name}: {out}", err=True)
    leave(failed)


def _modality_of(files: list[str]) -> str:
    """Tell from its name whether the first file, or the first of a folder or pattern, is an image."""
    from zoo.vision.decoding import SUFFIXES, several

    first = several(files[:1])[0]
    return "image" if Path(first).suffix.lower() in SUFFIXES else "audio"


def _recordings(net: Any, files: list[str], single: str) -> list[Any]:
    """List the recordings; an option that writes one file takes one of them."""
    paths = net.preprocessor.several(files)
    if single and len(paths) > 1:
        raise InputError(f"{single} takes one recording, and there are {len(paths)}.")
    return paths


def _each_with_bar(
    paths: list[Any], work: Callable[[Any, Callable[[float], object]], Any]
) -> tuple[list[Any], int]:
    from zoo.core.inputs import name_of

    results, failed = [], 0
    for path in paths:
        try:
            with seconds_bar(name_of(path)) as progress:
                results.append(work(path, progress))
        except InputError as error:
            complain(error)
            failed += 1
    return results, failed


def _notes_of(track: Any) -> dict[str, Any]:
    return {"input": track.input, "network": track.network, "notes": track.notes().to_dict("records")}


def _print_json(records: list[dict[str, Any]], paths: list[Any], notes: bool = False) -> None:
    """Print one object for one input, of notes their list alone, and a list for several."""
    one = records[0]["notes"] if notes else records[0]
    print_json(records if len(paths) > 1 else one)


def _print_csv(results: list[Any], tables: list[Any], paths: list[Any]) -> None:
    """Print the table of one input, or those of several with the inputs in the first column."""
    import pandas as pd

    if len(paths) == 1:
        return print_csv(tables[0])
    for result, table in zip(results, tables, strict=True):
        table.insert(0, "input", result.input)
    print_csv(pd.concat(tables, ignore_index=True))


def _print_events(result: Any, named: bool) -> None:
    if named:
        typer.echo(result.input)
    for event in result.events:
        typer.echo(f"{event.start:8.2f} s to {event.end:8.2f} s  {event.score:5.2f}  {event.label}")
    clip = zip(result.clip.labels, result.clip.scores, strict=True)
    typer.echo("whole clip: " + ", ".join(f"{label} {score:.2f}" for label, score in clip))


def _print_pitch(track: Any, notes: bool, named: bool) -> None:
    if named:
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
    shown = " ".join(runs[:16]) + (" …" if len(runs) > 16 else "")
    return (
        f"{track.voiced.mean():.0%} voiced, {low:.1f} to {high:.1f} Hz, median {middle:.1f} Hz, "
        f"confidence {track.confidence[track.voiced].mean():.2f}; {shown}"
    )


def _write_wav(track: Any, path: Path, sample_rate: int = 44100) -> None:
    import soundfile

    soundfile.write(path, track.synthesize(sample_rate), sample_rate, format="WAV")
