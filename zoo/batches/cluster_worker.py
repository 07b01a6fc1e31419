"""What a Dask worker does for a run, for `zoo.batches.cluster`.

Requests and answers are plain data. Helper processes read the files, so one that crashes its process, hangs,
or takes too much memory does not touch the Dask worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from zoo.batches.helpers import HelperPool
from zoo.batches.manifest import File
from zoo.batches.parts import ShardLocks
from zoo.batches.settings import Settings, is_batch
from zoo.batches.shards import seconds_per_file, write_shard
from zoo.batches.workers import BatchWorker, Limits
from zoo.core.errors import ClusterError, InputError, ZooError, reason
from zoo.core.isolated import described
from zoo.results.provenance import Provenance, difference, from_json

_HELPERS = HelperPool()


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Answer a request of the client, in a task.

    Parameters
    ----------
    request : dict
        ``action``, one of ``describe`` (what makes the rows), ``time`` (some files, without writing) and
        ``write`` (the parts of a shard), and what it needs; see `zoo.batches.cluster`.

    Returns
    -------
    dict
        The answer, or a description of the error as of `zoo.core.isolated.described`.
    """
    from distributed import get_worker

    try:
        return _answered(request, get_worker().address)
    except Exception as error:  # of any library
        return described(error)


def end(run: str) -> None:
    """End the helper processes of a run, at once."""
    _HELPERS.end(run)


def _answered(request: dict[str, Any], address: str) -> dict[str, Any]:
    if request["version"] != (own := version("zoo-pretrained")):
        raise ClusterError(
            f"The worker {address} has version {own} of the zoo, and this is {request['version']}; install "
            "one version everywhere."
        )
    match request:
        case {"action": "describe"}:
            with _HELPERS.helper(request["run"], lambda: _start(request)) as helper:
                helper.ensure_loaded()
                return {"records": [record.to_json() for record in helper.records]}
        case {"action": "time", "networks": networks}:
            files = _files(request, address)
            with _HELPERS.helper(request["run"], lambda: _start(request)) as helper:
                helper.ensure_loaded()
                return {"seconds": seconds_per_file(helper, files, networks)}
        case {"action": "write", "folder": folder, "shard": shard, "parts": parts, "records": records}:
            try:
                return _write(request, Path(folder), shard, parts, records, address)
            except OSError as error:
                if isinstance(error, ZooError):
                    raise
                text = f"The folder {folder} cannot be written by the worker {address}: {reason(error)}."
                raise InputError(text) from error
    raise ValueError(request["action"])


def _write(
    request: dict[str, Any],
    folder: Path,
    shard: int,
    parts: dict[int, str],
    records: Sequence[bytes],
    address: str,
) -> dict[str, Any]:
    """Write the parts of a shard, unless another process is at it."""
    paths = {position: Path(path) for position, path in parts.items()}
    if not is_batch(folder) or not all(path.parent.is_dir() for path in paths.values()):
        raise ClusterError(
            f"The folder {folder} is not on the worker {address}; choose one on a file system that all "
            "machines share."
        )
    files = _files(request, address)
    counts = [0, 0]

    def count(done: int, failed: int) -> None:
        counts[0] += done
        counts[1] += failed

    with ShardLocks(folder).shard(shard) as acquired:
        if not acquired:
            return {"busy": True}
        with _HELPERS.helper(request["run"], lambda: _start(request)) as helper:
            helper.ensure_loaded()
            agreed = [from_json(record, "the client") for record in records]
            for position in paths:
                _require_same(agreed[position], helper.records[position], address)
            write_shard(helper, files, paths, agreed, count)
    return {"files": counts[0], "failed": counts[1], "worker": address}


def _start(request: dict[str, Any]) -> BatchWorker:
    """Start a helper; a thread of a Dask worker stands for one core."""
    directory = Path(request["directory"])
    return BatchWorker(
        msgspec.convert(request["settings"], Settings),
        Limits(*request["limits"]),
        device=request["device"],
        threads=1,
        trust=request["trust"],
        directory=str(directory) if directory.is_dir() else None,
    )


def _files(request: dict[str, Any], address: str) -> list[File]:
    """Return the files of a request, if the one that is on the client is here too."""
    witness = request["witness"]
    if witness and not Path(request["directory"], witness).is_file():
        raise ClusterError(
            f"{witness} is not on the worker {address}; the files must be on a file system that all machines "
            "share, or be URLs."
        )
    return [File(*file) for file in request["files"]]


def _require_same(agreed: Provenance, own: Provenance, address: str) -> None:
    """See that rows of this worker can stand beside those of the first one."""
    if text := difference(agreed, own):
        raise ClusterError(
            f"The worker {address} does not compute what the first worker of the run does: {text}."
        )
