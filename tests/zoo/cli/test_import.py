"""The command import."""

import json

import numpy as np
import torch
from onnx import helper, numpy_helper

import zoo
from tests.zoo.exchange.onnx_files import write_graph

PREPROCESS = json.dumps({"resize": 8, "crop": 8})


def graph(tmp_path):
    kernel = np.random.default_rng(0).normal(size=(2, 3, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["images", "kernel"], ["maps"], name="conv"),
        helper.make_node("GlobalAveragePool", ["maps"], ["means"], name="pool"),
        helper.make_node("Flatten", ["means"], ["scores"], name="flatten"),
    ]
    return write_graph(tmp_path / "graph.onnx", nodes, [numpy_helper.from_array(kernel, "kernel")])


def test_import_saves_a_network_and_reports_what_became_of_the_file(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = run("import", graph(tmp_path), "--name", "small", "--preprocess", PREPROCESS)
    assert code == 0
    assert out.splitlines()[-1] == "Saved; use it as --network ./small"
    assert "Largest difference from ONNX Runtime" in out
    vectors = zoo.load("./small", device="cpu").embed(zoo.sample("cat.png")).values
    assert vectors.shape == (1, 3)  # what the last layer with weights takes, averaged
    code, out, _ = run(
        "import", graph(tmp_path), "--name", "small", "--preprocess", PREPROCESS, "--out", "other", "--json"
    )
    report = json.loads(out)
    assert (code, report["folder"]) == (0, "./other")
    assert [row["operator"] for row in report["layers"]] == ["Conv", "GlobalAveragePool", "Flatten"]


def test_import_of_torchscript_needs_trust(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    torch.jit.trace(module.eval(), torch.zeros(1, 3, 8, 8)).save("net.pt")
    command = ("import", "net.pt", "--name", "small", "--preprocess", PREPROCESS)
    code, _, err = run(*command)
    assert code == 2
    assert "TorchScript, a program" in err
    assert "--trust" in err
    code, out, _ = run(*command, "--trust", "--json")
    assert code == 0
    assert max(json.loads(out)["differences"].values()) < 1e-4
    assert zoo.load("./small", device="cpu").embed(zoo.sample("cat.png")).values.shape == (1, 3)


def test_import_of_bad_input_is_one_line_and_leaves_nothing(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "damaged.onnx").write_bytes(b"damaged")
    (tmp_path / "list.txt").write_text("one\n")
    for arguments, match in (
        (("absent.onnx",), "zoo: absent.onnx does not exist."),
        (("damaged.onnx",), "zoo: damaged.onnx is not a complete ONNX file."),
        ((graph(tmp_path), "--preprocess", "{"), "zoo: --preprocess is not valid JSON"),
        ((graph(tmp_path), "--preprocess", PREPROCESS, "--activation", "best"), "zoo: Unknown activation"),
    ):
        code, out, err = run("import", *arguments, "--name", "small")
        assert (code, out) == (2, "")
        assert err.startswith(match)
        assert not (tmp_path / "small").exists()
