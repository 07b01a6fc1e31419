"""ONNX files become networks that compute what ONNX Runtime computes, and are used like any other."""

import json
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import helper, numpy_helper
from PIL import Image

import zoo
from tests.conftest import SHARED
from tests.zoo.exchange.onnx_files import SIDE, random_network, write, write_graph
from zoo.core.errors import InputError, WeightsError

PREPROCESS = {"resize": SIDE, "crop": SIDE, "mean": [0.5] * 3, "std": [0.25] * 3}
SMALL = {"resize": 8, "crop": 8, "mean": [0.5] * 3, "std": [0.25] * 3}
LABELS = [f"kind {i}" for i in range(10)]
LOAD = """
import sys, numpy as np, torch, zoo
net = zoo.load(sys.argv[1], device="cpu", engine="torch")
np.save(sys.argv[3], net.scores(torch.from_numpy(np.load(sys.argv[2]))))
assert not {"onnx", "onnxruntime"} & set(sys.modules)
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder, written = tmp_path_factory.mktemp("onnx"), {}

    def get(name, newer=False, rows=2):
        key = f"{name}-{newer}-{rows}"
        if key not in written:
            written[key] = write(random_network(name), folder / f"{key}.onnx", newer=newer, rows=rows)
        return written[key]

    return get


@pytest.fixture(scope="module")
def resnet(files):
    return zoo.import_network(files("test_resnet"), name="rings", preprocess=PREPROCESS, labels=LABELS)


@pytest.mark.parametrize(
    ("name", "newer", "rows"),
    [
        ("test_resnet", False, 1),
        ("test_efficientnet", False, 2),
        ("test_convnext", False, 2),
        ("test_vit", False, 2),
        ("test_vit", True, 2),
    ],
)
def test_import_of_an_exported_network_gives_what_onnx_runtime_gives(files, name, newer, rows):
    net = zoo.import_network(files(name, newer, rows), name=name, preprocess=PREPROCESS, labels=LABELS)
    assert max(net.report.differences.values()) < 1e-4
    assert net.report.departure == ""
    assert net.report.left_to_runtime == ()
    assert net.spec.origin == "imported"
    assert net.classify(zoo.sample("cat.png")).labels[0] in LABELS


def test_import_of_yolox_gives_boxes_embeddings_and_a_new_head(tmp_path):
    path = SHARED / "weights" / "yolox_nano.onnx"
    if not path.is_file():
        pytest.skip("needs weights in a folder 'shared' beside the checkout, which is not there")
    net = zoo.import_network(
        path, name="boxes", preprocess={"resize": 416, "crop": 416, "scale": 255, "channels": "BGR"}
    )
    assert max(net.report.differences.values()) < 1e-4
    assert net.spec.tasks == ("embed",)
    assert net.embed(zoo.sample("cat.png")).values.shape == (1, 512)
    assert net.module(torch.zeros(2, 3, 416, 416)).shape == (2, 3549, 85)
    headed = net.replace_head(["a", "b"])
    assert headed.module(torch.zeros(2, 3, 416, 416)).shape == (2, 2)
    loaded = zoo.load(headed.save(tmp_path / "headed"))
    data = torch.rand(1, 3, 416, 416) * 255
    assert torch.allclose(loaded.module(data), headed.module(data), atol=1e-5)


def test_imported_network_has_the_layers_of_the_file(resnet):
    names = list(resnet.layers()["name"])
    assert "layer1/0/conv1/Conv" in names
    assert resnet.spec.head_layer == "fc/Gemm"
    assert resnet.summary().parameters == resnet.spec.parameters == resnet.report.parameters
    layer = resnet.activations(zoo.sample("cat.png"), layers=["layer1/0/conv1/Conv"])["layer1/0/conv1/Conv"]
    assert layer.shape[:2] == (1, 32)
    vectors = resnet.embed(zoo.sample("cat.png"), layer="layer1/0/conv1/Conv").values
    assert np.allclose(vectors[0], layer.mean(dim=(2, 3))[0].numpy(), atol=1e-5)


def test_imported_network_in_a_new_process_without_onnx_gives_the_same(resnet, tmp_path):
    folder = resnet.save(tmp_path / "rings")
    data = resnet.preprocess(zoo.sample("cat.png"))
    np.save(tmp_path / "data.npy", data.numpy())
    command = [sys.executable, "-c", LOAD, str(folder), tmp_path / "data.npy", tmp_path / "scores.npy"]
    subprocess.run(command, check=True, timeout=300)
    assert np.abs(np.load(tmp_path / "scores.npy") - resnet.scores(data)).max() < 1e-5


def test_imported_network_fine_tuned_for_an_epoch_is_saved_and_loaded(resnet, tmp_path):
    generator = np.random.default_rng(0)
    for kind in ("dark", "light"):
        (tmp_path / "data" / kind).mkdir(parents=True)
        for i in range(6):
            pixels = generator.integers(0, 100, (SIDE, SIDE, 3), np.uint8) + (155 if kind == "light" else 0)
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "data" / kind / f"{i}.png")
    trained = zoo.transfer(
        tmp_path / "data", network=resnet, method="finetune", epochs=1, validation=0.34, device="cpu"
    )
    before, after = (dict(net.module.named_parameters())["conv1/0/Conv.weight"] for net in (resnet, trained))
    assert not torch.equal(before, after)
    loaded = zoo.load(trained.save(tmp_path / "trained"))
    assert [label.label for label in loaded.labels] == ["dark", "light"]
    data = resnet.preprocess(zoo.sample("cat.png"))
    assert np.abs(loaded.scores(data) - trained.scores(data)).max() < 1e-5


def test_imported_network_is_exported_and_imported_again(files, resnet, tmp_path):
    again = zoo.import_network(
        zoo.export(resnet, tmp_path / "again.onnx"), name="again", preprocess=PREPROCESS
    )
    assert [label.label for label in again.labels] == LABELS  # of the metadata
    data = resnet.preprocess(zoo.sample("cat.png"))
    assert np.abs(again.scores(data) - resnet.scores(data)).max() < 1e-5


def _head(*nodes):
    weight = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    return [
        *nodes,
        helper.make_node("GlobalAveragePool", ["x"], ["pooled"], name="pool"),
        helper.make_node("Flatten", ["pooled"], ["flat"], name="flat"),
        helper.make_node("MatMul", ["flat", "weight"], ["product"], name="fc"),
        helper.make_node("Softmax", ["product"], ["scores"], name="softmax", axis=1),
    ], [numpy_helper.from_array(weight, "weight")]


def test_import_of_an_operator_without_a_layer_leaves_it_to_onnx_runtime(tmp_path):
    nodes, tensors = _head(helper.make_node("Hardmax", ["images"], ["x"], name="odd", axis=1))
    net = zoo.import_network(write_graph(tmp_path / "odd.onnx", nodes, tensors), name="odd", preprocess=SMALL)
    assert net.report.left_to_runtime == ("odd",)
    assert max(net.report.differences.values()) < 1e-6
    data = torch.rand(3, 3, 8, 8, requires_grad=True)
    loaded = zoo.load(net.save(tmp_path / "saved"))
    assert torch.equal(loaded.module(data), net.module(data))
    net.module(data).sum().backward()
    assert data.grad is None
    assert net.module.get_submodule("fc").weight.grad is not None


def test_import_of_a_graph_that_ends_with_softmax_applies_it_once(tmp_path):
    nodes, tensors = _head(helper.make_node("Relu", ["images"], ["x"], name="relu"))
    path = write_graph(tmp_path / "soft.onnx", nodes, tensors)
    net = zoo.import_network(path, name="soft", preprocess=SMALL)
    assert net.spec.activation == "softmax"
    data = torch.rand(2, 3, 8, 8)
    expected = onnxruntime.InferenceSession(path).run(None, {"images": data.numpy()})[0]
    assert np.abs(net.scores(data) - expected).max() < 1e-6
    with pytest.raises(InputError, match="ends with softmax"):
        zoo.import_network(path, name="soft", preprocess=SMALL, activation="sigmoid")


def test_import_of_padding_and_a_constant_condition_gives_what_onnx_runtime_gives(tmp_path):
    pads = numpy_helper.from_array(np.array([0, 0, 2, 1, 0, 0, 1, 3]), "pads")
    condition = numpy_helper.from_array(np.array(True), "condition")
    branches = [
        helper.make_graph(
            [helper.make_node(kind, ["padded"], ["inner"], name=kind)],
            kind,
            [],
            [helper.make_empty_tensor_value_info("inner")],
        )
        for kind in ("Relu", "Neg")
    ]
    nodes, tensors = _head(
        helper.make_node("Pad", ["images", "pads"], ["padded"], name="pad", mode="reflect"),
        helper.make_node("If", ["condition"], ["x"], then_branch=branches[0], else_branch=branches[1]),
    )
    path = write_graph(tmp_path / "pad.onnx", nodes, [*tensors, pads, condition])
    net = zoo.import_network(path, name="pad", preprocess=SMALL)
    assert max(net.report.differences.values()) < 1e-6
    assert "Relu" in set(net.report.table()["operator"])
    assert "Neg" not in set(net.report.table()["operator"])


def test_import_of_a_library_of_its_own_is_refused(tmp_path):
    nodes, tensors = _head(helper.make_node("Anything", ["images"], ["x"], domain="com.example"))
    path = write_graph(tmp_path / "own.onnx", nodes, tensors, domains=("", "com.example"))
    with pytest.raises(WeightsError, match=r"operator Anything of 'com\.example', a library of its own"):
        zoo.import_network(path, name="own", preprocess=SMALL)


@pytest.mark.parametrize(
    "location", ["../secret.bin", "/etc/hostname", "link.bin", "missing.bin", "folder/../x"]
)
def test_import_of_tensors_outside_of_the_folder_is_refused(tmp_path, location):
    (tmp_path / "secret.bin").write_bytes(bytes(48))
    folder = tmp_path / "network"
    folder.mkdir()
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    nodes, tensors = _head(helper.make_node("Relu", ["images"], ["x"], name="relu"))
    onnx.external_data_helper.set_external_data(tensors[0], location)
    tensors[0].ClearField("raw_data")
    path = write_graph(folder / "net.onnx", nodes, tensors)
    with pytest.raises(WeightsError, match=r"outside of its folder|is missing or a link"):
        zoo.import_network(path, name="net", preprocess=SMALL)


def test_import_of_tensors_beside_the_file_reads_them(tmp_path):
    nodes, tensors = _head(helper.make_node("Relu", ["images"], ["x"], name="relu"))
    values = numpy_helper.to_array(tensors[0])
    (tmp_path / "weights.bin").write_bytes(bytes(16) + values.tobytes())
    onnx.external_data_helper.set_external_data(tensors[0], "weights.bin", offset=16, length=values.nbytes)
    tensors[0].ClearField("raw_data")
    net = zoo.import_network(write_graph(tmp_path / "net.onnx", nodes, tensors), name="net", preprocess=SMALL)
    assert np.array_equal(net.module.get_submodule("fc").weight.detach().numpy(), values.T)


def test_import_of_a_tensor_larger_than_its_file_is_refused(tmp_path):
    nodes, tensors = _head(helper.make_node("Relu", ["images"], ["x"], name="relu"))
    tensors[0].dims[:] = [1 << 20, 1 << 20]
    with pytest.raises(WeightsError, match="MB of memory"):
        zoo.import_network(write_graph(tmp_path / "n.onnx", nodes, tensors), name="n", preprocess=SMALL)


def test_import_of_a_graph_that_asks_for_much_memory_is_refused(tmp_path):
    shape = numpy_helper.from_array(np.array([1 << 30, 1 << 10]), "shape")
    nodes, tensors = _head(
        helper.make_node("ConstantOfShape", ["shape"], ["huge"], name="huge"),
        helper.make_node("ReduceMax", ["huge"], ["one"], name="one", keepdims=0),
        helper.make_node("Add", ["images", "one"], ["x"], name="add"),
    )
    path = write_graph(tmp_path / "huge.onnx", nodes, [*tensors, shape])
    with pytest.raises(InputError, match="would make a tensor of the shape"):
        zoo.import_network(path, name="huge", preprocess=SMALL)


def test_import_of_a_truncated_file_is_refused(files, tmp_path):
    content = files("test_resnet").read_bytes()
    for length in (0, 10, 1000, len(content) // 2, len(content) - 1):
        path = tmp_path / "cut.onnx"
        path.write_bytes(content[:length])
        with pytest.raises(WeightsError, match=r"is not a complete ONNX file|is damaged|tensor"):
            zoo.import_network(path, name="cut", preprocess=PREPROCESS)


def test_import_with_options_that_do_not_fit_says_what_fits(files):
    path = files("test_resnet")
    for options, message in (
        ({"labels": ["a"]}, "1 labels do not fit 10 outputs"),
        ({"labels": "nothing"}, "neither a file nor the name of a network"),
        ({"preprocess": {"resize": 96}}, "preprocessing is invalid"),
        ({"preprocess": {"resize": 96, "crop": 96, "mean": "/etc/hostname"}}, "preprocessing is invalid"),
        ({"preprocess": {"network": "/etc"}}, "not the name of a network of the catalogs"),
        ({"preprocess": "resnet18"}, "the preprocessing gives 3 × 224 × 224"),
        ({"activation": "tanh"}, "Unknown activation 'tanh'"),
    ):
        with pytest.raises(InputError, match=message):
            zoo.import_network(path, **{"name": "net", "preprocess": PREPROCESS, **options})
    with pytest.raises(InputError, match="is not a name"):
        zoo.import_network(path, name="a/b")
    with pytest.raises(InputError, match="does not exist"):
        zoo.import_network(path.with_name("absent.onnx"), name="a")


def test_import_of_other_formats_names_the_way_to_onnx(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "state.pt")
    with pytest.raises(
        InputError,
        match=r"a checkpoint of PyTorch.*cannot be imported: write ONNX with torch\.onnx\.export",
    ):
        zoo.import_network(tmp_path / "state.pt", name="net")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda graph, record: graph["nodes"][0].update(operator="os.system"),
            "unknown operator 'os.system'",
        ),
        (lambda graph, record: graph["nodes"][0]["attributes"].update(strides=[0, 0]), "damaged"),
        (lambda graph, record: graph.update(shape=[3, 100_000, 100_000]), "does not give the shape"),
        (
            lambda graph, record: record.update(preprocess={"type": "hf.image_processor"}),
            "preprocessing is invalid",
        ),
        (lambda graph, record: graph["nodes"][3].update(inputs=["absent"]), "damaged"),
    ],
)
def test_load_of_a_forged_graph_is_refused(resnet, tmp_path, change, message):
    folder = resnet.save(tmp_path / "forged")
    record = json.loads((folder / "network.json").read_text())
    change(record["parent"]["arguments"]["graph"], record["parent"]["arguments"])
    (folder / "network.json").write_text(json.dumps(record))
    with pytest.raises(zoo.ZooError, match=message):
        zoo.load(folder)
