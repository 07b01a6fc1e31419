"""How the process ends: at a signal, within seconds, leaving neither files nor children."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import psutil

SECONDS = 5.0  # for requests and threads that are at work
_endings: list[Callable[[], object]] = []
_calling = threading.Lock()


def at_stop(ending: Callable[[], object]) -> None:
    """Call `ending` when the server stops, however that comes."""
    _endings.append(ending)


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Watch over the process as long as the server runs."""
    if threading.current_thread() is threading.main_thread():  # in other threads signals are not ours
        _watch_signals()
    try:
        yield
    finally:
        _clean_up()


def _watch_signals() -> None:
    """Let no signal wait for a request or a thread for longer than `SECONDS`."""
    stop = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def on_signal(number: int, frame: Any) -> None:
        deadline = threading.Timer(SECONDS, _leave, [number])
        deadline.daemon = True
        deadline.start()
        if callable(handler := stop[signal.Signals(number)]):
            handler(number, frame)  # the server's own, which lets requests finish

    for number in stop:
        signal.signal(number, on_signal)
    # The terminal is gone; nohup has it ignored.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


def _leave(number: int) -> None:
    _clean_up()
    os._exit(128 + number)


def _clean_up() -> None:
    for child in psutil.Process().children(recursive=True):
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue
    call_endings()


def call_endings() -> None:
    """Call what was registered with `at_stop`, once; return when all of it is done."""
    with _calling:  # the timer's thread may come while the server itself is here, and must not exit before
        while _endings:
            _endings.pop()()
