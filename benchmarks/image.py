"""Image networks against the same modules run plainly by PyTorch: ``python benchmarks/image.py [NAME...]``.

Three questions, each answered by ratios of interleaved rounds of the same run (median, and the middle half):

1. forward: ``engine="auto"`` against the library's own module, eager, in float32. Preprocessed data in,
   outputs out. Also in ``dtype="bf16"``, and what that does to the scores of the embedded networks.
2. file to label: ``classify`` of JPEG files against Pillow, torchvision's transforms and the eager module.
3. where the time from file to label goes.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode, v2

import zoo
from zoo.inference.build import build
from zoo.inference.network import Network
from zoo.vision.decoding import decode

NETWORKS = ("squeezenet", "efficientnet_lite0", "mobilenetv2", "resnet50")
SIZES = {"500 × 375": (500, 375), "4000 × 3000": (4000, 3000)}


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def ratios(peer: Callable[[], object], ours: Callable[[], object], rounds: int) -> np.ndarray:
    """How many times as fast as the peer we are, in rounds of both."""
    return np.array([steady(peer) / steady(ours) for _ in range(rounds)])


def steady(work: Callable[[], object], passes: int = 4) -> float:
    """Seconds of a pass among its like: the threads of the other side have gone to sleep."""
    time.sleep(0.05)
    work()
    return float(np.median([seconds(work) for _ in range(passes)]))


def spread(values: np.ndarray) -> str:
    low, middle, high = np.percentile(values, [25, 50, 75])
    return f"{middle:5.2f} ({low:.2f} to {high:.2f})"


def load(name: str, **options: str) -> Network:
    """Pretrained where the weights are embedded; speed does not depend on them."""
    pretrained = {} if zoo.describe(name).bundled else {"weights": None}
    return zoo.load(name, device="cpu", **pretrained, **options)


def plain(name: str, data: torch.Tensor) -> Callable[[], torch.Tensor]:
    module = build(zoo.describe(name)).eval()

    def run() -> torch.Tensor:
        with torch.inference_mode():
            return module(data)

    return run


def forward(names: list[str], batches: list[int], dtype: str, rounds: int) -> None:
    print(f"\nforward, {dtype}, against eager float32: times as fast")
    for name in names:
        net = load(name, dtype=dtype)
        for batch in batches:
            data = torch.rand(batch, *net.spec.input_shape)
            values = ratios(plain(name, data), lambda data=data, net=net: net.engine(data), rounds)
            print(f"  {net.name:<26} {net.engine.name:<12} batch {batch:<3} {spread(values)}", flush=True)


def effect(names: list[str], dtype: str, files: list[Path]) -> None:
    print(f"\nlargest change of a score by {dtype}, on {len(files)} pictures")
    for name in names:
        if zoo.describe(name).bundled:
            exact, reduced = (load(name, dtype=kind).classify(files) for kind in ("fp32", dtype))
            pairs = list(zip(exact, reduced, strict=True))
            worst = max(np.abs(a.all_scores - b.all_scores).max() for a, b in pairs)
            same = sum(a.ids[0] == b.ids[0] for a, b in pairs)
            print(f"  {name:<26} {worst:.4f}, the same best class for {same} of {len(pairs)}")


def usual(net: Network, files: list[Path]) -> Callable[[], object]:
    """From file to label as torchvision's documentation has it."""
    preprocessor, module = net.preprocessor, build(net.spec).eval()
    mode = InterpolationMode(preprocessor.interpolation)
    transform = v2.Compose(
        [
            v2.Resize(preprocessor.resize, interpolation=mode, antialias=True),
            v2.CenterCrop(preprocessor.crop),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        ]
    )

    def run() -> object:
        with torch.inference_mode():
            data = torch.stack([transform(Image.open(file).convert("RGB")) for file in files])
            return module(data).softmax(dim=1).topk(5)

    return run


def make(folder: Path, size: tuple[int, int], count: int) -> list[Path]:
    """JPEG files of one size, made of the samples."""
    samples = [decode(zoo.sample(name)) for name in ("cat.png", "coffee.png", "rocket.jpg")]
    files = []
    for i in range(count):
        files.append(folder / f"{size[0]}-{i}.jpg")
        samples[i % len(samples)].resize(size, Image.Resampling.BICUBIC).save(files[-1], quality=92)
    return files


def file_to_label(names: list[str], folder: Path, rounds: int) -> None:
    print("\nfile to label, against Pillow, torchvision's transforms and eager float32: times as fast")
    for name in names:
        net = load(name)
        for title, size in SIZES.items():
            for count in (1, 16):
                files = make(folder, size, count)
                run = lambda files=files, net=net: net.classify(files)  # noqa: E731
                values = ratios(usual(net, files), run, rounds)
                print(f"  {net.name:<26} {count:>2} × {title:<12} {spread(values)}", flush=True)


def shares(names: list[str], folder: Path, rounds: int) -> None:
    print("\nfrom one file to its label, ms: decode, resize and normalize, forward, all of classify")
    for name in names:
        net = load(name)
        for title, size in SIZES.items():
            (file,) = make(folder, size, 1)
            image = decode(file)
            data = net.preprocessor(image)[None]
            steps = (
                lambda file=file: decode(file),
                lambda image=image, net=net: net.preprocessor(image),
                lambda data=data, net=net: net.scores(data),
                lambda file=file, net=net: net.classify(file),
            )
            for step in steps:
                step()
            medians = (np.median([seconds(step) for _ in range(rounds)]) for step in steps)
            print(f"  {net.name:<26} {title:<12} " + " ".join(f"{1e3 * m:7.2f}" for m in medians), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(NETWORKS))
    parser.add_argument("--all", action="store_true", help="the default checkpoint of every architecture")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", choices=["forward", "bf16", "files"])
    options = parser.parse_args()
    names = options.names
    if options.all:
        names = list(dict.fromkeys(zoo.describe(n).arch for n in zoo.networks("image")))
    print(f"{os.cpu_count()} processors, {torch.get_num_threads()} threads, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        if options.only in (None, "forward"):
            forward(names, [1, 16], "fp32", options.rounds)
        if options.only in (None, "bf16"):
            forward(names, [1, 16], "bf16", options.rounds)
            effect(names, "bf16", make(Path(folder), (500, 375), 3))
        if options.only in (None, "files"):
            file_to_label(names, Path(folder), options.rounds)
            shares(names, Path(folder), options.rounds)


if __name__ == "__main__":
    main()
