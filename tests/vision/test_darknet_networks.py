"""DarkNet-19 and -53 against OpenCV, which reads Darknet's own files, with random weights."""

import csv
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from zoo.formats import darknet as weights
from zoo.vision import darknet

LABELS = Path(darknet.__file__).parent / "labels"
# (channels, size, stride) of a convolution; "pool" halves, "add" adds the input of the last two.
DARKNET19 = [
    (32, 3, 1), "pool", (64, 3, 1), "pool", (128, 3, 1), (64, 1, 1), (128, 3, 1), "pool",
    (256, 3, 1), (128, 1, 1), (256, 3, 1), "pool",
    *[(512, 3, 1), (256, 1, 1)] * 2, (512, 3, 1), "pool",
    *[(1024, 3, 1), (512, 1, 1)] * 2, (1024, 3, 1), "head", "mean",
]  # fmt: skip
DARKNET53 = [
    (32, 3, 1),
    *(
        step
        for channels, units in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4))
        for step in [(channels, 3, 2), *[(channels // 2, 1, 1), (channels, 3, 1), "add"] * units]
    ),
    "mean",
    "head",
]
NETWORKS = {
    "darknet19": (DARKNET19, darknet.darknet19, darknet.darknet19_from_file, 20_842_376),
    "darknet53": (DARKNET53, darknet.darknet53, darknet.darknet53_from_file, 41_609_928),
}
SECTIONS = {
    "pool": "[maxpool]\nsize=2\nstride=2\n",
    "add": "[shortcut]\nfrom=-3\nactivation=linear\n",
    "mean": "[avgpool]\n",
    "head": "[convolutional]\nfilters=1000\nsize=1\nstride=1\npad=1\nactivation=linear\n",
}


def cfg(steps: list, size: int) -> str:
    text = f"[net]\nwidth={size}\nheight={size}\nchannels=3\n"
    for step in steps:
        if step in SECTIONS:
            text += SECTIONS[step]
        else:
            text += "[convolutional]\nbatch_normalize=1\npad=1\nactivation=leaky\n"
            text += "filters={}\nsize={}\nstride={}\n".format(*step)
    return text


def values(steps: list) -> Iterator[np.ndarray]:
    """Weights in Darknet's order. Variances near 40 hide that OpenCV adds another 1e-6 where we add 1e-5."""
    random, inputs = np.random.default_rng(0), 3
    for step, following in pairwise([*steps, ""]):
        if step == "head":
            yield random.normal(0, 1, 1000)
            yield random.normal(0, 1 / inputs**0.5, 1000 * inputs)
        elif step not in SECTIONS:
            channels, size, _ = step
            yield random.normal(0, 0.5, channels)  # biases
            yield random.uniform(0.5, 1.5, channels) * (0.3 if following == "add" else 1)  # scales
            yield random.normal(0, 3, channels)  # means
            yield random.uniform(20, 60, channels)  # variances
            fan_in = inputs * size**2
            yield random.normal(0, (80 / fan_in) ** 0.5, channels * fan_in)
            inputs = channels


def write(path: Path, steps: list, version: tuple[int, int, int] = (0, 2, 0)) -> Path:
    with open(path, "wb") as file:
        np.array(version, "<i4").tofile(file)
        np.array([64_000], "<i8" if version >= (0, 2, 0) else "<i4").tofile(file)
        for array in values(steps):
            array.astype("<f4").tofile(file)
    return path


@pytest.mark.parametrize("name", NETWORKS)
def test_the_logits_are_those_of_opencv_with_the_classes_of_imagenet_csv(name, tmp_path):
    """1e-4 of the largest logit: float32 sums in another order."""
    steps, build, convert, count = NETWORKS[name]
    path = write(tmp_path / "w.weights", steps)
    (tmp_path / "w.cfg").write_text(cfg(steps, 256))
    original = cv2.dnn.readNetFromDarknet(str(tmp_path / "w.cfg"), str(path))
    module = build()
    state = convert(weights.read(path))
    module.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    x = np.random.default_rng(1).uniform(0, 1, (1, 3, 256, 256)).astype(np.float32)
    original.setInput(x)
    theirs = original.forward().ravel()
    with torch.inference_mode():
        ours = module.eval()(torch.from_numpy(x)).numpy().ravel()
    ids = (LABELS / "imagenet_darknet.txt").read_text().split()
    with open(LABELS / "imagenet.csv", encoding="utf-8", newline="") as file:
        expected = [theirs[ids.index(row["id"])] for row in csv.DictReader(file)]
    assert sum(p.numel() for p in module.parameters()) == count
    assert ours.std() > 0.1
    np.testing.assert_allclose(ours, expected, atol=1e-4 * np.abs(theirs).max(), rtol=0)


def test_darknets_classes_are_those_of_imagenet_in_another_order():
    ids = (LABELS / "imagenet_darknet.txt").read_text().split()
    with open(LABELS / "imagenet.csv", encoding="utf-8", newline="") as file:
        in_order = [row["id"] for row in csv.DictReader(file)]
    assert ids[:2] == ["n02119789", "n02100735"]  # kit fox, English setter
    assert ids != in_order
    assert sorted(ids) == in_order


def test_the_older_header_gives_the_same_values(tmp_path):
    steps = DARKNET19[:3]
    old, new = (weights.read(write(tmp_path / "w", steps, version)) for version in ((0, 1, 0), (0, 2, 5)))
    np.testing.assert_array_equal(old["weights"], new["weights"])


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("wrong", [-1, 1])
def test_missing_and_left_over_values_are_refused(name, wrong):
    _, _, convert, count = NETWORKS[name]
    with torch.device("meta"):
        state = NETWORKS[name][1]().state_dict()
    whole = sum(tensor.numel() for key, tensor in state.items() if "num_batches" not in key)
    assert whole > count  # running means and variances are no parameters
    with pytest.raises(ValueError, match=f"{whole + wrong} values"):
        convert({"weights": np.zeros(whole + wrong, np.float32)})


@pytest.mark.parametrize("name", NETWORKS)
def test_any_size_of_picture(name):
    with torch.inference_mode():
        assert NETWORKS[name][1]().eval()(torch.zeros(2, 3, 96, 160)).shape == (2, 1000)
