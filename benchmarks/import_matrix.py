"""Import networks of six families in each format of PyTorch and Keras, and compare with the originals.

``python benchmarks/import_matrix.py [NAME ...]`` prints a row for each network of timm and each format (ONNX
of both exporters, an exported program, and TorchScript), and for each network of Keras as ``.keras`` and as
SavedModel: layers, layers that ONNX Runtime keeps, parameters, the differences from the original on random
and on real input, and seconds. Of Keras's networks also how far the network with a new head, after an epoch
of training, is from itself when it was saved and loaded in a new process. The weights are random. With the
path of YOLOX-Nano's ONNX file in the environment variable YOLOX, that is imported as well.
"""

import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

import zoo

SIDE = 224
EXAMPLE = (torch.rand(2, 3, SIDE, SIDE),)
NAMES = (
    "resnet18",
    "mobilenetv2_100",
    "densenet121",
    "efficientnet_b0",
    "vit_tiny_patch16_224",
    "convnext_atto",
)
KERAS = ("MobileNetV2", "ResNet50", "DenseNet121", "EfficientNetB0", "Xception", "ConvNeXtTiny")
LOAD = """
import sys, numpy as np, torch, zoo
net = zoo.load(sys.argv[1], device="cpu", engine="torch")
np.save(sys.argv[3], net.scores(torch.from_numpy(np.load(sys.argv[2]))))
assert not {"tensorflow", "onnx", "onnxruntime"} & set(sys.modules)
"""


def network(name: str) -> nn.Module:
    """Return a network of timm with random weights and random statistics."""
    import timm

    torch.manual_seed(0)
    module = timm.create_model(name).eval()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(std=0.1)
            layer.running_var.uniform_(0.5, 1.5)
    return module


def write_older(module: nn.Module, path: Path) -> None:
    """Write ONNX with the exporter that traces, for batches of any size."""
    axes = {"images": {0: "n"}}
    torch.onnx.export(module, EXAMPLE, str(path), dynamo=False, input_names=["images"], dynamic_axes=axes)


def write_newer(module: nn.Module, path: Path) -> None:
    """Write ONNX with the exporter that takes an exported program, for batches of any size."""
    shapes = ({0: torch.export.Dim("n")},)
    torch.onnx.export(module, EXAMPLE, path, dynamo=True, dynamic_shapes=shapes, verbose=False)


def write_program(module: nn.Module, path: Path) -> None:
    """Write an exported program, for batches of any size."""
    program = torch.export.export(module, EXAMPLE, dynamic_shapes=({0: torch.export.Dim("n")},))
    torch.export.save(program, path)


def write_traced(module: nn.Module, path: Path) -> None:
    """Write TorchScript."""
    torch.jit.trace(module, EXAMPLE).save(str(path))


def used(net: zoo.Network, folder: Path) -> float:
    """Embed, train a new head for an epoch, and return the difference after loading in a new process."""
    assert np.isfinite(net.embed(zoo.sample("cat.png")).values).all()
    generator = np.random.default_rng(0)
    for kind, light in (("dark", 0), ("light", 155)):
        (folder / "data" / kind).mkdir(parents=True)
        for i in range(4):
            pixels = (generator.integers(0, 100, (64, 64, 3)) + light).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "data" / kind / f"{i}.png")
    trained = zoo.transfer(
        folder / "data", network=net, method="finetune", epochs=1, validation=0.5, batch_size=2, device="cpu"
    )
    data = trained.preprocess(zoo.sample("cat.png"))
    np.save(folder / "data.npy", data.numpy())
    saved = trained.save(folder / "trained")
    command = [sys.executable, "-c", LOAD, saved, folder / "data.npy", folder / "scores.npy"]
    subprocess.run(command, check=True, timeout=600)
    return float(np.abs(np.load(folder / "scores.npy") - trained.scores(data)).max())


def measure_keras(name: str, folder: Path) -> None:
    """Write a network of Keras, import both of its files, and print their rows."""
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "benchmarks.keras_files", name, folder]
    subprocess.run(command, check=True, env=quiet, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    net = measure(f"{name}.keras", folder / f"{name}.keras")
    measure(f"{name} (SavedModel)", folder / name, trust=True)
    print(f"{'':28} {net.report.preprocessing}")
    print(f"{'':28} trained, saved and loaded: {used(net, folder):.1e}", flush=True)


def measure(name: str, path: Path, **options: object) -> zoo.Network:
    """Import a file and print a row."""
    begin = time.perf_counter()
    net = zoo.import_network(path, name=name, device="cpu", **options)
    seconds = time.perf_counter() - begin
    report = net.report
    assert report is not None
    random, real = (report.differences[kind] for kind in ("random", "real"))
    print(
        f"{name:32} {len(report.layers):6} {len(report.left_to_runtime):7} {report.parameters:11,} "
        f"{random:8.1e} {real:8.1e} {seconds:6.1f}",
        flush=True,
    )
    return net


def main(names: list[str]) -> None:
    print(
        f"{'network':32} {'layers':>6} {'runtime':>7} {'parameters':>11} {'random':>8} {'real':>8} {'s':>6}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name in [name for name in names or KERAS if name in KERAS]:
            measure_keras(name, Path(folder) / name)
        for name in [name for name in names or NAMES if name not in KERAS]:
            for form, (suffix, write) in FORMS.items():
                path = Path(folder) / f"{name}-{form}{suffix}"
                with warnings.catch_warnings(), torch.no_grad():
                    warnings.simplefilter("ignore")
                    write(network(name), path)
                measure(path.name, path, trust=True)
                path.unlink()
    if yolox := os.environ.get("YOLOX"):
        preprocess = {"resize": 416, "crop": 416, "scale": 255, "channels": "BGR"}
        measure("yolox", Path(yolox), preprocess=preprocess)


FORMS = {
    "older": (".onnx", write_older),
    "newer": (".onnx", write_newer),
    "exported": (".pt2", write_program),
    "traced": (".pt", write_traced),
}


if __name__ == "__main__":
    main(sys.argv[1:])
