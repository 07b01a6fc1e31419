"""Run code that meets untrusted files in a helper process with limits of time and memory.

Parent and child exchange messages: the length of a header in four bytes, the header as JSON, and the bytes of
the arrays that it lists. A child that a hostile file has taken over can send wrong values, but it cannot run
code in the parent.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any

import numpy as np
import psutil

from zoo.core import errors
from zoo.core.errors import WorkerError, WorkerMemoryError, WorkerTimeoutError, ZooError

MAX_HEADER_BYTES = 4 << 20
MAX_ARRAYS = 10_000  # NASNet-Large has 1,500
_LONGEST_ERROR = 2000  # characters
_PREFIX = struct.Struct(">I")
_INTERVAL = 0.02  # s between two measurements of the child's memory
_FREEING = 10.0  # s until a child has freed its last request; a busy machine interrupts it before that

Handler = Callable[..., tuple[dict[str, Any], Sequence[np.ndarray]]]
_Read = Callable[[memoryview], None]


class Worker:
    """A helper process that answers one request at a time.

    It runs ``python -P -m module arguments``, and that module calls `serve`. If the process has ended or was
    killed at a limit, the next call starts it again: its arguments must hold all that it needs to know.

    Parameters
    ----------
    module, *arguments : str
    max_bytes : int
        Memory that the process may occupy.
    max_answer : int, optional
        Bytes of the arrays in an answer, by default the limit of memory.
    env : mapping, optional
        Environment variables to set beside those of this process.
    directory : str, optional
        Working directory of the process, by default that of this one.
    """

    def __init__(
        self,
        module: str,
        *arguments: str,
        max_bytes: int,
        max_answer: int | None = None,
        env: Mapping[str, str] | None = None,
        directory: str | None = None,
    ):
        self._command = [sys.executable, "-P", "-m", module, *arguments]
        self._name, self._env, self._directory = module, env or {}, directory
        self._max_bytes, self._max_answer = max_bytes, max_answer
        self._lock, self._closed = threading.Lock(), False
        self._process = self._start()

    def call(
        self,
        request: dict[str, Any],
        *arrays: np.ndarray,
        seconds: float,
        cpu_seconds: float = math.inf,
        max_bytes: int | None = None,
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Send a request and wait for its answer; several threads may call, and take turns.

        Parameters
        ----------
        request : dict
            Values that JSON can hold.
        *arrays : ndarray
            Of bool, integers or floats.
        seconds : float
            Time limit, from the sending to the last byte of the answer.
        cpu_seconds : float, optional
            Limit of processor time, which does not pass faster on a busy machine.
        max_bytes : int, optional
            Another limit of memory for this request.

        Returns
        -------
        dict, list of ndarray

        Raises
        ------
        WorkerTimeoutError, WorkerMemoryError
            If the process passes a limit; it is killed.
        WorkerError
            If the process ends, fails, or sends something invalid.
        ZooError
            Of the type that the handler in the process raised.
        """
        parts = _encoded(request, arrays)
        with self._lock:
            if self._closed:
                raise WorkerError(f"The worker {self._name} is closed.")
            max_bytes = max_bytes or self._max_bytes
            if not self.alive or not _shrinks(self._process.pid, max_bytes):
                self._end()
                self._process = self._start()
            try:
                limits = _Limits(self._name, self._process.pid, seconds, cpu_seconds, max_bytes)
                answer, outputs = self._exchange(parts, limits)
            except BaseException:  # a later call must not read the rest of this answer
                self._end()
                raise
        if "error" in answer:
            raise error_of(answer)
        return answer, outputs

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Exit code of the process, or minus the signal that ended it; None while it runs."""
        return self._process.poll()

    @property
    def cpu_seconds(self) -> float:
        """Processor time that the process has taken since its start; 0 if it has ended."""
        return _cpu_seconds(self._process.pid) if self.alive else 0.0

    def kill(self) -> None:
        """End the process, from any thread; the call that waits for it raises a `WorkerError`."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            self._process.kill()

    def close(self) -> None:
        """End the process."""
        self._closed = True
        self._end()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_process"):
            self.close()

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            self._command,
            env={**os.environ, **self._env},
            cwd=self._directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            pipesize=1 << 20,
            start_new_session=True,  # Ctrl-C in the terminal is for the parent
        )
        for pipe in _pipes(process):
            os.set_blocking(pipe.fileno(), False)
        return process

    def _end(self) -> None:
        if self._process.returncode is None:  # otherwise its number may be another process's by now
            with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS refuses if it has ended
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for pipe in _pipes(self._process):
            pipe.close()

    def _exchange(self, parts: list[memoryview], limits: _Limits) -> tuple[dict[str, Any], list[np.ndarray]]:
        target, source = (pipe.fileno() for pipe in _pipes(self._process))

        def read(buffer: memoryview) -> None:
            while buffer:
                limits.wait(source, select.POLLIN)
                count = os.readv(source, [buffer])
                if not count:
                    raise EOFError
                buffer = buffer[count:]

        try:
            for part in parts:
                while part:
                    limits.wait(target, select.POLLOUT)
                    part = part[os.write(target, part) :]
            return _received(read, self._max_answer or limits.max_bytes)
        except (OSError, EOFError) as error:
            raise WorkerError(f"The process {self._name} ended before it answered.") from error
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise WorkerError(f"The process {self._name} sent an invalid answer.") from error


