"""Cuts of networks at places that a person would choose."""

import pytest

import zoo
from zoo.training.advice.depth import layer_at


@pytest.mark.parametrize(
    ("name", "half", "late"),
    [
        ("resnet18", "layer2.1", "layer3.1"),  # 10 and 15 of 20 convolutions, two of which are shortcuts
        ("efficientnet_lite0", "blocks.3.2", "blocks.5.0"),
        ("yamnet", "layer7", "layer10"),
        ("vgg16.tv", "features.16", "features.25"),
    ],
)
def test_layers_half_way_and_late(name, half, late):
    net = zoo.load(name, weights=None, device="cpu", engine="torch")
    assert (layer_at(net, 0.5), layer_at(net, 0.75)) == (half, late)
    frozen = net.freeze(half).module
    trained = [name for name, parameter in frozen.named_parameters() if parameter.requires_grad]
    assert 0 < len(trained) < len(list(frozen.parameters()))


def test_no_share_is_the_first_layer_and_all_is_the_last_before_the_head():
    net = zoo.load("resnet18", weights=None, device="cpu", engine="torch")
    assert layer_at(net, 0) == "conv1"
    assert layer_at(net, 1) == "avgpool"
