"""The app as users start it, for as long as a test or a measurement lasts."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests

LAUNCH = 120  # s


@contextmanager
def served(**environment: str) -> Iterator[tuple[str, int]]:
    """Serve the app at a free port; gives its address and the number of its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "zoo", "app", "--port", str(port), "--address", "127.0.0.1"]
    with subprocess.Popen(command, env=os.environ | environment) as server:
        try:
            yield wait_for(f"http://127.0.0.1:{port}"), server.pid
        finally:
            server.terminate()


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
