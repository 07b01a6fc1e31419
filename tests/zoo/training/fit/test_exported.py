"""What was trained, in ONNX Runtime and in another process: every kind of head, dense or convolved."""

import json
import subprocess
import sys

import numpy as np
import pytest

import zoo
from zoo.training.data.dataset import Dataset

PROGRAM = """
import json, sys
import numpy as np, zoo
inputs = dict(np.load(sys.argv[1]))
rate = {"image": None, "audio": 16000}
scores = {}
for folder in sys.argv[2:]:
    net = zoo.load(folder, device="cpu")
    x = list(inputs[net.spec.modality])
    found = net.classify(x, sample_rate=rate[net.spec.modality])
    scores[folder] = [one.all_scores.tolist() for one in found]
print(json.dumps(scores))
"""
KINDS = {"logistic": "linear", "rbf-svm": "kernel", "knn": "neighbors"}
# The head of SqueezeNet is a convolution, that of YAMNet a full connection.
CASES = [(name, classifier) for name in ("squeezenet", "yamnet") for classifier in KINDS]


def examples(modality: str, count: int, seed: int) -> Dataset:
    """Bright and dark pictures, or tones and noise, that overlap: scores are not all 0 or 1."""
    rng = np.random.default_rng(seed)
    targets = np.arange(count) % 2
    if modality == "image":
        inputs = [rng.integers(60 * t, 180 + 60 * t, (48, 48, 3), np.uint8) for t in targets.tolist()]
        return Dataset("squares", "image", inputs, targets, ("dark", "bright"))
    time = np.arange(16000) / 16000
    tones = [np.sin(2 * np.pi * rng.uniform(200, 800) * time) * (0.05 + 0.2 * t) for t in targets]
    inputs = [(tone + 0.1 * rng.standard_normal(16000)).astype(np.float32) for tone in tones]
    return Dataset("tones", "audio", inputs, targets, ("noise", "tone"), sample_rate=16000)


@pytest.fixture(scope="module")
def trained(net, tmp_path_factory):
    """A folder of a trained network for each case."""
    root = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.training.fit.features.cache_folder", lambda: root)
        for name, classifier in CASES:
            data = examples(net(name).spec.modality, 24, seed=0)
            zoo.transfer(
                data,
                network=net(name),
                method="features",
                classifier=classifier,
                out=root / f"{name}-{classifier}",
            )
    return root


@pytest.mark.parametrize(("name", "classifier"), CASES)
def test_head_and_body_exported_give_what_pytorch_gives(trained, name, classifier):
    """To 1e-4 of logits and embeddings' scale: float32 sums in another order."""
    folder = str(trained / f"{name}-{classifier}")
    eager = zoo.load(folder, engine="torch", device="cpu")
    exported = zoo.load(folder, engine="onnxruntime", device="cpu")  # which raises where it cannot be
    assert eager.spec.new_head.kind == KINDS[classifier]
    data = examples(eager.spec.modality, 8, seed=1)
    batch = eager.preprocess(data.inputs, sample_rate=data.sample_rate)
    layer = eager.spec.embedding_layer
    (theirs, body), (ours, exported_body) = eager.engine(batch, [layer]), exported.engine(batch, [layer])
    assert exported.engine._session is not None
    assert float(theirs.std()) > 1e-3
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * max(1, float(theirs.abs().max())))
    scale = max(1, float(body[layer].abs().max()))
    np.testing.assert_allclose(exported_body[layer], body[layer], rtol=0, atol=1e-4 * scale)
    np.testing.assert_allclose(exported.scores(batch), eager.scores(batch), rtol=0, atol=1e-4)


def test_a_new_process_gives_the_same_scores(trained, tmp_path):
    inputs = {modality: examples(modality, 4, seed=2).inputs for modality in ("image", "audio")}
    np.savez(tmp_path / "inputs.npz", **inputs)
    folders = [str(trained / f"{name}-{classifier}") for name, classifier in CASES]
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "inputs.npz"), *folders]
    scores = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    for folder in folders:
        net = zoo.load(folder, device="cpu")
        x = inputs[net.spec.modality]
        sample_rate = 16000 if net.spec.modality == "audio" else None
        expected = np.stack([one.all_scores for one in net.classify(list(x), sample_rate=sample_rate)])
        np.testing.assert_array_equal(np.array(scores[folder], np.float32), expected)
