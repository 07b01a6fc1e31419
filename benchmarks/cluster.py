"""Speed of ``zoo batch`` on a Dask cluster of this machine against the processes of this machine.

``python -m benchmarks.cluster`` runs a batch of small photos each way, without and with bad files: truncated,
of another type, empty, absent, and such that hang, end their process, or take much memory. The rows of both
ways are compared.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
from distributed import LocalCluster

from benchmarks.batch import make_photos
from tests.zoo.batches.stand_in import misbehave
from zoo.batches import workers
from zoo.batches.api import batch
from zoo.batches.folder import open_batch
from zoo.batches.manifest import File
from zoo.batches.pictures import read_picture
from zoo.batches.settings import Settings
from zoo.batches.tasks import TaskRunner
from zoo.batches.worker_process import BatchProcess
from zoo.core.isolated import serve

MODULE = "benchmarks.cluster"
ROOT = Path(__file__).parents[1]


class BadFiles(TaskRunner):
    """The real work, but for files whose names say that they are bad."""

    def rows(
        self, files: Sequence[File], ahead: Sequence[File], networks: Sequence[int]
    ) -> list[pa.RecordBatch]:
        for file in files:
            misbehave(file.path)
        return super().rows(files, ahead, networks)


def read(file: File) -> None:
    """Read a file without networks, as badly."""
    misbehave(file.path)
    read_picture(file)


def use_bad_files() -> None:
    """Let helper processes have the bad files; on Dask workers, too."""
    workers.MODULE = MODULE


def with_bad_files(folder: Path, photos: Sequence[Path], count: int) -> Path:
    """Write a table of photos with bad files among them, of each kind as many."""
    files = list(photos)
    folder.mkdir()
    kinds = ("cut", "text", "empty", "absent", "hang", "crash", "greedy")
    for i in range(count):
        kind = kinds[i % len(kinds)]
        path = folder / f"{kind}{i}.jpg"
        files.insert(i * len(files) // count, path)
        content = photos[i].read_bytes()
        contents = {"cut": content[: len(content) // 4], "text": b"text", "empty": b""}
        if kind == "absent":
            path.symlink_to(folder / "absent")
        else:
            path.write_bytes(contents.get(kind, content))
    table = folder / "files.csv"
    table.write_text("\n".join(["file", *map(str, files)]))
    return table


def measured(table: Path, out: Path, cluster: str) -> tuple[float, int]:
    """Run a batch: seconds with the start of the processes, and files that failed."""
    begin = time.monotonic()
    report = batch(
        str(table),
        task="embed",
        network="squeezenet",
        out=out,
        cluster=cluster,
        device="cpu",
        max_seconds=5,
        max_gigabytes=1,
    )
    return time.monotonic() - begin, report.failed


def difference(one: Path, other: Path) -> float:
    """Compare the rows of two folders: the largest difference of vectors; paths and errors must be equal."""
    tables = [open_batch(path).dataset().to_table().sort_by("path") for path in (one, other)]
    for column in ("path", "sha256", "error"):
        assert tables[0][column].equals(tables[1][column]), column
    first, second = (open_batch(path).vectors() for path in (one, other))
    return float(abs(first - second).max())


def main() -> None:
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        arguments = json.loads(sys.argv[1])
        settings = msgspec.convert(arguments["settings"], Settings)
        serve(
            BatchProcess(
                lambda: BadFiles(settings, arguments["device"], arguments["trust"]),
                read,
            ).answer
        )
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--bad", type=int, nargs="+", default=[0, 20], help="bad files among them")
    options = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    use_bad_files()
    with (
        tempfile.TemporaryDirectory() as name,
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
    ):
        with cluster.get_client() as client:
            client.run(use_bad_files)
        address = cluster.scheduler_address.replace("tcp://", "dask://")
        photos = make_photos(Path(name, "photos"), options.files, (320, 240))
        for bad in options.bad:
            table = with_bad_files(Path(name, f"bad{bad}"), photos, bad)
            for way, place in (("this machine", ""), ("cluster", address)):
                seconds, failed = measured(table, Path(name, f"{way} {bad}"), place)
                what = f"{way}, {options.files} photos and {bad} bad files"
                print(f"{what}: {seconds:.1f} s, {failed} failed", flush=True)
            both = [Path(name, f"{way} {bad}") for way in ("this machine", "cluster")]
            print(f"largest difference between vectors: {difference(*both):.1e}")


if __name__ == "__main__":
    main()
