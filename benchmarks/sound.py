"""Networks of sound against other people's, and our engines compared: ``python benchmarks/sound.py``.

On the CPU in float32; a waveform at the network's rate goes in, what the network gives comes out.

1. peers: CREPE full against torchcrepe, YAMNet against TF-Hub's graph, VGGish against torchvggish and OpenL3
   (mel128, 512, a window every 0.5 s) against torchopenl3: end to end, and the network alone. ``peers.py``
   says what to install. Both sides have the same weights, published or random, and give the same.
2. engines against each other, for every capacity of CREPE and for the other networks.
3. where the time goes: CREPE full by operation, the others by step.

Times are compared in interleaved rounds (median, and the middle half). With torchcrepe, which takes minutes,
a round is a part of the clip. Where other programs want the processors too, ``--cpu`` runs one thread and
counts its processor time instead.

What it measured last stands in ``docs/performance.md``.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import peers
import torch

import zoo
from zoo.inference.network import Network

Clock = Callable[[], float]
Make = Callable[[Network], peers.Peer]
OTHERS = {"yamnet": peers.yamnet_graph, "vggish": peers.torchvggish, "openl3": peers.torchopenl3}
BATCHES = (1, 8, 32, 128)


def seconds(work: Callable[[], object], clock: Clock) -> float:
    begin = clock()
    work()
    return clock() - begin


def rounds(works: dict[str, Callable[[], object]], count: int, clock: Clock) -> dict[str, np.ndarray]:
    """Seconds of each, in rounds of all."""
    for work in works.values():
        work()
    durations = [[seconds(work, clock) for work in works.values()] for _ in range(count)]
    return dict(zip(works, np.array(durations).T, strict=True))


def spread(values: np.ndarray) -> str:
    low, middle, high = np.percentile(values, [25, 50, 75])
    return f"{middle:6.2f} ({low:.2f} to {high:.2f})"


def waveform(length: float, sample_rate: int) -> np.ndarray:
    """Synthesize a gliding, trembling tone with some noise, of a length in s."""
    time_ = np.arange(int(length * sample_rate)) / sample_rate
    frequency = 220 * 2 ** (np.sin(0.7 * time_) + 0.03 * np.sin(2 * np.pi * 5 * time_))
    noise = 0.01 * np.random.default_rng(0).standard_normal(len(time_))
    return (0.5 * np.sin(2 * np.pi * np.cumsum(frequency) / sample_rate) + noise).astype(np.float32)


def load(name: str, **options: str) -> Network:
    """Pretrained where the weights are embedded; speed does not depend on them."""
    torch.manual_seed(0)
    pretrained = {} if zoo.describe(name).bundled else {"weights": None}
    net = zoo.load(name, device="cpu", **pretrained, **options)
    return net.with_preprocessor(net.preprocessor.with_hop(0.5)) if name == "openl3" else net


def ours(net: Network, sound: np.ndarray) -> np.ndarray:
    sample_rate = net.preprocessor.sample_rate
    if net.spec.tasks == ("embed",):
        return net.embed(sound, sample_rate=sample_rate).values
    return np.concatenate([net.scores(batch.data) for batch in net.batches(sound, sample_rate=sample_rate)])


def report(what: str, peer: np.ndarray, us: np.ndarray) -> None:
    print(
        f"  {what:<12} peer {spread(peer)} s, ours {spread(us)} s, times as fast {spread(peer / us)}, "
        f"in all {peer.sum() / us.sum():.2f}",
        flush=True,
    )


def against(net: Network, make: Make, parts: list[np.ndarray], clock: Clock) -> None:
    """One of our networks against its peer; each round works on a part of the clip, which may be all."""
    sample_rate = net.preprocessor.sample_rate
    try:
        peer = make(net)
    except ImportError as error:
        print(f"\n{net.name}: {error}; benchmarks/peers.py says how to get it")
        return
    us, theirs = peer.same(ours(net, parts[0])), peer.run(parts[0])
    print(
        f"\n{net.name} ({net.engine.name}), {peer.name}, {len(parts)} rounds of "
        f"{len(parts[0]) / sample_rate:g} s, "
        f"largest difference {np.abs(us - theirs).max():.1e} of values up to {np.abs(theirs).max():.2g}"
    )
    durations = [(seconds(partial(peer.run, x), clock), seconds(partial(ours, net, x), clock)) for x in parts]
    report("end to end", *np.array(durations).T)
    if peer.forward:
        data = next(iter(net.batches(parts[0], sample_rate=sample_rate))).data
        works = {"peer": lambda: peer.forward(data), "ours": lambda: net.engine(data)}
        report("network", *rounds(works, len(parts), clock).values())


def against_peers(options: argparse.Namespace, clock: Clock) -> None:
    for name, make in OTHERS.items():
        if name in options.networks:
            net = load(name)
            against(
                net, make, [waveform(options.seconds, net.preprocessor.sample_rate)] * options.rounds, clock
            )
    if "crepe" in options.networks:
        net = load("crepe")
        parts = np.array_split(waveform(options.seconds, net.preprocessor.sample_rate), options.parts)
        against(net, peers.torchcrepe, parts, clock)


def engines(options: argparse.Namespace, clock: Clock) -> None:
    print("\nms a window, and times as fast as PyTorch")
    names = [name for name in OTHERS if name in options.networks]
    for name in names + (zoo.networks(task="pitch") if "crepe" in options.networks else []):
        kinds = ["torch", "onnxruntime"] + ["fft"] * bool(zoo.describe(name).fft_builder)
        nets = {engine: load(name, engine=engine) for engine in kinds}
        for batch in BATCHES:
            if name == "openl3" and batch > 8:
                break  # its front-end gives no more at once
            data = torch.randn(batch, *nets["torch"].spec.input_shape)
            works = {engine: lambda net=net, data=data: net.engine(data) for engine, net in nets.items()}
            durations = rounds(works, options.rounds, clock)
            for engine, values in durations.items():
                ratio = spread(durations["torch"] / values)
                milliseconds = 1e3 * np.median(values) / batch
                print(f"  {name:<13} batch {batch:<3} {engine:<12} {milliseconds:6.2f} {ratio}", flush=True)


def steps(options: argparse.Namespace, clock: Clock) -> None:
    print(f"\nwhere the time goes, {options.seconds:g} s of sound")
    for name in OTHERS:
        if name not in options.networks:
            continue
        net = load(name)
        sound = waveform(options.seconds, net.preprocessor.sample_rate)
        batches = list(net.batches(sound, sample_rate=net.preprocessor.sample_rate))
        works = {
            "front-end": lambda net=net, x=sound: list(
                net.batches(x, sample_rate=net.preprocessor.sample_rate)
            ),
            "network": lambda net=net, batches=batches: [net.engine(batch.data) for batch in batches],
            "both": lambda net=net, x=sound: ours(net, x),
        }
        for step, values in rounds(works, options.rounds, clock).items():
            print(f"  {name:<7} {step:<10} {spread(1e3 * values)} ms", flush=True)


def profile(batch: int = 32) -> None:
    print(f"\ncrepe.full, batches of {batch}: processor time by operation")
    net, data = zoo.load("crepe.full", device="cpu", engine="fft"), torch.randn(batch, 1024)
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
    parser.add_argument("--peers", default="peers", help="folder that holds the peers, see peers.py")
    parser.add_argument("--networks", nargs="+", choices=[*OTHERS, "crepe"], default=[*OTHERS, "crepe"])
    parser.add_argument("--seconds", type=float, default=60, help="of sound")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--parts", type=int, default=12, help="of the clip, each a round with torchcrepe")
    parser.add_argument("--cpu", action="store_true", help="one thread, and its processor time")
    parser.add_argument("--only", choices=["peers", "engines", "profile"])
    options = parser.parse_args()
    sys.path.append(options.peers)
    if options.cpu:
        torch.set_num_threads(1)
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # ONNX Runtime and TensorFlow ask how many
    clock = time.process_time if options.cpu else time.perf_counter
    print(f"{os.cpu_count()} processors, {torch.get_num_threads()} threads, torch {torch.__version__}")
    if options.only in (None, "peers"):
        against_peers(options, clock)
    if options.only in (None, "engines"):
        engines(options, clock)
    if options.only in (None, "profile"):
        steps(options, clock)
        if "crepe" in options.networks:
            profile()


if __name__ == "__main__":
    main()
