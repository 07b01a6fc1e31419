"""A worker process without a network: a file's class is its first letter, and bad names do what they say."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow as pa
from msgspec.structs import replace

from tests.zoo.results.provenances import PROVENANCE
from zoo.batches import workers
from zoo.batches.contents import open_content
from zoo.batches.manifest import File
from zoo.batches.report import BatchProgress
from zoo.batches.rows import failure_rows, task_schema
from zoo.batches.settings import NetworkSettings, Settings
from zoo.batches.worker_process import BatchProcess
from zoo.batches.workers import Limits
from zoo.core.errors import InputError
from zoo.core.isolated import serve

if TYPE_CHECKING:
    from zoo.batches.run import Executor

MODULE = "tests.zoo.batches.stand_in"
WEIGHTS = "STAND_IN_WEIGHTS"  # the environment variable with what the records of workers say of their weights


class StandIn:
    """Makes rows of the task classify."""

    def __init__(self, settings: Settings):
        self.schemas = [task_schema("classify", "image") for _ in settings.networks]
        record = replace(PROVENANCE, weights=os.environ.get(WEIGHTS, PROVENANCE.weights))
        self.records = [replace(record, network=network.name) for network in settings.networks]

    def rows(
        self, files: Sequence[File], ahead: Sequence[File], networks: Sequence[int]
    ) -> list[pa.RecordBatch]:
        for file in (*files, *ahead):
            misbehave(file.path)
        return [
            pa.Table.from_batches([self._row(file, i) for file in files]).combine_chunks().to_batches()[0]
            for i in networks
        ]

    def _row(self, file: File, network: int) -> pa.RecordBatch:
        try:
            sha256, _ = open_content(file.path)
        except InputError as error:
            return failure_rows(self.schemas[network], file, None, str(error))
        label = os.path.basename(file.path)[0]
        best = [{"index": network, "id": sha256[:8], "label": label, "score": 1.0}]
        row = {"number": file.number, "path": file.path, "sha256": sha256, "predictions": best}
        return pa.RecordBatch.from_pylist([row], self.schemas[network])


def misbehave(path: str) -> None:
    name = os.path.basename(path)
    if name.startswith("slow"):
        time.sleep(0.05)
    elif name.startswith("hang"):
        with open(f"{path}.tries", "a") as tries:
            tries.write("x")
        time.sleep(3600)
    elif name.startswith(("crash", "net-crash")):
        os.kill(os.getpid(), signal.SIGSEGV)
    elif name.startswith("parent"):
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(3600)
    elif name.startswith("exit"):
        os._exit(3)
    elif name.startswith("greedy"):
        arrays = [np.ones(1 << 20, np.uint8) for _ in range(2048)]
        time.sleep(3600 + len(arrays))
    elif name.startswith("raise"):
        raise ZeroDivisionError("division by zero")


def read(file: File) -> None:
    """Stand for the reading of a file without networks, which some files do not survive later only."""
    if not os.path.basename(file.path).startswith("net-"):
        misbehave(file.path)


def run(
    sources: object,
    out: Path,
    *,
    networks: Sequence[str] = ("one",),
    weights: str = "00",
    workers: int = 2,
    seconds: float = 60,
    gigabytes: float = 1,
    shard: str | None = None,
    shard_files: int | None = 16,
    retry: bool = False,
    progress: Callable[[BatchProgress], object] | None = None,
    executor: "Executor | None" = None,
) -> None:
    """Run a batch in a process where `zoo.batches.workers.MODULE` is this module."""
    from zoo.batches.plan import make_plan  # loads torch, which worker processes do not need
    from zoo.batches.run import Crew, EmbeddedExecutor, run_plan

    settings = Settings(
        task="classify",
        modality="image",
        options={"top": 1},
        engine="auto",
        networks=tuple(NetworkSettings(name, weights, {}) for name in networks),
    )
    plan = make_plan(sources, settings, out, shard=shard, shard_files=shard_files, retry=retry, write=True)
    crew = Crew(("cpu",) * workers, 1, Limits(seconds, gigabytes), False)
    run_plan(plan, executor or EmbeddedExecutor(crew), progress)


def main() -> None:
    """Serve as a worker, or, with the names of two folders, run a batch."""
    if len(sys.argv) == 3:
        workers.MODULE = MODULE
        run(sys.argv[1], Path(sys.argv[2]))
        return
    settings = msgspec.convert(json.loads(sys.argv[1])["settings"], Settings)
    serve(BatchProcess(lambda: StandIn(settings), read).answer)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # processes in the background may ignore it
    main()
