"""Exported programs of PyTorch (.pt2) become networks, and nothing of their files runs."""

import json
import pickle
import zipfile
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

import zoo
from tests.zoo.exchange.onnx_files import random_network
from tests.zoo.exchange.torch_networks import (
    require_same_outputs,
    require_trained_saved_and_loaded,
    small_network,
    torchvision_network,
)
from zoo.core.errors import InputError, WeightsError

SIDE = 32
PREPROCESS = {"resize": SIDE, "crop": SIDE, "mean": [0.5] * 3, "std": [0.25] * 3}
SMALL = {"resize": 8, "crop": 8, "mean": [0.5] * 3, "std": [0.25] * 3}


def export(module, path, *, rows=2, side=SIDE):
    dynamic = ({0: torch.export.Dim("n")},) if rows > 1 else None
    with torch.no_grad():
        program = torch.export.export(
            module.eval(), (torch.rand(rows, 3, side, side),), dynamic_shapes=dynamic
        )
    torch.export.save(program, path)
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return export(small_network(), tmp_path_factory.mktemp("pt2") / "small.pt2", side=8)


def rewritten(path, target, change, compression=zipfile.ZIP_STORED):
    """Copy an archive with changed files; `change` takes a name and content, and returns content."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w", compression) as archive:
        for name in source.namelist():
            content = source.read(name)
            archive.writestr(name, change(name, content))
    return target


def with_graph(path, target, change):
    def changed(name, content):
        if "/models/" not in name:
            return content
        program = json.loads(content)
        change(program["graph_module"]["graph"], program)
        return json.dumps(program).encode()

    return rewritten(path, target, changed)


@pytest.mark.parametrize(
    "make",
    [small_network, pytest.param(partial(torchvision_network, "resnet18"), marks=pytest.mark.exhaustive)],
    ids=["small", "resnet18"],
)
def test_import_of_an_exported_program_is_used_trained_saved_and_loaded(make, tmp_path):
    module = make()
    path = export(module, tmp_path / "net.pt2")
    stages = []
    net = zoo.import_network(
        path, name="net", preprocess=PREPROCESS, device="cpu", progress=lambda *stage: stages.append(stage)
    )
    assert stages == [(1, 3), (2, 3), (3, 3)]
    data = require_same_outputs(net, module)
    assert net.embed(zoo.sample("cat.png")).values.shape[0] == 1
    require_trained_saved_and_loaded(net, data, tmp_path)


def test_import_of_an_exported_network_of_torchvision_gives_what_pytorch_gives(tmp_path):
    module = torchvision_network("mobilenet_v3_small")
    path = export(module, tmp_path / "net.pt2")
    net = zoo.import_network(path, name="mobilenet", preprocess=PREPROCESS, device="cpu")
    require_same_outputs(net, module)


def test_import_of_an_exported_transformer_gives_what_pytorch_gives(tmp_path):
    module = random_network("test_vit")
    path = export(module, tmp_path / "net.pt2", side=96)
    preprocess = PREPROCESS | {"resize": 96, "crop": 96}
    net = zoo.import_network(path, name="vit", preprocess=preprocess, device="cpu")
    require_same_outputs(net, module)


def test_import_of_a_program_with_a_batch_of_one_takes_larger_batches(tmp_path):
    module = small_network()
    path = export(module, tmp_path / "net.pt2", rows=1, side=8)
    net = zoo.import_network(path, name="one", preprocess=SMALL, device="cpu")
    data = require_same_outputs(net, module).repeat(3, 1, 1, 1) * torch.tensor([1, 2, 3]).view(3, 1, 1, 1)
    with torch.no_grad():
        assert np.abs(net.module(data).numpy() - module(data).numpy()).max() < 1e-4


def test_import_of_an_unknown_operator_names_it(tmp_path):
    class Odd(nn.Module):
        def forward(self, x):
            return torch.linalg.svdvals(x.mean(1)).cumsum(1)

    path = export(Odd(), tmp_path / "odd.pt2", side=8)
    with pytest.raises(InputError, match=r"operators that are not imported: aten\.cumsum.*svd"):
        zoo.import_network(path, name="odd", preprocess=SMALL)


def test_import_of_a_truncated_or_damaged_program_is_refused(small, tmp_path):
    content = small.read_bytes()
    for length in (100, len(content) // 2, len(content) - 1):
        (tmp_path / "cut.pt2").write_bytes(content[:length])
        with pytest.raises(WeightsError, match="damaged archive"):
            zoo.import_network(tmp_path / "cut.pt2", name="cut", preprocess=SMALL)
    for change in (
        lambda graph, program: graph["nodes"][0].update(inputs=[]),
        lambda graph, program: graph["nodes"][0]["outputs"].clear(),
        lambda graph, program: graph["nodes"].pop(0),
        lambda graph, program: program.pop("schema_version"),
    ):
        path = with_graph(small, tmp_path / "damaged.pt2", change)
        with pytest.raises((WeightsError, InputError)) as error:
            zoo.import_network(path, name="damaged", preprocess=SMALL)
        assert str(error.value).endswith(".")


def test_import_of_a_hostile_program_runs_nothing(small, tmp_path):
    mark = tmp_path / "ran"

    class Program:
        def __reduce__(self):
            return (open, (str(mark), "w"))

    def pickled(name, content):
        if "/data/" in name and not name.endswith(".json"):
            return pickle.dumps(Program()) + bytes(len(content))
        return content.replace(b'"use_pickle": false', b'"use_pickle": true')

    path = rewritten(small, tmp_path / "pickled.pt2", pickled)
    with pytest.raises(WeightsError, match="pickles of strangers are not read"):
        zoo.import_network(path, name="hostile", preprocess=SMALL)

    def samples(name, content):
        return pickle.dumps(Program()) if "sample_inputs" in name else content

    path = rewritten(small, tmp_path / "samples.pt2", samples)
    zoo.import_network(path, name="samples", preprocess=SMALL)

    expression = f"open({str(mark)!r}, 'w')"
    texts = json.dumps(expression).encode()

    def evaluated(name, content):
        before = content
        content = content.replace(b"\"Symbol('", texts[:-1] + b" or Symbol('")
        return content if "/models/" in name else before

    path = rewritten(small, tmp_path / "evaluated.pt2", evaluated)
    assert texts[:-1] in path.read_bytes()
    zoo.import_network(path, name="evaluated", preprocess=SMALL)

    for target in ("torch.ops.aten.from_file.default", "os.system", "torch.ops.mylib.run.default"):
        path = with_graph(
            small,
            tmp_path / "op.pt2",
            lambda graph, _, t=target: graph["nodes"][0].update(target=t),
        )
        with pytest.raises(InputError, match="operators that are not imported"):
            zoo.import_network(path, name="hostile", preprocess=SMALL)
    assert not mark.exists()


def test_import_of_a_compressed_program_is_refused(small, tmp_path):
    path = rewritten(small, tmp_path / "net.pt2", lambda _, content: content, zipfile.ZIP_DEFLATED)
    with pytest.raises(WeightsError, match="is compressed; save it with"):
        zoo.import_network(path, name="compressed", preprocess=SMALL)


def test_import_of_many_tensors_of_one_file_is_refused(small, tmp_path):
    def many(name, content):
        if name.endswith("weights_config.json"):
            config = json.loads(content)
            entry = config["config"]["0.weight"]
            entry["tensor_meta"].update(sizes=[{"as_int": 1 << 18}], strides=[{"as_int": 1}])
            config["config"] |= {f"t{i}": entry for i in range(40)}
            return json.dumps(config).encode()
        return bytes(1 << 20) if name.endswith("weight_0") else content

    path = rewritten(small, tmp_path / "many.pt2", many)
    with pytest.raises(WeightsError, match="of memory, more than 4 times its size"):
        zoo.import_network(path, name="many", preprocess=SMALL)


def test_import_of_a_program_with_too_many_parts_is_refused(small, tmp_path):
    def cut(graph, _):
        node = graph["nodes"][1]
        node["target"] = "torch.ops.aten.unbind.int"
        node["inputs"] += [{"name": "dim", "arg": {"as_int": 1}, "kind": 1}]
        source = node["inputs"][0]["arg"]["as_tensor"]["name"]
        graph["tensor_values"][source]["sizes"][1] = {"as_int": 10**12}

    path = with_graph(small, tmp_path / "parts.pt2", cut)
    with pytest.raises(InputError, match="cuts an axis into more than 10000 parts"):
        zoo.import_network(path, name="parts", preprocess=SMALL)


def test_import_of_a_program_that_multiplies_lists_is_refused(small, tmp_path):
    def multiplied(graph, _):
        names = ({"name": "a", "arg": {"as_ints": [1]}}, {"name": "b", "arg": {"as_int": 10**12}})
        outputs = [{"as_sym_int": {"as_name": "n"}}]
        graph["nodes"].insert(0, {"target": "_operator.mul", "inputs": list(names), "outputs": outputs})

    path = with_graph(small, tmp_path / "lists.pt2", multiplied)
    with pytest.raises(WeightsError, match="a size is no whole number"):
        zoo.import_network(path, name="lists", preprocess=SMALL)


def test_import_without_a_network_connection_compares_on_noise(small, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    net = zoo.import_network(small, name="offline", preprocess=SMALL)
    assert set(net.report.differences) == {"random", "noise"}
    assert max(net.report.differences.values()) < 1e-4
