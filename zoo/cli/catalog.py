"""Commands about the networks themselves: list, info, summary, fetch, verify."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.console import Json, Trust, app, print_json
from zoo.cli.output import require_place, write_file
from zoo.core.errors import InputError
from zoo.hub.registry import describe, is_default, networks
from zoo.inference.build import preprocessor

if TYPE_CHECKING:
    from zoo.benchmark.vectors import VectorCheck

_WIDTHS = (24, 9, 22, 10, 7)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the networks: name, modality, tasks, parameters and size; * marks an arch's default."""
    specs = [describe(name) for name in networks()]
    if as_json:
        return print_json([spec.to_dict() for spec in specs])
    typer.echo(_row("network", "modality", "tasks", "parameters", "MB"))
    for spec in specs:
        name = spec.name + (" *" if is_default(spec.name) else "")
        size = f"{spec.size_mb:.1f}"
        typer.echo(_row(name, spec.modality, ",".join(spec.tasks), f"{spec.parameters:,}", size))


@app.command()
def info(name: str, trust: Trust = False, as_json: Json = False) -> None:
    """Print the record of a network: preprocessing, validation, license, and sources of the weights."""
    from zoo.hub import weights

    spec = describe(name, trust=trust)
    record = weights.record_of(spec)
    cached = weights.is_cached(spec)
    if as_json:
        state = {"path": str(weights.path_of(spec)), "cached": cached, **record}
        return print_json({**spec.to_dict(), "weights": state})

    accuracy = spec.accuracy and (
        f"{spec.accuracy.value:g} {spec.accuracy.metric} on {spec.accuracy.dataset} ({spec.accuracy.source})"
    )
    rows = {
        "network": f"{spec.name}: {spec.title}",
        "tasks": ", ".join(spec.tasks),
        "parameters": f"{spec.parameters:,} ({spec.size_mb:.1f} MB)"
        + (f", {spec.depth} layers deep" if spec.depth else ""),
        "input": " × ".join(map(str, spec.input_shape)),
        "preprocess": preprocessor(spec).describe(),
        "published": accuracy or "no figure on record",
        "license": spec.license,
        "citation": spec.citation,
        "original": spec.homepage,
        "validation": spec.validation,
        "cached": str(weights.path_of(spec)) if cached else f"no; `zoo fetch {spec.name}` brings it",
    }
    if cached:
        rows |= {"came from": record["source"], "sha256": f"{record['sha256']} (converted file)"}
    for key, value in rows.items():
        typer.echo(f"{key:<11} {value}")
    for source in spec.sources:
        typer.echo(f"{'source':<11} {source.url}\n{'':<11} {weights.checksum_of(source, record)}")


@app.command()
def summary(name: str, trust: Trust = False, as_json: Json = False) -> None:
    """Count a network layer by layer: kinds, shapes, parameters and multiply-adds; weights are not needed."""
    from zoo.inference.load import load

    result = load(name, weights=None, device="cpu", trust=trust).summary()
    if as_json:
        return print_json(result.to_dict())
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
    names: Annotated[list[str] | None, typer.Argument(help="Networks; none: the bundled ones.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every network of the zoo.")] = False,
    trust: Trust = False,
) -> None:
    """Bring weights (and, without names, the samples) onto this machine."""
    from zoo.hub import samples, weights

    selected = names or networks(bundled=None if everything else True)
    for spec in [describe(name, trust=trust) for name in selected]:
        path = weights.ensure(spec)
        record = weights.record_of(spec)
        typer.echo(f"{spec.name}  {spec.license}  {record['source']}\n  sha256 {record['sha256']}  {path}")
    if not names:
        for name in samples.SAMPLES:
            typer.echo(f"{samples.sample(name)}  {samples.SAMPLES[name].credit}")


@app.command()
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Networks, files of vectors (.parquet, .npz, .csv), or folders of `zoo batch`; "
            "none: the embedded networks."
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(help="Compare with another network, or with the original in a collection: tfhub."),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Local file of weights that made the vectors of the files.")
    ] = None,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Recount the records of networks, or see whether old vectors can be compared with new ones.

    A network is fetched, and asked a question whose answer is known. For a file of vectors or the folder of a
    batch, the network that made it, or the one of --against, computes the vectors of its canaries again.
    """
    from zoo.batches.settings import is_batch
    from zoo.results.embedding_files import SUFFIXES

    results: list[dict[str, Any]] = []
    for name in names or networks(bundled=True):
        if name.endswith(SUFFIXES):
            results += _verify_vectors(name, against, weights, trust, quiet=as_json)
        elif weights:
            raise InputError(f"--weights is for files of vectors; {name} is not one.")
        elif is_batch(name):
            results += _verify_batch(name, against, trust, quiet=as_json)
        else:
            results.append(_verify_network(name, against, trust, quiet=as_json))
    if as_json:
        print_json(results)
    raise typer.Exit(0 if all(result["passed"] for result in results) else 1)


def _verify_network(name: str, against: str | None, trust: bool, *, quiet: bool) -> dict[str, Any]:
    from zoo.benchmark.verify import verify as check

    findings = []
    for finding in check(name, against=against, trust=trust):
        findings.append({"passed": finding.passed, "text": finding.text})
        if not quiet:
            _print_finding(finding.passed, describe(name, trust=trust).name, finding.text)
    passed = all(finding["passed"] for finding in findings)
    return {"network": describe(name, trust=trust).name, "passed": passed, "findings": findings}


def _verify_vectors(
    file: str, against: str | None, weights: Path | None, trust: bool, *, quiet: bool
) -> list[dict[str, Any]]:
    from zoo.benchmark.vectors import verify_vectors
    from zoo.inference.load import PRETRAINED

    check = verify_vectors(file, network=against, weights=weights or PRETRAINED, trust=trust)
    return _vector_results([check], quiet=quiet)


def _verify_batch(folder: str, against: str | None, trust: bool, *, quiet: bool) -> list[dict[str, Any]]:
    from zoo.benchmark.vectors import verify_batch

    return _vector_results(verify_batch(folder, network=against, trust=trust), quiet=quiet)


def _vector_results(checks: "list[VectorCheck]", *, quiet: bool) -> list[dict[str, Any]]:
    for check in () if quiet else checks:
        _print_finding(check.comparable, check.file, check.describe())
    return [{"passed": check.comparable, **check.to_dict()} for check in checks]


def _print_finding(passed: bool, name: str, text: str) -> None:
    typer.echo(f"{'ok  ' if passed else 'FAIL'} {name}: {text}")


@app.command()
def export(
    name: str,
    to: Annotated[Path, typer.Option(help="The file, which ends with .onnx.")],
    trust: Trust = False,
) -> None:
    """Write a network as ONNX, with its labels and its preprocessing in the file's metadata."""
    from zoo.exchange.onnx import to_onnx
    from zoo.inference.load import load

    require_place(to, ".onnx")
    graph = to_onnx(load(name, device="cpu", trust=trust))
    write_file(to, lambda path: path.write_bytes(graph))
    typer.echo(f"{to}  {len(graph) / 1e6:.1f} MB")


def _row(*cells: str) -> str:
    return " ".join(
        f"{cell:<{width}}" if i < 3 else f"{cell:>{width}}"
        for i, (cell, width) in enumerate(zip(cells, _WIDTHS, strict=True))
    ).rstrip()
