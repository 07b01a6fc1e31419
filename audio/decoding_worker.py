"""Sounds decoded in helper processes, which end at a limit of time or memory.

A recording keeps its helper until its last block, or until its blocks are closed.
"""

from __future__ import annotations

import io
import queue
import sys
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

import numpy as np

from zoo.audio import decoding
from zoo.audio.decoding import BLOCK_SECONDS, DECODE_SECONDS, MAX_SAMPLES, Decoded
from zoo.core import sandbox
from zoo.core.errors import InputError, WorkerError, WorkerMemoryError, WorkerTimeoutError, ZooError
from zoo.core.isolated import Worker
from zoo.core.machine import available_processors

MAX_FILE_BYTES = 1 << 30
OPEN_AT_ONCE = max(8, 2 * available_processors())
KEPT = 2  # helpers that stay when their recordings are over
WAIT_SECONDS = 60  # for another recording to end
_CLOSE_SECONDS = 5
_BASE_BYTES = 500_000_000
_FILE_COPIES = 3
_ANSWER_BYTES = 4 * BLOCK_SECONDS * MAX_SAMPLES
_PATIENCE = 6  # times the limit of processor time, on a busy machine


def decode(stream: IO[bytes], name: str) -> Decoded:
    """Begin to decode a sound file in a helper process; see `zoo.audio.decoding.decode`.

    Raises
    ------
    InputError
        As there, and if the file passes a limit, or too many recordings are open; the blocks raise it too.
    """
    with stream:
        content = stream.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise InputError(
            f"{name} is larger than {MAX_FILE_BYTES >> 20} MB, the most that is decoded in a helper process; "
            "split it, or set ZOO_ISOLATED_DECODING=0 if you trust it."
        )
    path = getattr(stream, "name", None)
    request = {"action": "open", "name": name, "path": path if isinstance(path, str) else None}
    answers = _answers(request, np.frombuffer(content, np.uint8))
    sample_rate, duration = next(answers)  # from here on, what ends the generator frees the helper
    return sample_rate, duration, answers


def _answers(request: dict[str, Any], file: np.ndarray) -> Generator[Any, None, None]:
    """First the rate and the duration of a recording, then its blocks."""
    name, max_bytes = request["name"], _BASE_BYTES + _FILE_COPIES * file.nbytes
    with _helper(name) as worker, _sentences(name, max_bytes):
        before, seconds = worker.cpu_seconds, 0.0

        def ask(request: dict[str, Any], *arrays: np.ndarray) -> tuple[dict[str, Any], list[np.ndarray]]:
            allowed = DECODE_SECONDS[0] + DECODE_SECONDS[1] * (seconds + BLOCK_SECONDS)
            budget = max(0, allowed - (worker.cpu_seconds - before))
            return worker.call(
                request, *arrays, seconds=_PATIENCE * budget, cpu_seconds=budget, max_bytes=max_bytes
            )

        sample_rate, duration = _header(*ask(request, file))
        del file
        yield sample_rate, duration
        while (block := _block(*ask({"action": "next"}))) is not None:
            seconds += len(block) / sample_rate
            yield block


def _header(answer: dict[str, Any], _: list[np.ndarray]) -> tuple[int, float | None]:
    match answer:
        case {"sample_rate": int(sample_rate), "duration": None | int() | float() as duration} if (
            0 <= sample_rate < 2**31
        ):
            if duration is None or abs(duration) < 1e12:
                return sample_rate, duration
    raise WorkerError("The helper process sent no rate and duration.")


def _block(_: dict[str, Any], arrays: list[np.ndarray]) -> np.ndarray | None:
    match arrays:
        case []:
            return None
        case [block] if block.dtype == np.float32 and block.ndim == 2 and block.shape[1] == 1:
            return block
    raise WorkerError("The helper process sent no block of samples.")


@contextmanager
def _sentences(name: str, max_bytes: int) -> Iterator[None]:
    """Turn the failures of a helper into one sentence."""
    try:
        yield
    except WorkerTimeoutError:
        raise InputError(f"{name} takes too long to decode; save it again, as WAV or FLAC.") from None
    except WorkerMemoryError:
        raise InputError(
            f"{name} takes more than {max_bytes / 1e6:.0f} MB of memory to decode; "
            "save it again, as WAV or FLAC."
        ) from None
    except WorkerError as error:
        raise InputError(f"{name} cannot be decoded.") from error


# The garbage collector may close blocks anywhere, even within a call of these two: neither has a Python lock.
_places: queue.SimpleQueue[None] = queue.SimpleQueue()
for _ in range(OPEN_AT_ONCE):
    _places.put(None)
_idle: deque[Worker] = deque()


@contextmanager
def _helper(name: str) -> Iterator[Worker]:
    """Start a helper process for one recording."""
    try:
        _places.get(timeout=WAIT_SECONDS)
    except queue.Empty:
        raise InputError(
            f"{name} has waited {WAIT_SECONDS:g} s, as {OPEN_AT_ONCE} recordings are open; try again later."
        ) from None
    try:
        worker = _idle_worker() or _new_worker()
        try:
            yield worker
        finally:
            _give_back(worker)
    finally:
        _places.put(None)


def _idle_worker() -> Worker | None:
    with suppress(IndexError):
        while True:
            if (worker := _idle.pop()).alive:
                return worker
    return None


def _new_worker() -> Worker:
    sandbox.warn_if_missing()
    return Worker("zoo.audio.decoding_process", max_bytes=_BASE_BYTES, max_answer=_ANSWER_BYTES)


def _give_back(worker: Worker) -> None:
    if worker.alive and len(_idle) < KEPT and not sys.is_finalizing():
        with suppress(ZooError):
            worker.call({"action": "close"}, seconds=_CLOSE_SECONDS)
            _idle.append(worker)
            return
    worker.close()


class Decoder:
    """Do, in the helper process, what `decode` asks for, with one recording at a time."""

    def __init__(self) -> None:
        self._blocks: Iterator[np.ndarray] | None = None

    def answer(self, request: dict[str, Any], *arrays: np.ndarray) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Open a file, give its next block, or forget it."""
        match request["action"]:
            case "open":
                stream = io.BytesIO(arrays[0].data)
                if request["path"] is not None:
                    stream.name = request["path"]
                sample_rate, duration, self._blocks = decoding.decode(stream, request["name"])
                return {"sample_rate": sample_rate, "duration": duration}, []
            case "next":
                if self._blocks is None:  # this process has replaced the one that opened it
                    raise WorkerError("No recording is open.")
                block = next(self._blocks, None)
                return {}, [] if block is None else [block]
            case "close":
                self._blocks = None
                return {}, []
        raise ValueError(request["action"])
