"""Networks of PyTorch for tests, and what must hold of one that was imported."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

import zoo

SIDE = 32
LOAD = """
import sys, numpy as np, torch, zoo
net = zoo.load(sys.argv[1], device="cpu", engine="torch")
np.save(sys.argv[3], net.scores(torch.from_numpy(np.load(sys.argv[2]))))
assert not {"onnx", "onnxruntime"} & set(sys.modules)
"""


def torchvision_network(name):
    from torchvision import models

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = getattr(models, name)(num_classes=10)
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean.normal_(std=0.1)
                layer.running_var.uniform_(0.5, 1.5)
    return module


def small_network():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)
    )


def require_same_outputs(net, module):
    """Check an import's report, and its outputs on a photo against the module that was exported."""
    report = net.report
    assert max(report.differences.values()) < 1e-4
    assert report.departure == ""
    assert report.left_to_runtime == ()
    assert "Largest difference from PyTorch" in report.sentences()[-1]
    data = net.preprocess(zoo.sample("cat.png"))
    with torch.no_grad():
        assert np.abs(net.module(data).numpy() - module(data).numpy()).max() < 1e-4
    return data


def require_trained_saved_and_loaded(net, data: torch.Tensor, tmp_path: Path) -> None:
    """Train a network for an epoch, save it, and compare its scores in a new process."""
    generator = np.random.default_rng(0)
    for kind, light in (("dark", 0), ("light", 155)):
        (tmp_path / "data" / kind).mkdir(parents=True)
        for i in range(2):
            pixels = (generator.integers(0, 100, (SIDE, SIDE, 3)) + light).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / kind / f"{i}.png")
    trained = zoo.transfer(
        tmp_path / "data", network=net, method="finetune", epochs=1, validation=0.5, device="cpu"
    )
    folder = trained.save(tmp_path / "trained")
    np.save(tmp_path / "data.npy", data.numpy())
    command = [sys.executable, "-c", LOAD, str(folder), tmp_path / "data.npy", tmp_path / "scores.npy"]
    subprocess.run(command, check=True, timeout=300)
    assert np.abs(np.load(tmp_path / "scores.npy") - trained.scores(data)).max() < 1e-5
