"""The command line: every verb, with JSON and CSV that other programs can read.

Results go to stdout and nothing else does; progress and complaints go to stderr. The exit code is 0 only
when every input was done, and 2 for bad usage or bad input, with one line that says what was wrong.
"""

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.errors import InputError, ZooError
from zoo.registry import describe, is_default, networks

app = typer.Typer(
    help="Pretrained networks for pictures and for sound.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
NetworkOption = Annotated[str, typer.Option("--network", "-n", help="Name of the network, see `zoo list`.")]
Overlap = Annotated[
    float | None,
    typer.Option(help="Share of a window of sound that the next one repeats.", show_default="by network"),
]
_WIDTHS = (24, 9, 22, 10, 7)


def main() -> None:
    """Run the command line; a `ZooError` becomes one line on stderr and exit code 2."""
    warnings.simplefilter("ignore")  # of libraries; what the zoo has to say is an error or a result
    try:
        app(prog_name="zoo")
    except ZooError as error:
        _complain(error)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:  # of stdout: a full disk, or a reader, such as `head`, that is gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python still flushes
        if isinstance(error, BrokenPipeError):
            sys.exit(141)
        _complain(InputError(f"The output cannot be written: {error.strerror or error}."))
        sys.exit(2)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the networks: name, modality, tasks, parameters and size; * marks an arch's default."""
    specs = [describe(name) for name in networks()]
    if as_json:
        return _print_json([spec.to_dict() for spec in specs])
    typer.echo(_row("network", "modality", "tasks", "parameters", "MB"))
    for spec in specs:
        name = spec.name + (" *" if is_default(spec.name) else "")
        size = f"{spec.size_mb:.1f}"
        typer.echo(_row(name, spec.modality, ",".join(spec.tasks), f"{spec.parameters:,}", size))


@app.command()
def info(name: str, as_json: Json = False) -> None:
    """Say what a network is, what it needs, how it was checked and where its weights come from."""
    from zoo import weights

    spec = describe(name)
    record = weights.record_of(spec)
    cached = weights.is_cached(spec)
    if as_json:
        state = {"path": str(weights.path_of(spec)), "cached": cached, **record}
        return _print_json({**spec.to_dict(), "weights": state})
    from zoo.network import preset_of

    accuracy = spec.accuracy and (
        f"{spec.accuracy.value:g} {spec.accuracy.metric} on {spec.accuracy.dataset} ({spec.accuracy.source})"
    )
    rows = {
        "network": f"{spec.name}: {spec.title}",
        "tasks": ", ".join(spec.tasks),
        "parameters": f"{spec.parameters:,} ({spec.size_mb:.1f} MB)"
        + (f", {spec.depth} layers deep" if spec.depth else ""),
        "input": " × ".join(map(str, spec.input_shape)),
        "preprocess": preset_of(spec).describe(),
        "published": accuracy or "no figure on record",
        "licence": spec.licence,
        "citation": spec.citation,
        "original": spec.homepage,
        "fidelity": spec.fidelity,
        "cached": str(weights.path_of(spec)) if cached else f"no; `zoo fetch {spec.name}` brings it",
    }
    if cached:
        rows |= {"came from": record["source"], "sha256": f"{record['sha256']} (converted file)"}
    for key, value in rows.items():
        typer.echo(f"{key:<11} {value}")
    for source in spec.sources:
        typer.echo(f"{'source':<11} {source.url}\n{'':<11} {weights.checksum_of(source, record)}")


@app.command()
def summary(name: str, as_json: Json = False) -> None:
    """Count a network layer by layer: kinds, shapes, parameters and multiply-adds; weights are not needed."""
    from zoo.network import load

    result = load(name, weights=None, device="cpu").summary()
    if as_json:
        return _print_json(result.to_dict())
    table = result.table()
    table["shape"] = [" × ".join(map(str, shape)) if shape else "-" for shape in table["shape"]]
    typer.echo(
        table.to_string(index=False, formatters=dict.fromkeys(["parameters", "multiply_adds"], "{:,}".format))
    )
    inputs = " × ".join(map(str, result.input_shape))
    counted = f"{result.parameters:,} parameters, {result.multiply_adds:,} multiply-adds"
    typer.echo(f"{result.network}: {counted} for an input of {inputs}")


@app.command()
def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="Networks; none: the embedded ones.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every network of the zoo.")] = False,
) -> None:
    """Bring weights (and, without names, the samples) onto this machine."""
    from zoo import samples, weights

    chosen = names or networks(embedded=None if everything else True)
    for name, spec in [(name, describe(name)) for name in chosen]:
        path = weights.fetch(name)
        record = weights.record_of(spec)
        typer.echo(f"{spec.name}  {spec.licence}  {record['source']}\n  sha256 {record['sha256']}  {path}")
    if not names:
        for name in samples.SAMPLES:
            typer.echo(f"{samples.sample(name)}  {samples.SAMPLES[name].credit}")


