"""The command that searches the results of many files by an example: search."""

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.console import Device, Json, Trust, app, print_json
from zoo.core.extras import require
from zoo.core.progress import progress_bar


@app.command()
def search(
    folder: Path,
    example: str,
    top: Annotated[int, typer.Option(help="Files to find.")] = 10,
    network: Annotated[
        str | None,
        typer.Option("--network", "-n", help="Whose vectors to compare.", show_default="the only one"),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Compare with all vectors, without an index.")
    ] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Build the index anew, and open none that is there.")
    ] = False,
    device: Device = "auto",
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Find the files of a folder of `zoo batch --task embed` that are like an example.

    EXAMPLE is a file of the batch, or any other image or recording, which is embedded with the network and
    the options of the batch. The first search builds an index in the folder.
    """
    require("pyarrow")
    from zoo.batches.folder import open_batch

    with progress_bar("index", unit=" parts") as progress:
        matches = open_batch(folder).search(
            example,
            top,
            network=network,
            exact=exact,
            rebuild=rebuild,
            device=device,
            trust=trust,
            progress=progress,
        )
    if as_json:
        return print_json(matches.to_dict())
    for row in matches.table().itertuples():
        time = f"  {row.start:.2f} to {row.end:.2f} s" if matches.times is not None else ""
        typer.echo(f"{row.similarity:6.3f}  {row.path}{time}")
