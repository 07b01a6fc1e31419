"""Read cases in processes that may hang, grow or crash, and watch them from outside."""

import contextlib
import faulthandler
import multiprocessing
import os
import shutil
import signal
import time
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import psutil

from benchmarks.fuzz.cases import Files, Format, Outcome, make_case, write_files
from zoo.core.errors import ZooError

MAX_SECONDS = 10.0  # of computing time; on the clock, a busy machine may take longer
_PATIENCE = 6  # times that, on the clock
MAX_GROWTH = 1 << 30
_STARTING = 180.0  # s to import a reader and make its seeds
_WATCH = 0.02  # s between two looks at the memory
_ROOT = str(Path(__file__).resolve().parents[2])


def outcomes(format: Format, seed: int, cases: Iterator[int], work: Path) -> Iterator[tuple[int, Outcome]]:
    """Read cases one after the other; a process that had to be ended is replaced."""
    worker = None
    try:
        for case in cases:
            worker = worker or _Worker(format, seed, work)
            outcome = worker.read(case)
            yield case, outcome
            if not worker.alive:
                worker = None
    finally:
        if worker:
            worker.end()


class _Worker:
    """A process that reads cases of one format."""

    def __init__(self, format: Format, seed: int, work: Path):
        work.mkdir(parents=True, exist_ok=True)
        self._dump = work / "traceback.txt"
        self._dump.write_bytes(b"")
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(format, seed, work, theirs), daemon=False)
        self._process.start()
        theirs.close()
        self.alive = True
        if not self._pipe.poll(_STARTING) or self._answer() != "ready":
            self.end()
            raise RuntimeError(f"The seeds of {format.name} cannot be made, see {work / 'log.txt'}.")

    def read(self, case: int) -> Outcome:
        """Let the process read a case, within the limits."""
        tree = psutil.Process(self._process.pid)
        before, used, begin, growth = _resident(tree), _computed(tree), time.monotonic(), 0
        self._pipe.send(case)
        while not self._pipe.poll(_WATCH):
            seconds, clock = _computed(tree) - used, time.monotonic() - begin
            growth = max(growth, _resident(tree) - before)
            if growth > MAX_GROWTH:
                return self._ended("growth", seconds, growth)
            if seconds > MAX_SECONDS or clock > MAX_SECONDS * _PATIENCE:
                return self._ended("hang", max(seconds, clock / _PATIENCE), growth)
            if not self._process.is_alive() and not self._pipe.poll(0.5):
                break
        outcome = self._answer()
        if outcome is None:
            return self._ended("crash", time.monotonic() - begin, growth)
        growth = max(growth, outcome.growth)
        kind = "growth" if growth > MAX_GROWTH else outcome.kind
        return Outcome(kind, outcome.seconds, growth, outcome.error, outcome.trace)

    def end(self) -> None:
        """End the process and what it started."""
        self.alive = False
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self._process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def _answer(self) -> Outcome | str | None:
        try:
            return self._pipe.recv()
        except (EOFError, OSError):
            return None

    def _ended(self, kind: str, seconds: float, growth: int) -> Outcome:
        """End the process, and say where it was."""
        if kind != "crash" and hasattr(signal, "SIGUSR1"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGUSR1)  # see `_serve`
            time.sleep(0.3)
        self.end()
        lines = [line.strip() for line in self._dump.read_text(errors="replace").splitlines()]
        frames = [line.replace('"', "") for line in lines if line.startswith("File ")]
        inside = next(
            (i for i, frame in enumerate(frames) if "benchmarks/fuzz/workers" in frame), len(frames)
        )
        how = f"{kind}: exit code {self._process.exitcode}" if kind == "crash" else f"{kind}: ended"
        return Outcome(kind, seconds, growth, how, tuple(map(_short, reversed(frames[:inside]))))


def _computed(tree: psutil.Process) -> float:
    """Return the CPU time of a process and its children, in s."""
    total = 0.0
    with contextlib.suppress(psutil.Error):
        total += sum(tree.cpu_times()[:4])  # with that of children which have ended
        for process in tree.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                total += sum(process.cpu_times()[:2])
    return total


def _resident(tree: psutil.Process) -> int:
    """Resident memory of a process and its children, in bytes."""
    total = 0
    with contextlib.suppress(psutil.Error):
        for process in (tree, *tree.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
    return total


def _serve(format: Format, seed: int, work: Path, pipe: Connection) -> None:
    """Make the seeds, and read each case whose number arrives."""
    with open(work / "log.txt", "ab", buffering=0) as log:  # decoders write to it as they please
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    dump = open(work / "traceback.txt", "w")
    faulthandler.enable(dump)
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, dump, all_threads=False)
    os.environ |= {"ZOO_OFFLINE": "1", "ZOO_CACHE": str(work / "cache"), "HF_HUB_OFFLINE": "1"}
    seeds = format.seeds()
    for index, files in enumerate(seeds):  # what the reader imports or keeps is no growth of a case
        _read(format, files, work / f"seed-{index}")
    pipe.send("ready")
    with contextlib.suppress(EOFError):
        while True:
            case = pipe.recv()
            files, steps = make_case(format, seeds, seed, case)
            shutil.rmtree(work / "case", ignore_errors=True)
            write_files({"steps.txt": "\n".join(steps).encode("utf-8", "replace")}, work / "case")
            pipe.send(_read(format, files, work / "case" / f"{case}"))


def _read(format: Format, files: Files, folder: Path) -> Outcome:
    """Read a case from a folder of its own, which stays until the next one."""
    write_files(files, folder)
    error, trace, kind = "", (), "accepted"
    before, begin = _reset_peak(), sum(os.times()[:4])
    try:
        format.read(folder / format.entry)
    except ZooError as refusal:
        kind, error = "refused", _line(refusal)
    except BaseException as raised:
        kind, error = "untyped", _line(raised)
        frames = traceback.extract_tb(raised.__traceback__)[1:]
        trace = tuple(
            _short(f"File {frame.filename}, line {frame.lineno} in {frame.name}") for frame in frames
        )
    seconds, growth = sum(os.times()[:4]) - begin, _peak() - before
    return Outcome(kind, seconds, max(growth, 0), error, trace)


def _line(error: BaseException) -> str:
    text = " ".join(str(error).encode("utf-8", "replace").decode().split())
    return f"{type(error).__name__}: {text[:300]}"


def _short(frame: str) -> str:
    """Shorten a frame by the folders that differ from machine to machine."""
    return frame.replace(_ROOT + "/", "").rpartition("site-packages/")[2].removeprefix("File ")


def _status(field: str) -> int:
    """Return one of Linux's figures about this process, in bytes; 0 elsewhere."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(field)), 0)


def _reset_peak() -> int:
    """Forget the peak of resident memory; returns what is resident now."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _peak() -> int:
    return _status("VmHWM")
