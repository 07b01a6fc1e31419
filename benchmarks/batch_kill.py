"""Kill ``zoo batch`` at random moments, and compare the rows in the end: ``python benchmarks/batch_kill.py``.

An undisturbed run gives the rows to compare with, and its duration the range of the moments. Then the command
is started and killed with signal 9 until it ends by itself, in one folder after another, until it was killed
as often as asked for: half of the moments are counted from the start, when most runs still load networks, and
half from the first part that a run writes; half of the kills end the workers as well. A hash of all rows says
whether anything differs. Files that a kill has left unfinished must be gone in the end.
"""

import argparse
import contextlib
import hashlib
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

import zoo


def make_photos(folder: Path, count: int) -> None:
    """Write small JPEGs, each of other content, and a damaged one in every fifty."""
    generator = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for i in range(count):
        path = folder / f"{i:06}.jpg"
        blobs = Image.fromarray(generator.integers(0, 255, (6, 8, 3), np.uint8))
        blobs.resize((128, 96), Image.Resampling.BICUBIC).save(path)
        if i % 50 == 7:
            path.write_bytes(path.read_bytes()[:300])


def start(photos: Path, out: Path, options: argparse.Namespace) -> subprocess.Popen[bytes]:
    """Start the command in a session of its own."""
    command = [sys.executable, "-P", "-m", "zoo", "batch", str(photos), "--out", str(out)]
    command += ["--task", "embed", "--network", options.network, "--shard-files", "16"]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)


def rows_hash(out: Path) -> str:
    """Hash all rows, failures included, by number."""
    folder = zoo.open_batch(out)
    digest = hashlib.sha256()
    for name in folder.networks:
        table = folder.dataset(name).to_table().sort_by("number")
        digest.update(repr(table.to_pylist()).encode())
    return digest.hexdigest()


def parts(out: Path) -> int:
    return len(list(out.glob("*/part-*.parquet")))


def unfinished(out: Path) -> list[str]:
    return [path.name for path in out.rglob(".*.????????????????")]


def ends_before(
    process: subprocess.Popen[bytes], out: Path, generator: random.Random, seconds: float
) -> bool:
    """Wait for a random moment; True if the command ends before it."""
    if generator.random() < 0.5:
        moment = generator.uniform(0, seconds)
    else:
        before = parts(out)
        while process.poll() is None and parts(out) == before:
            time.sleep(0.02)
        moment = generator.uniform(0, seconds / 5)
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        return False
    return True


def kill(process: subprocess.Popen[bytes], *, workers: bool) -> None:
    """End the command with signal 9, and its workers, which otherwise end by themselves."""
    victims = [psutil.Process(process.pid)]
    victims += victims[0].children(recursive=True) if workers else []
    for victim in victims:
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
    process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--network", default="squeezenet", help="several with commas")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    generator, kills, folders, wrong = random.Random(options.seed), [], 0, 0
    with tempfile.TemporaryDirectory() as name:
        photos = Path(name) / "photos"
        make_photos(photos, options.files)
        begin = time.monotonic()
        start(photos, Path(name) / "undisturbed", options).wait()
        seconds = time.monotonic() - begin
        expected = rows_hash(Path(name) / "undisturbed")
        print(
            f"undisturbed: {seconds:.1f} s, {parts(Path(name) / 'undisturbed')} parts, {expected[:16]}",
            flush=True,
        )
        while len(kills) < options.kills:
            out = Path(name) / f"out{folders}"
            folders += 1
            while True:
                process = start(photos, out, options)
                if len(kills) == options.kills:
                    process.wait()
                    break
                begin = time.monotonic()
                if ends_before(process, out, generator, seconds):
                    seconds = min(seconds, max(time.monotonic() - begin, seconds / 2))  # less busy now
                    break
                kill(process, workers=generator.random() < 0.5)
                kills.append(parts(out))
            actual = rows_hash(out)
            left = unfinished(out)
            wrong += actual != expected or bool(left)
            state = "equal" if actual == expected else "DIFFERS"
            print(f"{len(kills)} kills, folder {folders}: {state}, unfinished: {left or 'none'}", flush=True)
    early = sum(count == 0 for count in kills)
    print(f"{len(kills)} kills ({early} before the first part) in {folders} folders; {wrong} differ")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
