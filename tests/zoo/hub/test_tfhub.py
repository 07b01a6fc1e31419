"""The graphs of TF-Hub behind the verbs: the same numbers as from the graph itself, however a sound is cut.

The SavedModel of google/yamnet/1 is the one that a package of the Python package index has inside another.
"""

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

import zoo
from tests.fidelity.test_audio import RATE, SOUNDS
from zoo.core.errors import EngineError, InputError, TrustError, WeightsError
from zoo.core.labels import Label
from zoo.hub import registry, tfhub, weights
from zoo.hub.labels import read as read_labels
from zoo.hub.tf_process import Facts
from zoo.inference.build import build

WINDOW, HOP = 15600, 7680


@pytest.fixture
def original(yamnet_graph):
    return zoo.load(f"tfhub:{yamnet_graph}", device="cpu")


@pytest.fixture
def forgetful():
    """Names of TF-Hub mean what they mean in this test's cache."""
    registry._from_hub.cache_clear()
    yield
    registry._from_hub.cache_clear()


def noise(samples):
    return (np.random.default_rng(samples).standard_normal(samples) * 0.1).astype(np.float32)


@pytest.mark.parametrize("sound", SOUNDS)
def test_it_is_the_graph_of_the_golden_numbers(original, golden, sound):
    """What the original itself shows on another processor: 2e-5 and 1e-4, see the golden files' README."""
    file = np.load(golden / "yamnet" / f"{sound}.npz")
    patches = original.preprocess(file["waveform16k"], sample_rate=RATE)
    np.testing.assert_allclose(original.scores(patches), file["scores"], atol=2e-5, rtol=0)
    vectors = original.embed(file["waveform16k"], sample_rate=RATE).values
    np.testing.assert_allclose(vectors, file["embeddings"], atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("samples", "extra"),
    [(160, 0), (WINDOW - 1, 0), (WINDOW, 0), (WINDOW + 1, 0), (WINDOW + 31 * HOP, 1), (70 * RATE, 0)],
)
def test_a_stream_gives_what_the_graph_gives_for_the_whole(original, samples, extra):
    """To 2e-5: products of other shapes. The graph rounds some numbers of whole windows up to one more."""
    sound = noise(samples)
    scores, vectors = original.module.graph(sound)
    result = zoo.sound_events(sound, sample_rate=RATE, network=original)
    count = len(scores) - extra
    assert len(result.scores) == count
    np.testing.assert_allclose(result.scores, scores[:count], atol=2e-5, rtol=0)
    np.testing.assert_allclose(
        original.embed(sound, sample_rate=RATE).values, vectors[:count], atol=2e-5, rtol=0
    )


@pytest.mark.parametrize("overlap", [0, 0.3, 0.75])
def test_windows_of_any_overlap_are_heard_each_for_itself(original, overlap):
    sound = noise(3 * RATE)
    result = original.embed(sound, sample_rate=RATE, overlap=overlap)
    for values, start in zip(result.values, result.times[:, 0], strict=True):
        first = round(start * RATE)
        _, vectors = original.module.graph(np.pad(sound[first:], (0, WINDOW))[:WINDOW])
        np.testing.assert_allclose(values, vectors[0], atol=2e-5, rtol=0)


def test_several_recordings_in_one_batch_do_not_touch(original):
    sounds = [noise(2 * RATE), noise(3 * RATE), np.zeros(RATE, np.float32)]
    together = original.scores(original.preprocess(sounds, sample_rate=RATE))
    apart = np.concatenate(
        [original.scores(original.preprocess(sound, sample_rate=RATE)) for sound in sounds]
    )
    np.testing.assert_allclose(together, apart, atol=2e-5, rtol=0)


def test_the_verbs_say_what_ours_says(original, net, media):
    ours, sound = net("yamnet"), media / "sounds" / "baby_5000ms.wav"
    assert original.labels == ours.labels
    expected, actual = (each.classify(sound, top=3) for each in (ours, original))
    assert actual.ids == expected.ids
    np.testing.assert_allclose(actual.all_scores, expected.all_scores, atol=2e-4, rtol=0)
    expected, actual = (
        zoo.sound_events(sound, network=each, include="Human voice") for each in (ours, original)
    )
    assert [(e.label, e.start, e.end) for e in actual.events] == [
        (e.label, e.start, e.end) for e in expected.events
    ]
    np.testing.assert_array_equal(actual.times, expected.times)


