"""The small network for small pictures: shapes, its record, and that it sees what its record says."""

import numpy as np
import pytest
import torch

from zoo.inference.build import build, preprocessor
from zoo.vision.small import SmallCNN, small_cnn


@pytest.mark.parametrize(("size", "channels", "widths"), [(8, 1, [4, 8]), (28, 1, [4, 8, 8]), (32, 3, [4])])
def test_record_and_module_agree(size, channels, widths):
    spec = small_cnn(classes=7, size=size, mean=[0.5] * channels, std=[0.25] * channels, widths=widths)
    module = build(spec).eval()
    assert spec.input_shape == (channels, size, size)
    assert module(torch.zeros(2, *spec.input_shape)).shape == (2, 7)
    assert (
        sum(isinstance(layer, torch.nn.Conv2d | torch.nn.Linear) for layer in module.modules()) == spec.depth
    )
    assert spec.parameters == sum(parameter.numel() for parameter in module.parameters())
    for layer in (spec.head_layer, spec.embedding_layer, spec.cam_layer):
        module.get_submodule(layer)


def test_a_gray_picture_is_its_luma_less_the_mean():
    transform = preprocessor(small_cnn(classes=2, size=2, mean=[0.5], std=[0.25], widths=[4]))
    (batch,) = transform.batches(np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255] * 3]], np.uint8))
    expected = [0.299, 0.587, 0.114, 1.0]  # ITU-R BT.601; torchvision rounds them to four digits
    np.testing.assert_allclose(batch.data.flatten() * 0.25 + 0.5, expected, atol=2e-4)
    assert "gray" in transform.describe()


def test_dropout_is_in_training_only():
    module, x = SmallCNN(2, 1, [4], dropout=0.9).eval(), torch.rand(1, 1, 8, 8)
    assert module(x).equal(module(x))