@app.command()
def classify(
    files: list[str],
    network: NetworkOption = "squeezenet",
    top: Annotated[int, typer.Option(help="Classes to name.")] = 5,
    engine: Annotated[str, typer.Option(help="auto, torch, onnxruntime or spectral.")] = "auto",
    as_json: Json = False,
) -> None:
    """Say what is in pictures, or in recordings as a whole."""
    from zoo.network import load

    net = load(network, engine=engine)
    net.require("classify")
    results, failed = _all_or_each(files, lambda given: net.classify(given, top=top))
    if as_json:
        _print_json([result.to_dict() for result in results])
    else:
        for result in results:
            typer.echo(result.input)
            for label, group, score in zip(result.labels, result.groups, result.scores, strict=True):
                typer.echo(f"  {score:6.1%}  {label}" + (f", {group}" if group else ""))
    _exit(failed)


@app.command()
def events(
    file: str,
    network: NetworkOption = "yamnet",
    overlap: Overlap = None,
    threshold: Annotated[float, typer.Option(help="Score from which a class counts as heard.")] = 0.35,
    separation: Annotated[float, typer.Option(help="Join events closer than this, in s.")] = 0.25,
    min_duration: Annotated[float, typer.Option(help="Drop events shorter than this, in s.")] = 0.5,
    specificity: Annotated[
        str, typer.Option(help="high: the network's classes; medium or low: their categories in AudioSet.")
    ] = "high",
    include: Annotated[
        list[str] | None,
        typer.Option(help="Report only this class or category and what is below it; may be repeated."),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="Do not report this class or category, nor what is below it.")
    ] = None,
    top: Annotated[int, typer.Option(help="Classes to name for the whole clip.")] = 5,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_labels: Annotated[bool, typer.Option("--audacity", help="Print labels for Audacity.")] = False,
) -> None:
    """Say which sounds are heard when.

    Scores are independent of each other and not calibrated across classes: compare a class with itself.
    """
    if as_json + as_csv + as_labels > 1:
        raise InputError("Choose one of --json, --csv and --audacity.")
    from zoo.verbs import sound_events

    with _seconds_bar(file) as progress:
        result = sound_events(
            file,
            network=network,
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
    if as_json:
        _print_json(result.to_dict())
    elif as_csv:
        _print_csv(result.table())
    elif as_labels:
        typer.echo(result.to_audacity(), nl=False)
    else:
        for event in result.events:
            typer.echo(f"{event.start:8.2f} s to {event.end:8.2f} s  {event.score:5.2f}  {event.label}")
        clip = zip(result.clip.labels, result.clip.scores, strict=True)
        typer.echo("whole clip: " + ", ".join(f"{label} {score:.2f}" for label, score in clip))


@app.command()
def pitch(
    file: str,
    network: NetworkOption = "crepe.full",
    step: Annotated[float, typer.Option(help="Time between frames, in s.")] = 0.01,
    decoder: Annotated[str, typer.Option(help="local-average, viterbi or argmax.")] = "local-average",
    threshold: Annotated[float, typer.Option(help="Confidence below which a frame is unvoiced.")] = 0.5,
    silence: Annotated[float, typer.Option(help="Level in dB below which a frame is unvoiced.")] = -60.0,
    fmin: Annotated[float | None, typer.Option(help="Lowest pitch to consider, in Hz.")] = None,
    fmax: Annotated[float | None, typer.Option(help="Highest pitch to consider, in Hz.")] = None,
    smooth: Annotated[int, typer.Option(help="Frames to smooth voiced pitch over, an odd number.")] = 1,
    smoother: Annotated[str, typer.Option(help="median or mean.")] = "median",
    notes: Annotated[bool, typer.Option("--notes", help="Print notes in place of frames.")] = False,
    midi: Annotated[Path | None, typer.Option(help="Write the notes to this .mid file.")] = None,
    synth: Annotated[Path | None, typer.Option(help="Write the pitch as sound to this .wav file.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print every frame, or note, as CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print every frame, or note, as JSON.")] = False,
) -> None:
    """Say which pitch a melody or voice has over time."""
    if as_json and as_csv:
        raise InputError("Choose --json or --csv, not both.")
    _require_place(midi, ".mid")
    _require_place(synth, ".wav")
    from zoo.verbs import pitch as track_pitch

    with _seconds_bar(file) as progress:
        track = track_pitch(
            file,
            network=network,
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
    if midi:
        _write(midi, lambda temporary: temporary.write_bytes(track.to_midi()))
    if synth:
        _write(synth, lambda temporary: _write_wav(track, temporary))
    if as_csv:
        _print_csv(track.notes() if notes else track.table())
    elif as_json:
        _print_json(track.notes().to_dict("records") if notes else track.to_dict())
    elif notes:
        for note in track.notes().itertuples():
            typer.echo(f"{note.start:8.2f} s to {note.end:8.2f} s  {note.name:<4} {note.cents:+4.0f} cents")
    else:
        typer.echo(_pitch_summary(track))


@app.command()
def embed(
    files: list[str],
    out: Annotated[Path, typer.Option(help="Where to: .npz, .parquet or .csv.")],
    network: NetworkOption = "yamnet",
    layer: Annotated[
        str | None, typer.Option(help="Layer to take; the one before the head if left out.")
    ] = None,
    overlap: Overlap = None,
) -> None:
    """Write a vector for each picture, or for each window of sound."""
    writers = {".npz": _write_npz, ".parquet": _write_parquet, ".csv": _write_csv}
    _require_place(out, *writers)
    import numpy as np

    from zoo.network import load
    from zoo.results import Embedding

    net = load(network)
    parts, failed = _each(files, lambda file: net.embed(file, layer=layer, overlap=overlap))
    if parts:
        result = Embedding(
            network=net.name,
            layer=parts[0].layer,
            values=np.concatenate([part.values for part in parts]),
            times=None if parts[0].times is None else np.concatenate([part.times for part in parts]),
            inputs=tuple(name for part in parts for name in part.inputs),
        )
        _write(out, lambda temporary: writers[out.suffix](result, temporary))
        rows, columns = result.values.shape
        typer.echo(f"{rows} vectors of {columns} numbers from {result.layer} of {net.name}: {out}", err=True)
    _exit(failed)


@app.command()
def compare(
    names: Annotated[list[str] | None, typer.Argument(help="Networks; none: the embedded ones.")] = None,
    inputs: Annotated[list[str] | None, typer.Option("--input", help="A file; may be repeated.")] = None,
    untrained: Annotated[bool, typer.Option(help="Measure without weights; nothing is fetched.")] = False,
    batch: Annotated[int, typer.Option(help="Batch size of the throughput.")] = 16,
    repeats: Annotated[int, typer.Option(help="Passes that are timed.")] = 10,
    engine: Annotated[str, typer.Option(help="auto, torch, onnxruntime or spectral.")] = "auto",
    dtype: Annotated[str, typer.Option(help="fp32, bf16 or fp16.")] = "fp32",
    plot: Annotated[Path | None, typer.Option(help="Write the chart to this .html file.")] = None,
    as_json: Json = False,
) -> None:
    """Measure networks on this machine, beside what is published of them."""
    from tqdm import tqdm

    from zoo.comparison import compare as measure

    if plot and (plot.suffix != ".html" or not plot.parent.is_dir()):
        raise InputError(f"{plot} should be an .html file in a folder that is there.")
    with tqdm(desc="networks", disable=None, leave=False) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        result = measure(
            names or networks("picture", "classify", embedded=True),
            inputs or None,
            pretrained=not untrained,
            batch=batch,
            repeats=repeats,
            engine=engine,
            dtype=dtype,
            progress=progress,
        )
    if plot:
        result.plot().write_html(plot, include_plotlyjs=True)
    if as_json:
        return _print_json(result.to_dict())
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


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Networks; none: the embedded ones.")] = None,
) -> None:
    """Fetch networks, recount their records and ask each a question whose answer is known."""
    from zoo.verify import verify as check

    failed = False
    for name in names or networks(embedded=True):
        for finding in check(name):
            failed |= not finding.passed
            typer.echo(f"{'ok  ' if finding.passed else 'FAIL'} {describe(name).name}: {finding.text}")
    raise typer.Exit(1 if failed else 0)


@app.command()
def demo() -> None:
    """Let the embedded networks look at a sample photo, hear a sample recording and follow a melody."""
    from zoo.samples import SAMPLES, sample
    from zoo.verbs import classify as name_classes
    from zoo.verbs import pitch as track_pitch
    from zoo.verbs import sound_events

    typer.echo(f"{SAMPLES['cat.png'].title} ({SAMPLES['cat.png'].credit})")
    for network in networks("picture", "classify", embedded=True):
        result = name_classes(sample("cat.png"), network=network, top=3)
        best = zip(result.labels, result.scores, strict=True)
        typer.echo(f"  {network}: " + ", ".join(f"{label} {score:.0%}" for label, score in best))
    typer.echo(f"{SAMPLES['bicycle-bell.wav'].title} ({SAMPLES['bicycle-bell.wav'].credit})")
    heard = sound_events(sample("bicycle-bell.wav"), network="yamnet", include=["Bicycle bell"])
    for event in heard.events:
        typer.echo(
            f"  {heard.network}: {event.label} {event.start:.1f} to {event.end:.1f} s, {event.score:.2f}"
        )
    typer.echo(f"{SAMPLES['melody.wav'].title} ({SAMPLES['melody.wav'].credit})")
    for network in networks("sound", "pitch", embedded=True):
        track = track_pitch(sample("melody.wav"), network=network)
        typer.echo(f"  {network}: {_pitch_summary(track)}")


@app.command("app")
def serve(
    port: Annotated[int, typer.Option(help="Where to serve.", min=1, max=65535)] = 8501,
    address: Annotated[str, typer.Option(help="On which address; 0.0.0.0 for all.")] = "localhost",
) -> None:
    """Serve the app in the browser."""
    here = Path(__file__).parent
    script = next(path for path in (here / "app.py", here.parent / "app.py") if path.is_file())
    flags = [f"--server.port={port}", f"--server.address={address}", "--server.headless=true"]
    raise typer.Exit(subprocess.call([sys.executable, "-P", "-m", "streamlit", "run", str(script), *flags]))


def _row(*cells: str) -> str:
    return " ".join(
        f"{cell:<{width}}" if i < 3 else f"{cell:>{width}}"
        for i, (cell, width) in enumerate(zip(cells, _WIDTHS, strict=True))
    ).rstrip()


def _pitch_summary(track: Any) -> str:
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


def _each(files: list[str], work: Callable[[str], Any]) -> tuple[list[Any], int]:
    """Results of the inputs that can be used, and the number of those that cannot, each complained about."""
    results, failed = [], 0
    for file in files:
        try:
            results.append(work(file))
        except InputError as error:
            _complain(error)
            failed += 1
    return results, failed


def _all_or_each(files: list[str], work: Callable[[Any], list[Any]]) -> tuple[list[Any], int]:
    """Work on all files in batches; where one cannot be used, on each, to name it and do the others."""
    try:
        return work(files), 0
    except InputError:
        return _each(files, work)


def _exit(failed: int) -> None:
    if failed:
        raise typer.Exit(2)


def _complain(error: ZooError) -> None:
    typer.echo("zoo: " + " ".join(str(error).split()), err=True)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, allow_nan=False))


