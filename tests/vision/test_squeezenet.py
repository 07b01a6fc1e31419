"""SqueezeNet is torchvision's network, without torchvision."""

import torch
from torchvision import models

from zoo.vision.squeezenet import SqueezeNet


def test_the_same_seed_gives_torchvisions_layers_tensors_and_scores():
    torch.manual_seed(0)
    expected = models.squeezenet1_1(num_classes=7).eval()
    torch.manual_seed(0)
    module = SqueezeNet(num_classes=7).eval()
    layers = {name: str(layer) for name, layer in module.named_modules() if name}
    assert layers == {name: str(layer) for name, layer in expected.named_modules() if name}
    data = torch.randn(2, 3, 127, 127, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(module(data), expected(data), rtol=0, atol=0)
