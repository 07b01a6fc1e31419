"""What every network of the registry must do, whatever it is; parametrized over the registry."""

import threading

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

import zoo
from zoo.core.errors import InputError, UnknownNameError
from zoo.core.layers import HeadPlaceholder, record_layers
from zoo.hub import labels
from zoo.inference.build import preprocessor
from zoo.inference.layer_graph import depth_of, graph_of
from zoo.inference.layer_graph import skeleton as without_numbers

LAYERS = (nn.Conv1d, nn.Conv2d, nn.Linear)
EMBEDDED = zoo.networks(bundled=True)

# Depth, millions of parameters and input of each network as they are published (the sizes with which
# MATLAB's documentation describes its pretrained networks; the NASNets have no depth there).
PUBLISHED = {
    "squeezenet": (18, "1.24", 227),
    "googlenet": (22, "7.0", 224),
    "inceptionv3": (48, "23.9", 299),
    "densenet201": (201, "20.0", 224),
    "mobilenetv2": (53, "3.5", 224),
    "resnet18": (18, "11.7", 224),
    "resnet50": (50, "25.6", 224),
    "resnet101": (101, "44.6", 224),
    "xception": (71, "22.9", 299),
    "inceptionresnetv2": (164, "55.9", 299),
    "shufflenet": (50, "1.4", 224),
    "nasnetmobile": (None, "5.3", 224),
    "nasnetlarge": (None, "88.9", 331),
    "darknet19": (19, "20.8", 256),
    "darknet53": (53, "41.6", 256),
    "efficientnetb0": (82, "5.3", 224),
    "alexnet": (8, "61.0", 227),
    "vgg16": (16, "138", 224),
    "vgg19": (19, "144", 224),
}


@pytest.fixture(scope="module", params=zoo.networks())
def skeleton(request):
    """A network of the registry without numbers: shapes only."""
    spec = zoo.describe(request.param)
    return spec, without_numbers(spec)


def test_the_record_can_be_recounted(skeleton):
    spec, module = skeleton
    assert sum(p.numel() for p in module.parameters()) == spec.parameters
    example = torch.zeros(2, *spec.input_shape, device="meta")
    assert depth_of(graph_of(module, example)) == spec.depth
    assert module(example).shape == (2, spec.classes)
    if spec.labels:
        assert len(labels.read(spec.labels)) == spec.classes


def test_the_published_table_is_reproduced_or_the_record_says_why_not(skeleton):
    spec, _ = skeleton
    if spec.arch not in PUBLISHED:
        return
    deep, millions, side = PUBLISHED[spec.arch]
    decimals = len(millions.partition(".")[2])
    same = (
        spec.depth == (deep or spec.depth)
        and f"{spec.parameters / 1e6:.{decimals}f}" == millions
        and spec.input_shape == (3, side, side)
        and spec.classes == 1000
    )
    assert same != ("Differs from the published table: " in spec.validation)
    assert spec.name == "googlenet.places365" or spec.published.size_mb > 0


def test_the_named_layers_exist(skeleton):
    spec, module = skeleton
    modules = dict(module.named_modules())
    for name in (
        spec.head_layer,
        spec.embedding_layer.removeprefix("input of "),
        spec.cam_layer or spec.head_layer,
    ):
        assert name in modules
    without_head = spec.tasks == ("embed",) or spec.builder in ("swiftf0", "basicpitch")
    assert isinstance(modules[spec.head_layer], HeadPlaceholder if without_head else LAYERS)


def test_the_layer_for_maps_has_positions(skeleton):
    spec, module = skeleton
    if not spec.cam_layer:
        return
    with record_layers(module, [spec.cam_layer]) as recorded:
        module(torch.zeros(1, *spec.input_shape, device="meta"))
    assert recorded[spec.cam_layer].ndim == 4
    assert recorded[spec.cam_layer].shape[2] > 1


def test_the_preprocessing_describes_itself_in_one_sentence(skeleton):
    spec, _ = skeleton
    sentence = preprocessor(spec).describe()
    assert sentence.endswith(".")
    assert ". " not in sentence


def test_the_preprocessing_gives_the_input_of_the_network(skeleton):
    spec, _ = skeleton
    if spec.modality == "image":
        picture = np.zeros((40, 60, 3), np.uint8)
        assert torch.cat([b.data for b in preprocessor(spec).batches(picture)]).shape[1:] == spec.input_shape


@pytest.fixture(scope="module", params=EMBEDDED)
def pretrained(request, net):
    return net(request.param)


def test_scores_are_between_0_and_1_and_do_not_depend_on_the_batch(pretrained):
    torch.manual_seed(0)
    data = torch.rand(3, *pretrained.spec.input_shape)
    scores = pretrained.scores(data)
    assert scores.dtype == np.float32
    assert 0 <= scores.min() <= scores.max() <= 1
    if pretrained.spec.activation == "softmax":
        np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    # Other batch sizes take other paths through the matrix products, which round differently; Basic Pitch
    # takes logarithms of what it computes, and they magnify the rounding of bins that are almost silent.
    atol = 1e-4 if pretrained.spec.arch == "basicpitch" else 1e-5
    np.testing.assert_allclose(pretrained.scores(data[1:2])[0], scores[1], atol=atol)


