"""The graph of layers of each architecture, held against its module; and how a graph is drawn."""

import networkx as nx
import pytest
import torch
from torch import nn

import zoo
from zoo.core.errors import UnknownNameError
from zoo.hub.registry import is_default
from zoo.inference import layer_graph as graphs
from zoo.inference.layer_graph import INPUT, OUTPUT
from zoo.plotting.layer_graph import draw, layout

DENSE, CONVOLUTIONS = (nn.Linear,), (nn.Conv1d, nn.Conv2d)


@pytest.fixture(scope="module", params=filter(is_default, zoo.networks()))
def built(request):
    spec = zoo.describe(request.param)
    module = graphs.skeleton(spec)
    return spec, module, graphs.graph_of(module, torch.zeros(1, *spec.input_shape, device="meta"))


@pytest.fixture(scope="module")
def resnet():
    return graphs.layer_graph(zoo.describe("resnet18"))


def kinds(graph: nx.DiGraph, *names: str) -> list[str]:
    return [node for node, data in graph.nodes(data=True) if data["kind"] in names]


def assert_one_way_through(graph: nx.DiGraph) -> None:
    assert nx.is_directed_acyclic_graph(graph)
    assert [node for node in graph if not graph.in_degree(node)] == [INPUT]
    assert [node for node in graph if not graph.out_degree(node)] == [OUTPUT]


def test_the_graph_has_the_layers_of_the_module_and_one_way_in_and_out(built):
    spec, module, graph = built
    assert_one_way_through(graph)
    for kind, types in (("conv", CONVOLUTIONS), ("dense", DENSE)):
        expected = {name for name, layer in module.named_modules() if isinstance(layer, types)}
        assert set(kinds(graph, kind)) == expected
    assert graph.nodes[INPUT]["shape"] == spec.input_shape
    assert graph.nodes[OUTPUT]["shape"] == (spec.classes,)
    assert sum(data["parameters"] for _, data in graph.nodes(data=True)) == spec.parameters
    assert graphs.depth_of(graph) == spec.depth
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in module.modules())


def test_blocks_keep_what_they_stand_for_at_every_level(built):
    spec, module, graph = built
    sizes = []
    for level in range(1, graphs.levels(graph) + 1):
        coarse = graphs.collapsed(graph, level)
        assert_one_way_through(coarse)
        assert sum(data["parameters"] for _, data in coarse.nodes(data=True)) == spec.parameters
        assert sum(data["size"] for _, data in coarse.nodes(data=True)) == len(graph)
        for block in kinds(coarse, "block"):
            layer = module.get_submodule(coarse.nodes[block]["layer"])
            assert coarse.nodes[block]["type"] == type(layer).__name__
        sizes.append(len(coarse))
    assert sizes == sorted(sizes)
    assert sizes[-1] == len(graph)
    assert nx.utils.edges_equal(coarse.edges, graph.edges)
    assert len(graphs.collapsed(graph, graphs.readable_level(graph))) < 200


def test_nothing_lies_on_anything_else(built):
    _, _, graph = built
    graph = graphs.collapsed(graph, graphs.readable_level(graph))
    places = layout(graph)
    taken = [(places.ranks[node], places.lanes[node]) for node in graph]
    for (begin, end), lane in places.ways.items():
        passed = {(rank, lane) for rank in range(places.ranks[begin] + 1, places.ranks[end])}
        assert not passed & {place for node, place in zip(graph, taken, strict=True) if node != begin}
    assert len(set(taken)) == len(taken)
    assert all(places.ranks[begin] < places.ranks[end] for begin, end in graph.edges)
    long = {(a, b) for a, b in graph.edges if places.ranks[b] - places.ranks[a] > 1}
    assert set(places.ways) == long


def test_a_residual_block_has_two_ways_of_which_one_is_a_shortcut(resnet):
    join = "layer1.0.add"
    assert set(resnet.predecessors(join)) == {"layer1.0.bn2", "maxpool"}
    ways = list(nx.all_simple_paths(resnet, "maxpool", join))
    assert sorted(map(len, ways)) == [2, 7]
    places = layout(resnet)
    assert places.ways["maxpool", join] != 0
    assert {places.lanes[node] for node in max(ways, key=len)} == {0}


def test_a_layer_that_runs_again_is_another_node_and_counted_once(resnet):
    assert resnet.nodes["layer1.0.relu#2"]["layer"] == "layer1.0.relu"
    shared = nn.Sequential(layer := nn.Linear(3, 3), nn.Sequential(layer), nn.Identity()).eval()
    graph = graphs.graph_of(shared, torch.zeros(1, 3))
    assert list(graph) == [INPUT, "0", "0#2", OUTPUT]
    assert sum(data["parameters"] for _, data in graph.nodes(data=True)) == 12


def test_what_python_does_between_layers_is_seen_whatever_it_is():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))

        def forward(self, x):
            unused = self.body[0](x)
            for i, layer in enumerate(self.body):
                x = layer(x) if x.shape[1] > i else unused  # a decision that no symbolic trace follows
            first, second = x.split(2, dim=1)
            second += 1
            return {"scores": torch.cat([first, second], dim=1)}

    graph = graphs.graph_of(Odd().eval(), torch.zeros(2, 4))
    assert_one_way_through(graph)
    assert list(graph) == [INPUT, "body.0#2", "body.1", "body.2", "split", "add", "cat", OUTPUT]
    assert set(graph.predecessors("cat")) == {"split", "add"}
    assert sum(data["parameters"] for _, data in graph.nodes(data=True)) == 3 * 20
    assert graph.nodes[OUTPUT]["shape"] == (4,)


def test_the_inside_of_a_block_comes_with_its_neighbors(resnet):
    part = graphs.part_of(resnet, "layer2.0")
    inside = {node for node in part if node.startswith("layer2.0.")}
    assert "layer2.0.downsample.0" in inside
    assert set(part) - inside == {"layer1.1.relu#2", "layer2.1.conv1", "layer2.1.add"}
    with pytest.raises(UnknownNameError, match=r"layer9"):
        graphs.part_of(resnet, "layer9")


def test_the_branches_of_an_inception_module_lie_beside_each_other():
    graph = graphs.layer_graph(zoo.describe("googlenet"))
    join = next(node for node in graph if node.endswith("cat"))
    places = layout(graph)
    assert len({places.lanes[node] for node in graph.predecessors(join)}) == 4


def test_every_node_is_a_point_that_knows_its_name_and_the_chosen_one_is_marked(resnet):
    figure = draw(resnet, chosen="layer3.0.conv2")
    points = {
        data[0]: (x, y)
        for trace in figure.data
        if trace.customdata is not None
        for data, x, y in zip(trace.customdata, trace.x, trace.y, strict=True)
    }
    assert set(points) == set(resnet)
    assert (figure.data[1].x[0], figure.data[1].y[0]) == points["layer3.0.conv2"]
    assert "589,824 parameters" in next(
        data[1]
        for trace in figure.data
        if trace.customdata is not None
        for data in trace.customdata
        if data[0] == "layer3.0.conv2"
    )
    assert list(draw(resnet).data[1].x) == []
