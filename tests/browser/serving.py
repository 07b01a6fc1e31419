"""The app as users start it, for as long as a test or a measurement lasts."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

LAUNCH = 120  # s


@contextmanager
def served(
    log: Path | None = None, *, port: int | None = None, **environment: str
) -> Iterator[tuple[str, int]]:
    """Serve the app at a free port; gives its address and the number of its process.

    What it prints goes to `log`, if there is one. Projects are kept for as long as it is served, unless the
    environment names a folder for them; `port` is another one than a free one.
    """
    port = port or free_port()
    command = [sys.executable, "-m", "zoo", "app", "--port", str(port), "--address", "127.0.0.1"]
    with ExitStack() as stack:
        projects = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        environment = {"ZOO_APP_PROJECTS": projects} | environment
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
