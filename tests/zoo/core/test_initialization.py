"""What a file will fill is not filled with random numbers first."""

import pytest
import torch
from torch import nn

from zoo.core.initialization import skip_initialization


@pytest.mark.parametrize(
    "build",
    [
        lambda: nn.Linear(3, 2),
        lambda: nn.Conv2d(3, 4, 3),
        lambda: nn.init.kaiming_normal_(torch.empty(3, 4)),
        lambda: nn.init.trunc_normal_(tensor=torch.empty(3, 4)),
        lambda: nn.init.normal_(tensor=torch.empty(3, 4)),
        lambda: torch.empty(3).uniform_(),
        lambda: torch.randn(1, 3),
    ],
)
def test_building_draws_no_random_numbers(build):
    before = torch.get_rng_state()
    with skip_initialization():
        build()
    assert torch.get_rng_state().equal(before)
    build()
    assert not torch.get_rng_state().equal(before)


def test_random_weights_are_skipped_and_constants_are_not():
    memory = torch.full((4,), 7.0)
    with skip_initialization():
        assert nn.init.uniform_(memory).tolist() == [7.0] * 4
        norm = nn.BatchNorm2d(2)
    assert norm.weight.tolist() == [1, 1]
    assert norm.running_mean.tolist() == [0, 0]