def _print_csv(table: Any) -> None:
    from zoo.results import to_csv

    typer.echo(to_csv(table), nl=False)


def _require_place(out: Path | None, *suffixes: str) -> None:
    """Raise an `InputError` where a file cannot be written under that name."""
    if out and out.suffix not in suffixes:
        raise InputError(f"{out} should end with {' or '.join(suffixes)}.")
    if out and not out.parent.is_dir():
        raise InputError(f"There is no folder {out.parent}.")


def _write(out: Path, fill: Callable[[Path], object]) -> None:
    from zoo.weights import write

    try:
        write(out, fill)
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror or error}.") from error


def _write_wav(track: Any, path: Path, rate: int = 44100) -> None:
    import soundfile

    soundfile.write(path, track.synthesise(rate), rate, format="WAV")


def _write_npz(result: Any, path: Path) -> None:
    import numpy as np

    times = {} if result.times is None else {"times": result.times}
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            values=result.values,
            inputs=np.array(result.inputs),
            network=np.array(result.network),
            layer=np.array(result.layer),
            **times,
        )


def _write_parquet(result: Any, path: Path) -> None:
    result.table().to_parquet(path, index=False)


def _write_csv(result: Any, path: Path) -> None:
    from zoo.results import to_csv

    path.write_text(to_csv(result.table()), encoding="utf-8")


@contextmanager
def _seconds_bar(name: str) -> Iterator[Callable[[float], object]]:
    from tqdm import tqdm

    with tqdm(desc=Path(name).name, unit="s", disable=None, leave=False, delay=1.0) as bar:
        yield lambda seconds: bar.update(round(seconds) - bar.n)
