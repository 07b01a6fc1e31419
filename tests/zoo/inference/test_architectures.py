"""Every architecture of the registry in use, with weights made here: forward, backward, head, freeze, ONNX.

Pictures are small where the network allows it. Batch norm is given the statistics of random data first, and a
bias that keeps most of what follows on the linear side of its activation: a fresh network of a hundred layers
gives out a constant or huge numbers, and blows rounding up until no two ways of computing it agree.
"""

import copy
import math
import string
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

import zoo
from zoo.core import components
from zoo.core.spec import Spec
from zoo.inference.build import build
from zoo.inference.engines.onnx import OnnxRuntime
from zoo.inference.engines.pytorch import PyTorch
from zoo.inference.network import Network

CPU = torch.device("cpu")
ONE_SIZE = ("alexnet", "vgg16", "vgg19")  # whose first dense layer is made for one size of map


def distinct() -> list[Spec]:
    """One record for each module that the registry can build: tags may share it."""
    specs = [zoo.describe(name) for name in zoo.networks()]
    return list({(s.builder, str(s.arguments), s.classes): s for s in reversed(specs)}.values())


def cases() -> Iterator:
    """The smallest network of each builder; larger ones of the same code are exhaustive.

    So are VGG, whose layers are those of AlexNet, and the form that torchvision has of an architecture with
    another form here: of torchvision is ResNet-18.
    """
    tested, architectures = set(), set()
    for spec in sorted(distinct(), key=lambda spec: spec.parameters):
        code = components.BUILDERS[spec.builder]
        if code.startswith("torchvision"):
            code = code.rstrip(string.digits)  # resnet18, resnet50
        of_torchvision = code.startswith("torchvision")
        repeats = code in tested or code.endswith(":vgg") or (of_torchvision and spec.arch in architectures)
        yield pytest.param(spec, id=spec.name, marks=[pytest.mark.exhaustive] if repeats else [])
        tested.add(code)
        architectures.add(spec.arch)


@pytest.fixture(scope="module", params=list(cases()))
def lively(request) -> tuple[Network, torch.Tensor]:
    """A network with numbers, and data for it."""
    torch.manual_seed(0)
    spec = request.param
    small = spec.modality == "image" and spec.arch not in ONE_SIZE
    data = torch.randn(8, *((3, 96, 96) if small else spec.input_shape))
    module = build(spec).train()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0  # the statistics of this one batch
            nn.init.ones_(layer.bias)
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.normal_(layer.weight, std=1 / math.sqrt(layer.weight[0].numel()))
    with torch.no_grad():
        module(data)
    net, data = Network(spec, module, (), device="cpu", engine="torch"), data[:3]
    assert 1e-4 < net.engine(data)[0].std() < 1e4
    return net, data


def test_forward_and_backward_reach_every_layer(lively):
    net, data = lively
    module = copy.deepcopy(net.module).train()
    outputs = module(data)
    assert outputs.shape == (3, net.spec.classes)
    outputs.square().mean().backward()
    names = [name for name, parameter in module.named_parameters() if parameter.grad is None]
    assert names == []
    first = next(module.parameters())
    assert first.grad.abs().max() > 0


def test_another_head(lively):
    net, data = lively
    swapped = net.replace_head(["ant", "bee", "wasp"])
    assert swapped.engine(data)[0].shape == (3, 3)
    assert [label.label for label in swapped.labels] == ["ant", "bee", "wasp"]
    head = net.spec.head_layer
    ours, theirs = net.module.state_dict(), swapped.module.state_dict()
    assert all(ours[key].equal(theirs[key]) for key in ours if not key.startswith(f"{head}."))
    assert len(theirs[f"{head}.weight"]) == len(theirs[f"{head}.bias"]) == 3


def test_what_is_frozen_stays_and_the_rest_learns(lively):
    net, data = lively
    student = net.replace_head(2).freeze()
    module = student.module.train()
    assert {n.rpartition(".")[0] for n, p in module.named_parameters() if p.requires_grad} == {
        net.spec.head_layer
    }
    before = copy.deepcopy(module.state_dict())
    optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(data), torch.tensor([0, 1, 0])).backward()
        optimizer.step()
    after = module.state_dict()
    changed = {key.rpartition(".")[0] for key in after if not after[key].equal(before[key])}
    assert changed == {net.spec.head_layer}, "batch norm must keep its statistics"


def test_three_layers_can_be_looked_at(lively):
    net, data = lively
    layers = [row["name"] for row in net.summary().layers if row["shape"] and row["parameters"]]
    three = [layers[0], layers[len(layers) // 2], net.spec.head_layer]
    _, recorded = net.engine(data, three)
    assert set(recorded) == set(three)
    assert all(len(value) == 3 and value.isfinite().all() for value in recorded.values())
    assert not any(layer._forward_hooks for layer in net.module.modules())


def test_the_layer_for_maps_has_a_gradient(lively):
    net, data = lively
    if not net.spec.cam_layer or net.spec.modality == "audio":  # sounds are not explained
        return
    # At 96 pixels, the size of `data`, some leave one position only.
    one = data[:1] if net.spec.arch in ONE_SIZE else torch.randn(1, 3, 128, 128)
    outputs, maps, gradient = net.eager.gradient(one, net.spec.cam_layer, 0)
    assert outputs.shape == (1, net.spec.classes)
    assert maps.shape == gradient.shape
    assert min(maps.shape[2:]) > 1
    assert gradient.abs().max() > 0
    assert not any(layer._forward_hooks for layer in net.module.modules())
    assert all(parameter.grad is None for parameter in net.module.parameters())


def test_the_state_dictionary_makes_the_same_network_again(lively):
    net, data = lively
    again = build(net.spec).eval()
    again.load_state_dict(net.module.state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(again(data), net.engine(data)[0], atol=1e-6, rtol=1e-5)


def test_onnx_gives_the_same(lively):
    """1e-4 of the scale: float32 sums in another order."""
    net, data = lively
    engine = OnnxRuntime(
        PyTorch(net.module, CPU), data.shape[1:], net.spec.embedding_layer, None, required=True
    )
    for batch in (data, data[:1]):
        outputs, recorded = engine(batch, [net.spec.embedding_layer])
        expected, expected_layers = net.engine(batch, [net.spec.embedding_layer])
        for ours, theirs in (
            (outputs, expected),
            *((recorded[layer], expected_layers[layer]) for layer in expected_layers),
        ):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * float(theirs.abs().max()))
