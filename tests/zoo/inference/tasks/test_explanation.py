"""Where a network looks: against another way of computing it, on photos whose object's place is known."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import zoo
from zoo.core.errors import InputError, UnknownNameError
from zoo.core.layers import record_layers
from zoo.inference.network import Network
from zoo.inference.tasks.explanation import CELLS, METHODS, gradcam
from zoo.vision.decoding import decode

TURNSTONE = (180, 115, 315, 215)  # left, top, right and bottom of the bird, in pixels of its photo


@pytest.fixture(scope="module")
def turnstone(media) -> Image.Image:
    return decode(next((media / "photos").glob("*_ruddy_turnstone.jpg")))


def share_inside(heat: np.ndarray, box: tuple[int, int, int, int]) -> float:
    """How much of a map's sum lies in a box."""
    left, top, right, bottom = box
    return np.nansum(heat[top:bottom, left:right]) / np.nansum(heat)


@pytest.mark.parametrize("name", ["squeezenet", "efficientnet_lite0"])
@pytest.mark.parametrize("method", METHODS)
def test_a_bird_is_found_where_it_sits(net, turnstone, name, method):
    """The box is 13 % of what the network sees."""
    explanation = net(name).explain(turnstone, method=method)
    assert explanation.label == "ruddy turnstone"
    assert explanation.score == pytest.approx(float(net(name).classify(turnstone).scores[0]), abs=1e-5)
    assert share_inside(explanation.map, TURNSTONE) > 0.5
    row, column = np.unravel_index(np.nanargmax(explanation.map), explanation.map.shape)
    assert TURNSTONE[0] < column < TURNSTONE[2]
    assert TURNSTONE[1] < row < TURNSTONE[3]


def test_the_cat_is_found_right_of_the_middle_when_the_picture_is_widened(net):
    """Beside the cat a wall of one gray: what speaks for the cat must be on the cat's side."""
    cat = decode(zoo.sample("cat.png")).crop((90, 20, 350, 280))
    wide = Image.new("RGB", (520, 260), (127, 127, 127))
    wide.paste(cat, (260, 0))
    for name in ("squeezenet", "efficientnet_lite0"):
        explanation = net(name).explain(wide, target="tabby", method="gradcam")
        assert share_inside(explanation.map, (260, 0, 520, 260)) > 0.75


def test_gradcam_is_the_class_activation_map_before_averaging_and_a_linear_layer(net, turnstone):
    """Zhou et al. (CVPR 2016): the gradient is the linear layer's weight, the same everywhere."""
    network = net("efficientnet_lite0")
    index = network.classify(turnstone).indices[1]
    maps = network.activations(turnstone, layers=["bn2"])["bn2"][0]
    expected = torch.einsum("k,khw->hw", network.module.classifier.weight[index], maps).relu()
    explanation = network.explain(turnstone, target=int(index))
    np.testing.assert_allclose(explanation.values, (expected / expected.max()).detach(), atol=1e-5)


@pytest.mark.parametrize("layer", ["features.7", "features.12"])
def test_gradcam_is_what_finite_differences_say(net, turnstone, layer):
    """The weight of a map is how the class's output changes when all of the map is raised."""
    network = net("squeezenet")
    data, index = network.preprocess(turnstone), 139
    module = network.module
    step = 1e-2

    def output(channel: int, raised: float) -> float:
        def raise_map(_layer, _inputs, out):
            out = out.clone()
            out[:, channel] += raised
            return out

        hook = module.get_submodule(layer).register_forward_hook(raise_map)
        with torch.inference_mode():
            value = float(module(data)[0, index])
        hook.remove()
        return value

    _, maps, gradient = network.eager.gradient(data, layer, index)
    positions = maps[0, 0].numel()
    for channel in gradient.mean(dim=(2, 3))[0].abs().topk(3).indices.tolist():
        slope = (output(channel, step) - output(channel, -step)) / (2 * step)
        assert float(gradient[0, channel].sum()) == pytest.approx(slope, rel=0.05), positions


def test_the_map_follows_the_object_and_the_size_of_the_picture(net, turnstone):
    """A larger copy has a larger map; a square in a tall picture has the map of the square, lower down."""
    network = net("squeezenet")
    explanation = network.explain(turnstone)
    large = network.explain(turnstone.resize((960, 640), Image.Resampling.BICUBIC))
    assert large.size == (960, 640)
    np.testing.assert_allclose(large.crop_box, 2 * np.array(explanation.crop_box), atol=1.5)
    assert np.nanmean(abs(large.map[::2, ::2] - explanation.map)) < 0.02
    upright = network.explain(turnstone.crop((80, 0, 400, 320)).resize((320, 320)))
    tall = Image.new("RGB", (320, 480), "black")
    tall.paste(turnstone.crop((80, 0, 400, 320)), (0, 80))
    moved = network.explain(tall)
    np.testing.assert_allclose(moved.map[80:400], upright.map, atol=1e-5, equal_nan=True)
    assert np.isnan(moved.map[:80]).all()


def test_what_is_not_seen_is_not_a_number_and_stays_as_it_was(net, turnstone):
    explanation = net("squeezenet").explain(turnstone)
    left, top, right, bottom = explanation.crop_box
    assert explanation.map.shape == (320, 480)
    assert explanation.map.dtype == np.float32
    inside = np.isfinite(explanation.map)
    assert inside.sum() == pytest.approx((right - left) * (bottom - top), rel=0.01)
    assert explanation.map[inside].min() >= 0
    assert explanation.map[inside].max() <= 1
    assert explanation.values.max() == 1
    before, after = np.asarray(turnstone), np.asarray(explanation.overlay(turnstone))
    assert (before[~inside] == after[~inside]).all()
    assert (before[inside] != after[inside]).any()
    assert (np.asarray(explanation.overlay(turnstone, opacity=0)) == before).all()
    small = explanation.overlay(turnstone.resize((240, 160)))
    assert small.size == (240, 160)
    with pytest.raises(InputError, match="opacity"):
        explanation.overlay(turnstone, opacity=2)