def test_a_fresh_head_is_put_on_the_embedding(original):
    sound = noise(2 * RATE)
    student = original.replace_head(["ant", "bee"]).freeze()
    assert student.classify(sound, sample_rate=RATE).all_scores.shape == (2,)
    assert [name for name, _ in student.module.named_parameters()] == ["head.weight", "head.bias"]
    np.testing.assert_array_equal(
        student.embed(sound, sample_rate=RATE).values, original.embed(sound, sample_rate=RATE).values
    )
    logits = student.module(student.preprocess(sound, sample_rate=RATE))
    assert logits.requires_grad
    assert list(original.layers()["name"]) == ["embedding", "head"]
    assert original.activations(sound, layers=["head"], sample_rate=RATE)["head"].shape == (4, 521)


def test_the_record_is_read_from_the_graph(original):
    spec = original.spec
    assert spec.tasks == ("classify", "embed", "events")
    assert (spec.parameters, spec.classes, spec.input_shape) == (3729481, 521, (WINDOW,))
    assert spec.name.startswith("tfhub:yamnet_base@")
    assert "one every 480 ms; the graph" in original.preprocessor.describe()


@pytest.mark.parametrize(
    ("options", "error", "word"),
    [
        ({"weights": None}, InputError, "never untrained"),
        ({"dtype": "bf16"}, InputError, "fp32"),
        ({"engine": "onnxruntime"}, EngineError, "TensorFlow runs it"),
        ({"engine": "fft"}, InputError, "frequency domain"),
    ],
)
def test_options_that_make_no_sense(yamnet_graph, options, error, word):
    with pytest.raises(error, match=word):
        zoo.load(f"tfhub:{yamnet_graph}", device="cpu", **options).classify(noise(RATE), sample_rate=RATE)


def test_a_process_that_was_killed_is_started_again(original):
    before = original.classify(noise(RATE), sample_rate=RATE).all_scores
    (process,) = (
        each for each in psutil.Process().children() if str(original.module.graph.folder) in each.cmdline()
    )
    process.kill()
    process.wait()
    np.testing.assert_allclose(
        original.classify(noise(RATE), sample_rate=RATE).all_scores, before, atol=1e-6, rtol=0
    )


def test_an_address_is_kept_found_offline_and_known_again(
    yamnet_graph, empty_cache, tmp_path, monkeypatch, forgetful
):
    monkeypatch.setenv("ZOO_MIRROR", str(tmp_path / "mirror"))
    shutil.copytree(yamnet_graph, tmp_path / "mirror" / "google" / "yamnet" / "1")
    name = "tfhub:google/yamnet/1"
    first = zoo.load(name, device="cpu")
    assert (first.name, first.spec.homepage) == (name, "https://tfhub.dev/google/yamnet/1")
    monkeypatch.delenv("ZOO_MIRROR")
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    registry._from_hub.cache_clear()
    again = zoo.load(name, device="cpu")
    assert again.classify(noise(RATE), sample_rate=RATE).all_scores.shape == (521,)
    assert again.module.graph.folder.is_relative_to(empty_cache)
    other = {"sha256": again.module.sha256 + 1}  # as if the folder had another one since its first use
    with pytest.raises(RuntimeError, match="changed since it was first used"):
        again.module.load_state_dict(other)
    with pytest.raises(WeightsError, match="ZOO_OFFLINE"):
        zoo.load("tfhub:google/vggish/1")


