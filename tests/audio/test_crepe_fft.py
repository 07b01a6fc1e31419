"""CREPE in the frequency domain is CREPE: with any parameters, at any batch, and never stale."""

import pytest
import torch
from torch import nn

import zoo
from zoo.audio.crepe import CREPE
from zoo.audio.crepe_fft import CREPEFFT


def crepe(multiplier: int, seed: int = 0) -> CREPE:
    """With statistics and scales like those of a trained one, and a third of its scales negative or zero."""
    generator = torch.Generator().manual_seed(seed)
    module = CREPE(multiplier).eval()
    with torch.no_grad():
        for i in range(1, 7):
            norm = module.get_submodule(f"block{i}").norm
            norm.weight.copy_(torch.randn(len(norm.weight), generator=generator) + 0.5)
            norm.weight[::7] = 0
            norm.bias.copy_(torch.randn(len(norm.bias), generator=generator))
            norm.running_mean.copy_(torch.randn(len(norm.bias), generator=generator))
            norm.running_var.copy_(torch.rand(len(norm.bias), generator=generator) + 0.2)
    return module


def frames(n: int) -> torch.Tensor:
    return torch.randn(n, 1024, generator=torch.Generator().manual_seed(n))


@pytest.mark.parametrize("n", [1, 3, 32])
@pytest.mark.parametrize(
    "multiplier", [4, 8, 16, *(pytest.param(large, marks=pytest.mark.exhaustive) for large in (24, 32))]
)
def test_it_gives_what_the_module_gives(multiplier, n):
    """1e-5 of the scale: float32; the module itself is 1e-6 from its float64 self."""
    module = crepe(multiplier)
    with torch.no_grad():
        expected = module.double()(frames(n).double())
        outputs = CREPEFFT(module.float())(frames(n))
    assert (outputs - expected).abs().max() < 1e-5 * expected.abs().max()


def test_a_frame_does_not_depend_on_the_others():
    form = CREPEFFT(crepe(4))
    together = form(frames(5))
    for i, frame in enumerate(frames(5)):
        torch.testing.assert_close(form(frame[None]), together[i : i + 1], rtol=1e-5, atol=1e-5)


def test_another_head_is_taken_over():
    net = zoo.load("crepe.tiny", weights=None, device="cpu", num_classes=5)
    assert net.engine.name == "fft"
    torch.testing.assert_close(net.engine(frames(2))[0], net.module(frames(2)).detach(), rtol=1e-5, atol=1e-5)


def scale(module: CREPE) -> None:
    with torch.no_grad():
        module.block3.norm.weight.mul_(2)


def other_statistics(module: CREPE) -> None:
    module.block2.norm.running_mean.add_(1)


def other_parameters(module: CREPE) -> None:
    module.load_state_dict(crepe(4, seed=1).state_dict())


def no_batch_norm(module: CREPE) -> None:
    module.block4.norm = nn.Identity()


def another_rectifier(module: CREPE) -> None:
    module.block2.relu = nn.LeakyReLU(0.5)


@pytest.mark.parametrize(
    "change", [scale, other_statistics, other_parameters, no_batch_norm, another_rectifier]
)
def test_the_engine_notices_when_the_module_changes(change):
    net = zoo.load("crepe.tiny", weights=None, device="cpu")
    net.module.load_state_dict(crepe(4).state_dict())
    before = net.engine(frames(2))[0]
    change(net.module)
    after, expected = net.engine(frames(2))[0], net.module(frames(2)).detach()
    assert not torch.allclose(before, expected, atol=1e-3)
    torch.testing.assert_close(after, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


def test_layers_come_from_the_module():
    net = zoo.load("crepe.tiny", weights=None, device="cpu")
    outputs, recorded = net.engine(frames(2), ["block5", "classifier"])
    assert recorded["block5"].shape == (2, 32, 8)
    torch.testing.assert_close(recorded["classifier"], outputs)
