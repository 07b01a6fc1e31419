"""What every network of the registry must do, whatever it is; parametrised over the registry."""

import threading

import numpy as np
import pytest
import torch
from torch import fx, nn

import zoo
from zoo.errors import InputError, UnknownNameError
from zoo.network import preset_of

LAYERS = (nn.Conv1d, nn.Conv2d, nn.Linear)


class Tracer(fx.Tracer):
    """Keeps layers whole, also those whose padding depends on the input."""

    def is_leaf_module(self, module, name):
        return isinstance(module, (*LAYERS, nn.BatchNorm2d)) or super().is_leaf_module(module, name)


def depth(module: nn.Module) -> int:
    """Convolutional and fully connected layers on the longest path from input to output."""
    modules, longest = dict(module.named_modules()), {}
    for node in Tracer().trace(module).nodes:
        own = node.op == "call_module" and isinstance(modules[node.target], LAYERS)
        longest[node] = own + max((longest[source] for source in node.all_input_nodes), default=0)
    return max(longest.values())


@pytest.fixture(scope="module", params=zoo.networks())
def untrained(request):
    return zoo.load(request.param, weights=None, device="cpu")


def test_the_record_can_be_recounted(untrained):
    spec = untrained.spec
    assert sum(p.numel() for p in untrained.module.parameters()) == spec.parameters
    assert depth(untrained.module) == spec.depth
    assert untrained.scores(torch.zeros(2, *spec.input_shape)).shape == (2, spec.classes)
    assert not untrained.labels or len(untrained.labels) == spec.classes


def test_the_named_layers_exist(untrained):
    modules = dict(untrained.module.named_modules())
    for name in (untrained.spec.head, untrained.spec.embedding, untrained.spec.cam or untrained.spec.head):
        assert name in modules
    assert isinstance(modules[untrained.spec.head], LAYERS)


def test_a_fresh_head_has_the_classes_asked_for(untrained):
    net = zoo.load(untrained.name, weights=None, num_classes=7, device="cpu")
    assert net.scores(torch.zeros(1, *net.spec.input_shape)).shape == (1, 7)
    assert len(net.labels) == 7


def test_scores_are_between_0_and_1_and_do_not_depend_on_the_batch(net, untrained):
    network = net(untrained.name)
    torch.manual_seed(0)
    data = torch.rand(3, *network.spec.input_shape)
    scores = network.scores(data)
    assert scores.dtype == np.float32
    assert 0 <= scores.min() <= scores.max() <= 1
    if network.spec.activation == "softmax":
        np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    # 1e-5: other batch sizes take other paths through the matrix products, which round differently
    np.testing.assert_allclose(network.scores(data[1:2])[0], scores[1], atol=1e-5)


def test_a_verb_leaves_the_network_as_it_was(net, untrained):
    network = net(untrained.name)
    before = {key: value.clone() for key, value in network.module.state_dict().items()}
    picture = network.spec.modality == "picture"
    x, rate = (np.zeros((64, 64, 3), np.uint8), None) if picture else (np.zeros(16000, np.float32), 16000)
    network.layers()
    network.embed(x, rate=rate)
    network.activations(x, layers=[network.spec.head], rate=rate)
    if "classify" in network.spec.tasks:
        network.classify(x, rate=rate)
    assert not network.module.training
    assert all(value.equal(before[key]) for key, value in network.module.state_dict().items())
    assert not any(module._forward_hooks for module in network.module.modules())


def test_layers_tell_names_shapes_and_parameters(net, untrained):
    network = net(untrained.name)
    table = network.layers().set_index("name")
    assert table.loc[network.spec.head, "parameters"] > 0
    assert table.loc[network.spec.embedding, "shape"] is not None


def test_the_preprocessing_describes_itself_in_one_sentence(untrained):
    sentence = preset_of(untrained.spec).describe()
    assert sentence.endswith(".")
    assert ". " not in sentence


