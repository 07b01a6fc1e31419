"""Commands that classify, explain, and embed images, and recordings as a whole."""

from collections.abc import Callable
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from zoo.cli.console import (
    Csv,
    Device,
    Engine,
    Json,
    NetworkOption,
    Overlap,
    Trust,
    Weights,
    app,
    leave,
    load_network,
    print_json,
)
from zoo.cli.many import Seconds, each, parts
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
from zoo.core.paths import STDIN

if TYPE_CHECKING:
    from zoo.results.explanation import ExplanationMethod
    from zoo.results.provenance import Provenance

EMBEDDERS = {"image": "efficientnet_lite0", "audio": "yamnet"}


@app.command()
def classify(
    files: list[str],
    network: NetworkOption = "squeezenet",
    top: Annotated[int, typer.Option(help="Classes to name.")] = 5,
    weights: Weights = None,
    device: Device = "auto",
    engine: Engine = "auto",
    trust: Trust = False,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Classify images, or recordings as a whole."""
    if as_json and as_csv:
        raise InputError("Choose --json or --csv, not both.")
    net = load_network(network, weights=weights, device=device, engine=engine, trust=trust)
    net.require("classify")
    inputs = net.preprocessor.several(files)
    results = [
        result
        for part in parts(inputs, net.spec.modality)
        for result in net.classify(part, top=top, on_error="skip")
    ]
    succeeded, failed = split(results)
    if as_json:
        print_json(records(results, net.name, methodcaller("to_dict")))
    elif as_csv:
        print_tables(succeeded, methodcaller("table"), with_names=True)
    else:
        for result in succeeded:
            typer.echo(result.input)
            for label, group, score in zip(result.labels, result.groups, result.scores, strict=True):
                typer.echo(f"  {score:6.1%}  {label}" + (f", {group}" if group else ""))
    leave(failed)


@app.command()
def explain(
    files: list[str],
    network: NetworkOption = "squeezenet",
    target: Annotated[
        str | None, typer.Option(help="Class to look for, by its label or identifier; the best if left out.")
    ] = None,
    method: Annotated[str, typer.Option(help="gradcam or occlusion.")] = "gradcam",
    layer: Annotated[str | None, typer.Option(help="Layer for gradcam; the record's if left out.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the picture with the map over it to this .png file, or into this folder."),
    ] = None,
    opacity: Annotated[float, typer.Option(help="Of the map, from 0 to 1.")] = 0.7,
    weights: Weights = None,
    device: Device = "auto",
    engine: Engine = "auto",
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Map where on images a network finds a class.

    A folder that --out names gets one .png file a picture, under its name, and no file there is replaced.
    """
    require_place(out, ".png", or_folder=True)
    from zoo.core.validation import number
    from zoo.vision.decoding import decode

    number("opacity", opacity, 0, 1)
    net = load_network(network, weights=weights, device=device, engine=engine, trust=trust)
    pictures = net.preprocessor.several(files)

    def find(pictures: list[Any], _: Seconds) -> list[Any]:
        checked = cast("ExplanationMethod", method)  # which `explain` checks
        return net.explain(pictures, target=target, method=checked, layer=layer, on_error="skip")

    results = []
    maps = places(out, pictures, ".png")
    for picture, place, result in zip(pictures, maps, each(pictures, find), strict=True):
        results.append(result)
        if place and not is_problem(result):
            drawn = result.overlay(decode(picture), opacity=opacity)
            write_file(place, lambda path, drawn=drawn: drawn.save(path, "PNG"))
    _, failed = split(results)
    if as_json:
        values = records(results, net.name, methodcaller("to_dict"))
        print_records([_with_out(record, place) for record, place in zip(values, maps, strict=True)])
    else:
        for result, place in zip(results, maps, strict=True):
            if not is_problem(result):
                _print_explanation(result, place, len(pictures) > 1)
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
    weights: Weights = None,
    device: Device = "auto",
    engine: Engine = "auto",
    trust: Trust = False,
) -> None:
    """Write a vector for each picture, or for each window of sound, and what made them.

    That is in the file, see `zoo verify`; for a .csv in a .provenance.json beside it.
    """
    contents: dict[str, Callable[[Any], bytes]] = {
        ".npz": lambda embedding: embedding.to_npz(),
        ".parquet": lambda embedding: embedding.to_parquet(),
        ".csv": lambda embedding: to_csv(embedding.table()).encode(),
    }
    require_place(out, *contents)
    from zoo.results import Embedding, to_csv

    name = network or EMBEDDERS[_modality_of(files)]
    net = load_network(name, weights=weights, device=device, engine=engine, trust=trust)
    embeddings = [
        net.embed(part, layer=layer, overlap=overlap, on_error="skip")
        for part in parts(net.preprocessor.several(files), net.spec.modality)
    ]
    _, failed = split([problem for embedding in embeddings for problem in embedding.problems])
    if embeddings := [embedding for embedding in embeddings if len(embedding)]:
        result = Embedding.joined(embeddings)
        content = contents[out.suffix](result)
        if out.suffix == ".csv":
            _write_csv(out, content, result.provenance)
        else:
            write_file(out, lambda temporary: temporary.write_bytes(content))
        rows, columns = result.values.shape
        typer.echo(f"{rows} vectors of {columns} numbers from {result.layer} of {net.name}: {out}", err=True)
    leave(failed)


def _write_csv(out: Path, content: bytes, provenance: "Provenance | None") -> None:
    """Write a CSV and its provenance, which never stands beside an older or newer CSV."""
    from zoo.results.embedding_files import provenance_path

    beside = provenance_path(out)

    def fill(temporary: Path) -> None:
        temporary.write_bytes(content)
        beside.unlink(missing_ok=True)

    write_file(out, fill)
    if provenance:
        content_json = provenance.to_json()
        write_file(beside, lambda temporary: temporary.write_bytes(content_json))


def _with_out(record: dict[str, Any], place: Path | None) -> dict[str, Any]:
    return record | {"out": str(place)} if place and "error" not in record else record


def _print_explanation(result: Any, place: Path | None, with_name: bool) -> None:
    left, top, right, bottom = result.table().sort_values("value").iloc[-1][:4]
    at = f" at {result.layer}" if result.layer else ""
    if with_name:
        typer.echo(f"{result.input}: {place}" if place else result.input)
    typer.echo(
        f"{result.label} {result.score:.1%}, {result.method}{at}: "
        f"most around {(left + right) / 2:.0f}, {(top + bottom) / 2:.0f} "
        f"of {result.size[0]} × {result.size[1]} pixels"
    )


def _modality_of(files: list[str]) -> str:
    """Tell from its name whether the first file, or the first of a folder or pattern, is an image."""
    from zoo.vision.decoding import SUFFIXES, several

    if files[0] == STDIN:
        raise InputError("Standard input has no name that tells images from audio; pass --network.")
    first = several(files[:1])[0]
    return "image" if Path(first).suffix.lower() in SUFFIXES else "audio"
