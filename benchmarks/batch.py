"""Speed, memory, and growth of ``zoo batch``: ``python benchmarks/batch.py throughput|memory|growth``.

``throughput`` compares files a second of the command with those of its workers' decoding alone and network
alone, by as many processes at once, in the same run; and two networks in one pass with two passes.
``memory`` runs the command on few and many photos, and shows the peaks of the parent and the largest worker.
``growth`` measures what listing, manifest, parts, and reading cost with a stand-in for the workers, at
growing numbers of files, in processor time.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
from PIL import Image

from zoo.batches.folder import open_batch
from zoo.batches.manifest import File
from zoo.batches.plan import Plan, make_plan
from zoo.batches.rows import task_schema
from zoo.batches.run import EmbeddedExecutor, run_plan
from zoo.batches.settings import NetworkSettings, Settings
from zoo.core.machine import available_processors
from zoo.inference.load import load
from zoo.inference.provenance import provenance

ALONE = """
import itertools, sys, time
import torch
torch.set_num_threads(1)
import zoo
from zoo.vision.decoding import decode
kind, network, seconds, *paths = sys.argv[1:]
net = zoo.load(network)
images = [decode(path) for path in paths[:16]]
data = net.preprocess(images)
net.scores(data)
print("ready", flush=True)
sys.stdin.readline()
begin, done = time.monotonic(), 0
while time.monotonic() < begin + float(seconds):
    if kind == "network":
        net.scores(data)
    else:
        [net.preprocessor(decode(paths[(done + i) % len(paths)])) for i in range(16)]
    done += 16
