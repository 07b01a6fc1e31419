"""Import networks of six families in each format that PyTorch writes, and compare with the original runtime.

``python benchmarks/import_matrix.py [NAME ...]`` prints a row for each network of timm and each format (ONNX
of both exporters, an exported program, and TorchScript): layers, layers that ONNX Runtime keeps, parameters,
the differences on random and on real input, and seconds.
The weights are random. With the path of YOLOX-Nano's ONNX file in the environment variable YOLOX, that is
imported as well.
"""

import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

import torch
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


def measure(name: str, path: Path, **options: object) -> None:
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


def main(names: list[str]) -> None:
    print(
        f"{'network':32} {'layers':>6} {'runtime':>7} {'parameters':>11} {'random':>8} {'real':>8} {'s':>6}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name in names or NAMES:
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
