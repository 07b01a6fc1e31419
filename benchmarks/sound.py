"""Networks of sound against their peers: ``python benchmarks/sound.py``.

CREPE, on the CPU in float32, waveform of 16 kHz in, activations out: framing, normalising, network, sigmoid.

1. ours against torchcrepe's full network, with its own framing, in batches of 512 frames. torchcrepe is no
   dependency of ours; install it somewhere and name the folder:
   ``uv pip install --target PEERS --no-deps torchcrepe==0.0.24`` and ``--peers PEERS``. Its weights are the
   same; that it divides by another standard deviation changes activations by up to 4e-4.
2. the three engines against each other, for every capacity.
3. where the time of the full network goes.

Times are compared in interleaved rounds (median, and the middle half). Where other programs want the
processors too, ``--cpu`` runs one thread and counts its processor time instead.
"""

import argparse
import os
import sys
import time
import types
from collections.abc import Callable

import numpy as np
import torch

import zoo
from zoo.network import Network

RATE = 16000


def seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    begin = clock()
    work()
    return clock() - begin


def rounds(
    works: dict[str, Callable[[], object]], count: int, clock: Callable[[], float]
) -> dict[str, np.ndarray]:
    """Seconds of each, in rounds of all."""
    for work in works.values():
        work()
    found = [[seconds(work, clock) for work in works.values()] for _ in range(count)]
    return dict(zip(works, np.array(found).T, strict=True))


def spread(values: np.ndarray) -> str:
    low, middle, high = np.percentile(values, [25, 50, 75])
    return f"{middle:6.2f} ({low:.2f} to {high:.2f})"


def waveform(length: float) -> np.ndarray:
    """A tone that glides and trembles, s long."""
    time_ = np.arange(int(length * RATE)) / RATE
    frequency = 220 * 2 ** (np.sin(0.7 * time_) + 0.03 * np.sin(2 * np.pi * 5 * time_))
    return (0.5 * np.sin(2 * np.pi * np.cumsum(frequency) / RATE)).astype(np.float32)


def ours(net: Network, sound: np.ndarray) -> np.ndarray:
    return np.concatenate([net.scores(batch.data) for batch in net.batches(sound, rate=RATE)])


def torchcrepe(folder: str) -> Callable[[np.ndarray], np.ndarray] | None:
    """torchcrepe's activations of a waveform, or None where it is not in the folder."""
    sys.path.append(folder)
    sys.modules.setdefault("resampy", types.ModuleType("resampy"))  # which it needs for other rates only
    try:
        import torchcrepe as peer
    except ImportError:
        return None
    peer.load.model("cpu", "full")

    def run(sound: np.ndarray) -> np.ndarray:
        batches = peer.preprocess(torch.from_numpy(sound)[None], RATE, 160, 512)
        with torch.inference_mode():
            return np.concatenate([peer.infer(frames, "full").numpy() for frames in batches])

    return run


def against_torchcrepe(options: argparse.Namespace, clock: Callable[[], float]) -> None:
    peer = torchcrepe(options.peers)
    if peer is None:
        print("\ntorchcrepe is not here, see --help")
        return
    sound, net = waveform(options.seconds), zoo.load("crepe.full", device="cpu")
    difference = np.abs(ours(net, sound) - peer(sound)).max()
    works = {"torchcrepe": lambda: peer(sound), "ours": lambda: ours(net, sound)}
    found = rounds(works, options.rounds, clock)
    print(
        f"\ncrepe.full, {options.seconds:g} s of sound; largest difference of an activation {difference:.1e}"
    )
    for name, values in found.items():
        print(f"  {name:<12} {spread(values)} s")
    print(f"  times as fast {spread(found['torchcrepe'] / found['ours'])}", flush=True)


def engines(options: argparse.Namespace, clock: Callable[[], float]) -> None:
    print("\nms a frame, and times as fast as PyTorch")
    for name in zoo.networks(task="pitch"):
        nets = {
            engine: zoo.load(name, device="cpu", engine=engine)
            for engine in ("torch", "onnxruntime", "spectral")
        }
        if options.cpu:
            del nets["onnxruntime"]  # has threads of its own
        for batch in (1, 8, 32, 128):
            data = torch.randn(batch, 1024)
            works = {engine: lambda net=net, data=data: net.scores(data) for engine, net in nets.items()}
            found = rounds(works, options.rounds, clock)
            for engine, values in found.items():
                ratio = spread(found["torch"] / values)
                milliseconds = 1e3 * np.median(values) / batch
                print(f"  {name:<13} batch {batch:<3} {engine:<12} {milliseconds:6.2f} {ratio}", flush=True)


def profile(batch: int = 32) -> None:
    print(f"\ncrepe.full, batches of {batch}: processor time by operation")
    net, data = zoo.load("crepe.full", device="cpu", engine="spectral"), torch.randn(batch, 1024)
    net.scores(data)
    with torch.profiler.profile(record_shapes=True) as record:
        for _ in range(5):
            net.scores(data)
    rows = record.key_averages(group_by_input_shape=True)
    total = sum(row.self_cpu_time_total for row in rows)
    for row in sorted(rows, key=lambda row: -row.self_cpu_time_total)[:10]:
        shapes = " ".join(str(shape) for shape in row.input_shapes if shape)
        print(f"  {row.self_cpu_time_total / total:6.1%} {row.key:<16} {shapes}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", default="peers", help="folder that holds torchcrepe")
    parser.add_argument(
        "--seconds", type=float, default=60, help="of sound, for the comparison with torchcrepe"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cpu", action="store_true", help="one thread, and its processor time")
    parser.add_argument("--only", choices=["torchcrepe", "engines", "profile"])
    options = parser.parse_args()
    if options.cpu:
        torch.set_num_threads(1)
    clock = time.process_time if options.cpu else time.perf_counter
    print(f"{os.cpu_count()} processors, {torch.get_num_threads()} threads, torch {torch.__version__}")
    if options.only in (None, "torchcrepe"):
        against_torchcrepe(options, clock)
    if options.only in (None, "engines"):
        engines(options, clock)
    if options.only in (None, "profile"):
        profile()


if __name__ == "__main__":
    main()
