"""Both engines give the same, and what was exported is kept, checked and never stale."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from torch import nn

import zoo
from zoo.core.errors import EngineError, InputError
from zoo.hub import weights
from zoo.inference import engines
from zoo.inference.engines.onnx import OnnxRuntime, graph_path
from zoo.inference.engines.pytorch import PyTorch
from zoo.inference.engines.rows import by_rows

CPU = torch.device("cpu")
REPEATS = ("efficientnet_lite1.tf", "efficientnet_lite2.tf")  # the code of Lite0
PICTURES = [
    pytest.param(name, marks=[pytest.mark.exhaustive] if name in REPEATS else [])
    for name in zoo.networks("image", bundled=True)
]


@pytest.mark.parametrize(
    ("engine", "device", "dtype", "name", "expected"),
    [
        ("auto", "cpu", "fp32", "squeezenet", "onnxruntime"),
        ("auto", "cpu", "bf16", "squeezenet", "torch"),
        ("auto", "cuda", "fp32", "squeezenet", "torch"),
        ("auto", "cpu", "fp32", "yamnet", "onnxruntime"),
        ("auto", "cpu", "fp32", "vggish", "onnxruntime"),
        ("auto", "cpu", "fp32", "openl3", "onnxruntime"),
        ("auto", "cuda", "fp32", "yamnet", "torch"),
        ("auto", "cpu", "bf16", "yamnet", "torch"),
        ("auto", "cpu", "fp32", "crepe.tiny", "fft"),
        ("auto", "cpu", "bf16", "crepe.tiny", "torch"),
        ("auto", "cuda", "fp32", "crepe.tiny", "torch"),
        ("torch", "cpu", "fp32", "squeezenet", "torch"),
        ("torch", "cpu", "fp32", "crepe.tiny", "torch"),
        ("onnxruntime", "cpu", "fp32", "yamnet", "onnxruntime"),
    ],
)
def test_the_rule(engine, device, dtype, name, expected):
    assert engines.choose(engine, torch.device(device), dtype, zoo.describe(name)) == expected


@pytest.mark.parametrize(("modality", "expected"), [("image", "onnxruntime"), ("audio", "torch")])
def test_sounds_of_other_collections_come_in_any_length_which_no_graph_does(modality, expected):
    spec = zoo.describe("yamnet").replace(name="hf:owner/checkpoint", modality=modality)
    assert engines.choose("auto", CPU, "fp32", spec) == expected


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"engine": "steam"}, InputError),
        ({"dtype": "fp8"}, InputError),
        ({"engine": "onnxruntime", "dtype": "bf16"}, InputError),
        ({"engine": "fft", "dtype": "bf16"}, InputError),
        ({"engine": "fft", "name": "yamnet"}, InputError),
    ],
)
def test_what_no_engine_does_is_said_before_anything_is_fetched(options, error, empty_cache):
    with pytest.raises(error, match=r"engine|dtype"):
        zoo.load(**{"name": "crepe.tiny", "device": "cpu", **options})
    assert not empty_cache.exists()


@pytest.mark.parametrize("name", PICTURES)
def test_scores_and_embeddings_do_not_depend_on_the_engine(net, media, name):
    """1e-5 for scores, 1e-4 of the scale for features: float32 sums in another order."""
    photos = sorted((media / "photos").glob("*.jpg"))[:6]
    eager, fast = zoo.load(name, device="cpu", engine="torch"), net(name)
    assert (eager.engine.name, fast.engine.name) == ("torch", "onnxruntime")
    for ours, theirs in zip(fast.classify(photos), eager.classify(photos), strict=True):
        np.testing.assert_allclose(ours.all_scores, theirs.all_scores, atol=1e-5)
        assert ours.ids == theirs.ids
    expected = eager.embed(photos).values
    np.testing.assert_allclose(fast.embed(photos).values, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["yamnet", pytest.param("vggish", marks=pytest.mark.exhaustive), "openl3"])
def test_a_window_of_sound_does_not_depend_on_the_engine_or_on_its_batch(name):
    """1e-4 of the scale, as above. The last batch of a stream is as short as it happens to be."""
    eager = zoo.load(name, weights=None, device="cpu", engine="torch")
    fast = zoo.load(name, weights=None, device="cpu", engine="onnxruntime")
    fast.module.load_state_dict(eager.module.state_dict())
    data = torch.randn(5, *eager.spec.input_shape, generator=torch.Generator().manual_seed(0))
    layer = eager.spec.embedding_layer
    outputs, recorded = eager.engine(data, [layer])
    for sizes in ([5], [2, 1, 2]):
        pieces = [fast.engine(piece, [layer]) for piece in data.split(sizes)]
        joined = torch.cat([piece for piece, _ in pieces])
        torch.testing.assert_close(joined, outputs, rtol=0, atol=1e-4 * float(outputs.abs().max()))
        joined = torch.cat([layers[layer] for _, layers in pieces])
        torch.testing.assert_close(
            joined, recorded[layer], rtol=0, atol=1e-4 * float(recorded[layer].abs().max())
        )


def test_a_dtype_of_torch_is_taken():
    assert zoo.load("squeezenet", device="cpu", dtype=torch.bfloat16).dtype == "bf16"
    with pytest.raises(InputError, match=r"torch\.float64"):
        zoo.load("squeezenet", device="cpu", dtype=torch.float64)


@pytest.mark.parametrize("dtype", ["bf16", "fp16"])
@pytest.mark.parametrize("name", PICTURES)
def test_reduced_precision_changes_scores_by_little(net, media, name, dtype):
    """0.05: what bfloat16's eight bits cost SqueezeNet at most on these photos is 0.03."""
    photos = sorted((media / "photos").glob("*.jpg"))[:6]
    reduced = zoo.load(name, device="cpu", dtype=dtype)
    assert reduced.engine.name == "torch"
    for ours, theirs in zip(reduced.classify(photos), net(name).classify(photos), strict=True):
        assert np.abs(ours.all_scores - theirs.all_scores).max() < 0.05
        assert not np.array_equal(ours.all_scores, theirs.all_scores)


