"""Networks of Keras, TensorFlow Lite and SavedModels become networks, and nothing of their files runs."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from tests.conftest import SHARED
from zoo.core.errors import InputError, TrustError, WeightsError
from zoo.exchange import foreign_format

CHECKOUT = Path(__file__).resolve().parents[3]
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
LOAD = """
import sys, numpy as np, torch, zoo
net = zoo.load(sys.argv[1], device="cpu", engine="torch")
np.save(sys.argv[3], net.scores(torch.from_numpy(np.load(sys.argv[2]))))
assert not {"tensorflow", "onnx", "onnxruntime"} & set(sys.modules)
"""


def write(name, folder):
    """Write networks by Keras in a process of its own: TensorFlow stays out of this one."""
    command = [sys.executable, "-m", "benchmarks.keras_files", name, str(folder)]
    subprocess.run(
        command, cwd=CHECKOUT, env=os.environ | QUIET, check=True, capture_output=True, timeout=600
    )
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write("small", tmp_path_factory.mktemp("tensorflow"))


@pytest.fixture(autouse=True)
def process_without_tensorflow():
    """See that no import loads TensorFlow here, where another file of tests has not."""
    before = "tensorflow" in sys.modules
    yield
    assert before or "tensorflow" not in sys.modules


@pytest.fixture(scope="module")
def small(files):
    return zoo.import_network(files / "small.keras", name="small", device="cpu")


def require_same_outputs(net, tolerance=1e-4):
    assert max(net.report.differences.values()) < tolerance
    assert net.report.departure == ""
    assert net.report.left_to_runtime == ()


def test_import_of_a_keras_file_gives_what_keras_gives(small):
    require_same_outputs(small)
    assert small.report.format.startswith("Keras 3")
    assert "Largest difference from Keras:" in small.report.sentences()[-1]
    assert small.spec.activation == "softmax"
    assert small.spec.head_layer == "classes_1/MatMul"
    assert "the network scales its input itself (layer Rescaling)" in small.report.preprocessing
    assert small.embed(zoo.sample("cat.png")).values.shape == (1, 8)
    assert list(small.report.table()["operator"]).count("Transpose") <= 1  # of the input


@pytest.mark.parametrize(
    ("name", "options", "runtime"),
    [
        ("small.h5", {}, "Keras"),
        ("small", {"trust": True}, "TensorFlow"),
        ("small.tflite", {}, "TensorFlow Lite"),
    ],
)
def test_import_of_the_same_network_in_another_format_gives_the_same(files, small, name, options, runtime):
    net = zoo.import_network(files / name, name="small", device="cpu", **options)
    require_same_outputs(net)
    assert net.report.runtime == runtime
    data = small.preprocess(zoo.sample("cat.png"))
    assert torch.equal(net.preprocess(zoo.sample("cat.png")), data)
    assert np.abs(net.scores(data) - small.scores(data)).max() < 1e-5


def test_import_of_a_quantized_file_gives_the_numbers_of_its_network(files, small):
    net = zoo.import_network(files / "quantized.tflite", name="quantized", device="cpu")
    require_same_outputs(net, 0.02)
    assert net.report.format == "TensorFlow Lite, 8 bits, de-quantized"
    assert net.report.runtime == "TensorFlow Lite, which rounds to whole numbers"
    assert "the range of the file's quantized input" in net.report.preprocessing
    data = small.preprocess(zoo.sample("cat.png"))
    assert torch.allclose(net.preprocess(zoo.sample("cat.png")), data, atol=1e-3)
    assert np.abs(net.scores(data) - small.scores(data)).max() < 0.02


def test_imported_keras_network_is_trained_saved_and_loaded_without_tensorflow(small, tmp_path):
    generator = np.random.default_rng(0)
    for kind, light in (("dark", 0), ("light", 155)):
        (tmp_path / "data" / kind).mkdir(parents=True)
        for i in range(2):
            pixels = (generator.integers(0, 100, (32, 32, 3)) + light).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / kind / f"{i}.png")
    assert small.replace_head(["a", "b"]).module(torch.zeros(2, 3, 32, 32)).shape == (2, 2)
    trained = zoo.transfer(
        tmp_path / "data", network=small, method="finetune", epochs=1, validation=0.5, device="cpu"
    )
    folder = trained.save(tmp_path / "trained")
    data = trained.preprocess(zoo.sample("cat.png"))
    np.save(tmp_path / "data.npy", data.numpy())
    command = [sys.executable, "-c", LOAD, str(folder), tmp_path / "data.npy", tmp_path / "scores.npy"]
    subprocess.run(command, check=True, timeout=300)
    assert np.abs(np.load(tmp_path / "scores.npy") - trained.scores(data)).max() < 1e-5


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("tf2_mobilenet_v2_1.0_224_ptq.tflite", 8),
        pytest.param("tf2_mobilenet_v2_1.0_224_ptq.tflite", 1, marks=pytest.mark.exhaustive),
        pytest.param("mobilenet_v2_1.0_224_quant.tflite", 1, marks=pytest.mark.exhaustive),
    ],
)
def test_import_of_a_real_quantized_network_names_what_the_photos_show(name, step, media):
    path = SHARED / "weights" / name
    if not path.is_file():
        pytest.skip("needs weights in a folder 'shared' beside the checkout, which is not there")
    net = zoo.import_network(path, name="mobilenet", device="cpu")
    photos = sorted((media / "photos").glob("*.jpg"))[::step]
    data = torch.cat([net.preprocess(photo) for photo in photos])
    first = net.scores(data).argmax(1)
    theirs = _classes_of_the_interpreter(path, data)
    assert len(photos) == 40 // step
    assert (first != theirs).sum() <= len(photos) // 40
    wrong = sum(int(photo.name[:3]) + 1 != one for photo, one in zip(photos, first, strict=True))
    assert wrong <= max(1, 3 * len(photos) // 40)


def _classes_of_the_interpreter(path, data):
    """Return the first classes of TensorFlow Lite's own interpreter, which the helper process runs."""
    from zoo.exchange.tensorflow_file import TensorFlowFile

    original = TensorFlowFile(path, "tflite")
    (name,) = original.facts.outputs
    return original.outputs(data.permute(0, 2, 3, 1).numpy(), [name])[name].argmax(1)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["MobileNetV2", "EfficientNetB0"])
