"""Saved networks: the same scores when they are loaded again, in any process; damage is told."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

import zoo
from zoo.core.errors import CatalogError, InputError, TrustError, UnknownNameError, WeightsError
from zoo.hub.saved import is_saved
from zoo.inference.engines.onnx import graph_path

PICTURE = np.random.default_rng(0).integers(0, 255, (80, 100, 3), np.uint8)
SOUND = (np.random.default_rng(0).standard_normal(20000) * 0.1).astype(np.float32)


@pytest.fixture
def folder(net, tmp_path):
    net("squeezenet").replace_head(["ant", "bee/wasp", "ü ß"]).save(tmp_path / "insects")
    return tmp_path / "insects"


@pytest.mark.parametrize(
    "head", [{}, {"kind": "kernel", "vectors": 4}, {"kind": "neighbors", "vectors": 4, "neighbors": 2}]
)
@pytest.mark.parametrize("name", ["squeezenet", "yamnet"])
def test_the_same_scores_after_loading(net, name, head, tmp_path):
    x, sample_rate = (PICTURE, None) if name == "squeezenet" else (SOUND, 16000)
    trained = net(name).replace_head(["ant", "bee"], **head)
    expected = trained.classify(x, sample_rate=sample_rate)
    again = zoo.load(str(trained.save(tmp_path / "net")))
    result = again.classify(x, sample_rate=sample_rate)
    assert result.labels == expected.labels
    assert result.network == str(tmp_path / "net")
    np.testing.assert_array_equal(result.all_scores, expected.all_scores)
    assert again.spec.tasks == trained.spec.tasks
    assert again.preprocessor == trained.preprocessor


def test_a_new_process_gives_the_same_scores(folder):
    expected = zoo.load(str(folder)).classify(PICTURE).all_scores
    code = (
        "import numpy as np, zoo\n"
        "x = np.random.default_rng(0).integers(0, 255, (80, 100, 3), np.uint8)\n"
        f"print(*map(float, zoo.load({str(folder)!r}).classify(x).all_scores))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    np.testing.assert_array_equal(np.array(run.stdout.split(), float).astype(np.float32), expected)


def test_sound_networks_that_were_taught_classes_find_events(net, tmp_path):
    network = net("crepe.tiny").replace_head(["quiet", "loud"])
    network.save(tmp_path / "net")
    result = zoo.sound_events(SOUND, network=str(tmp_path / "net"), sample_rate=16000, threshold=0.0)
    assert {event.label for event in result.events} == {"quiet", "loud"}


def test_it_is_described_and_can_be_taught_again(folder):
    spec = zoo.describe(folder)
    assert spec.classes == 3
    assert "classify" in spec.tasks
    assert spec.license == zoo.describe("squeezenet").license
    again = zoo.load(str(folder)).replace_head(["yes", "no"])
    again.save(folder)  # in place of the first
    assert [label.label for label in zoo.load(str(folder)).labels] == ["yes", "no"]
    assert {path.name for path in folder.parent.iterdir()} == {"insects"}
    assert {path.name for path in folder.iterdir()} == {"network.json", "weights.safetensors", "README.md"}


@pytest.mark.parametrize("file", ["network.json", "weights.safetensors"])
def test_damage_is_told(folder, file):
    data = bytearray((folder / file).read_bytes())
    data[len(data) // 2 :] = b""
    (folder / file).write_bytes(data)
    with pytest.raises(WeightsError, match="damaged"):
        zoo.load(str(folder))


def test_damage_that_keeps_size_and_time_is_told(folder):
    file = folder / "weights.safetensors"
    status, data = file.stat(), bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    for _ in range(2):
        with pytest.raises(WeightsError, match="damaged"):
            zoo.load(str(folder))


def test_another_layout_is_told(folder):
    record = json.loads((folder / "network.json").read_text(encoding="utf-8"))
    (folder / "network.json").write_text(json.dumps(record | {"layout": 99}), encoding="utf-8")
    with pytest.raises(WeightsError, match="another version"):
        zoo.load(str(folder))


def test_nothing_of_somebody_else_is_overwritten(net, tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "love.txt").write_text("dear")
    network = net("squeezenet").replace_head(2)
    for place in (tmp_path / "letters", tmp_path / "letters" / "love.txt"):
        with pytest.raises(InputError, match="is not a saved network"):
            network.save(place)
    with pytest.raises(InputError, match="cannot be written"):
        network.save(tmp_path / "letters" / "love.txt" / "net")
    assert (tmp_path / "letters" / "love.txt").read_text() == "dear"
    assert not is_saved(tmp_path / "letters")


def changed(folder, **values):
    record = json.loads((folder / "network.json").read_text(encoding="utf-8"))
    (folder / "network.json").write_text(json.dumps(record | values), encoding="utf-8")


@pytest.mark.parametrize("count", [1, 999, 1001])
def test_as_many_classes_as_outputs(net, tmp_path, count):
    net("squeezenet").save(tmp_path / "net")
    changed(tmp_path / "net", classes=[{"id": "x", "label": "x"}] * count)
    with pytest.raises(CatalogError, match="1000 outputs"):
        zoo.load(tmp_path / "net")


@pytest.mark.parametrize("place", ["/", ".", "~", "~nobody/x", "here"])
@pytest.mark.parametrize("hub", ["hf", "tfhub", "timm"])
def test_a_parent_in_a_folder_needs_trust(folder, monkeypatch, hub, place):
    (folder.parent / "here").mkdir()
    monkeypatch.chdir(folder.parent)
    changed(folder, parent={"name": f"{hub}:{place}"})
    with pytest.raises(TrustError, match="trust=True"):
        zoo.load(folder)
    with pytest.raises((UnknownNameError, WeightsError)):  # there is none
        zoo.load(folder, trust=True)


def test_weights_that_are_no_numbers_are_refused(net, tmp_path):
    network = net("squeezenet").replace_head(["ant", "bee"])
    with torch.no_grad():
        next(network.module.parameters()).view(-1)[0] = float("nan")
    network.save(tmp_path / "net")
    with pytest.raises(WeightsError, match="not a number"):
        zoo.load(tmp_path / "net")


def test_saved_networks_keep_their_own_graphs(net, tmp_path):
    folders = [net("squeezenet").replace_head([name, "b"]).save(tmp_path / name) for name in "xy"]
    paths = {graph_path(zoo.describe(folder)) for folder in folders}
    assert len({path.stem.partition("-")[0] for path in paths}) == 2


@pytest.mark.parametrize("name", [5, None, b"yamnet", ["yamnet"]])
def test_a_name_of_another_type_is_refused(name):
    with pytest.raises(InputError, match="named by text or a path"):
        zoo.describe(name)