def test_the_graph_is_kept_beside_the_weights_and_used_again(tmp_path, monkeypatch):
    spec = zoo.describe("squeezenet")
    source = weights.fetch(spec.name)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    for file in (source, source.with_suffix(".json")):
        target = tmp_path / "weights" / file.name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(file.read_bytes())
    data = torch.rand(1, *spec.input_shape)
    expected = zoo.load(spec.name, device="cpu").scores(data)
    graph = graph_path(spec)
    assert graph.is_file()
    monkeypatch.setattr(engines.onnx, "exported", lambda *_: pytest.fail("it is exported again"))
    np.testing.assert_array_equal(zoo.load(spec.name, device="cpu").scores(data), expected)
    monkeypatch.undo()
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    damaged = bytearray(graph.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    graph.write_bytes(damaged)
    np.testing.assert_array_equal(zoo.load(spec.name, device="cpu").scores(data), expected)
    assert len(list(graph.parent.iterdir())) == 2, "the graph and its record"


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(3, 4, 3)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.body(x).relu().mean(dim=(2, 3)))


@pytest.fixture
def small():
    torch.manual_seed(0)
    module = Small().eval()
    return module, OnnxRuntime(PyTorch(module, CPU), (3, 8, 8), "body", None, required=True)


def change_in_place(module):
    with torch.no_grad():
        module.head.weight.mul_(2)


def exchange_a_layer(module):
    module.head = nn.Linear(4, 2)


def load_others(module):
    module.load_state_dict(Small().state_dict())


@pytest.mark.parametrize("change", [change_in_place, exchange_a_layer, load_others])
def test_a_module_that_changed_is_exported_anew(small, change):
    module, engine = small
    data = torch.rand(2, 3, 8, 8)
    before = engine(data)[0]
    change(module)
    after = engine(data)[0]
    assert not after.equal(before)
    torch.testing.assert_close(after, module(data).detach(), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("before", "after"), [({}, "1"), ({"ORT_DISABLE_TELEMETRY": "0"}, "0")])
def test_onnx_runtime_reports_nothing_to_its_makers_unless_its_user_wants_that(before, after):
    code = """
import os, sys, zoo
zoo.classify(zoo.sample("cat.png"), network="squeezenet")
print("onnxruntime" in sys.modules, os.environ["ORT_DISABLE_TELEMETRY"])
"""
    others = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    run = subprocess.run(
        [sys.executable, "-c", code], env=others | before, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["True", after]


def test_other_sizes_and_layers_go_to_pytorch(small):
    module, engine = small
    for data, layers in ((torch.rand(1, 3, 16, 16), []), (torch.rand(1, 3, 8, 8), ["head", "body"])):
        outputs, recorded = engine(data, layers)
        torch.testing.assert_close(outputs, module(data).detach())
        assert set(recorded) == set(layers)


class Inexportable(Small):
    def forward(self, x):
        return super().forward(x) + torch.special.bessel_j0(x).mean()


class Random(Small):
    """Exports, and then gives something else."""

    def forward(self, x):
        return super().forward(x) + torch.rand(2)


@pytest.mark.parametrize("kind", [Inexportable, Random])
def test_a_module_that_a_graph_cannot_say_is_left_to_pytorch(kind):
    eager, data = PyTorch(kind().eval(), CPU), torch.rand(1, 3, 8, 8)
    engine = OnnxRuntime(eager, (3, 8, 8), "body", None, required=False)
    torch.manual_seed(0)
    ours = engine(data)[0]
    assert engine._session is None
    assert ours.shape == (1, 2)
    with pytest.raises(EngineError, match=r"cannot|does not give"):
        OnnxRuntime(eager, (3, 8, 8), "body", None, required=True)(data)


def test_rows_of_a_batch_come_back_in_order_from_threads_of_one_thread_each():
    before, data = torch.get_num_threads(), torch.arange(21.0).view(7, 3)
    try:
        torch.set_num_threads(3)
        parts = by_rows(lambda rows: (rows, threading.get_ident(), torch.get_num_threads()), data, least=2)
        assert torch.cat([rows for rows, _, _ in parts]).equal(data)
        assert [threads for _, _, threads in parts] == [1, 1, 1]
        assert threading.get_ident() not in [thread for _, thread, _ in parts]
        later = []
        thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        assert (torch.get_num_threads(), later) == (3, [3]), "nobody else's setting is changed"
        assert by_rows(lambda rows: (len(rows), threading.get_ident()), data, least=4) == [
            (7, threading.get_ident())
        ]
    finally:
        torch.set_num_threads(before)


def test_the_graph_of_a_module_that_was_changed_is_not_kept(tmp_path):
    """Another process would take it for the graph of the weights that were loaded."""
    file = tmp_path / "net-0123.onnx"
    module = Small()
    changed = OnnxRuntime(PyTorch(module, CPU), (3, 8, 8), "body", file, required=True)
    with torch.no_grad():
        next(module.parameters()).zero_()
    data = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(changed(data)[0], changed.eager(data)[0])
    assert not file.exists()
    engine = OnnxRuntime(PyTorch(Small(), CPU), (3, 8, 8), "body", file, required=True)
    engine(data)
    assert file.is_file()
