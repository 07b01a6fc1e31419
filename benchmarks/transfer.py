"""What stored features save, and what a GPU gives: ``python benchmarks/transfer.py [FOLDER]``.

1. A new head on EfficientNet-Lite0 in 10 epochs on the same examples: with features that are computed once
   (nothing is stored beforehand, and computing them counts), by each engine, against the body run in every
   epoch. Seconds of training, their ratio, and the accuracy of both on the examples of `val`.
2. Pictures a second in fine-tuning all of a ResNet-50: as the zoo does it in bf16 with channels last, against
   a plain loop in float32 (products in TF32 where PyTorch's defaults have it). Pictures are made beforehand
   and lie in memory: reading them is another matter. The ratio is of a GPU; without one, the zoo's float32
   on the CPU is all that is printed.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

import zoo
from zoo.inference.network import Network
from zoo.training.data.dataset import Dataset
from zoo.training.fit.loop import Batch, Settings, fit
from zoo.training.fit.trainer import Job

INSECTS = Path(__file__).resolve().parents[2] / "shared" / "media" / "ants-bees"


def parts(folder: Path) -> tuple[Dataset, Dataset]:
    """Examples to learn from, and examples to judge by."""
    if (folder / "val").is_dir():
        return zoo.dataset(folder, split="train"), zoo.dataset(folder, split="val")
    return zoo.dataset(folder).split(0.3)


def stored(name: str, engine: str, job: Job) -> tuple[Network, float]:
    """Train a head on features not computed before; return the network and the seconds."""
    before = os.environ.get("ZOO_CACHE")
    net = zoo.load(name, engine=engine)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ZOO_CACHE"] = folder
        begin = time.perf_counter()
        trained, _ = replace(job, net=net).head()
        seconds = time.perf_counter() - begin
    os.environ.pop("ZOO_CACHE") if before is None else os.environ.update(ZOO_CACHE=before)
    return trained, seconds


def through_body(job: Job) -> tuple[Network, float]:
    begin = time.perf_counter()
    trained, _ = job.through_body("none")
    return trained, time.perf_counter() - begin


def heads(name: str, folder: Path, epochs: int, rounds: int) -> None:
    data, test = parts(folder)
    training, held = data.split(0.2)
    net = zoo.load(name)
    settings = Settings(epochs=epochs, patience=epochs, learning_rate=3e-3)
    job = Job(net, training, held, settings)
    counts = f"{len(training)} + {len(held)} examples, {epochs} epochs"
    print(f"\n{net.name} on {folder.name}: {counts}, {net.device}")
    engines = ["torch", "onnxruntime"] if net.device.type == "cpu" else ["torch"]
    for _ in range(rounds):
        runs = {f"stored features, {engine}": stored(name, engine, job) for engine in engines}
        body, slow = through_body(job)
        for label, (trained, seconds) in {**runs, "body in every epoch": (body, slow)}.items():
            result = zoo.evaluate(test, network=trained)
            low, high = result.interval("accuracy")
            print(
                f"  {label:<28} {seconds:7.1f} s  {slow / seconds:5.1f} times as fast  "
                f"{result.accuracy:.1%} ({low:.1%} to {high:.1%}) of {len(test)}",
                flush=True,
            )


class Pictures:
    """Random pictures in memory."""

    def __init__(self, count: int):
        self.targets = np.arange(count) % 10
        self._data = torch.rand(64, 3, 224, 224)

    def __len__(self) -> int:
        return len(self.targets)

    def batches(self, order: np.ndarray, epoch: int, size: int) -> Iterator[Batch]:
        """Batches of the pictures, all of the same weight."""
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            targets = torch.from_numpy(self.targets[rows])
            yield self._data[torch.from_numpy(rows) % 64], targets, torch.ones(len(rows))


def resnet50() -> nn.Module:
    return zoo.load("resnet50", weights=None, num_classes=10, device="cpu", engine="torch").module


def ours(device: str, dtype: str, batch: int, steps: int) -> float:
    """Pictures a second of the zoo's loop; the first half of the steps is not counted."""
    times = []
    settings = Settings(epochs=1, batch_size=batch, dtype=dtype)

    def watch(step: object) -> None:
        times.append(time.perf_counter())  # the loop has read the loss, so the device is done

    fit(resnet50(), Pictures(batch * steps), Pictures(2), settings, head="fc", device=device, watch=watch)
    times = times[:steps]  # then it validates
    return batch * (steps - steps // 2 - 1) / (times[-1] - times[steps // 2])


def plain(device: str, batch: int, steps: int) -> float:
    """Pictures a second of a plain loop in float32."""
    module, pictures = resnet50().to(device).train(), Pictures(batch)
    optimizer = torch.optim.AdamW(module.parameters(), 1e-4)
    ((data, targets, _),) = pictures.batches(np.arange(batch), 0, batch)
    times = []
    for _ in range(steps):
        loss = nn.functional.cross_entropy(module(data.to(device)), targets.to(device))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        loss.item()
        times.append(time.perf_counter())
    return batch * (steps - steps // 2 - 1) / (times[-1] - times[steps // 2])


def throughput(rounds: int) -> None:
    print("\nfine-tuning all of a ResNet-50, pictures of 224 × 224 a second")
    if not torch.cuda.is_available():
        print("  bf16 with channels last against plain float32: not measured on a GPU")
        print(f"  the CPU, float32, batches of 8: {ours('cpu', 'fp32', 8, 4):.2f}")
        return
    print(f"  {torch.cuda.get_device_name()}, batches of 64")
    for _ in range(rounds):
        fast, slow = ours("cuda", "bf16", 64, 60), plain("cuda", 64, 60)
        print(f"  bf16, channels last: {fast:.0f}   plain float32: {slow:.0f}   ratio {fast / slow:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=INSECTS, help="class folders")
    parser.add_argument("--network", default="efficientnet_lite0")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", choices=["heads", "throughput"])
    options = parser.parse_args()
    print(f"{os.cpu_count()} processors, {torch.get_num_threads()} threads, torch {torch.__version__}")
    if options.only != "throughput":
        heads(options.network, options.folder, options.epochs, options.rounds)
    if options.only != "heads":
        throughput(options.rounds)


if __name__ == "__main__":
    main()
