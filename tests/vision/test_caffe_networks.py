"""The networks of Caffe against OpenCV, which reads Caffe's own files, with random weights."""

import cv2
import numpy as np
import pytest
import torch

from zoo.formats import caffe
from zoo.vision import alexnet, googlenet
from zoo.vision.alexnet import AlexNet
from zoo.vision.googlenet import CHANNELS, GoogLeNet

MEAN = np.array([104, 117, 123], np.float32).reshape(3, 1, 1)
# Fields of LayerParameter and of V1LayerParameter, which holds the type as a number.
VERSIONS = {
    "layer": {4: "Convolution", 2: "InnerProduct"},
    "layers": {4: 4, 2: 14},
}


class Prototxt:
    """A network in Caffe's language, layer by layer; each is put upon the last unless told otherwise."""

    def __init__(self, size: int) -> None:
        self.text = f'input: "data" input_shape {{ dim: 1 dim: 3 dim: {size} dim: {size} }}\n'
        self.top = "data"

    def add(self, name: str, kind: str, *bottoms: str, **parameters: object) -> str:
        inputs = " ".join(f'bottom: "{bottom}"' for bottom in bottoms or [self.top])
        values = " ".join(f"{key}: {value}" for key, value in parameters.items())
        group = {"Convolution": "convolution", "InnerProduct": "inner_product"}.get(kind, kind.lower())
        details = f"{group}_param {{ {values} }}" if parameters else ""
        self.text += f'layer {{ name: "{name}" type: "{kind}" {inputs} top: "{name}" {details} }}\n'
        self.top = name
        return name

    def conv(self, name: str, channels: int, size: int, *bottoms: str, **parameters: int) -> str:
        self.add(name, "Convolution", *bottoms, num_output=channels, kernel_size=size, **parameters)
        return self.add(f"{name}/relu", "ReLU")

    def normalize(self, name: str) -> str:
        return self.add(name, "LRN", local_size=5, alpha=1e-4, beta=0.75)

    def halve(self, name: str) -> str:
        return self.add(name, "Pooling", pool="MAX", kernel_size=3, stride=2)


def googlenet_prototxt(classes: int) -> str:
    net = Prototxt(224)
    net.conv("conv1/7x7_s2", 64, 7, stride=2, pad=3)
    net.halve("pool1")
    net.normalize("norm1")
    net.conv("conv2/3x3_reduce", 64, 1)
    net.conv("conv2/3x3", 192, 3, pad=1)
    net.normalize("norm2")
    net.halve("pool2")
    for number, (one, reduce3, three, reduce5, five, projected) in CHANNELS.items():
        name, before = f"inception_{number}", net.top
        first = net.conv(f"{name}/1x1", one, 1, before)
        net.conv(f"{name}/3x3_reduce", reduce3, 1, before)
        second = net.conv(f"{name}/3x3", three, 3, pad=1)
        net.conv(f"{name}/5x5_reduce", reduce5, 1, before)
        third = net.conv(f"{name}/5x5", five, 5, pad=2)
        net.add(f"{name}/pool", "Pooling", before, pool="MAX", kernel_size=3, stride=1, pad=1)
        net.add(name, "Concat", first, second, third, net.conv(f"{name}/pool_proj", projected, 1))
        if number in ("3b", "4e"):
            net.halve(f"pool{number[0]}")
    net.add("pool5", "Pooling", pool="AVE", kernel_size=7, stride=1)
    net.add("loss3/classifier", "InnerProduct", num_output=classes)
    return net.text


def alexnet_prototxt() -> str:
    net = Prototxt(227)
    net.conv("conv1", 96, 11, stride=4)
    net.normalize("norm1")
    net.halve("pool1")
    net.conv("conv2", 256, 5, pad=2, group=2)
    net.normalize("norm2")
    net.halve("pool2")
    net.conv("conv3", 384, 3, pad=1)
    net.conv("conv4", 384, 3, pad=1, group=2)
    net.conv("conv5", 256, 3, pad=1, group=2)
    net.halve("pool5")
    for name, channels in (("fc6", 4096), ("fc7", 4096)):
        net.add(name, "InnerProduct", num_output=channels)
        net.add(f"{name}/relu", "ReLU")
    net.add("fc8", "InnerProduct", num_output=1000)
    return net.text


def caffemodel(module: torch.nn.Module, version: str) -> bytes:
    """Random weights for a network whose layers are named as in Caffe, and a layer that only training has."""
    random, net = np.random.default_rng(0), caffe.messages()["NetParameter"]()
    shapes = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    shapes |= {"loss1/classifier.weight": (7, 5)} if isinstance(module, GoogLeNet) else {}
    for name, shape in shapes.items():
        layer, _, kind = name.rpartition(".")
        if kind == "weight":
            scale = (2 / np.prod(shape[1:])) ** 0.5
            entry = getattr(net, version).add(
                name=layer.replace(".", "/"), type=VERSIONS[version][len(shape)]
            )
        else:
            scale = 1.0
        blob = entry.blobs.add(data=[random.normal(0, scale, shape).astype("<f4").tobytes()])
        if version == "layer":
            blob.shape.dim.extend(shape)
        else:
            blob.num, blob.channels, blob.height, blob.width = (1,) * (4 - len(shape)) + shape
    return net.SerializeToString()


def picture(size: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 255, (1, 3, size, size)).astype(np.float32) - MEAN


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("module", "convert", "prototxt", "size"),
    [
        (GoogLeNet(), googlenet.from_caffe, googlenet_prototxt(1000), 224),
        (GoogLeNet(365), googlenet.from_caffe, googlenet_prototxt(365), 224),
        (AlexNet(), alexnet.from_caffe, alexnet_prototxt(), 227),
    ],
    ids=["googlenet.imagenet", "googlenet.places365", "alexnet"],
)
def test_the_logits_are_those_of_opencv_on_the_same_file(module, convert, prototxt, size, version, tmp_path):
    """1e-4 of the largest logit: float32 sums in another order."""
    (tmp_path / "deploy.prototxt").write_text(prototxt)
    path = tmp_path / "w.caffemodel"
    path.write_bytes(caffemodel(module, version))
    tensors = convert(caffe.read(path))
    module.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in tensors.items()})
    original = cv2.dnn.readNetFromCaffe(str(tmp_path / "deploy.prototxt"), str(path))
    path.unlink()
    x = picture(size)
    original.setInput(x)
    theirs = original.forward()
    with torch.inference_mode():
        ours = module.eval()(torch.from_numpy(x)).numpy()
    assert ours.std() > 0.1
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max(), rtol=0)


def test_googlenet_takes_any_size():
    with torch.inference_mode():
        assert GoogLeNet(10).eval()(torch.zeros(2, 3, 161, 260)).shape == (2, 10)


def test_a_layer_with_more_blobs_than_weight_and_bias_is_no_such_network():
    with pytest.raises(KeyError):
        alexnet.from_caffe({"conv1/2": np.zeros(1, np.float32)})
