"""The global random state of torch is the user's, whatever draws from it meanwhile."""

import pytest
import torch

from zoo.core.random_state import preserved_random_state


def test_numbers_go_on_as_if_nothing_had_been_drawn():
    @preserved_random_state()
    def draw(seed):
        torch.manual_seed(seed)
        return torch.rand(3).tolist()

    torch.manual_seed(7)
    expected = torch.rand(2).tolist()
    torch.manual_seed(7)
    first = torch.rand(1).tolist()
    assert draw(1) == draw(1) != draw(2)
    assert first + torch.rand(1).tolist() == expected


def test_an_error_restores_the_state_too():
    before = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError), preserved_random_state():
        torch.rand(1)[1 // 0]
    assert torch.get_rng_state().equal(before)
