"""Files of vectors held against the networks that made them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec.structs import replace

import zoo
from zoo.benchmark.vectors import verify_vectors
from zoo.core import canaries
from zoo.core.errors import InputError, UnknownNameError
from zoo.results.provenance import Provenance


@pytest.fixture
def vectors(net, tmp_path) -> Path:
    path = tmp_path / "v.npz"
    path.write_bytes(net("squeezenet").embed(canaries.pictures()).to_npz())
    return path


def rewrite(path: Path, **changes) -> Provenance:
    """Put another provenance into a file."""
    entries = dict(np.load(path))
    changed = replace(zoo.read_embedding(path).provenance, **changes)
    with path.open("wb") as file:
        np.savez(file, **entries | {"zoo": np.array(changed.to_json().decode())})
    return changed


def test_vectors_are_comparable_with_new_ones(vectors):
    check = verify_vectors(vectors, device="cpu", engine="torch")
    assert check.comparable
    assert check.difference is None
    assert 0 <= check.drift.largest < check.drift.allowed
    assert check.drift.cosine > 0.99999
    assert check.describe().startswith("new vectors of squeezenet.caffe can be compared with these")
    assert json.loads(json.dumps(check.to_dict(), allow_nan=False))["comparable"] is True


def test_a_tampered_vector_is_found(vectors, net):
    canary = zoo.read_embedding(vectors).provenance.canary
    rows = canary.array().tolist()
    rows[1][7] += 1.0
    rewrite(vectors, canary=replace(canary, vectors=tuple(map(tuple, rows))))
    check = verify_vectors(vectors, network=net("squeezenet"))
    assert not check.comparable
    assert check.drift.largest == pytest.approx(1, abs=1e-4)
    assert check.drift.cosine < 1
    assert "the canaries moved by 1.0e+00" in check.describe()


def test_changed_weights_are_found(vectors):
    net = zoo.load("squeezenet", device="cpu", engine="torch")
    with torch.no_grad():
        net.module.features[0].bias += 0.1
    check = verify_vectors(vectors, network=net)
    assert not check.comparable
    assert check.drift is None
    assert "the weights differ" in check.describe()
    assert not verify_vectors(vectors, network="yamnet").comparable


def test_changed_preprocessing_is_found(vectors, net):
    original = zoo.read_embedding(vectors).provenance
    rewrite(vectors, preprocessing=original.preprocessing | {"resize": 300})
    check = verify_vectors(vectors, network=net("squeezenet"))
    assert check.difference == "the preprocessing differs: resize is 300 and 256"


def test_options_of_the_file_are_used_again(net, tmp_path):
    path = tmp_path / "v.parquet"
    options = {"layer": "layer6", "pool": False, "overlap": 0.25}
    sound = canaries.sound(2)
    path.write_bytes(net("yamnet").embed(sound, sample_rate=canaries.SAMPLE_RATE, **options).to_parquet())
    assert verify_vectors(path, network=net("yamnet")).comparable


def test_other_versions_are_told_and_no_difference(vectors, net):
    rewrite(vectors, versions={"zoo": "0.0.1", "soxr": "1"}, network="moved", date="2020-01-01")
    check = verify_vectors(vectors, network=net("squeezenet"))
    assert check.comparable
    assert check.changed_versions["zoo"] == ("0.0.1", zoo.__version__)
    assert check.changed_versions["soxr"] == ("1", None)
    with pytest.raises(UnknownNameError):
        verify_vectors(vectors)


@pytest.mark.parametrize(
    "options",
    [{"layer": "nowhere"}, {"layer": 7.5}, {"overlap": "much"}, {"overlap": 0.5}],
    ids=lambda options: next(iter(options)),
)
def test_hostile_options_get_one_sentence(vectors, net, options):
    original = zoo.read_embedding(vectors).provenance
    rewrite(vectors, options=original.options | options)
    with pytest.raises((InputError, UnknownNameError)):
        verify_vectors(vectors, network=net("squeezenet"))


def test_options_cannot_take_the_place_of_arguments(vectors, net):
    original = zoo.read_embedding(vectors).provenance
    rewrite(vectors, options=original.options | {"net": "yamnet", "task": "classify"})
    assert verify_vectors(vectors, network=net("squeezenet")).now.task == "embed"
