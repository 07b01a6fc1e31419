"""Peak memory of the verbs of sound for a short and a long recording: ``python benchmarks/memory.py``.

Each measurement is a process of its own, on a synthesized recording (tones that come and go, in noise).
What a result holds grows with its length, and is shown beside the peak (scores of YAMNet: 2 kB a patch);
nothing else should grow. VGGish and OpenL3 are untrained, and OpenL3 takes one window a second: neither
changes the memory.
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
    "decode": "sum(len(block) for block in mono(open_sound(path), 16000))",
    "events": "zoo.sound_events(path, network='yamnet')",
    "pitch": "zoo.pitch(path, network='crepe.tiny')",
    "viterbi": "zoo.pitch(path, network='crepe.tiny', decoder='viterbi')",
    "vggish": "zoo.load('vggish', weights=None).embed(path)",
    "openl3": "zoo.load('openl3', weights=None).embed(path, overlap=0)",
}
PROGRAM = """
import json, resource, sys, time
import zoo
from zoo.audio.signal import mono, open_sound
path, begin = sys.argv[1], time.perf_counter()
result = {call}
seconds = time.perf_counter() - begin
size = sum(getattr(value, "nbytes", 0) for value in getattr(result, "__dict__", {{}}).values())
print(json.dumps([resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, size / 2**20, seconds]))
"""


def make(path: Path, minutes: float) -> None:
    """Write the recording a second at a time."""
    noise = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        for second in range(int(60 * minutes)):
            time = np.arange(RATE) / RATE
            tone = np.sin(2 * np.pi * (220 + 20 * (second % 40)) * time) * (second % 5 < 3)
            file.write(0.3 * tone + 0.01 * noise.standard_normal(RATE))


def measure(call: str, path: Path) -> tuple[float, float, float]:
    """Peak resident memory and size of the result in MB, and seconds."""
    run = [sys.executable, "-c", PROGRAM.format(call=call), str(path)]
    return tuple(json.loads(subprocess.run(run, stdout=subprocess.PIPE, text=True, check=True).stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 60])
    parser.add_argument("--formats", nargs="+", default=["flac"], help="flac, wav, mp3, ogg")
    parser.add_argument("--only", nargs="+", choices=VERBS, default=list(VERBS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.formats:
            paths = [Path(folder) / f"{length:g}.{kind}" for length in options.minutes]
            for path, length in zip(paths, options.minutes, strict=True):
                make(path, length)
            for name in options.only:
                for path, length in zip(paths, options.minutes, strict=True):
                    peak, size, seconds = measure(VERBS[name], path)
                    print(
                        f"{name:<8} {kind:<4} {length:4g} min  peak {peak:6.0f} MB  result {size:6.1f} MB  "
                        f"{seconds:6.1f} s",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