@pytest.mark.parametrize("layer", ["features.3", "features.12", "classifier.1"])
def test_any_layer_can_be_embedded_or_looked_at(net, layer):
    network, picture = net("squeezenet"), np.zeros((64, 64, 3), np.uint8)
    maps = network.activations(picture, layers=[layer])[layer]
    pooled = network.embed(picture, layer=layer)
    np.testing.assert_allclose(pooled.values, maps.mean(dim=(2, 3)).numpy(), atol=1e-5)
    flat = network.embed(picture, layer=layer, pool=False)
    np.testing.assert_allclose(flat.values, maps.flatten(1).numpy(), atol=1e-5)


@pytest.mark.parametrize("name", ["squeezenet", "efficientnet_lite0"])
def test_the_embedding_is_what_the_head_sees(net, name):
    """A head applied to the embedding gives the logits: the layer before the head is the right one."""
    network = net(name)
    torch.manual_seed(0)
    data = torch.rand(2, *network.spec.input_shape)
    outputs, kept = network._forward(data, [network.spec.embedding])
    head = network.module.get_submodule(network.spec.head)
    with torch.inference_mode():
        if isinstance(head, nn.Conv2d):
            again = head(kept[network.spec.embedding]).relu().mean(dim=(2, 3))
        else:
            again = head(kept[network.spec.embedding])
    torch.testing.assert_close(again, outputs, atol=1e-5, rtol=1e-5)


def test_a_layer_that_is_not_there_gets_the_closest_names(net):
    with pytest.raises(UnknownNameError, match=r"features\.3"):
        net("squeezenet").embed(np.zeros((8, 8, 3), np.uint8), layer="feature.3")


def test_a_layer_that_the_network_does_not_run(net):
    """timm replaces some layers where it can, and leaves them in the list."""
    name = next(row.name for row in net("efficientnet_lite0").layers().itertuples() if row.shape is None)
    with pytest.raises(UnknownNameError, match="gets no tensor"):
        net("efficientnet_lite0").embed(np.zeros((8, 8, 3), np.uint8), layer=name)


def test_one_input_gives_one_result_and_a_list_a_list(net):
    picture = np.zeros((64, 64, 3), np.uint8)
    network = net("squeezenet")
    one = network.classify(picture)
    several = network.classify([picture, np.full((64, 64, 3), 255, np.uint8)], top=3)
    assert len(one.labels) == 5
    assert [len(result.labels) for result in several] == [3, 3]
    np.testing.assert_allclose(several[0].all_scores, one.all_scores, atol=1e-6)
    assert len(network.classify(np.zeros((2, 64, 64, 3), np.uint8))) == 2


def test_threads_that_share_a_network_do_not_mix_their_results(net):
    """Embedding uses hooks; two users of one cached network must each get their own vector."""
    network = net("squeezenet")
    pictures = [np.full((64, 64, 3), value, np.uint8) for value in (0, 90, 180, 255)]
    expected = [network.embed(picture).values for picture in pictures]
    wrong = []

    def work(i):
        got = [network.embed(pictures[i]).values for _ in range(5)]
        wrong.extend(i for values in got if not np.allclose(values, expected[i], atol=1e-5))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(pictures))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_network_refuses_what_it_is_not_made_for(net):
    with pytest.raises(InputError, match="pitch, embed"):
        net("crepe.tiny").classify(np.zeros(16000, np.float32), rate=16000)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"device": "cuda:99"}, "device"),
        ({"device": "toaster"}, "device"),
        ({"device": "meta"}, "device"),
        ({"device": None}, "device"),
        ({"num_classes": 0}, "num_classes"),
        ({"num_classes": 2.5}, "num_classes"),
        ({"num_classes": True}, "num_classes"),
    ],
)
def test_options_that_make_no_sense(options, word):
    with pytest.raises(InputError, match=word):
        zoo.load("crepe.tiny", weights=None, **options)


def test_an_unknown_engine_is_refused():
    with pytest.raises(UnknownNameError, match="torch"):
        zoo.load("crepe.tiny", engine="steam")