def test_a_graph_of_another_kind_is_refused_in_one_sentence(tmp_path, empty_cache):
    import tensorflow as tf

    class Other(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
        def __call__(self, waveform):
            return tf.reduce_mean(waveform)

    tf.saved_model.save(Other(), str(tmp_path / "other"))
    with pytest.raises(WeightsError, match="of another kind: expected is one that takes a waveform") as error:
        tfhub.describe(str(tmp_path / "other"), trust=True)
    assert str(error.value).count(". ") == 0


def test_what_is_no_savedmodel_is_refused_in_one_sentence(tmp_path, empty_cache):
    with pytest.raises(WeightsError, match="not the folder of a SavedModel"):
        zoo.load(f"tfhub:{tmp_path}")
    with pytest.raises(WeightsError, match="not the folder of a SavedModel"):
        zoo.load(f"tfhub:{tmp_path}/nowhere")
    with pytest.raises(WeightsError, match="TensorFlow cannot run"):
        tfhub.describe(str(stranger(tmp_path / "broken")), trust=True)


def stranger(folder, content=b"broken"):
    """What looks like a SavedModel as long as it is not run."""
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(content)
    return folder


@pytest.fixture
def runs(monkeypatch, empty_cache):
    """Folders of the SavedModels that would have run; none does."""
    folders = []

    def run(folder, sha256):
        folders.append(folder)
        return SimpleNamespace(folder=folder, facts=Facts("classes", 4, 10, (("/m/1", "Dog"),)))

    monkeypatch.setattr(tfhub, "_opened", run)
    monkeypatch.setattr(tfhub, "_trusted", set())
    return folders


def test_a_stranger_is_not_run_unless_trusted(tmp_path, runs, monkeypatch):
    monkeypatch.setenv("ZOO_MIRROR", str(tmp_path / "mirror"))
    stranger(tmp_path / "mirror" / "someone" / "else" / "1")
    local = str(stranger(tmp_path / "local"))
    for name in (local, "someone/else/1"):
        for way in (tfhub.describe, tfhub.labels):
            with pytest.raises(TrustError, match="can read and write files: pass trust=True") as error:
                way(name)
            assert str(error.value).count(". ") == 0
    with pytest.raises(TrustError):
        tfhub.TensorFlowGraph(local)
    assert runs == []
    assert not (weights.cache_folder() / "savedmodels").exists()
    for name in (local, "someone/else/1"):
        spec = tfhub.describe(name, trust=True)
        assert build(spec).graph.folder == Path(spec.arguments["folder"])
        assert read_labels(spec.labels) == (Label("/m/1", "Dog"),)
        with pytest.raises(TrustError):  # trust is in the call, not in the name
            tfhub.describe(name)


def test_trust_ends_when_the_content_changes(tmp_path, runs):
    folder = stranger(tmp_path / "graph")
    spec = tfhub.describe(str(folder), trust=True)
    (folder / "saved_model.pb").write_bytes(b"something else")
    before = len(runs)
    with pytest.raises(TrustError):
        build(spec)
    with pytest.raises(TrustError):
        read_labels(spec.labels)
    assert len(runs) == before


def test_a_record_of_a_stranger_names_no_graph(tmp_path, runs):
    spec = zoo.describe("yamnet").replace(builder="tfhub")
    folder = str(stranger(tmp_path / "graph"))
    with pytest.raises(TrustError):
        build(spec.replace(arguments={"folder": folder}))
    with pytest.raises(TrustError):
        read_labels(f"tfhub:{folder}")
    assert runs == []


def test_the_catalogs_own_needs_no_trust(tmp_path, runs, monkeypatch):
    monkeypatch.setenv("ZOO_MIRROR", str(tmp_path))
    stranger(tmp_path / "google" / "yamnet" / "1")
    assert tfhub.labels("google/yamnet/1") == (Label("/m/1", "Dog"),)
    spec = tfhub.describe("google/yamnet/1")
    assert build(spec).graph.folder.is_relative_to(weights.cache_folder())
    with pytest.raises(TrustError):  # the same content elsewhere is anybody's
        tfhub.describe(str(tmp_path / "google" / "yamnet" / "1"))


def test_the_name_of_the_catalogs_own_means_no_folder_here(tmp_path, runs, monkeypatch):
    stranger(tmp_path / "google" / "yamnet" / "1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    with pytest.raises(WeightsError, match="ZOO_OFFLINE"):
        tfhub.describe("google/yamnet/1")
    assert runs == []


@pytest.mark.parametrize("name", ["google--yamnet/1", "google/yamnet--1", "google/yamnet/1/x"])
def test_no_other_name_takes_the_place_of_the_catalogs_own(tmp_path, runs, monkeypatch, name):
    monkeypatch.setenv("ZOO_MIRROR", str(tmp_path))
    stranger(tmp_path / "google" / "yamnet" / "1", b"the catalog's")
    stranger(tmp_path / name, b"a stranger's")
    tfhub.describe(name, trust=True)
    tfhub.describe("google/yamnet/1")
    assert (runs[-1] / "saved_model.pb").read_bytes() == b"the catalog's"


@pytest.mark.parametrize("name", ["google/yamnet/../../x/1", "google", "google//1", "../x", "a/b/.hidden"])
def test_names_that_lead_elsewhere(runs, name):
    with pytest.raises(WeightsError):
        tfhub.describe(name, trust=True)
    assert runs == []