def test_occlusion_tells_how_far_it_is(net, turnstone):
    fractions = []
    net("squeezenet").explain(turnstone, method="occlusion", progress=fractions.append)
    assert fractions == sorted(set(fractions))
    assert 0 < fractions[0] < 0.2
    assert fractions[-1] == 1


def test_several_pictures_and_a_class_of_ones_own_choice(net, turnstone):
    network = net("squeezenet")
    cat = decode(zoo.sample("cat.png"))
    both = network.explain([turnstone, cat])
    assert [one.label for one in both] == ["ruddy turnstone", "Egyptian cat"]
    assert [one.size for one in both] == [turnstone.size, cat.size]
    by_label, by_id, by_number = (
        network.explain(cat, target=target) for target in ("tiger cat", "n02123159", 282)
    )
    assert by_label.index == by_id.index == by_number.index == 282
    assert (by_label.values == by_number.values).all()
    assert zoo.explain(cat, network=network, target=282).label == "tiger cat"


def test_a_network_is_as_it_was(net, turnstone):
    network = net("efficientnet_lite0")
    before = {key: value.clone() for key, value in network.module.state_dict().items()}
    network.explain(turnstone)
    with pytest.raises(InputError):
        network.explain(turnstone, layer="classifier")
    after = network.module.state_dict()
    assert all(before[key].equal(after[key]) for key in before)
    assert not network.module.training
    assert all(parameter.grad is None for parameter in network.module.parameters())
    assert not any(layer._forward_hooks for layer in network.module.modules())
    assert torch.is_grad_enabled()


def test_nothing_speaks_for_a_class_is_a_map_of_zeros():
    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 3)

        def forward(self, x):
            return -self.conv(x).abs().mean(dim=(2, 3))

    torch.manual_seed(0)
    spec = zoo.describe("squeezenet")
    network = Network(spec, Constant(), (), device="cpu", engine="torch")
    maps = network.module.conv
    nn.init.ones_(maps.weight)
    values = gradcam(network, torch.rand(1, 3, 8, 8), 0, "conv")
    assert values.shape == (6, 6)
    assert (values == 0).all()


@pytest.mark.parametrize("kind", ["linear", "kernel", "neighbors"])
def test_taught_networks(net, turnstone, kind):
    """With heads of every kind on a body that has learned; neighbors have no gradient, and it is said."""
    sizes = {"kernel": {"vectors": 4}, "neighbors": {"vectors": 4, "neighbors": 2}}.get(kind, {})
    trained = net("squeezenet").replace_head(["bird", "rock"], kind=kind, **sizes)
    torch.manual_seed(0)
    head = trained.module.get_submodule(trained.spec.head_layer)
    if kind == "kernel":  # four vectors of birds
        head.gamma.fill_(1e-3)
        head.vectors.uniform_()
        head.weight.copy_(torch.tensor([1.0, -1.0]))
    if kind == "neighbors":
        with pytest.raises(InputError, match=r"no gradient .* occlusion needs none"):
            trained.explain(turnstone)
        assert trained.explain(turnstone, method="occlusion").values.shape == (CELLS, CELLS)
    else:
        maps = [trained.explain(turnstone, target=label) for label in ("bird", "rock")]
        assert {one.layer for one in maps} == {"features.12"}
        assert max(one.values.max() for one in maps) == 1
        assert not (maps[0].values == maps[1].values).all()


@pytest.mark.parametrize("name", ["timm:convnext_atto.d2_in1k", "timm:resnet10t.c3_in1k"])
def test_networks_whose_record_names_no_layer(turnstone, name):
    torch.manual_seed(0)
    network = zoo.load(name, weights=None, device="cpu", engine="torch")
    explanation = network.explain(turnstone)
    assert explanation.values.shape[0] > 1
    assert explanation.layer
    with record_layers(network.module, [explanation.layer]) as recorded, torch.no_grad():
        network.module(network.preprocess(turnstone))
    assert recorded[explanation.layer].shape[2:] == explanation.values.shape


@pytest.mark.parametrize(
    "name", ["timm:vit_tiny_patch16_224.augreg_in21k_ft_in1k", "timm:swin_tiny_patch4_window7_224.ms_in1k"]
)
def test_networks_of_tokens_have_occlusion_only(turnstone, name):
    network = zoo.load(name, weights=None, device="cpu", engine="torch")
    with pytest.raises(InputError, match="does not end in maps"):
        network.explain(turnstone)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"target": "unicorn"}, UnknownNameError, "Unknown class"),
        ({"target": 1000}, InputError, "choose a number from 0 to 999"),
        ({"target": 1.5}, InputError, "neither"),
        ({"method": "magic"}, InputError, "gradcam, occlusion"),
        ({"method": "occlusion", "layer": "features.12"}, InputError, "uses no layer"),
        ({"layer": "features.99"}, UnknownNameError, "features.9"),
        ({"layer": "classifier.3"}, InputError, "not maps"),
    ],
)
def test_what_makes_no_sense_is_said(net, turnstone, options, error, words):
    with pytest.raises(error, match=words):
        net("squeezenet").explain(turnstone, **options)


def test_sounds_and_what_is_no_picture_are_refused(net):
    with pytest.raises(InputError, match="takes no pictures"):
        net("yamnet").explain(np.zeros(16000))
    with pytest.raises(InputError, match="not a picture"):
        net("squeezenet").explain(io.BytesIO(b"this is text"))
