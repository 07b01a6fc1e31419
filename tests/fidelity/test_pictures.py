"""The image networks against the same original tensors run by TensorFlow, and on real photos."""

import itertools
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

import zoo
from zoo import formats
from zoo.hub import sources


def original_tensors(name: str, folder: Path) -> dict[str, np.ndarray]:
    source = zoo.describe(name).sources[0]
    return formats.read(sources.get(source.url, folder, checksum=source.checksum), source.format)


def squeezenet(w, x):
    """SqueezeNet 1.1 as its prototxt states it; Caffe pools with a rounded-up size, so maps are padded."""
    import tensorflow as tf

    def conv(x, name, stride=1, padding="VALID"):
        return tf.nn.relu(tf.nn.conv2d(x, w[f"{name}/0"], stride, padding) + w[f"{name}/1"])

    def pool(x):
        odd = [[0, 0], [0, 1 - x.shape[1] % 2], [0, 1 - x.shape[2] % 2], [0, 0]]
        return tf.nn.max_pool2d(tf.pad(x, odd, constant_values=-np.inf), 3, 2, "VALID")

    x = pool(conv(x, "conv1", 2))
    for number in range(2, 10):
        name = f"fire{number}"
        x = conv(x, f"{name}/squeeze1x1")
        x = tf.concat([conv(x, f"{name}/expand1x1"), conv(x, f"{name}/expand3x3", padding="SAME")], 3)
        if number in (3, 5):
            x = pool(x)
    return tf.reduce_mean(conv(x, "conv10"), (1, 2)).numpy()


# Blocks in each of the seven stages of EfficientNet-Lite, and the stride of the first block of each.
STAGES = {0: (1, 2, 2, 3, 3, 4, 1), 1: (1, 3, 3, 4, 4, 5, 1), 2: (1, 3, 3, 4, 4, 5, 1)}
STRIDES = (1, 2, 2, 2, 1, 2, 1)


def efficientnet_lite(w, x, number):
    """EfficientNet-Lite of that number from the port's tensors, with TensorFlow's own 'SAME' padding."""
    import tensorflow as tf

    def norm(x, name):
        mean, variance, beta, gamma = (
            w[f"{name}.{part}"] for part in ("running_mean", "running_var", "bias", "weight")
        )
        return tf.nn.batch_normalization(x, mean, variance, beta, gamma, 1e-3)

    def conv(x, name, stride=1):
        return tf.nn.conv2d(x, w[f"{name}.weight"].transpose(2, 3, 1, 0), stride, "SAME")

    x = tf.nn.relu6(norm(conv(x, "_conv_stem", 2), "_bn0"))
    strides = [(stride, *(1,) * (n - 1)) for stride, n in zip(STRIDES, STAGES[number], strict=True)]
    for i, stride in enumerate(itertools.chain.from_iterable(strides)):
        block, before = f"_blocks.{i}", x
        if i:
            x = tf.nn.relu6(norm(conv(x, f"{block}._expand_conv"), f"{block}._bn0"))
        kernel = w[f"{block}._depthwise_conv.weight"].transpose(2, 3, 0, 1)
        x = tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "SAME")
        x = norm(conv(tf.nn.relu6(norm(x, f"{block}._bn1")), f"{block}._project_conv"), f"{block}._bn2")
        if before.shape == x.shape:
            x = x + before
    x = tf.nn.relu6(norm(conv(x, "_conv_head"), "_bn1"))
    return (tf.reduce_mean(x, (1, 2)) @ w["_fc.weight"].T + w["_fc.bias"]).numpy()


@pytest.mark.parametrize(
    ("name", "independent"),
    [
        ("squeezenet", squeezenet),
        *((f"efficientnet_lite{number}", partial(efficientnet_lite, number=number)) for number in STAGES),
    ],
)
def test_the_logits_are_those_of_tensorflow_on_the_same_tensors(net, name, independent, tmp_path):
    """1e-4: float32 sums in another order; the logits of these photos run to about 20."""
    photos = [zoo.sample(sample) for sample in ("cat.png", "coffee.png", "rocket.jpg")]
    batch = net(name).preprocess(photos)
    with torch.inference_mode():
        ours = net(name).module(batch).numpy()
    theirs = independent(original_tensors(name, tmp_path), batch.permute(0, 2, 3, 1).numpy())
    assert np.abs(ours).max() > 5
    np.testing.assert_allclose(ours, theirs, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("name", "first", "five"),
    [
        ("squeezenet", 21, 31),
        ("efficientnet_lite0", 39, 40),
        pytest.param("efficientnet_lite1", 37, 40, marks=pytest.mark.exhaustive),
        pytest.param("efficientnet_lite2", 39, 40, marks=pytest.mark.exhaustive),
    ],
)
def test_real_photos(net, media, name, first, five):
    photos = sorted((media / "photos").glob("*.jpg"))
    truth = [photo.name.split("_")[1] for photo in photos]
    results = net(name).classify(photos)
    assert len(photos) == 40
    assert sum(result.ids[0] == wnid for result, wnid in zip(results, truth, strict=True)) >= first
    assert sum(wnid in result.ids for result, wnid in zip(results, truth, strict=True)) >= five