print(done / (time.monotonic() - begin))
"""


def make_photos(folder: Path, count: int, size: tuple[int, int]) -> list[Path]:
    """Write JPEGs, each of other content."""
    generator = np.random.default_rng(0)
    folder.mkdir(parents=True)
    paths = [folder / f"{i:06}.jpg" for i in range(count)]
    for path in paths:
        blobs = Image.fromarray(generator.integers(0, 255, (12, 16, 3), np.uint8))
        blobs.resize(size, Image.Resampling.BICUBIC).save(path, quality=90)
    return paths


def run_batch(photos: Path, out: Path, networks: str) -> tuple[float, float, float]:
    """Run the command: files a second, once networks are loaded; peak MB of parent and largest worker."""
    command = [sys.executable, "-P", "-m", "zoo", "batch", str(photos), "--out", str(out), "--json"]
    command += ["--task", "embed", "--network", networks]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    parent, peaks = psutil.Process(process.pid), [0.0, 0.0]
    while process.poll() is None:
        try:
            workers = [child.memory_info().rss for child in parent.children()]
            peaks[0] = max(peaks[0], parent.memory_info().rss / 1e6)
            peaks[1] = max(peaks[1], *(rss / 1e6 for rss in workers), 0.0)
        except psutil.NoSuchProcess:
            continue
        time.sleep(0.1)
    lines = [json.loads(line) for line in process.stdout]
    rate = [line["progress"]["files_per_second"] for line in lines if "progress" in line][-1]
    return rate, *peaks


def alone(kind: str, network: str, paths: Sequence[Path], seconds: float) -> float:
    """Files a second of one part of the work, by a process a core."""
    command = [sys.executable, "-c", ALONE, kind, network, str(seconds), *map(str, paths[:400])]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(available_processors())]
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    return sum(float(process.communicate()[0]) for process in processes)


def throughput(options: argparse.Namespace, folder: Path) -> None:
    paths = make_photos(folder / "photos", options.files[0], tuple(options.size))
    first, second = options.networks
    decoding = alone("decoding", first, paths, options.seconds)
    network = alone("network", first, paths, options.seconds)
    print(f"alone: decoding {decoding:.1f} files/s, {first} {network:.1f} files/s", flush=True)
    rates = {}
    for names in (first, second, f"{first},{second}"):
        rates[names], *_ = run_batch(folder / "photos", folder / f"out-{names}", names)
        print(f"batch: {names} {rates[names]:.1f} files/s", flush=True)
    both = 1 / decoding + 1 / network
    print(f"of the slower alone: {rates[first] / min(decoding, network):.2f}")
    print(f"of what the cores can do (decoding and network one after the other): {rates[first] * both:.2f}")
    two = 1 / rates[first] + 1 / rates[second]
    print(f"two networks in one pass take {1 / rates[f'{first},{second}'] / two:.2f} of two passes")


def memory(options: argparse.Namespace, folder: Path) -> None:
    for count in options.files:
        make_photos(folder / f"photos{count}", count, tuple(options.size))
        rate, parent, worker = run_batch(
            folder / f"photos{count}", folder / f"out{count}", options.networks[0]
        )
        print(
            f"{count} files: {rate:.1f} files/s, parent {parent:.0f} MB, worker {worker:.0f} MB", flush=True
        )


@dataclass
class StandIn:
    """A crew whose workers give a class for each file at once."""

    devices: tuple[str, ...] = ("cpu",)

    def worker(self, *_: object) -> "StandIn":
        self.schemas = [task_schema("classify", "image")]
        self.records = [provenance(load("squeezenet", device="cpu"), "classify")]
        return self

    def rows(self, files: Sequence[File], _: Sequence[int]) -> Iterator[list[pa.RecordBatch]]:
        best = [{"index": 1, "id": "n1", "label": "one", "score": 1.0}] * 5
        for start in range(0, len(files), 16):
            rows = [
                {"number": file.number, "path": file.path, "sha256": "0" * 64, "predictions": best}
                for file in files[start : start + 16]
            ]
            yield [pa.RecordBatch.from_pylist(rows, self.schemas[0])]

    def load(self) -> None:
        """Load nothing."""

    def stop(self) -> None:
        """Stop nothing."""

    def __enter__(self) -> "StandIn":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def growth(options: argparse.Namespace, folder: Path) -> None:
    network = NetworkSettings("stand-in", "0" * 64, {})
    settings = Settings(task="classify", modality="image", options={}, engine="auto", networks=(network,))
    for count in options.files:
        table, out = folder / f"{count}.csv", folder / f"out{count}"

        def plan(first: int, files: int = count, table: Path = table, out: Path = out) -> Plan:
            with table.open("w") as file:
                file.write("file,site\n")
                file.writelines(f"folder{i // 1000:05}/photo{i:09}.jpg,north\n" for i in range(first, files))
            return make_plan(str(table), settings, out, shard=None, shard_files=None, retry=False, write=True)

        def run(made: Plan) -> None:
            run_plan(made, EmbeddedExecutor(StandIn()), None)

        steps = {
            "manifest": lambda plan=plan: plan(0),
            "first run, listing included": lambda plan=plan: run_plan(
                plan(0), EmbeddedExecutor(StandIn()), None
            ),
            "second run": lambda plan=plan, run=run: run(plan(0)),
            "manifest with a file less": lambda plan=plan: plan(1),
            "failures": lambda out=out: open_batch(out).failures,
            "all rows": lambda out=out: sum(rows.num_rows for rows in open_batch(out).batches()),
        }
        print(f"{count} files, processor time of each step a file:", flush=True)
        for name, step in steps.items():
            begin = time.process_time()
            step()
            seconds = time.process_time() - begin
            print(f"  {name}: {seconds:.2f} s, {1e6 * seconds / count:.1f} µs", flush=True)
        size = sum(path.stat().st_size for path in out.rglob("*")) / 1e6
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        print(f"  {size:.0f} MB on disk, at most {peak:.0f} MB of memory", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("throughput", "memory", "growth"))
    parser.add_argument("--files", type=int, nargs="+", help="how many, by default by what is measured")
    parser.add_argument("--size", type=int, nargs=2, default=[320, 240], help="of the photos, in pixels")
    parser.add_argument("--networks", nargs=2, default=["squeezenet", "efficientnet_lite0"])
    parser.add_argument("--seconds", type=float, default=10, help="of each part of the work alone")
    options = parser.parse_args()
    defaults = {"throughput": [2000], "memory": [2000, 20000], "growth": [10**4, 10**5, 10**6]}
    options.files = options.files or defaults[options.what]
    with tempfile.TemporaryDirectory() as folder:
        {"throughput": throughput, "memory": memory, "growth": growth}[options.what](options, Path(folder))


if __name__ == "__main__":
    main()