class _Limits:
    """Wait for the pipes of a process while it stays within its limits."""

    def __init__(self, name: str, pid: int, seconds: float, cpu_seconds: float, max_bytes: int):
        self.max_bytes = max_bytes
        self._name, self._process = name, psutil.Process(pid)
        self._seconds, self._cpu_seconds = seconds, cpu_seconds
        self._end, self._due = time.monotonic() + seconds, 0.0
        self._cpu_end = math.inf if cpu_seconds == math.inf else _cpu_seconds(pid) + cpu_seconds

    def wait(self, pipe: int, event: int) -> None:
        poll = select.poll()
        poll.register(pipe, event)
        while True:
            self._check()
            if poll.poll(1e3 * _INTERVAL):
                return

    def _check(self) -> None:
        now = time.monotonic()
        if now > self._end:
            raise WorkerTimeoutError(f"The process {self._name} took more than {self._seconds:g} s.")
        if now < self._due:
            return
        self._due = now + _INTERVAL
        with contextlib.suppress(psutil.NoSuchProcess):  # reading notices that it has ended
            if self._process.memory_info().rss > self.max_bytes:
                limit = f"{self.max_bytes / 1e6:.0f} MB"
                raise WorkerMemoryError(f"The process {self._name} took more than {limit} of memory.")
            if self._cpu_end < math.inf and _cpu_seconds(self._process.pid) > self._cpu_end:
                raise WorkerTimeoutError(f"The process {self._name} computed for {self._cpu_seconds:g} s.")


def _shrinks(pid: int, max_bytes: int) -> bool:
    """Wait until a process takes no more memory than the next request may."""
    end = time.monotonic() + _FREEING
    with contextlib.suppress(psutil.NoSuchProcess):
        while psutil.Process(pid).memory_info().rss > max_bytes:
            if time.monotonic() > end:
                return False
            time.sleep(_INTERVAL)
    return True


def _cpu_seconds(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


def first_line(error: object) -> str:
    """Return the printable first line of an error that a stranger may have written, without its period."""
    line = next(iter(str(error).strip().splitlines()), "")[:300]
    return "".join(sign for sign in line if sign.isprintable()).rstrip(".")


def serve(handle: Handler) -> None:
    """Answer the requests of the parent until it closes the pipe or ends.

    Parameters
    ----------
    handle : callable
        Takes a request and its arrays, and returns an answer and a sequence of arrays. A `ZooError` that it
        raises is raised in the parent.
    """
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)  # what libraries print is not an answer
    threading.Thread(target=_exit_with_parent, args=(requests.fileno(),), daemon=True).start()

    def read(buffer: memoryview) -> None:
        if requests.readinto(buffer) != len(buffer):
            raise EOFError

    with contextlib.suppress(EOFError):  # the parent has closed the pipe
        while True:
            _answer(handle, read, answers)