def test_a_verb_leaves_the_network_as_it_was(pretrained):
    before = {key: value.clone() for key, value in pretrained.module.state_dict().items()}
    picture = pretrained.spec.modality == "image"
    x, sample_rate = (
        (np.zeros((64, 64, 3), np.uint8), None) if picture else (np.zeros(16000, np.float32), 16000)
    )
    pretrained.layers()
    if "embed" in pretrained.spec.tasks:
        pretrained.embed(x, sample_rate=sample_rate)
    pretrained.activations(x, layers=[pretrained.spec.head_layer], sample_rate=sample_rate)
    pretrained.replace_head(3)
    pretrained.freeze()
    if "classify" in pretrained.spec.tasks:
        pretrained.classify(x, sample_rate=sample_rate)
    assert not pretrained.module.training
    assert all(value.equal(before[key]) for key, value in pretrained.module.state_dict().items())
    assert all(parameter.requires_grad for parameter in pretrained.module.parameters())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in pretrained.module.modules())


def test_layers_tell_names_shapes_parameters_and_multiply_adds(pretrained):
    table = pretrained.layers().set_index("name")
    if not isinstance(pretrained.module.get_submodule(pretrained.spec.head_layer), HeadPlaceholder):
        assert table.loc[pretrained.spec.head_layer, "parameters"] > 0
        assert table.loc[pretrained.spec.head_layer, "multiply_adds"] > 0
    assert table.loc[pretrained.spec.embedding_layer, "shape"] is not None


@pytest.mark.parametrize(
    ("name", "billions"),
    [("squeezenet.tv", 0.349), ("mobilenetv2", 0.301), ("resnet50", 4.089), ("densenet201", 4.291)],
)
def test_multiply_adds_are_those_that_torchvision_states(name, billions):
    summary = zoo.load(name, weights=None, device="cpu").summary()
    assert summary.multiply_adds / 1e9 == pytest.approx(billions, abs=0.001)
    assert summary.parameters == zoo.describe(name).parameters
    assert summary.to_dict()["layers"][0]["shape"]


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
    outputs, recorded = network.engine(data, [network.spec.embedding_layer])
    head = network.module.get_submodule(network.spec.head_layer)
    with torch.inference_mode():
        if isinstance(head, nn.Conv2d):
            again = head(recorded[network.spec.embedding_layer]).relu().mean(dim=(2, 3))
        else:
            again = head(recorded[network.spec.embedding_layer])
    torch.testing.assert_close(again, outputs, atol=1e-5, rtol=1e-5)


def test_a_string_is_no_list_of_layers(net):
    picture = np.zeros((64, 64, 3), np.uint8)
    with pytest.raises(InputError, match=r"layers='features' is a string.*\['features'\]"):
        net("squeezenet").activations(picture, layers="features")


def test_an_empty_list_gives_an_empty_result(net):
    network = net("squeezenet")
    assert network.classify([]) == network.explain([]) == net("yamnet").classify([]) == []
    assert network.preprocess([]).shape == (0, 3, 227, 227)
    outputs = network.activations([], layers=["features.3"])
    assert {layer: output.shape for layer, output in outputs.items()} == {"features.3": (0, 128, 56, 56)}


def test_a_folder_a_pattern_and_a_column_are_lists(net, tmp_path, monkeypatch):
    network, names = net("squeezenet"), [str(tmp_path / f"{i}.png") for i in range(2)]
    for shade, name in enumerate(names):
        Image.new("L", (64, 64), 255 * shade).save(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    for x in (tmp_path, f"{tmp_path}/*.png", "~", pd.Series(names), np.array(names)):
        assert [result.input for result in network.classify(x)] == names
    single = network.classify(f"file://{names[0]}")
    np.testing.assert_allclose(single.all_scores, network.classify(tmp_path)[0].all_scores, atol=1e-6)


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
        net("crepe.tiny").classify(np.zeros(16000, np.float32), sample_rate=16000)


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
    with pytest.raises(InputError, match="torch"):
        zoo.load("crepe.tiny", engine="steam")


def test_places365_is_a_network_of_scenes_with_their_kind():
    net = zoo.load("googlenet.places365", weights=None, device="cpu", engine="torch")
    result = net.classify(np.zeros((64, 64, 3), np.uint8), top=365)
    assert {"indoor", "outdoor"} == set(result.groups)
    assert result.ids[0].startswith("/")
    assert result.to_dict()["predictions"][0]["group"] == result.groups[0]


def test_full_names_come_with_short_ones(net):
    result = net("squeezenet").classify(zoo.sample("cat.png"))
    assert result.labels[0] == "Egyptian cat"
    tabby = result.labels.index("tabby")
    assert result.names[tabby] == "tabby, tabby cat"


@pytest.mark.parametrize("classes", [0, [], ["ant", "ant"], 2.5])
def test_a_head_without_sensible_classes_is_refused(net, classes):
    with pytest.raises(InputError):
        net("squeezenet").replace_head(classes)


def test_freezing_up_to_a_layer_leaves_the_later_ones_free(net):
    network = net("efficientnet_lite0").freeze("blocks.2")
    free = {name.split(".")[0] for name, p in network.module.named_parameters() if p.requires_grad}
    assert free == {"blocks", "conv_head", "bn2", "classifier"}
    grads = {name: p.requires_grad for name, p in network.module.named_parameters()}
    assert not grads["blocks.2.0.conv_pw.weight"]
    assert grads["blocks.3.0.conv_pw.weight"]
    with pytest.raises(UnknownNameError, match=r"blocks\.2"):
        network.freeze("block.2")


def test_a_whole_batch_is_what_its_pictures_are_one_by_one(net, media):
    """And pictures are prepared by several threads, in order."""
    photos = sorted((media / "photos").glob("*.jpg"))[:20]
    network = net("squeezenet")
    together = network.classify(photos)
    assert [result.input for result in together] == [str(photo) for photo in photos]
    for photo, result in zip(photos, together, strict=True):
        np.testing.assert_allclose(network.classify(photo).all_scores, result.all_scores, atol=1e-5)
