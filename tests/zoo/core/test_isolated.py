"""Helper processes: messages arrive whole, limits hold, and nothing that a child sends is believed."""

import json
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from zoo.core import isolated
from zoo.core.errors import (
    InputError,
    WeightsError,
    WorkerError,
    WorkerMemoryError,
    WorkerTimeoutError,
    ZooError,
)
from zoo.core.isolated import MAX_ARRAYS, MAX_HEADER_BYTES, Worker

ROOT = Path(__file__).parents[3]
MODULE = "tests.zoo.core.misbehaving"
PATHS = {"PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))}
PATIENCE = 60  # s


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(MODULE, "one", "two", max_bytes=300_000_000, env=PATHS) as worker:
        yield worker


def message(header: object, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack(">I", len(text)) + text + data


def test_what_is_sent_comes_back(worker):
    arrays = [
        np.arange(12, dtype=np.float32).reshape(3, 4).T,
        np.zeros((0, 3), np.int64),
        np.array(True),
        np.random.default_rng(0).integers(0, 255, (2000, 2000), np.uint8),
    ]
    answer, outputs = worker.call({"name": "雁", "numbers": [1, 2.5, None]}, *arrays, seconds=PATIENCE)
    assert answer["name"] == "雁"
    assert answer["numbers"] == [1, 2.5, None]
    assert answer["arguments"] == ["one", "two"]
    assert answer["stdin"] == ""
    for array, output in zip(arrays, outputs, strict=True):
        assert output.dtype == array.dtype
        np.testing.assert_array_equal(output, array, strict=True)


def test_threads_take_turns(worker):
    def echo(n: int) -> int:
        answer, (array,) = worker.call({"n": n}, np.full(100_000, n), seconds=PATIENCE)
        assert (array == answer["n"]).all()
        return answer["n"]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(echo, range(20))) == list(range(20))


def test_errors_keep_their_type(worker):
    with pytest.raises(InputError, match=r"^one sentence\.$"):
        worker.call({"raise": "InputError", "text": "one sentence."}, seconds=PATIENCE)
    with pytest.raises(WeightsError, match=r"^weights$"):
        worker.call({"raise": "WeightsError", "text": "weights"}, seconds=PATIENCE)
    with pytest.raises(WorkerError, match="ZeroDivisionError"):
        worker.call({"divide": 0}, seconds=PATIENCE)
    assert worker.call({"divide": 2}, seconds=PATIENCE)[0] == {"result": 0.5}


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        ({"sleep": 60}, WorkerTimeoutError),
        ({"allocate": 2_000_000_000}, WorkerMemoryError),
        ({"exit": 0}, WorkerError),
    ],
)
def test_a_child_at_its_limit_is_killed_and_the_next_call_has_another(worker, request_, kind):
    before = worker.call({}, seconds=PATIENCE)[0]["pid"]
    with pytest.raises(kind) as caught:
        worker.call(request_, seconds=0.5 if "sleep" in request_ else PATIENCE)
    assert type(caught.value) is kind
    assert not worker.alive
    assert not psutil.pid_exists(before)
    assert worker.call({}, seconds=PATIENCE)[0]["pid"] != before


def test_nothing_of_a_request_stays_in_memory(worker):
    child = psutil.Process(worker.call({}, seconds=PATIENCE)[0]["pid"])
    before = child.memory_info().rss
    worker.call({}, np.ones(100_000_000, np.uint8), seconds=PATIENCE)
    worker.call({}, seconds=PATIENCE)  # by then it has left the one before
    assert child.memory_info().rss < before + 20_000_000


def test_a_request_may_have_another_limit_of_memory(worker):
    with pytest.raises(WorkerMemoryError):
        worker.call({"allocate": 100_000_000}, seconds=PATIENCE, max_bytes=90_000_000)


def test_processor_time_has_a_limit_of_its_own(worker):
    worker.call({"sleep": 1}, seconds=PATIENCE, cpu_seconds=0.5)
    with pytest.raises(WorkerTimeoutError, match=r"computed for 0\.5 s"):
        worker.call({"compute": PATIENCE}, seconds=PATIENCE, cpu_seconds=0.5)


def test_a_child_that_does_not_read_is_killed(worker):
    pid = worker.call({}, seconds=PATIENCE)[0]["pid"]
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(WorkerTimeoutError):
        worker.call({}, np.zeros(10_000_000), seconds=0.5)


class Exploit:
    def __reduce__(self):
        return (print, ("code ran in the parent",))