def test_import_of_an_application_of_keras_gives_what_keras_gives(name, tmp_path):
    folder = write(name, tmp_path / "files")
    net = zoo.import_network(folder / f"{name}.keras", name=name, device="cpu")
    require_same_outputs(net)
    assert net.spec.classes == 1000
    saved = zoo.import_network(folder / name, name=name, device="cpu", trust=True)
    require_same_outputs(saved)
    data = net.preprocess(zoo.sample("cat.png"))
    assert np.abs(net.scores(data) - saved.scores(data)).max() < 1e-5


def test_import_of_a_saved_model_asks_for_trust(files):
    with pytest.raises(TrustError, match=r"a program, which can read and write files: pass trust=True"):
        zoo.import_network(files / "small", name="small")


@pytest.mark.parametrize("name", ["read", pytest.param("run", marks=pytest.mark.exhaustive)])
def test_import_of_a_saved_model_that_reaches_outside_is_refused(files, name):
    operator = {"read": "ReadFile", "run": "EagerPyFunc"}[name]
    with pytest.raises(
        InputError, match=rf"has the operator '{operator}', which is not imported: it may reach"
    ):
        zoo.import_network(files / name, name="hostile", trust=True)


def test_import_of_a_tflite_file_with_an_operator_of_its_own_is_refused(files):
    with pytest.raises(InputError, match="has the operator 'FlexBincount' of a library of its own"):
        zoo.import_network(files / "flex.tflite", name="flex")


@pytest.mark.parametrize("name", ["lambda.keras", "lambda.h5"])
def test_import_of_a_keras_file_with_code_is_refused(files, name):
    with pytest.raises(
        InputError, match=r"has 'Lambda'.*, which is not imported: only layers of Keras itself"
    ):
        zoo.import_network(files / name, name="code")


