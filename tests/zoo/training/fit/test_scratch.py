"""Training from scratch as a method of `zoo.transfer`, and the changes of small pictures that go with it."""

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from tests.zoo.training.fit.test_transfer import squares
from zoo.core.errors import InputError
from zoo.inference.build import build
from zoo.inference.network import Network
from zoo.training.fit import augmentation
from zoo.training.fit.loaders import Pictures, Windows
from zoo.vision.small import small_cnn


def small(seed: int = 0) -> Network:
    spec = small_cnn(classes=5, size=16, mean=[0.5] * 3, std=[0.25] * 3, widths=[4, 8])
    torch.manual_seed(seed)
    return Network(spec, build(spec), (), device="cpu", engine="torch")


OPTIONS = {"method": "scratch", "validation": 0.25, "epochs": 8, "batch_size": 4}


def test_every_layer_learns_and_what_was_given_stays():
    net = small()
    before = {key: value.clone() for key, value in net.module.state_dict().items()}
    trained = zoo.transfer(squares(), network=net, **OPTIONS)
    assert zoo.evaluate(squares(20, seed=1), network=trained).accuracy == 1.0
    after = trained.module.state_dict()
    same = [key for key in after if key in before and after[key].equal(before[key])]
    assert same == []
    assert all(value.equal(before[key]) for key, value in net.module.state_dict().items())
    assert [label.label for label in trained.labels] == ["dark", "bright"]


def test_the_same_seed_gives_the_same_network_also_where_it_was_killed(tmp_path):
    whole = zoo.transfer(squares(), network=small(), **OPTIONS)

    def kill(step):
        if step.fraction > 0.6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        zoo.transfer(squares(), network=small(), **OPTIONS, out=tmp_path / "net", watch=kill)
    assert [path.name for path in tmp_path.iterdir()] == ["net.checkpoint"]
    again = zoo.transfer(squares(), network=small(), **OPTIONS, out=tmp_path / "net", resume=True)
    assert again.spec.training["history"] == whole.spec.training["history"]
    state = whole.module.state_dict()
    assert all(value.equal(state[key]) for key, value in again.module.state_dict().items())
    assert {path.name for path in tmp_path.iterdir()} == {"net"}


def test_a_network_by_its_name_is_untrained(monkeypatch):
    arguments = {}

    def load(name, **options):
        arguments.update(options, name=name)
        return small()

    monkeypatch.setattr("zoo.training.fit.transfer.load", load)
    trained = zoo.transfer(squares(), network="squeezenet", **OPTIONS)
    assert (arguments["name"], arguments["weights"]) == ("squeezenet", None)
    assert trained.spec.license == "your own: trained from scratch"
    arguments.clear()
    zoo.transfer(squares(), network="squeezenet", method="head", epochs=1)
    assert "weights" not in arguments


def test_shifted_pictures_are_a_part_of_the_picture_beside_its_repeated_edge():
    values = np.arange(16 * 16, dtype=np.uint8).reshape(16, 16)
    picture = Image.fromarray(np.stack([values] * 3, axis=2))
    padded = np.pad(values, 2, mode="edge")
    shifts, mirrored = set(), set()
    for seed in range(60):
        moved = np.asarray(augmentation.shifted(mirror=True)(picture, np.random.default_rng(seed)))[..., 0]
        for name, one in (("plain", moved), ("mirrored", moved[:, ::-1])):
            for top in range(5):
                for left in range(5):
                    if np.array_equal(one, padded[top : top + 16, left : left + 16]):
                        shifts.add((top, left))
                        mirrored.add(name)
    assert mirrored == {"plain", "mirrored"}
    assert {top for top, _ in shifts} == {left for _, left in shifts} == {0, 1, 2, 3, 4}
    never = [augmentation.shifted(mirror=False)(picture, np.random.default_rng(seed)) for seed in range(20)]
    assert all(np.asarray(one)[8, 2, 0] < np.asarray(one)[8, 12, 0] for one in never)


def test_shifts_are_for_pictures(net):
    data = squares(4)
    Pictures(small(), data, "shift").make(0, 0)
    with pytest.raises(InputError, match="none, light, strong, shift, mirror"):
        Pictures(small(), data, "wild")
    with pytest.raises(InputError, match=r"choose one of none, light, strong\."):
        Windows(net("yamnet"), data, "shift")
