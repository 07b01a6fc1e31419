"""The loop: it learns, stops, goes on where it was killed, and says what is wrong."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from zoo.core.errors import InputError, WeightsError
from zoo.training.fit.loop import Settings, fit, parameter_groups


class Rows:
    """Two clouds of points."""

    def __init__(self, count: int, seed: int):
        rng = np.random.default_rng(seed)
        self.targets = rng.integers(0, 2, count)
        self.values = torch.from_numpy(rng.standard_normal((count, 8))).float()
        self.values[:, 0] += torch.from_numpy(3 * self.targets - 1.5)

    def __len__(self):
        return len(self.targets)

    def batches(self, order, epoch, size):
        for rows in np.split(order, range(size, len(order), size)):
            yield self.values[rows], torch.from_numpy(self.targets[rows]), torch.ones(len(rows))


def net() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2))


TRAIN, HELD = Rows(200, 0), Rows(100, 1)
QUICK = Settings(epochs=6, batch_size=20, learning_rate=1e-2, patience=6)


def test_it_learns_and_ends_with_its_best_epoch():
    module = net()
    history = fit(module, TRAIN, HELD, QUICK, head="4")
    assert [row["epoch"] for row in history] == [1, 2, 3, 4, 5, 6]
    assert history[-1]["validation_accuracy"] > 0.8
    assert not module.training
    with torch.no_grad():
        loss = nn.functional.cross_entropy(module(HELD.values), torch.from_numpy(HELD.targets))
    assert float(loss) == pytest.approx(min(row["validation_loss"] for row in history), rel=1e-5)


def test_batch_norm_keeps_its_statistics():
    module = net()
    before = module[1].running_mean.clone()
    fit(module, TRAIN, HELD, QUICK)
    assert module[1].running_mean.equal(before)


def test_the_same_seed_gives_the_same_network_and_another_one_another():
    modules = [net() for _ in range(3)]
    for module, seed in zip(modules, (5, 5, 6), strict=True):
        fit(module, TRAIN, HELD, Settings(epochs=2, seed=seed))
    first, second, third = (module[0].weight for module in modules)
    assert first.equal(second)
    assert not first.equal(third)


@pytest.mark.parametrize("at", [0.05, 0.5, 0.9])
def test_a_killed_run_goes_on_to_the_same_network(tmp_path, at):
    whole, parts = net(), net()
    history = fit(whole, TRAIN, HELD, QUICK)

    def kill(step):
        if step.fraction > at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(parts, TRAIN, HELD, QUICK, checkpoint=tmp_path / "c.pt", watch=kill)
    assert (tmp_path / "c.pt").exists() == (at > 1 / 6)
    parts = net()
    assert fit(parts, TRAIN, HELD, QUICK, checkpoint=tmp_path / "c.pt") == history
    assert all(value.equal(whole.state_dict()[key]) for key, value in parts.state_dict().items())


def test_a_checkpoint_of_another_run_or_a_damaged_one_is_refused(tmp_path):
    file = tmp_path / "c.pt"
    fit(net(), TRAIN, HELD, Settings(epochs=1), checkpoint=file, origin="ants")
    with pytest.raises(WeightsError, match="other data, network or settings"):
        fit(net(), TRAIN, HELD, Settings(epochs=1), checkpoint=file, origin="bees")
    file.write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="cannot be read"):
        fit(net(), TRAIN, HELD, Settings(epochs=1), checkpoint=file, origin="ants")


def test_watching_tells_how_far_it_is_and_can_stop_it():
    steps = []

    def watch(step):
        steps.append(step)
        return len(step.history) == 2

    module = net()
    history = fit(module, TRAIN, HELD, QUICK, watch=watch)
    assert len(history) == 2
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1 / 3)
    assert all(step.eta >= 0 for step in steps)


def test_it_stops_when_validation_gets_no_better():
    worse = copy.copy(HELD)
    worse.targets = 1 - worse.targets
    history = fit(net(), TRAIN, worse, Settings(epochs=50, learning_rate=1e-2, patience=3))
    assert len(history) == 4


def test_frozen_parameters_stay_and_gradients_add_up():
    module = net()
    module[0].requires_grad_(False)
    before = module[0].weight.clone()
    fit(module, TRAIN, HELD, Settings(epochs=1, accumulate=3), head="4")
    assert module[0].weight.equal(before)
    first, second = net(), net()
    for layer in (first[3], second[3]):
        layer.p = 0.0
    fit(first, TRAIN, HELD, Settings(epochs=1, batch_size=200, balanced=False))
    fit(second, TRAIN, HELD, Settings(epochs=1, batch_size=50, accumulate=4, balanced=False))
    torch.testing.assert_close(first[0].weight, second[0].weight, atol=1e-5, rtol=1e-4)


def test_lower_layers_learn_more_slowly():
    module = nn.Sequential(*(nn.Linear(4, 4, bias=False) for _ in range(7)))
    groups = parameter_groups(module, "6", Settings(learning_rate=1.0, layer_lr_decay=100.0))
    assert [group["lr"] for group in groups] == pytest.approx([1.0, 0.001, 0.01, 0.1])
    assert [len(group["params"]) for group in groups] == [1, 2, 2, 2]


def test_rare_classes_weigh_as_much_as_frequent_ones():
    rare = Rows(200, 3)
    rare.values[:, 0] = 0.0  # nothing to tell them apart by
    rare.targets[:] = np.arange(200) < 20
    fractions = []
    for balanced in (True, False):
        module = nn.Linear(8, 2)
        settings = Settings(
            epochs=20, learning_rate=0.05, balanced=balanced, label_smoothing=0.0, patience=20
        )
        fit(module, rare, rare, settings)
        with torch.no_grad():
            fractions.append(float(torch.softmax(module(rare.values), dim=1)[:, 1].mean()))
    assert fractions[0] > 0.35
    assert fractions[1] < 0.2


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"learning_rate": -1},
        {"learning_rate": "fast"},
        {"dtype": "fp8"},
        {"patience": 1.5},
        {"label_smoothing": 1},
    ],
)
def test_settings_that_make_no_sense(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Settings(**wrong)


def test_a_run_that_diverges_says_so():
    wild = Rows(40, 0)
    wild.values *= 1e38
    with pytest.raises(InputError, match="diverged"):
        fit(net(), wild, HELD, Settings(epochs=3, learning_rate=10))


def test_batch_norm_learns_its_statistics_where_there_are_none():
    module = net()
    before = module[1].running_mean.clone()
    fit(module, TRAIN, HELD, replace(QUICK, freeze_batchnorm=False))
    assert not module[1].running_mean.equal(before)