def _answer(handle: Handler, read: _Read, answers: IO[bytes]) -> None:
    """Answer one request; nothing of it stays in memory."""
    request, arrays = _received(read, sys.maxsize)
    try:
        parts = _encoded(*handle(request, *arrays))
    except Exception as error:  # of any library
        parts = _encoded(described(error), ())
    for part in parts:
        answers.write(part)
    answers.flush()


def described(error: Exception) -> dict[str, Any]:
    """Describe an error for another process; one that is not the zoo's is a `WorkerError` there."""
    if isinstance(error, ZooError):
        return {"error": type(error).__name__, "text": str(error)[:_LONGEST_ERROR]}
    return {"error": "WorkerError", "text": f"{type(error).__name__}: {error}"[:_LONGEST_ERROR]}


def _exit_with_parent(pipe: int) -> None:
    poll = select.poll()
    poll.register(pipe, 0)  # POLLHUP is always reported
    poll.poll()
    os._exit(0)


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    """Return standard input and output of a process that was started with both."""
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def _encoded(message: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> list[memoryview]:
    arrays = [np.ascontiguousarray(array).reshape(np.shape(array)) for array in arrays]
    described = [{"dtype": _dtype(array.dtype.str).str, "shape": array.shape} for array in arrays]
    header = json.dumps({"message": message, "arrays": described}).encode()
    if len(header) > MAX_HEADER_BYTES:
        raise WorkerError(f"A message of {len(header)} bytes beside its arrays passes {MAX_HEADER_BYTES}.")
    data = [array.reshape(-1).data.cast("B") for array in arrays if array.size]
    return [memoryview(_PREFIX.pack(len(header)) + header), *data]


def _received(read: _Read, max_bytes: int) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Read a message, and check everything that it declares about itself."""
    prefix = bytearray(_PREFIX.size)
    read(memoryview(prefix))
    (length,) = _PREFIX.unpack(prefix)
    if length > MAX_HEADER_BYTES:
        raise ValueError("header too long")
    data = bytearray(length)
    read(memoryview(data))
    header = json.loads(data)
    message, described = header["message"], header["arrays"]
    if not isinstance(message, dict) or not isinstance(described, list) or len(described) > MAX_ARRAYS:
        raise ValueError("not a message")
    kinds = [(_dtype(one["dtype"]), _shape(one["shape"])) for one in described]
    if sum(dtype.itemsize * math.prod(shape) for dtype, shape in kinds) > max_bytes:
        raise ValueError("arrays too large")
    arrays = [np.empty(shape, dtype) for dtype, shape in kinds]
    for array in arrays:
        if array.size:
            read(array.reshape(-1).data.cast("B"))
    return message, arrays


def _dtype(name: str) -> np.dtype:
    if not isinstance(name, str) or len(name) > 8:
        raise TypeError("not a type of numbers")
    dtype = np.dtype(name)
    if dtype.kind not in "biuf" or not dtype.isnative:
        raise TypeError(f"arrays of {name} cannot be sent")
    return dtype


def _shape(values: list[int]) -> tuple[int, ...]:
    if not isinstance(values, list) or len(values) > 8 or not all(type(n) is int and n >= 0 for n in values):
        raise TypeError("not a shape")
    return tuple(values)


def error_of(answer: dict[str, Any]) -> ZooError:
    """Make the error that another process describes by `described`."""
    kind = getattr(errors, str(answer["error"]), None)
    text = str(answer.get("text", ""))[:_LONGEST_ERROR]
    return kind(text) if isinstance(kind, type) and issubclass(kind, ZooError) else WorkerError(text)