def changed(path, target, config=None, members=()):
    """Copy a .keras file with a changed configuration and further members."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as archive:
        for entry in source.namelist():
            content = source.read(entry)
            if entry == "config.json" and config:
                tree = json.loads(content)
                config(tree)
                content = json.dumps(tree).encode()
            archive.writestr(entry, content)
        for entry, content in members:
            archive.writestr(entry, content)
    return target


def last_layer(tree):
    return tree["config"]["layers"][-1]


@pytest.mark.parametrize(
    "entry",
    [
        {"module": "os", "class_name": "system", "registered_name": None},
        {"module": "mine", "class_name": "Dense", "registered_name": "mine>Dense"},
        {"module": "keras.layers", "class_name": "Dense", "registered_name": "mine>Dense"},
        {"module": "keras.layers", "class_name": "TorchModuleWrapper", "registered_name": None},
        {"module": "keras.layers", "class_name": "TFSMLayer", "registered_name": None},
        {"module": "keras.layers", "class_name": "StringLookup", "registered_name": None},
        {"module": "keras.utils", "class_name": "get_file", "registered_name": None},
        {"module": "keras.config", "class_name": "enable_unsafe_deserialization", "registered_name": None},
        {"module": None, "class_name": "Dense", "registered_name": None},
        {"module": ["os"], "class_name": ["system"], "registered_name": None},
        {"module": "builtins", "class_name": "function", "config": "exec", "registered_name": "function"},
        {"module": "builtins", "class_name": "__lambda__", "config": {}, "registered_name": None},
    ],
)
def test_import_of_a_keras_file_that_names_other_classes_is_refused(files, tmp_path, entry):
    path = changed(files / "small.keras", tmp_path / "x.keras", lambda tree: last_layer(tree).update(entry))
    with pytest.raises(InputError, match="which is not imported"):
        zoo.import_network(path, name="hostile")


def test_import_of_a_keras_file_with_a_hidden_class_is_refused(files, tmp_path):
    hidden = {"class_name": "__lambda__", "config": {"code": "AA=="}}
    for place in ("activation", "kernel_initializer", "kernel_constraint"):
        path = changed(
            files / "small.keras",
            tmp_path / f"{place}.keras",
            lambda tree, at=place: last_layer(tree)["config"].update({at: {"deep": [hidden]}}),
        )
        with pytest.raises(InputError, match="has '__lambda__'"):
            zoo.import_network(path, name="hostile")
    path = changed(files / "small.keras", tmp_path / "top.keras", lambda tree: tree.update(class_name="Mine"))
    with pytest.raises(InputError, match="whose code is not in the file"):
        zoo.import_network(path, name="hostile")


@pytest.mark.parametrize(
    "member", ["../escaped.txt", "/tmp/escaped.txt", "assets/words.txt", "config.json/x"]
)
def test_import_of_a_keras_file_with_other_members_is_refused(files, tmp_path, member):
    path = changed(files / "small.keras", tmp_path / "x.keras", members=[(member, b"text")])
    with pytest.raises(InputError, match=r"a Keras file that is imported holds config\.json"):
        zoo.import_network(path, name="hostile")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_import_of_a_keras_file_with_a_member_twice_is_refused(files, tmp_path):
    path = changed(files / "small.keras", tmp_path / "x.keras", members=[("config.json", b"{}")])
    with pytest.raises(WeightsError, match="does not hold each part once"):
        zoo.import_network(path, name="hostile")


def test_import_of_a_keras_file_that_asks_for_much_memory_is_refused(files, tmp_path):
    def huge(tree):
        last_layer(tree)["config"]["units"] = 10**13

    path = changed(files / "small.keras", tmp_path / "x.keras", huge)
    with pytest.raises((InputError, WeightsError), match=r"x\.keras (cannot be|asks for)"):
        zoo.import_network(path, name="huge")


@pytest.mark.parametrize("kind", ["external link", "soft link", "external storage"])
@pytest.mark.parametrize("name", ["small.h5", "small.keras"])
def test_import_of_hdf5_that_points_elsewhere_is_refused(files, tmp_path, kind, name):
    other = tmp_path / "secret.h5"
    with h5py.File(other, "w") as file:
        file["secret"] = np.zeros(5, np.float32)

    def point(content):
        stream = io.BytesIO(content)
        with h5py.File(stream, "r+") as file:
            if kind == "external storage":
                storage = [(str(other), 0, 20)]
                file.create_dataset("outside", (5,), "f4", external=storage)
            else:
                link = (
                    h5py.ExternalLink(str(other), "/secret") if "ext" in kind else h5py.SoftLink("/elsewhere")
                )
                file["outside"] = link
        return stream.getvalue()

    target = tmp_path / name
    if name.endswith("h5"):
        target.write_bytes(point((files / name).read_bytes()))
    else:
        with zipfile.ZipFile(files / name) as source, zipfile.ZipFile(target, "w") as archive:
            for entry in source.namelist():
                content = source.read(entry)
                archive.writestr(entry, point(content) if entry.endswith("h5") else content)
    with pytest.raises(WeightsError, match=r"to another place or file|in another file"):
        zoo.import_network(target, name="hostile")


def test_import_of_weights_without_a_network_says_what_to_save(files, tmp_path):
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file["kernel"] = np.zeros(5, np.float32)
    with pytest.raises(InputError, match="holds weights and no network; save the whole network"):
        zoo.import_network(path, name="weights")


@pytest.mark.parametrize("name", ["small.keras", "small.h5", "small.tflite"])
def test_import_of_a_truncated_file_is_refused(files, tmp_path, name):
    content = (files / name).read_bytes()
    for length in (64, len(content) // 2, len(content) - 40):
        path = tmp_path / name
        path.write_bytes(content[:length])
        with pytest.raises((WeightsError, InputError)) as error:
            zoo.import_network(path, name="cut")
        assert str(error.value).endswith(".")
        assert "\n" not in str(error.value)


def test_import_of_a_truncated_saved_model_is_refused(files, tmp_path):
    folder = tmp_path / "cut"
    folder.mkdir()
    content = (files / "small" / "saved_model.pb").read_bytes()
    (folder / "saved_model.pb").write_bytes(content[: len(content) // 2])
    with pytest.raises(WeightsError, match="is not a complete SavedModel"):
        zoo.import_network(folder, name="cut", trust=True)


def test_import_without_the_converter_names_the_command_that_installs_it(files, monkeypatch):
    from zoo.core import extras

    there = extras.find_spec
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "tf2onnx" else there(name))
    with pytest.raises(zoo.ZooError, match=r"tf2onnx is not installed; run: pip install .*\[tensorflow\]"):
        zoo.import_network(files / "small.tflite", name="small")


def test_data_suffixes_without_the_converter_leave_its_formats_out(monkeypatch):
    assert {".onnx", ".pt2", ".tflite", ".keras"} <= set(foreign_format.data_suffixes())
    there = foreign_format.find_spec
    monkeypatch.setattr(foreign_format, "find_spec", lambda name: None if name == "tf2onnx" else there(name))
    assert not {".tflite", ".keras"} & set(foreign_format.data_suffixes())
