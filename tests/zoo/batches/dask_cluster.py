"""A Dask scheduler and workers as processes of this machine."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.zoo.batches import stand_in

ROOT = Path(__file__).parents[3]
WORKER = f"""
import sys
from zoo.batches import helpers, workers
workers.MODULE, helpers.IDLE_SECONDS = {stand_in.MODULE!r}, float(sys.argv.pop(1))
from distributed.cli.dask_worker import main
main()
"""


class DaskCluster:
    """A scheduler on loopback, and the workers that are asked for; their helper processes have no network.

    Parameters
    ----------
    folder : path
        For logs and what Dask writes.
    options : sequence of str
        Of scheduler and workers, for TLS.
    """

    def __init__(self, folder: Path, options: Sequence[str] = ()):
        self._folder, self._options = folder, options
        self.workers: list[subprocess.Popen[bytes]] = []
        file = folder / "scheduler.json"
        command = ["-m", "distributed.cli.dask_scheduler", "--port", "0", "--host", "127.0.0.1"]
        command += ["--no-dashboard", "--no-show", "--scheduler-file", str(file)]
        self.scheduler = self._start("scheduler", [*command, *options])
        wait_for(file.is_file)
        self._target = json.loads(file.read_text())["address"]
        self.address = self._target.replace("tcp://", "dask://").replace("tls://", "dask+tls://")

    def add_workers(self, count: int, *, idle_seconds: float = 60, nthreads: int = 1) -> None:
        """Start workers until `count` are alive."""
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < count:
            name = f"worker{time.monotonic_ns()}"
            command = ["-c", WORKER, str(idle_seconds), self._target, "--nthreads", str(nthreads)]
            command += [
                "--no-nanny",
                "--no-dashboard",
                "--name",
                name,
                "--local-directory",
                str(self._folder),
            ]
            command += ["--host", "127.0.0.1", "--memory-limit", "0"]
            self.workers.append(self._start(name, [*command, *self._options]))

    def log(self) -> str:
        """Return what scheduler and workers have printed."""
        return "".join(path.read_text() for path in sorted(self._folder.glob("*.log")))

    def close(self) -> None:
        """End all processes."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def _start(self, name: str, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        with (self._folder / f"{name}.log").open("w") as log:
            return subprocess.Popen(
                [sys.executable, *arguments],
                cwd=self._folder,
                env={**os.environ, "PYTHONPATH": path},
                stdout=log,
                stderr=subprocess.STDOUT,
            )


@contextlib.contextmanager
def dask_cluster(folder: Path, options: Sequence[str] = ()) -> Iterator[DaskCluster]:
    """Start a scheduler, and end it with its workers."""
    cluster = DaskCluster(folder, options)
    try:
        yield cluster
    finally:
        cluster.close()


def wait_for(condition, seconds: float = 120) -> None:
    """Wait until a condition holds; fail if it does not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
