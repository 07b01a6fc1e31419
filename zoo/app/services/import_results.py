"""The report of an import as a file of the project, beside the network."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from zoo.core.errors import InputError
from zoo.hub.weights import write
from zoo.results.import_report import ImportReport

REPORT = "import.json"
MAX_BYTES = 16 << 20  # of 50,000 layers


class _Tensor(Struct):
    name: str
    shape: list[int]


class _Layer(Struct):
    layer: str
    operator: str
    runs_in: str = msgspec.field(name="runs in")
    parameters: int = 0


def save_report(folder: Path, report: ImportReport) -> None:
    """Write a report into the folder of an attempt."""
    content = msgspec.json.encode(report.to_dict())
    write(folder / REPORT, lambda temporary: temporary.write_bytes(content))


def read_report(folder: Path) -> ImportReport | None:
    """Read the report of an imported network; None where there is none.

    Raises
    ------
    InputError
        If it is damaged.
    """
    try:
        path = folder / REPORT
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES >> 20} MB")
        report = msgspec.json.decode(path.read_bytes(), type=ImportReport)
        msgspec.convert((*report.inputs, *report.outputs), tuple[_Tensor, ...])
        msgspec.convert(report.layers, tuple[_Layer, ...])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"The report of an import is damaged ({error}).") from error
    return report
