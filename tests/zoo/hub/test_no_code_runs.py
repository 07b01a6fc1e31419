"""Files of a stranger that try to run a program, each in its own way; none of them may.

Every program would write a file. That each attempt is refused by a typed error, or read as the data that it
is, is checked too. SavedModels have tests of their own, in `tests.zoo.hub.test_tfhub`.
"""

import builtins
import contextlib
import io
import json
import marshal
import os
import pickle
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

import zoo
from zoo import formats
from zoo.core.errors import CatalogError, UnknownNameError, WeightsError, ZooError
from zoo.hub.registry import parse_catalog


@pytest.fixture
def canary(tmp_path):
    """A file that a program would write."""
    path = tmp_path / "canary"
    yield path
    assert not path.exists(), "a program ran"


class Program:
    """What pickle would call on loading."""

    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


def programs(canary):
    """Ways to write the file, as a pickle may hold them."""
    touch = f"touch {canary}"
    return {
        "system": Program(os.system, touch),
        "popen": Program(subprocess.Popen, ["touch", str(canary)]),
        "exec": Program(builtins.exec, f"open({str(canary)!r}, 'w')"),
        "eval": Program(builtins.eval, f"open({str(canary)!r}, 'w')"),
        "open": Program(builtins.open, str(canary), "w"),
        "import": Program(builtins.__import__, "antigravity"),
    }


NAMES = list(programs("x"))


def saved(net, folder, **changes):
    """A saved network whose record was changed afterwards."""
    net("squeezenet").replace_head(["ant", "bee"]).save(folder)
    record = json.loads((folder / "network.json").read_text(encoding="utf-8"))
    (folder / "network.json").write_text(json.dumps(record | changes), encoding="utf-8")
    return folder


def old_record(canary):
    """A record of the first layout, which named its builder as module:function."""
    return {
        "layout": 1,
        "spec": {"builder": "os:system", "arguments": {"command": f"touch {canary}"}},
        "classes": [{"id": "a", "label": "a"}],
    }


RECORDS = {
    "the first layout": old_record,
    "a builder": lambda canary: {"builder": "os:system", "arguments": {"command": f"touch {canary}"}},
    "a builder as parent": lambda canary: {"parent": {"name": "os:system"}},
    "arguments of a parent": lambda canary: {
        "parent": {"name": "os:system", "arguments": {"command": f"touch {canary}"}}
    },
    "arguments of a network": lambda canary: {
        "parent": {"name": "squeezenet.caffe", "arguments": {"builder": "os:system"}}
    },
    "another builder of a family": lambda canary: {
        "parent": {"name": "small_cnn", "arguments": {"builder": "os:system", "command": f"touch {canary}"}}
    },
    "preprocessing": lambda canary: {"preprocess": {"type": "os:system", "command": f"touch {canary}"}},
    "an alternative form": lambda canary: {"fft_builder": "os:system"},
    "a converter": lambda canary: {"sources": [{"url": "file:x", "format": "torch", "convert": "os:system"}]},
    "labels": lambda canary: {"labels": "hf:../../x"},
    "a head": lambda canary: {"head": {"kind": "os:system", "classes": 2}},
    "another saved network": lambda canary: {"parent": {"name": f"{canary.parent}/insects"}},
    "a SavedModel": lambda canary: {"parent": {"name": f"tfhub:{canary.parent}/graph"}},
}


@pytest.mark.parametrize("attempt", RECORDS)
def test_a_record_names_no_code(net, tmp_path, canary, attempt):
    folder = saved(net, tmp_path / "insects", **RECORDS[attempt](canary))
    for use in (zoo.describe, zoo.load):
        with pytest.raises(ZooError):
            use(folder)


def test_the_commands_refuse_such_a_record_too(net, tmp_path, canary):
    folder = saved(net, tmp_path / "insects", **old_record(canary))
    for command in ("info", "summary", "verify", "fetch"):
        run = subprocess.run(
            [sys.executable, "-m", "zoo", command, str(folder)], capture_output=True, text=True, check=False
        )
        assert run.returncode == 2, run.stderr
        assert "another version" in run.stderr
        assert "Traceback" not in run.stderr


@pytest.mark.parametrize("field", ["builder", "fft_builder", "preprocess", "convert"])
def test_a_catalog_names_no_code(canary, field):
    lines = {
        "builder": 'builder = "os:system"\n',
        "fft_builder": 'fft_builder = "os:system"\n',
        "preprocess": 'preprocess = { type = "os:system" }\n',
        "convert": "",
    }
    convert = ', convert = "os:system"' if field == "convert" else ""
    text = (
        '[net]\ndefault = "one"\ntitle = "Net"\ntasks = ["embed"]\nparameters = 1\ndepth = 1\n'
        'input_shape = [1]\nclasses = 1\nactivation = "softmax"\n'
        'head_layer = "head"\nembedding_layer = "body"\n'
        'license = "MIT"\ncitation = "c"\nhomepage = "h"\nvalidation = "f"\n'
        + (lines["builder"] if field == "builder" else 'builder = "alexnet"\n')
        + (lines["preprocess"] if field == "preprocess" else 'preprocess = { type = "resize_crop" }\n')
        + (lines["fft_builder"] if field == "fft_builder" else "")
        + f'[net.tag.one]\nsources = [{{ url = "file:x", format = "torch"{convert} }}]\n'
    )
    with pytest.raises(CatalogError, match="os:system"):
        parse_catalog(text, "image")


@pytest.mark.parametrize("program", NAMES)
@pytest.mark.parametrize("suffix", [".pkl", ".pth", ".pt"])
def test_a_pickle_runs_nothing(tmp_path, canary, program, suffix):
    path = tmp_path / f"weights{suffix}"
    content = {"features.0.weight": programs(canary)[program]}
    if suffix == ".pkl":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=suffix == ".pt")
    with pytest.raises(WeightsError):
        zoo.load("squeezenet", weights=path)


