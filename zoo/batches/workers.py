"""Worker processes that outlive their files: one that hangs, crashes, or takes too much memory is named.

A worker gets some images at a time, or a recording. If it ends, or passes a limit, a second process, which
holds no network and so starts at once, reads each image that the worker may have touched by itself. An image
that ends that one too is left out with the reason, and the others are done together. If all can be read, each
is tried by itself with the networks, as a recording is; a file that ends the worker again, or a recording
that takes too long, is left out.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby, zip_longest
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from zoo.batches.manifest import File
from zoo.batches.rows import failure_rows
from zoo.batches.settings import BATCH_SIZE, Settings
from zoo.core.errors import WorkerError, WorkerMemoryError, WorkerTimeoutError
from zoo.core.isolated import Worker
from zoo.results.provenance import Provenance, from_json

MODULE = "zoo.batches.worker_process"
_LOAD_SECONDS = 1800.0  # for weights of any size, on a busy machine
_LOAD_BYTES = 1 << 50
_LEAST_SECONDS = 10.0  # that images may take together, as a machine may be busy for a while
_SLOWER = 5.0  # times the slowest so far, after which images are tried one by one: probably one of them hangs


@dataclass(frozen=True)
class Limits:
    """What one file may take.

    Attributes
    ----------
    seconds : float
    gigabytes : float
        Of memory, beside the networks (10^9 bytes).
    """

    seconds: float
    gigabytes: float


class BatchWorker:
    """A process with the networks of a batch loaded, which is started again when a file has ended it.

    Parameters
    ----------
    settings : Settings
    limits : Limits
    device : str
    threads : int
        Of PyTorch in the process.
    trust : bool
        As of `zoo.load`.
    directory : str, optional
        Folder that relative paths begin at; by default that of this process.

    Attributes
    ----------
    schemas : list of pyarrow.Schema
        Of the rows of each network.
    records : list of Provenance
        What makes the rows of each network; both are empty until the networks are loaded.
    """

    def __init__(
        self,
        settings: Settings,
        limits: Limits,
        *,
        device: str,
        threads: int,
        trust: bool,
        directory: str | None = None,
    ):
        arguments = {
            "settings": msgspec.to_builtins(settings),
            "device": device,
            "threads": threads,
            "trust": trust,
        }
        self._settings, self._limits = settings, limits
        self._start = partial(
            Worker,
            MODULE,
            json.dumps(arguments),
            max_bytes=_LOAD_BYTES,
            env={"OMP_NUM_THREADS": str(threads)},
            directory=directory,
        )
        self._worker = self._start()
        self._reader: Worker | None = None  # of suspects; without networks
        self._max_bytes, self._reader_bytes, self._stopped = 0, 0, False
        self._slowest: float | None = None  # s that images took together, at most
        self.schemas: list[pa.Schema] = []
        self.records: list[Provenance] = []

    def load(self) -> None:
        """Load the networks.

        Raises
        ------
        ZooError
            If a network cannot be loaded, or does not take the options.
        """
        try:
            answer, described = self._worker.call(
                {"action": "load"}, seconds=_LOAD_SECONDS, max_bytes=_LOAD_BYTES
            )
        except WorkerError as error:
            raise WorkerError(
                f"A worker process could not load the networks, perhaps for lack of memory: {error} "
                "Try fewer workers."
            ) from error
        networks = len(self._settings.networks)
        self.schemas = [pa.ipc.read_schema(pa.py_buffer(schema)) for schema in described[:networks]]
        self.records = [from_json(record.tobytes(), "a worker") for record in described[networks:]]
        self._max_bytes = int(answer["memory"] + 1e9 * self._limits.gigabytes)

    def ensure_loaded(self) -> None:
        """Load the networks, if the process does not have them.

        Raises
        ------
        WorkerError
            If the worker has been stopped.
        ZooError
            As of `load`.
        """
        if self._stopped:
            raise WorkerError("The worker has been stopped.")
        if not self.schemas or not self._worker.alive:
            self.load()

    def rows(self, files: Sequence[File], networks: Sequence[int]) -> Iterator[list[pa.RecordBatch]]:
        """Run some of the networks on files, in their order.

        Yields
        ------
        list of pyarrow.RecordBatch
            Rows of some more files, one batch a network.
        """
        chunks = list(_chunks(files, self._settings.modality))
        decoded_ahead = chunks[1:] if self._settings.modality == "image" else []
        reasons: dict[int, str] = {}  # why a file is left out, by its number
        alone = False  # whether the files of the next chunk are suspects
        for chunk, ahead in zip_longest(chunks, decoded_ahead, fillvalue=[]):
            if not alone and (rows := self._together(chunk, ahead, networks, reasons)):
                yield rows
                continue
            for file in chunk:
                reason = reasons.get(file.number)
                yield self._failures(file, reason, networks) if reason else self._alone(file, networks)
            alone = not alone and bool(ahead)

    def stop(self) -> None:
        """End the process, from any thread; `rows` raises a `WorkerError`."""
        self._stopped = True
        self._worker.kill()
        if self._reader:
            self._reader.kill()

    def close(self) -> None:
        """End the process."""
        self._worker.close()
        if self._reader:
            self._reader.close()

    def __enter__(self) -> BatchWorker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _together(
        self,
        chunk: Sequence[File],
        ahead: Sequence[File],
        networks: Sequence[int],
        reasons: dict[int, str],
    ) -> list[pa.RecordBatch] | None:
        """Return the rows of files, or None if each has to be tried by itself.

        Files with a reason are left out; reasons of files that cannot be read are added.
        """
        while True:
            good, coming = ([file for file in some if file.number not in reasons] for some in (chunk, ahead))
            rows = self._tried(good, coming, networks) if good else []
            if rows is not None:
                failures = [
                    self._failures(f, reasons[f.number], networks) for f in chunk if f.number in reasons
                ]
                return [_joined(own) for own in zip(*([rows] if rows else []), *failures, strict=True)]
            if self._settings.modality == "audio":
                return None
            suspects = self._unreadable([*good, *coming])
            if not suspects:
                return None
            reasons |= suspects

    def _unreadable(self, files: Sequence[File]) -> dict[int, str]:
        """Return why files cannot be read, by number, while the networks are loaded again."""
        reasons: dict[int, str] = {}
        with ThreadPoolExecutor(1) as pool:
            loading = pool.submit(self.ensure_loaded)
            for file in files:
                if reason := self._read(file):
                    reasons[file.number] = reason
            loading.result()
        return reasons

    def _read(self, file: File) -> str | None:
        """Read a file in a process without networks; the reason if it ends that process."""
        if self._stopped:
            raise WorkerError("The worker has been stopped.")
        reader = self._reader
        if not reader or not reader.alive:
            reader = self._reader = reader or self._start()
            answer, _ = reader.call({"action": "start"}, seconds=_LOAD_SECONDS)
            self._reader_bytes = int(answer["memory"] + 1e9 * self._limits.gigabytes)
        request = {"action": "read", "file": [file.number, file.path]}
        seconds, max_bytes = self._limits.seconds, self._reader_bytes
        return self._reason(reader, lambda: reader.call(request, seconds=seconds, max_bytes=max_bytes))

    def _reason(self, worker: Worker, call: Callable[[], object]) -> str | None:
        """Call a process for one file; the reason if the file ends it."""
        try:
            call()
        except WorkerTimeoutError:
            return self._late
        except WorkerMemoryError:
            return f"needed more than {self._limits.gigabytes:g} GB of memory"
        except WorkerError as error:
            if self._stopped:
                raise
            return f"failed: {error}" if worker.alive else _ended(worker.exit_code)
        return None

    def _tried(
        self, files: Sequence[File], ahead: Sequence[File], networks: Sequence[int]
    ) -> list[pa.RecordBatch] | None:
        """Return the rows of files; None if each has to be tried by itself."""
        self.ensure_loaded()
        begin = time.monotonic()
        try:
            rows = self._asked(files, ahead, networks, self._seconds_together())
        except WorkerError as error:
            if self._stopped:
                raise
            if isinstance(error, WorkerTimeoutError) and self._settings.modality == "audio":
                return self._failures(files[0], self._late, networks)
            return None
        self._slowest = max(self._slowest or 0.0, time.monotonic() - begin)
        return rows

    def _seconds_together(self) -> float:
        """Return how long the files of a chunk may take, in s."""
        if self._slowest is None or self._settings.modality == "audio":
            return self._limits.seconds
        return min(self._limits.seconds, max(_LEAST_SECONDS, _SLOWER * self._slowest))

    def _alone(self, file: File, networks: Sequence[int]) -> list[pa.RecordBatch]:
        """Return the rows of a file that has been under suspicion; of its failure, if it ends the process."""
        self.ensure_loaded()
        rows: list[pa.RecordBatch] = []
        seconds = self._limits.seconds
        reason = self._reason(self._worker, lambda: rows.extend(self._asked([file], [], networks, seconds)))
        return self._failures(file, reason, networks) if reason else rows

    @property
    def _late(self) -> str:
        return f"took more than {self._limits.seconds:g} s"

    def _failures(self, file: File, reason: str, networks: Sequence[int]) -> list[pa.RecordBatch]:
        """Return the rows of a file that is left out."""
        error = f"{file.path} {reason.rstrip('.')}."
        return [failure_rows(self.schemas[i], file, None, error) for i in networks]

    def _asked(
        self, files: Sequence[File], ahead: Sequence[File], networks: Sequence[int], seconds: float
    ) -> list[pa.RecordBatch]:
        request: dict[str, Any] = {
            "action": "rows",
            "files": [[file.number, file.path] for file in files],
            "ahead": [[file.number, file.path] for file in ahead],
            "networks": list(networks),
        }
        _, answers = self._worker.call(request, seconds=seconds, max_bytes=self._max_bytes)
        return [_batch(answer) for answer in answers]


def _chunks(files: Sequence[File], modality: str) -> Iterator[list[File]]:
    """Cut files into what a worker gets at a time: the images of one batch, or one recording."""
    size = BATCH_SIZE if modality == "image" else 1
    for _, chunk in groupby(files, key=lambda file: file.number // size):
        yield list(chunk)


def _batch(answer: np.ndarray) -> pa.RecordBatch:
    with pa.ipc.open_stream(pa.py_buffer(answer)) as stream:
        return stream.read_next_batch()


def _joined(rows: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Join rows of one network, in the order of the files."""
    if len(rows) == 1:
        return rows[0]
    return pa.Table.from_batches(rows).sort_by("number").combine_chunks().to_batches()[0]


def _ended(code: int | None) -> str:
    if code is not None and code < 0:
        return f"ended the process ({signal.Signals(-code).name}, signal {-code})"
    return "ended the process"
