"""Where the rows of parts come from: a record in the metadata of each, the same in all parts of a run."""

from __future__ import annotations

from pathlib import Path

from zoo.batches.parts import part_files
from zoo.core.errors import InputError
from zoo.results.embedding_files import read_provenance
from zoo.results.provenance import KEY, Provenance, difference


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
    """See that new rows can stand beside those in the folder of a network.

    Raises
    ------
    InputError
        If they cannot, see `part_difference`.
    """
    if reason := part_difference(folder, record):
        raise InputError(
            f"{folder} holds rows that new ones cannot be compared with: {reason}. Choose another folder."
        )
