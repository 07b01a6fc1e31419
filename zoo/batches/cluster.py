"""Shards as tasks on a Dask cluster: the client plans and counts, and the workers write the parts.

Dask sends Python objects as pickles, so the cluster must be the user's own. The zoo sends plain data and the
name of one function, `zoo.batches.cluster_worker.answer`.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from zoo.batches.connection import Connection, WorkersLost, scheduler_address
from zoo.batches.manifest import File
from zoo.batches.plan import Plan
from zoo.batches.remote import is_remote
from zoo.batches.report import Tally
from zoo.batches.run import agreed, clean
from zoo.batches.shards import TIMED_FILES
from zoo.batches.workers import Limits
from zoo.core.errors import ClusterError
from zoo.core.extras import require
from zoo.results.provenance import from_json

_BUSY_SECONDS = 1.0  # until a shard that another process has is tried again
_APPEAR_SECONDS = 60.0  # until a file that another machine has written is here (of NFS: acdirmax)


class ClusterExecutor:
    """Works on shards on the workers of a Dask cluster.

    Parameters
    ----------
    address : str
        ``dask://host:port``, or ``dask+tls://host:port``.
    limits : Limits
    device : str
    trust : bool

    Raises
    ------
    InputError
        If the address is not one.
    MissingLibraryError
        If Dask is not installed.
    """

    def __init__(self, address: str, limits: Limits, *, device: str, trust: bool):
        scheduler_address(address)
        require("distributed")
        self._address, self._limits = address, limits
        self._device, self._trust = device, trust

    def run(self, plan: Plan, shards: Sequence[int], tally: Tally) -> None:
        """Work until the shards have their parts.

        Raises
        ------
        ClusterError
            If the cluster cannot be reached or has no workers, the files are not on a worker or it
            computes something else, or a shard has ended several workers; in that case, all others are done.
        """
        try:
            with Connection(self._address, self._request(plan)) as connection:
                answer = connection.ask("describe")
                records = [from_json(record, "a worker") for record in answer["records"]]
                agreed(plan, records)
                tally.start()
                lost = self._work(connection, plan, deque(shards), answer["records"], tally)
        finally:
            clean(plan)  # what workers that were lost have left
        if lost:
            raise ClusterError(_lost_text(plan, lost))

    def estimate(self, plan: Plan) -> float | None:
        """Time some of the files that are left on one worker, and work out how long all of them take."""
        missing = plan.missing()
        if not len(missing):
            return None
        files = plan.files(int(missing[0]))[:TIMED_FILES]
        with Connection(self._address, self._request(plan)) as connection:
            answer = connection.ask("time", networks=plan.networks, **_sent(files))
            threads = max(connection.threads(), 1)
        return answer["seconds"] * plan.count(missing) / min(threads, len(missing))

    def _request(self, plan: Plan) -> dict[str, Any]:
        """Return what all requests of a run hold."""
        return {
            "settings": msgspec.to_builtins(plan.settings),
            "limits": [self._limits.seconds, self._limits.gigabytes],
            "device": self._device,
            "trust": self._trust,
            "directory": os.getcwd(),
        }

    def _work(
        self,
        connection: Connection,
        plan: Plan,
        waiting: deque[int],
        records: Sequence[bytes],
        tally: Tally,
    ) -> list[int]:
        """Have the shards done, some at a time; return those that have ended several workers."""
        folder = plan.folder.absolute()
        running: dict[str, int] = {}
        busy: deque[tuple[float, int]] = deque()  # when to try again what another process has
        lost: list[int] = []
        while waiting or running or busy:
            while busy and busy[0][0] < time.monotonic():
                waiting.append(busy.popleft()[1])
            while waiting and len(running) < connection.window():
                shard = waiting.popleft()
                parts = {i: os.path.abspath(path) for i, path in plan.parts(shard).items()}
                sent = {"folder": str(folder), "shard": shard, "parts": parts, "records": records}
                running[connection.submit("write", **sent, **_sent(plan.files(shard)))] = shard
            key = connection.next_done()
            if key is None:
                continue
            shard = running.pop(key)
            try:
                answer = connection.answer(key)
            except WorkersLost:
                lost.append(shard)
                continue
            if "busy" in answer:
                busy.append((time.monotonic() + _BUSY_SECONDS, shard))
                continue
            self._require_parts(plan.parts(shard).values(), answer["worker"])
            tally.add(answer["files"], answer["failed"])
        return lost

    def _require_parts(self, paths: Any, worker: str) -> None:
        """See that what a worker has written is here too."""
        end = time.monotonic() + _APPEAR_SECONDS
        for path in paths:
            while not path.exists():
                if time.monotonic() > end:
                    raise ClusterError(
                        f"The worker {worker} has written {path}, which is not here; choose a folder on a "
                        "file system that all machines share."
                    )
                os.scandir(path.parent).close()  # NFS reads the folder again
                time.sleep(0.1)


def _sent(files: Sequence[File]) -> dict[str, Any]:
    """Return files as plain data, and one of them that is on this machine."""
    local = (file.path.rpartition("::")[2] for file in files)
    witness = next((path for path in local if not is_remote(path) and Path(path).is_file()), None)
    return {"files": [[file.number, file.path] for file in files], "witness": witness}


def _lost_text(plan: Plan, lost: Sequence[int]) -> str:
    files = plan.files(lost[0])
    others = f" (and {len(lost) - 1} more shards)" if len(lost) > 1 else ""
    return (
        f"Shard {lost[0]} ended several workers of the cluster, one after the other{others}; its "
        f"{len(files)} files are {files[0].path} to {files[-1].path}. All other shards are done. Give the "
        "workers more memory, or lower max_gigabytes, and run the same again."
    )
