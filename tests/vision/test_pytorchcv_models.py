"""Networks of pytorchcv are its own, but for the size of the picture."""

import pytest
import torch
from pytorchcv.model_provider import get_model

from zoo.vision.pytorchcv_models import build

NETWORKS = {"shufflenet_g3_w1": 1_865_728, "nasnet_4a1056": 5_289_978}
POOL = "features.final_pool"


@pytest.mark.parametrize("name", NETWORKS)
def test_the_logits_at_224_are_those_of_the_unmodified_network(name):
    torch.manual_seed(0)
    theirs, ours = get_model(name).eval(), build(name, POOL).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.rand(1, 3, 224, 224)
    with torch.inference_mode():
        ours, theirs = ours(x), theirs(x)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5 * theirs.abs().max().item())


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [(160, 160), (224, 288)])
def test_any_size_of_picture(name, size):
    with torch.inference_mode():
        assert build(name, POOL, num_classes=7).eval()(torch.rand(2, 3, *size)).shape == (2, 7)


@pytest.mark.parametrize(("name", "count"), [*NETWORKS.items(), ("alexnet", 62_378_344)])
def test_as_many_parameters_as_pytorchcv_states(name, count):
    with torch.device("meta"):
        assert sum(p.numel() for p in build(name).parameters()) == count


def test_a_pooling_that_is_not_there_is_an_error():
    with torch.device("meta"), pytest.raises(AttributeError, match="last_pool"):
        build("shufflenet_g3_w1", "features.last_pool")
