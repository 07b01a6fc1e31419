"""Networks held against others: what is compared, what passes, and what is refused."""

import os

import pytest
import torch

import zoo
from zoo.benchmark.verify import counterpart, differences, verify
from zoo.core.errors import InputError, UnknownNameError
from zoo.hub import weights


def test_yamnet_against_the_original(yamnet_graph):
    """Scores and embeddings of the two sample recordings, and the classes, besides what the record says."""
    findings = list(verify("yamnet", against=f"tfhub:{yamnet_graph}"))
    assert all(finding.passed for finding in findings)
    texts = [finding.text for finding in findings[-5:]]
    assert "521 of 521 classes" in texts[0]
    assert [text.partition(" within")[0] for text in texts[1:]] == [
        *["bicycle-bell.wav: scores", "bicycle-bell.wav: embeddings"],
        *["melody.wav: scores", "melody.wav: embeddings"],
    ]
    assert "2.0e-04 allowed" in texts[1]
    assert "5.0e-04 allowed" in texts[2]


def test_every_file_is_hashed_again(empty_cache):
    path = weights.fetch("crepe.tiny")
    status, good = path.stat(), path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert all(finding.passed for finding in verify("crepe.tiny"))
    assert path.read_bytes() == good


def test_the_counterpart_is_the_source_of_that_collection():
    assert counterpart(zoo.describe("yamnet"), "tfhub") == "tfhub:google/yamnet/1"
    assert counterpart(zoo.describe("xception"), "timm").startswith("timm:")
    assert counterpart(zoo.describe("yamnet"), "crepe.tiny") == "crepe.tiny"
    with pytest.raises(InputError, match="names no counterpart in tfhub"):
        counterpart(zoo.describe("squeezenet"), "tfhub")
    with pytest.raises(UnknownNameError, match="did you mean"):
        counterpart(zoo.describe("yamnet"), "vgish")


def test_a_difference_is_found_where_it_is(net):
    ours = net("crepe.tiny")
    other = zoo.load("crepe.tiny", device="cpu")
    with torch.no_grad():
        other.module.classifier.bias += 0.1
    scores, embeddings = differences(ours, other)
    assert (scores.passed, embeddings.passed) == (False, True)
    assert scores.text.startswith("melody.wav: scores within")


def test_pictures_too(net):
    findings = list(differences(net("squeezenet"), zoo.load("squeezenet", device="cpu", engine="torch")))
    assert all(finding.passed for finding in findings)
    assert len(findings) == 1 + 2 * 3


def test_networks_of_other_outputs_are_not_compared(net):
    with pytest.raises(InputError, match=r"one gives scores \(601, 360\).* other scores \(12, 521\)"):
        list(differences(net("crepe.tiny"), net("yamnet")))
