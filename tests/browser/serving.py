"""The app as users start it, for as long as a test or a measurement lasts."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

LAUNCH = 120  # s


@contextmanager
def served(log: Path | None = None, **environment: str) -> Iterator[tuple[str, int]]:
    """Serve the app at a free port; gives its address and the number of its process.

    What it prints goes to `log`, if there is one.
    """
    port = free_port()
    command = [sys.executable, "-m", "zoo", "app", "--port", str(port), "--address", "127.0.0.1"]
    with ExitStack() as stack:
        output = stack.enter_context(log.open("wb")) if log else None
        server = stack.enter_context(
            subprocess.Popen(
                command, env=os.environ | environment, stdout=output, stderr=output and subprocess.STDOUT
            )
        )
        try:
            yield wait_for(f"http://127.0.0.1:{port}"), server.pid
        finally:
            server.terminate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url: str) -> str:
    """The address, once it answers."""
    end = time.monotonic() + LAUNCH
    while True:
        try:
            requests.get(f"{url}/_stcore/health", timeout=1).raise_for_status()
            return url
        except requests.RequestException:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