def test_a_program_of_torchscript_is_not_run(tmp_path, canary):
    path = tmp_path / "script.pt"
    torch.jit.script(torch.nn.Linear(2, 2)).save(path)
    with zipfile.ZipFile(path, "a") as archive:
        name = archive.namelist()[0].split("/")[0]
        archive.writestr(f"{name}/code/__torch__/evil.py", f"import os\nos.system('touch {canary}')\n")
    with pytest.raises(WeightsError):
        zoo.load("squeezenet", weights=path)


@pytest.mark.parametrize("layer", ["Lambda", "module"])
def test_a_configuration_of_keras_is_not_built(tmp_path, canary, layer):
    code = compile(f"open({str(canary)!r}, 'w')", "evil", "exec")
    layers = {
        "Lambda": {"class_name": "Lambda", "config": {"function": [marshal.dumps(code).hex(), None, None]}},
        "module": {"class_name": "system", "module": "os", "config": {"command": f"touch {canary}"}},
    }
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(
            {"class_name": "Sequential", "config": {"layers": [layers[layer]]}}
        )
        group = file.create_group("model_weights/conv")
        group.create_dataset("kernel", data=np.zeros((2, 2), np.float32))
    with contextlib.suppress(WeightsError):
        formats.read(path, "keras")
    with pytest.raises(WeightsError):
        zoo.load("crepe.tiny", weights=path)


@pytest.fixture
def hub_folder(tmp_path, canary):
    """A tiny ViT with a program beside it that its configuration asks to load."""
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

    folder = tmp_path / "hub"
    config = ViTConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=32,
        patch_size=16, id2label={0: "ant", 1: "bee"},
    )  # fmt: skip
    ViTForImageClassification(config).save_pretrained(folder)
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    (folder / "evil.py").write_text(
        f"open({str(canary)!r}, 'w')\nfrom transformers import *\nclass Config(ViTConfig): pass\n"
        "class Model(ViTForImageClassification): pass\nclass Processor(ViTImageProcessor): pass\n"
    )
    return folder


AUTO_MAPS = {
    "config.json": {
        "AutoConfig": "evil.Config",
        "AutoModelForImageClassification": "evil.Model",
        "AutoImageProcessor": "evil.Processor",
    },
    "preprocessor_config.json": {"AutoImageProcessor": "evil.Processor"},
}


@pytest.mark.parametrize("file", AUTO_MAPS)
@pytest.mark.parametrize("is_known_type", [True, False])
def test_code_of_a_checkpoint_is_neither_run_nor_asked_for(
    hub_folder, empty_cache, monkeypatch, capsys, file, is_known_type
):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n" * 9))
    settings = json.loads((hub_folder / file).read_text())
    if not is_known_type:
        settings |= {"model_type": "evil", "image_processor_type": "Processor"}
    (hub_folder / file).write_text(json.dumps(settings | {"auto_map": AUTO_MAPS[file]}))
    with contextlib.suppress(UnknownNameError):
        zoo.load(f"hf:{hub_folder}", device="cpu").classify(np.zeros((40, 40, 3), np.uint8))
    assert "y/N" not in capsys.readouterr().out
    assert sys.stdin.read(), "something asked"


def test_yaml_of_a_model_card_is_data(hub_folder, empty_cache, canary):
    card = f'---\nlicense: !!python/object/apply:os.system ["touch {canary}"]\n---\n'
    (hub_folder / "README.md").write_text(card)
    assert zoo.describe(f"hf:{hub_folder}").license == "not stated by its authors"


def test_weights_of_a_checkpoint_that_are_a_pickle_run_nothing(hub_folder, empty_cache, canary):
    (hub_folder / "model.safetensors").unlink()
    torch.save({"classifier.weight": programs(canary)["system"]}, hub_folder / "pytorch_model.bin")
    with pytest.raises(WeightsError):
        zoo.load(f"hf:{hub_folder}")


@pytest.mark.parametrize("name", ["squeezenet", "yamnet.audioset", "SqueezeNet"])
def test_a_folder_does_not_shadow_the_catalog(net, tmp_path, monkeypatch, name):
    saved(net, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert zoo.describe(name).origin == "catalog"
    assert zoo.describe(f"./{name}").origin == "saved"
    assert zoo.load(f".{os.sep}{name}").labels[0].label == "ant"


def test_a_folder_of_another_name_is_meant_by_a_path_only(net, tmp_path, monkeypatch):
    saved(net, tmp_path / "insects")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownNameError, match=r"write \./insects"):
        zoo.load("insects")


def test_packages_of_the_working_folder_register_nothing(tmp_path, canary):
    """A distribution with entry points, and a module with the name of one that is imported late."""
    info = tmp_path / "evil-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[zoo]\nevil = evil\n[zoo.networks]\nevil = evil:run\n")
    for module in ("evil", "os_system"):
        (tmp_path / f"{module}.py").write_text(f"open({str(canary)!r}, 'w')\n")
    run = subprocess.run(
        [sys.executable, "-P", "-m", "zoo", "info", "evil"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), str(tmp_path)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert "Unknown network 'evil'" in run.stderr


def test_tensors_are_checked_before_a_network_is_built(net, tmp_path, monkeypatch):
    folder = saved(net, tmp_path / "insects")
    save_file({"x": np.zeros(3, np.float32)}, folder / "weights.safetensors")
    monkeypatch.setattr("zoo.inference.load.build", lambda spec: pytest.fail("built"))
    with pytest.raises(WeightsError, match="damaged"):
        zoo.load(folder)