HOSTILE = {
    "pickle": pickle.dumps(Exploit()),
    "long header": struct.pack(">I", MAX_HEADER_BYTES + 1) + b"{" * 100,
    "no JSON": struct.pack(">I", 4) + b"\xff{{{",
    "deep": struct.pack(">I", 200_000) + b"[" * 200_000,
    "no message": message({"message": [], "arrays": []}),
    "no arrays": message({"message": {}, "arrays": 3}),
    "objects": message({"message": {}, "arrays": [{"dtype": "|O", "shape": [1]}]}, bytes(8)),
    "records": message({"message": {}, "arrays": [{"dtype": "f4,O", "shape": [1]}]}, bytes(16)),
    "strings": message({"message": {}, "arrays": [{"dtype": "<U9", "shape": [1]}]}, bytes(36)),
    "negative": message({"message": {}, "arrays": [{"dtype": "<f4", "shape": [-1]}]}),
    "fraction": message({"message": {}, "arrays": [{"dtype": "<f4", "shape": [1.5]}]}),
    "too large": message({"message": {}, "arrays": [{"dtype": "<f8", "shape": [1 << 40]}]}),
    "too wide": message({"message": {}, "arrays": [{"dtype": "<f8", "shape": [0, 10**30]}]}),
    "many": message({"message": {}, "arrays": [{"dtype": "<f8", "shape": [0]}] * (MAX_ARRAYS + 1)}),
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_a_child_that_was_taken_over_gets_nowhere(worker, raw, capfd):
    with pytest.raises(WorkerError, match="sent an invalid answer"):
        worker.call({"write": raw.decode("latin-1")}, seconds=5)
    assert capfd.readouterr().out == ""
    assert worker.call({"divide": 1}, seconds=PATIENCE)[0] == {"result": 1}


def test_an_answer_that_stops_halfway_meets_the_time_limit(worker):
    half = message({"message": {}, "arrays": [{"dtype": "<f8", "shape": [100]}]}, bytes(400))
    with pytest.raises(WorkerTimeoutError):
        worker.call({"write": half.decode("latin-1")}, seconds=1)


def test_an_error_of_a_type_that_does_not_exist_is_the_workers(worker):
    for name in ("SystemExit", "annotations", "__builtins__", ""):
        raw = message({"message": {"error": name, "text": "x" * 10_000}, "arrays": []})
        with pytest.raises(ZooError) as caught:
            worker.call({"write": raw.decode("latin-1")}, seconds=5)
        assert type(caught.value) is WorkerError
        assert len(str(caught.value)) < 3000
        worker._end()  # it would go on to write


def test_an_answer_may_have_a_limit_of_its_own():
    with Worker(MODULE, max_bytes=300_000_000, max_answer=1000, env=PATHS) as worker:
        worker.call({}, np.zeros(1000, np.uint8), seconds=PATIENCE)
        with pytest.raises(WorkerError, match="sent an invalid answer"):
            worker.call({}, np.zeros(1001, np.uint8), seconds=PATIENCE)


def test_a_closed_worker_takes_no_requests():
    worker = Worker(MODULE, max_bytes=300_000_000, env=PATHS)
    worker.call({}, seconds=PATIENCE)
    worker.close()
    assert not worker.alive
    with pytest.raises(WorkerError, match="closed"):
        worker.call({}, seconds=PATIENCE)


def test_a_module_that_does_not_exist_is_an_error():
    with (
        Worker("tests.zoo.absent", max_bytes=300_000_000) as worker,
        pytest.raises(WorkerError, match="ended"),
    ):
        worker.call({}, seconds=PATIENCE)


def test_a_busy_child_ends_with_its_parent():
    program = (
        "import os, threading, time\n"
        "from zoo.core.isolated import Worker\n"
        f"worker = Worker({MODULE!r}, max_bytes=300_000_000)\n"
        "print(worker.call({}, seconds=60)[0]['pid'], flush=True)\n"
        "threading.Thread(target=worker.call, args=({'sleep': 60},), kwargs={'seconds': 60}).start()\n"
        "time.sleep(0.5)\n"
        "print('busy', flush=True)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-P", "-c", program], env={**os.environ, **PATHS}, stdout=subprocess.PIPE
    )
    with parent:
        child = psutil.Process(int(parent.stdout.readline()))
        assert parent.stdout.readline() == b"busy\n"
        parent.kill()
    child.wait(PATIENCE / 2)


def memory_of_processes(monkeypatch, sizes):
    """Let processes say that they take so much, call by call or for good; then what they do take."""
    real = psutil.Process.memory_info

    def message_of(process):
        size = sizes(process.pid)
        return SimpleNamespace(rss=size) if size else real(process)

    monkeypatch.setattr(psutil.Process, "memory_info", message_of)


def test_a_request_does_not_pay_for_the_memory_of_the_last(worker, monkeypatch):
    """Which a child that is interrupted after its answer has not freed yet."""
    first = worker.call({}, seconds=PATIENCE)[0]["pid"]
    left = [400_000_000] * 3
    memory_of_processes(monkeypatch, lambda pid: left.pop() if left else None)
    assert worker.call({}, seconds=PATIENCE)[0]["pid"] == first
    assert left == []


def test_a_child_that_keeps_its_memory_is_replaced(worker, monkeypatch):
    first = worker.call({}, seconds=PATIENCE)[0]["pid"]
    monkeypatch.setattr(isolated, "_FREEING", 0.1)
    memory_of_processes(monkeypatch, lambda pid: 400_000_000 if pid == first else None)
    assert worker.call({}, seconds=PATIENCE)[0]["pid"] != first


def test_waiting_for_a_turn_does_not_count(worker):
    first = threading.Thread(target=worker.call, args=({"sleep": 3},), kwargs={"seconds": PATIENCE})
    worker.call({}, seconds=PATIENCE)
    first.start()
    time.sleep(0.2)
    worker.call({"divide": 1}, seconds=2)
    first.join()
