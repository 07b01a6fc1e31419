"""Records of provenance: which differences count, and what a hostile one gets."""

import json
import math

import pytest
from msgspec.structs import replace

from tests.zoo.results.provenances import PROVENANCE, with_vectors
from zoo.core.errors import InputError
from zoo.results.provenance import MAX_BYTES, TOLERANCES, difference, drift, from_json

TABLE = json.loads(PROVENANCE.to_json())


def test_json_gives_the_same_record():
    assert from_json(PROVENANCE.to_json(), "v.npz") == PROVENANCE


@pytest.mark.parametrize(
    "changes",
    [
        {"date": "2030-01-01"},
        {"title": "Another title", "network": "/elsewhere/net", "license": "BSD"},
        {"versions": {"zoo": "9.9", "torch": "3.0"}},
        {"engine": "onnxruntime", "device": "cuda"},
        {"dtype": "bf16"},
        {"options": PROVENANCE.options | {"overlap": 0.5}},  # which shows in the hop, if it changes anything
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_does_not_change_vectors_is_no_difference(changes):
    assert difference(PROVENANCE, replace(PROVENANCE, **changes)) is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"task": "classify"}, "the tasks differ: embed and classify"),
        ({"weights": "c" * 64}, "the weights differ: SHA-256 aaaaaaaaaaaa… and cccccccccccc…"),
        (
            {"preprocessing": PROVENANCE.preprocessing | {"framing": {"hop": 15360, "pad": True}}},
            "the preprocessing differs: framing.hop is 7680 and 15360",
        ),
        (
            {"preprocessing": PROVENANCE.preprocessing | {"mean": [0.5, 0.5]}},
            "the preprocessing differs: mean.1 is 0.25 and 0.5",
        ),
        (
            {"options": PROVENANCE.options | {"layer": "conv1"}},
            "the options differ: layer is layer and conv1",
        ),
        ({"options": {"layer": "layer", "pool": True}}, "the options differ: mean is False and None"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_difference_is_named(changes, sentence):
    assert difference(PROVENANCE, replace(PROVENANCE, **changes)) == sentence


def test_canaries_of_other_inputs_are_not_compared():
    assert "different inputs" in str(
        difference(PROVENANCE, with_vectors(*TABLE["canary"]["vectors"], version=2))
    )
    assert "different inputs" in str(difference(PROVENANCE, with_vectors((1.0, 0.5))))


def test_drift_is_measured_and_small_drift_allowed():
    moved = drift(PROVENANCE, with_vectors((1.0, 0.5), (0.25, 0.001), (0.0, 1.0)))
    assert (moved.largest, moved.allowed) == (pytest.approx(0.001), TOLERANCES["fp32"])
    assert moved.cosine == pytest.approx(0.25 / math.hypot(0.25, 0.001))
    assert moved.difference is None
    far = with_vectors((1.0, 0.5), (0.25, 0.01), (0.0, 1.0))
    assert difference(PROVENANCE, far) == "the vectors of the canaries moved by 1.0e-02, 2.0e-03 allowed"
    assert difference(PROVENANCE, replace(far, dtype="fp16")) is None


def test_numbers_that_are_not_finite_must_stay_so():
    broken = with_vectors((None, 0.5), (0.25, 0.0), (0.0, 1.0))
    assert difference(broken, broken.with_options()) is None
    assert drift(PROVENANCE, broken).largest == math.inf
    assert difference(PROVENANCE, broken)


def test_zeros_point_the_same_way_as_zeros_alone():
    zeros = with_vectors((0.0, 0.0), (0.0, 0.0), (0.0, 0.0))
    assert drift(zeros, zeros).cosine == 1
    assert drift(PROVENANCE, zeros).cosine == 0


def nested(depth: int) -> dict:
    table: dict = {}
    for _ in range(depth):
        table = {"a": table, "b": 1}
    return table


CANARY = TABLE["canary"]
HOSTILE = {
    "no JSON": b"\xff{",
    "empty": b"",
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "deep within": json.dumps(TABLE | {"preprocessing": nested(50)}).encode(),
    "deeper within": PROVENANCE.to_json().replace(b'"hop":7680', b'"hop":' + b'{"a":' * 50_000),
    "large": b" " * (MAX_BYTES + 1),
    "NaN": PROVENANCE.to_json().replace(b"0.25", b"NaN"),
    "beyond floats": PROVENANCE.to_json().replace(b"0.25", b"1e999"),
    "beyond float32": PROVENANCE.to_json().replace(b"[0.25,0.0]", b"[1e39,0.0]"),
    "a number of 5,000 digits": PROVENANCE.to_json().replace(b"7680", b"9" * 5000),
    "no hash": json.dumps(TABLE | {"weights": "../../etc/passwd"}).encode(),
    "no network": json.dumps({key: value for key, value in TABLE.items() if key != "network"}).encode(),
    "a list as network": json.dumps(TABLE | {"network": ["net"]}).encode(),
    "a table as option": json.dumps(TABLE | {"options": {"layer": {}}}).encode(),
    "an unknown dtype": json.dumps(TABLE | {"dtype": "int8"}).encode(),
    "a later layout": json.dumps(TABLE | {"layout": 2}).encode(),
    "a long text": json.dumps(TABLE | {"network": "n" * 5000}).encode(),
    "no vectors": json.dumps(TABLE | {"canary": CANARY | {"vectors": []}}).encode(),
    "many vectors": json.dumps(TABLE | {"canary": CANARY | {"vectors": [[1, 2]] * 4}}).encode(),
    "vectors of two lengths": json.dumps(TABLE | {"canary": CANARY | {"vectors": [[1, 2], [1]]}}).encode(),
    "another width": json.dumps(TABLE | {"canary": CANARY | {"width": 10**6}}).encode(),
    "text as number": json.dumps(TABLE | {"canary": CANARY | {"vectors": [["1", "2"]]}}).encode(),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_record_gets_one_sentence(content):
    with pytest.raises(InputError, match=r"^The provenance in v\.npz is damaged") as caught:
        from_json(content, "v.npz")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_a_difference_shows_no_control_characters():
    hostile = replace(PROVENANCE, options={"layer": "\x1b[2J\n" + "x" * 1000})
    text = difference(PROVENANCE, hostile)
    assert text
    assert text.isprintable()
    assert len(text) < 200
