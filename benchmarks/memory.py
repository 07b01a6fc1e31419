"""Peak memory of sound events and pitch for a short and a long recording: ``python benchmarks/memory.py``.

Each measurement is a process of its own, on a synthesised recording (tones that come and go, in noise)
written as flac. What a result holds grows with its length (scores: 2 kB a patch); nothing else should.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

RATE = 44100
VERBS = {
    "events (yamnet)": "zoo.sound_events(path, network='yamnet')",
    "pitch (crepe.tiny)": "zoo.pitch(path, network='crepe.tiny')",
    "pitch (crepe.tiny, viterbi)": "zoo.pitch(path, network='crepe.tiny', decoder='viterbi')",
}
PROGRAM = """
import json, resource, sys, time
import zoo
path, begin = sys.argv[1], time.perf_counter()
{call}
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([used.ru_maxrss / 1024, time.perf_counter() - begin]))
"""


def make(path: Path, minutes: float) -> None:
    """Write the recording a minute at a time."""
    noise = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", RATE, 1, format="flac") as file:
        for second in range(int(60 * minutes)):
            time = np.arange(RATE) / RATE
            tone = np.sin(2 * np.pi * (220 + 20 * (second % 40)) * time) * (second % 5 < 3)
            file.write(0.3 * tone + 0.01 * noise.standard_normal(RATE))


def measure(call: str, path: Path) -> tuple[float, float]:
    """Peak resident memory in MB, and seconds."""
    run = [sys.executable, "-c", PROGRAM.format(call=call), str(path)]
    return tuple(json.loads(subprocess.run(run, capture_output=True, text=True, check=True).stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, nargs="+", default=[3, 30])
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as folder:
        for length in minutes:
            make(Path(folder) / f"{length}.flac", length)
        for name, call in VERBS.items():
            for length in minutes:
                peak, seconds = measure(call, Path(folder) / f"{length}.flac")
                print(f"{name:<30} {length:5g} min  peak {peak:6.0f} MB  {seconds:6.1f} s", flush=True)


if __name__ == "__main__":
    main()
