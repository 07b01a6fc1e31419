"""The process that works on the files of a batch, for `zoo.batches.workers`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec
import numpy as np
import psutil
import pyarrow as pa

from zoo.batches.manifest import File
from zoo.batches.pictures import read_picture
from zoo.batches.settings import Settings
from zoo.core.isolated import serve
from zoo.results.provenance import Provenance


class Runner(Protocol):
    """What makes rows of files; see `zoo.batches.tasks.TaskRunner`."""

    schemas: list[pa.Schema]
    records: list[Provenance]

    def rows(
        self, files: Sequence[File], ahead: Sequence[File], networks: Sequence[int]
    ) -> list[pa.RecordBatch]: ...


class BatchProcess:
    """Answers the requests of the parent.

    Parameters
    ----------
    make : callable
        Makes the runner when it is asked for the first time, so that its errors reach the parent.
    read : callable
        Reads and decodes a file, without the runner.
    """

    def __init__(self, make: Callable[[], Runner], read: Callable[[File], object] = read_picture):
        self._make, self._read = make, read
        self._runner: Runner | None = None

    def answer(self, request: dict[str, Any], *_: np.ndarray) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Load the networks, return the rows of files as streams of Arrow's IPC, or read a file only."""
        match request:
            case {"action": "start"}:
                return {"memory": _memory()}, []
            case {"action": "read", "file": file}:
                self._read(File(*file))
                return {}, []
        runner = self._runner = self._runner or self._make()
        match request:
            case {"action": "load"}:
                memory = _memory()
                schemas = [_bytes(schema.serialize()) for schema in runner.schemas]
                records = [np.frombuffer(record.to_json(), np.uint8) for record in runner.records]
                return {"memory": memory}, [*schemas, *records]
            case {"action": "rows", "files": files, "ahead": ahead, "networks": networks}:
                rows = runner.rows([File(*one) for one in files], [File(*one) for one in ahead], networks)
                return {}, [_bytes(_stream(batch)) for batch in rows]
        raise ValueError(request["action"])


def _memory() -> int:
    """Return the bytes of memory that this process occupies."""
    return psutil.Process().memory_info().rss


def _stream(batch: pa.RecordBatch) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def _bytes(buffer: pa.Buffer) -> np.ndarray:
    return np.frombuffer(buffer, np.uint8)


def main() -> None:
    """Serve the parent; the one argument is JSON, see `zoo.batches.workers.BatchWorker`."""
    arguments = json.loads(sys.argv[1])
    settings = msgspec.convert(arguments["settings"], Settings)

    def make() -> Runner:
        import torch

        from zoo.batches.tasks import TaskRunner

        torch.set_num_threads(arguments["threads"])
        return TaskRunner(settings, arguments["device"], arguments["trust"])

    serve(BatchProcess(make).answer)


if __name__ == "__main__":
    main()
