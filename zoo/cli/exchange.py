"""The command that imports networks of other frameworks."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.cli.console import Device, Json, app, print_json
from zoo.core.errors import InputError, reason


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="ONNX, .pt2, .pt, .keras, .h5, .tflite, or a SavedModel.")],
    name: Annotated[str, typer.Option(help="Name of the network.")],
    labels: Annotated[
        str | None,
        typer.Option(help="File of labels, or a network with the same classes.", show_default="numbers"),
    ] = None,
    preprocess: Annotated[
        str | None,
        typer.Option(
            help="Network that is preprocessed alike, or JSON: resize, crop, mean, std.",
            show_default="guessed",
        ),
    ] = None,
    activation: Annotated[
        str | None, typer.Option(help="softmax or sigmoid.", show_default="guessed")
    ] = None,
    license: Annotated[str, typer.Option(help="License of the weights.")] = "not stated",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the network.", show_default="the name, in this folder")
    ] = None,
    device: Device = "auto",
    trust: Annotated[
        bool, typer.Option("--trust", help="Run a program whose author you trust, in a sandbox.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Import a network of another framework into a folder, and report what became of it."""
    from zoo.exchange.importing import import_network
    from zoo.hub.registry import as_path

    folder = as_path(out or Path(name))
    net = import_network(
        file,
        name=name,
        labels=labels,
        preprocess=_table(preprocess),
        activation=activation,
        license=license,
        out=folder,
        device=device,
        trust=trust,
    )
    if as_json:
        print_json({"folder": folder, **net.report.to_dict()})
        return
    for sentence in net.report.sentences():
        typer.echo(sentence)
    typer.echo(f"Saved; use it as --network {folder}")


def _table(preprocess: str | None) -> str | dict[str, Any] | None:
    """Return the name of a network, or the mapping that JSON stands for."""
    if preprocess is None or not preprocess.lstrip().startswith("{"):
        return preprocess
    try:
        return json.loads(preprocess)
    except (ValueError, RecursionError) as error:
        raise InputError(f"--preprocess is not valid JSON: {reason(error)}.") from error
