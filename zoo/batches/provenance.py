"""Where the rows of parts come from: a record in the metadata of each, the same in all parts of a run."""

from __future__ import annotations

from pathlib import Path

from zoo.batches.durable import write_durably
from zoo.batches.parts import part_files
from zoo.core.errors import InputError, reason
from zoo.results.embedding_files import read_provenance
from zoo.results.provenance import KEY, Provenance, difference, from_json

FILE = "provenance.json"  # in the folder of a network: what made the first rows, before there is a part


def describe_part(record: Provenance) -> dict[bytes, bytes]:
    """Return the metadata of a part whose rows a network makes."""
    return {KEY.encode(): record.to_json()}


def part_records(folder: Path) -> list[Provenance]:
    """Return what the parts in the folder of a network say made them, each record once, by shard.

    Raises
    ------
    InputError
        If a part cannot be read, or does not say what made it.
    """
    records: list[Provenance] = []
    for part in part_files(folder):
        record = read_provenance(part)
        if record not in records:
            records.append(record)
    return records


def part_difference(folder: Path, record: Provenance) -> str | None:
    """Say what keeps new rows from standing beside those in the folder of a network, by the first part there.

    That is the weights, the preprocessing, the options, or what the network makes of the canaries, which
    another engine, device or version of a library may change.

    Raises
    ------
    InputError
        If the part cannot be read, or does not say what made it.
    """
    for part in part_files(folder)[:1]:
        return difference(read_provenance(part), record)
    return None


def require_comparable(folder: Path, record: Provenance) -> None:
    """See that new rows can stand beside those in the folder of a network, or that another run writes now.

    The first run writes its record to `FILE`; until there is a part, others are compared with it. Only one
    process at a time may call this.

    Raises
    ------
    InputError
        If they cannot, see `part_difference`.
    """
    path = folder / FILE
    if part_files(folder):
        if text := part_difference(folder, record):
            raise InputError(
                f"{folder} holds rows that new ones cannot be compared with: {text}. Choose another folder."
            )
    elif not path.is_file():
        write_durably(path, lambda written: written.write_bytes(record.to_json()))
    elif text := difference(_read(path), record):
        raise InputError(
            f"Another run has begun to write rows into {folder} that those of this one cannot be compared "
            f"with: {text}. Choose another folder, or delete {path} if no other run is at work."
        )


def _read(path: Path) -> Provenance:
    try:
        return from_json(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {reason(error)}.") from error
