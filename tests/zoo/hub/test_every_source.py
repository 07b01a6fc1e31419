"""Addresses of the catalogs: a file of its format is put there, fetched, checked, converted and loaded.

The addresses themselves are answered by this machine; the only thing that is not tested is the other host.
Sources in the Python package index are the real ones (test_sources.py, test_weights.py), Keras's files are
written by Keras (tests/vision/test_keras_models.py, tests/audio/test_openl3.py), TensorFlow's by TensorFlow
(tests/fidelity/test_tensorflow_originals.py). The file of TensorFlow Lite is the real one
(tests/fidelity/test_tflite.py).
"""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import zoo
from tests.vision.test_caffe_networks import caffemodel
from tests.vision.test_darknet_networks import NETWORKS as DARKNETS
from tests.vision.test_darknet_networks import write as write_darknet
from zoo.core.errors import WeightsError
from zoo.core.spec import Source, Spec
from zoo.hub import sources, weights
from zoo.inference.build import build

SOURCES = [
    (spec, source)
    for spec in sorted(map(zoo.describe, zoo.networks(bundled=False)), key=lambda spec: spec.parameters)
    for source in spec.sources
    if source.format not in ("keras", "checkpoint", "savedmodel", "tflite")
]


def cases() -> Iterator:
    """The smallest file of each kind of address, format and converter; larger ones are exhaustive."""
    tested = set()
    for spec, source in SOURCES:
        kind = (source.url.partition(":")[0], "#" in source.url, source.format, source.convert)
        marks = [pytest.mark.exhaustive] if kind in tested else []
        yield pytest.param(spec, source, id=f"{spec.name}-{source.url[:40]}", marks=marks)
        tested.add(kind)


def published(spec: Spec, source: Source) -> dict[str, torch.Tensor]:
    """Random tensors under the names that the published file has."""
    with torch.device("meta"):
        shapes = build(spec).state_dict()
    state = {
        name: torch.zeros((), dtype=torch.int64) if not tensor.ndim else torch.rand(tensor.shape)
        for name, tensor in shapes.items()
    }
    convert = (source.convert or "").partition(":")[2]
    if convert == "densenet":
        return {re.sub(r"(\.(?:norm|conv))([12])\.", r"\1.\2.", name): value for name, value in state.items()}
    if convert == "without_auxiliary":
        return state | {"AuxLogits.fc.weight": torch.rand(2, 2), "aux1.fc1.bias": torch.rand(2)}
    return state


def write(spec: Spec, source: Source, path: Path) -> Path:
    if source.format == "torch":
        torch.save(published(spec, source), path)
    elif source.format == "safetensors":
        save_file(published(spec, source), path)
    elif source.format == "caffe":
        path.write_bytes(caffemodel(build(spec), "layer"))
    else:
        write_darknet(path, DARKNETS[spec.arch][0])
    return path


def test_hubs_know_every_address():
    for _, source in SOURCES:
        scheme, _, name = source.url.partition(":")
        if scheme in ("torchvision", "timm"):
            assert sources._address(scheme, name).startswith(("https:", "hf:"))


@pytest.mark.parametrize(("spec", "source"), list(cases()))
def test_what_its_address_gives_becomes_the_network(spec, source, internet, tmp_path):
    path = write(spec, source, tmp_path / "published")
    tensors = internet.load(spec, source, path)
    module = build(spec)
    module.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in tensors.items()})
    assert weights.is_cached(spec)
    assert weights.record_of(spec)["source"] == source.url
    if source.format in ("torch", "safetensors"):
        last = [name for name in module.state_dict() if name.endswith(".bias")][-1]
        assert tensors[last].std() > 0.1


@pytest.mark.parametrize("name", ["resnet18", "shufflenet", "googlenet", "darknet53.darknet"])
def test_a_file_that_is_not_the_published_one_is_refused(name, internet, tmp_path, monkeypatch):
    """resnet18 by the digits in its file's name, the others by their published checksum or their contents."""
    spec = zoo.describe(name)
    source = spec.sources[0]
    address = f"/{source.url.partition('#')[0]}"
    if source.url.startswith("torchvision"):
        address = "/https://download.pytorch.org/models/resnet18-f37072fd.pth"
    path = tmp_path / "published"
    path.write_bytes(b"something else" * 1000)
    if "#" in source.url:
        with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
            archive.write(path, source.url.partition("#")[2])
        path = tmp_path / "packed.zip"
    internet.files[address] = path
    with pytest.raises(WeightsError, match=r"tampered|not a complete file"):
        weights.load(spec)
    assert not weights.is_cached(spec)
