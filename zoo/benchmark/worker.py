"""Measure one network in a process of its own, which ends with the process that started it, or on request.

The process finds its request in a folder and leaves its answer there, as JSON: it has decoded files of
strangers, so what it says is data to the process that asked. Its stdin is a pipe that nobody writes
to: it closes when the other end is gone, however that ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from zoo.benchmark.background import BackgroundLoad
from zoo.core.errors import EngineError, InputError, ZooError
from zoo.core.machine import processor

if TYPE_CHECKING:
    import torch

    from zoo.inference.network import Network

_REQUEST, _ANSWER, _LOG = "request", "answer", "log"
_PAUSE = 0.1  # s between two checks


def measured(request: dict[str, Any], poll: Callable[[], object]) -> dict[str, Any]:
    """Measure in a process of its own; what it raises is raised here.

    Parameters
    ----------
    request : dict
        As `zoo.compare` makes it.
    poll : callable
        Called every tenth of a second; what it raises ends the process at once, and is raised.

    Returns
    -------
    dict
        ``row`` (of a `zoo.benchmark.compare.Measurement`), ``device``, ``threads`` and ``inputs``.

    Raises
    ------
    InputError
        If the request cannot be handed over.
    ZooError
        Whatever the process refuses.
    EngineError
        If the process fails.
    """
    try:
        message = pickle.dumps(request)
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        raise InputError("An open file cannot be compared on; give its path or its bytes.") from error
    with tempfile.TemporaryDirectory(prefix="zoo-measuring-") as name:
        folder = Path(name)
        (folder / _REQUEST).write_bytes(message)
        code = _run(folder, poll)
        if code:
            log = (folder / _LOG).read_text(errors="replace").strip().splitlines()
            why = log[-1] if log else f"it ended with {code}"
            raise EngineError(f"{request['name']} could not be measured: {why}.")
        answer = json.loads((folder / _ANSWER).read_bytes())
    if error := answer.get("error"):
        kinds = {kind.__name__: kind for kind in ZooError.__subclasses__()}
        raise kinds.get(error["kind"], ZooError)(error["text"])
    for key in ("answers", "labels", "scores"):
        answer["row"][key] = tuple(answer["row"][key])
    return answer | {"inputs": tuple(answer["inputs"])}


def _run(folder: Path, poll: Callable[[], object]) -> int:
    """Run the process and return its exit status."""
    command = [sys.executable, "-P", "-m", "zoo.benchmark.worker", os.fspath(folder)]
    with (folder / _LOG).open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
        pipe = process.stdin
        assert pipe is not None
        try:
            while True:
                poll()
                try:
                    return process.wait(_PAUSE)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            process.kill()  # nothing, where it is over
            process.wait()
            pipe.close()


def _measure(request: dict[str, Any]) -> dict[str, Any]:
    import torch

    net = _loaded(request)
    answer, device = _predicted(net, request), net.device
    cuda = device.type == "cuda"
    row = answer["row"]
    row["peak_memory_mb"] = (torch.cuda.max_memory_allocated(device) if cuda else _peak_memory()) / 1e6
    del net
    row["memory_mb"] = row["peak_memory_mb"] if cuda else _own_memory(request) / 1e6
    name = torch.cuda.get_device_name(device) if cuda else f"cpu ({processor()})"
    return answer | {"device": name, "threads": torch.get_num_threads()}


def _loaded(request: dict[str, Any]) -> Network:
    from zoo.inference.load import PRETRAINED, load

    return load(request["name"], weights=PRETRAINED if request["pretrained"] else None, **request["options"])


def _inputs(net: Network, rows: int) -> torch.Tensor:
    """Return random inputs of a network."""
    import torch

    torch.manual_seed(0)
    return torch.rand(1, *net.spec.input_shape).expand(rows, *net.spec.input_shape).contiguous()


def _predicted(net: Network, request: dict[str, Any]) -> dict[str, Any]:
    """Let a network predict, and return times and predictions, as ``row`` and ``inputs``."""
    import numpy as np

    from zoo.hub import weights

    results, input_ms, background = [], None, BackgroundLoad()
    if request["x"] is not None:
        inputs = request["x"] if isinstance(request["x"], list | tuple) else [request["x"]]
        results = net.classify(list(inputs), top=1, sample_rate=request["sample_rate"])
        whole = _timed(
            lambda: net.classify(inputs[0], sample_rate=request["sample_rate"]), request["repeats"]
        )
        input_ms = 1e3 * float(np.median(whole))
    one, several = _inputs(net, 1), _inputs(net, request["batch"])
    single = _timed(lambda: net.scores(one), request["repeats"])
    together = _timed(lambda: net.scores(several), max(3, request["repeats"] // 3))
    spec, file = net.spec, weights.path_of(net.spec)
    row = {
        "network": spec.name,
        "title": spec.title,
        "engine": net.engine.name,
        "latency_ms": 1e3 * float(np.median(single)),
        "latency_p90_ms": 1e3 * float(np.percentile(single, 90)),
        "input_ms": input_ms,
        "throughput": request["batch"] / float(np.median(together)),
        "file_mb": file.stat().st_size / 1e6 if file.is_file() else spec.size_mb,
        "accuracy": spec.accuracy.value if spec.accuracy else None,
        "published_accuracy": spec.published.accuracy if spec.published else None,
        "published_time": spec.published.relative_time if spec.published else None,
        "metric": spec.accuracy.metric if spec.accuracy else "",
        "answers": tuple(one.ids[0] for one in results),
        "labels": tuple(one.labels[0] for one in results),
        "scores": tuple(float(one.scores[0]) for one in results),
        "classes": sha256("\n".join(label.id for label in net.labels).encode()).hexdigest()
        if results
        else "",
        "trained": request["pretrained"],
        "background_load": background.fraction(),
    }
    return {"row": row, "inputs": tuple(one.input for one in results)}


def _timed(work: Callable[[], Any], repeats: int) -> list[float]:
    """Seconds of each pass, after two that do not count; scores come to the CPU, so a GPU is waited for."""
    for _ in range(2):
        work()
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return seconds


def _own_memory(request: dict[str, Any]) -> float:
    """Return by how many bytes this process grows for a network: from before it is loaded to its peak.

    The network must have predicted before, so that libraries are imported and its graph is exported, and must
    be gone. Outside Linux the peak is that of the whole measurement.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # of another C library than GNU's
        ctypes.CDLL(None).malloc_trim(0)  # what is free but kept would hide growth
    before = psutil.Process().memory_info().rss
    net = _loaded(request)
    net.scores(_inputs(net, 1))
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # begin the peak anew: proc_pid_clear_refs(5)
    net.scores(_inputs(net, request["batch"]))
    return max(0.0, _peak_memory() - before)


def _peak_memory() -> float:
    """Bytes; of this process and not of the one that started it, whose peak ``getrusage`` would inherit."""
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def _end_with_parent(folder: Path) -> None:
    """Remove the folder and exit as soon as the other end of stdin is closed."""
    os.read(0, 1)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def main() -> None:
    """Do what the request in a folder asks for, and leave the answer, or the error, beside it."""
    folder = Path(sys.argv[1])
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    request = pickle.loads((folder / _REQUEST).read_bytes())
    try:
        answer: Any = _measure(request)
    except ZooError as error:
        answer = {"error": {"kind": type(error).__name__, "text": str(error)}}
    (folder / _ANSWER).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
