"""How results come out: JSON and CSV on stdout, one file or a folder of files, and what failed."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from zoo.cli.console import complain, print_json
from zoo.core.errors import InputError
from zoo.core.inputs import distinct, name_of
from zoo.core.paths import STDIN

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1  # of the JSON of results; raised when a key goes or changes its meaning


def is_problem(result: Any) -> bool:
    """Tell whether an input failed."""
    from zoo.results import Problem

    return isinstance(result, Problem)


def split(results: Sequence[Any]) -> tuple[list[Any], int]:
    """Complain about each input that failed; return the other results, and how many failed."""
    succeeded = [result for result in results if not is_problem(result)]
    for problem in filter(is_problem, results):
        complain(InputError(problem.reason))
    return succeeded, len(results) - len(succeeded)


def records(
    results: Sequence[Any], network: str, describe: Callable[[Any], Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Describe each result, and each input that failed, for JSON."""
    return [
        {"schema": SCHEMA, "input": result.input, "network": network, "error": result.reason}
        if is_problem(result)
        else {"schema": SCHEMA, **describe(result)}
        for result in results
    ]


def print_records(values: list[dict[str, Any]]) -> None:
    """Print one object for one input, and a list for several."""
    print_json(values[0] if len(values) == 1 else values)


def print_tables(results: Sequence[Any], table: Callable[[Any], "pd.DataFrame"], *, with_names: bool) -> None:
    """Print results as one table, with the inputs in the first column if they are to be named."""
    import pandas as pd

    from zoo.results import to_csv

    tables = [table(result) for result in results]
    if with_names:
        for result, own in zip(results, tables, strict=True):
            own.insert(0, "input", result.input)
    if tables:
        typer.echo(to_csv(pd.concat(tables, ignore_index=True)), nl=False)


def require_place(out: Path | None, *suffixes: str, or_folder: bool = False) -> None:
    """Raise an `InputError` where a file, or a folder of files, cannot be written under that name."""
    if not out:
        return
    if out.suffix not in suffixes and not (or_folder and _is_folder(out)):
        allowed = " or ".join(suffixes) + (", or be a folder" if or_folder else "")
        raise InputError(f"{out} should end with {allowed}.")
    if not out.parent.is_dir():
        raise InputError(f"The folder {out.parent} does not exist.")


def places(out: Path | None, inputs: Sequence[Any], suffix: str) -> list[Path | None]:
    """Choose where the file of each input goes: to `out`, or into the folder `out`, under the input's name.

    Raises
    ------
    InputError
        If `out` is one file and the inputs are several, or a file is in the folder already.
    """
    if out is None or not _is_folder(out):
        if out and len(inputs) > 1:
            raise InputError(f"{out} is one file, and there are {len(inputs)} inputs; pass a folder.")
        return [out] * len(inputs)
    names = distinct("stdin" if name == STDIN else Path(name).stem for name in map(name_of, inputs))
    paths = [out / f"{name}{suffix}" for name in names]
    for path in paths:
        if path.exists():
            raise InputError(f"{path} exists; pass another folder, or remove the file.")
    return list(paths)


def write_file(out: Path, fill: Callable[[Path], object]) -> None:
    """Write a whole file or none, into a folder that is made if it is missing."""
    from zoo.hub.weights import write

    try:
        out.parent.mkdir(exist_ok=True)
        write(out, fill)
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror or error}.") from error


def _is_folder(out: Path) -> bool:
    return out.is_dir() or not out.suffix
