"""TorchScript (.pt) becomes a network; its program runs in a sandbox only, and only if it is trusted."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

import zoo
from tests.zoo.exchange.onnx_files import random_network
from tests.zoo.exchange.torch_networks import (
    require_same_outputs,
    require_trained_saved_and_loaded,
    small_network,
    torchvision_network,
)
from zoo.core.errors import InputError, TrustError, WeightsError, ZooError
from zoo.exchange import scripted_program

SMALL = {"resize": 8, "crop": 8, "mean": [0.5] * 3, "std": [0.25] * 3}


def trace(module, path, *, side=8):
    with torch.no_grad():
        torch.jit.trace(module.eval(), torch.rand(1, 3, side, side)).save(path)
    return path


def script(module, path):
    torch.jit.script(module.eval()).save(path)
    return path


def block_network():
    """Return a network of a block of torchvision, whose code is in a folder ``models`` of the archive."""
    from torchvision.models.resnet import BasicBlock

    return nn.Sequential(BasicBlock(3, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 5))


def preprocess(side):
    return SMALL | {"resize": side, "crop": side}


@pytest.mark.parametrize(
    ("make", "side"),
    [
        (block_network, 8),
        *(
            pytest.param(partial(torchvision_network, name), side, marks=pytest.mark.exhaustive, id=name)
            for name, side in (
                ("resnet18", 32),
                ("mobilenet_v2", 32),
                ("densenet121", 32),
                ("efficientnet_b0", 32),
                ("convnext_tiny", 32),
            )
        ),
        pytest.param(partial(random_network, "test_vit"), 96, marks=pytest.mark.exhaustive, id="vit"),
    ],
)
def test_import_of_a_traced_program_is_used_trained_saved_and_loaded(make, side, tmp_path):
    module = make()
    path = trace(module, tmp_path / "net.pt", side=side)
    net = zoo.import_network(path, name="net", preprocess=preprocess(side), trust=True, device="cpu")
    data = require_same_outputs(net, module)
    assert net.report.format.startswith("TorchScript, run by PyTorch")
    assert net.embed(zoo.sample("cat.png")).values.shape[0] == 1
    require_trained_saved_and_loaded(net, data, tmp_path)


def test_import_of_a_program_of_which_no_size_is_said_tries_usual_ones(tmp_path):
    module = nn.Sequential(nn.Conv2d(1, 4, 5, 4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5))
    with torch.no_grad():
        torch.jit.trace(module, torch.rand(1, 1, 28, 28)).save(tmp_path / "digits.pt")
    net = zoo.import_network(tmp_path / "digits.pt", name="digits", trust=True)
    assert net.spec.input_shape == (1, 28, 28)
    assert max(net.report.differences.values()) < 1e-4


def test_import_of_a_program_for_one_input_takes_larger_batches(tmp_path):
    class One(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = small_network()

        def forward(self, x):
            return self.body(x).view(1, 5) * 2

    module = One().eval()
    net = zoo.import_network(
        trace(module, tmp_path / "one.pt"), name="one", preprocess=SMALL, trust=True, device="cpu"
    )
    data = net.preprocess(zoo.sample("cat.png"))
    with torch.no_grad():
        ours = net.module(data.repeat(3, 1, 1, 1)).numpy()
        assert np.abs(ours - module(data).numpy()).max() < 1e-4


def test_import_of_torchscript_without_trust_says_why_and_runs_nothing(tmp_path, monkeypatch):
    path = trace(small_network(), tmp_path / "net.pt")
    monkeypatch.setattr(scripted_program, "ConversionProcess", None)
    with pytest.raises(TrustError, match=r"a program, .*pass trust=True .*\.pt2 with torch\.export\.save"):
        zoo.import_network(path, name="net", preprocess=SMALL)


class Saves(nn.Module):
    def __init__(self, path: str):
        super().__init__()
        self.path = path

    def forward(self, x):
        torch.save(x, self.path)
        return x


class Reads(nn.Module):
    def __init__(self, path: str):
        super().__init__()
        self.path = path

    def forward(self, x):
        return x.mean() + torch.from_file(self.path, False, 16, dtype=torch.uint8)


class Allocates(nn.Module):
    def forward(self, x):
        return x + torch.zeros(x.shape[0] * 1_000_000_000_000)


class Endless(nn.Module):
    def forward(self, x):
        while bool(x.sum() < 1e30):
            x = x * 1
        return x


class Loads(nn.Module):
    """Runs when it is loaded."""

    def __init__(self, path: str):
        super().__init__()
        self.path = path

    @torch.jit.export
    def __getstate__(self):
        return self.path, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]):
        self.path = state[0]
        self.training = state[1]
        torch.save(torch.zeros(1), self.path)

    def forward(self, x):
        return x


def test_import_of_a_hostile_program_writes_and_reads_nothing(tmp_path):
    canary = tmp_path / "canary"
    path = script(Saves(str(canary)), tmp_path / "saves.pt")
    torch.jit.load(path)(torch.zeros(1))
    assert canary.exists()  # so it works outside of the sandbox
    canary.unlink()
    with pytest.raises(ZooError, match=r"^[^\n]*\.$"):  # PyTorch ignores that it cannot open the file
        zoo.import_network(path, name="hostile", preprocess=SMALL, trust=True)
    path = script(Loads(str(canary)), tmp_path / "loads.pt")
    with pytest.raises(ZooError, match=r"^[^\n]*\.$"):
        zoo.import_network(path, name="hostile", preprocess=SMALL, trust=True)
    assert not canary.exists()

    secret = tmp_path / "secret"
    secret.write_bytes(b"0123456789abcdef")
    path = script(Reads(str(secret)), tmp_path / "reads.pt")
    assert torch.jit.load(path)(torch.zeros(1))[0] == ord("0")
    with pytest.raises(InputError, match=r"PyTorch cannot run reads\.pt"):
        zoo.import_network(path, name="hostile", preprocess=SMALL, trust=True)


def test_import_of_a_program_without_limits_is_ended(tmp_path, monkeypatch):
    path = script(Allocates(), tmp_path / "allocates.pt")
    with pytest.raises(InputError, match=r"PyTorch cannot run allocates\.pt: .*\.$"):
        zoo.import_network(path, name="hostile", preprocess=SMALL, trust=True)
    monkeypatch.setattr(scripted_program, "CPU_SECONDS", 8.0)
    path = script(Endless(), tmp_path / "endless.pt")
    with pytest.raises(WeightsError, match=r"it takes more than 8 s\.$"):
        zoo.import_network(path, name="hostile", preprocess=SMALL, trust=True)


def test_import_of_truncated_torchscript_is_refused(tmp_path):
    content = trace(small_network(), tmp_path / "net.pt").read_bytes()
    for length in (len(content) // 2, len(content) - 1):
        (tmp_path / "cut.pt").write_bytes(content[:length])
        with pytest.raises(WeightsError, match="damaged archive"):
            zoo.import_network(tmp_path / "cut.pt", name="cut", preprocess=SMALL, trust=True)


def test_import_of_torchscript_for_another_size_says_what_to_pass(tmp_path):
    path = trace(nn.Sequential(nn.Flatten(), nn.Linear(75, 2)), tmp_path / "odd.pt", side=5)
    with pytest.raises(InputError, match="pass preprocess= with the size that it takes"):
        zoo.import_network(path, name="odd", trust=True)
