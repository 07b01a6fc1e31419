"""What a worker answers to requests that it cannot serve, called without Dask."""

from importlib.metadata import version

import msgspec
import pytest

import zoo
from tests.zoo.results.provenances import PROVENANCE
from zoo.batches.cluster_worker import _answered, _require_same
from zoo.batches.settings import NetworkSettings, Settings, write_settings

ADDRESS = "tcp://node2:1"
SETTINGS = Settings(
    task="classify",
    modality="image",
    options={},
    engine="auto",
    networks=(NetworkSettings("one", "00", {}),),
    shard_files=16,
)


@pytest.fixture
def request_of(tmp_path):
    """Return a request to write the part of one file."""
    (tmp_path / "out" / "one").mkdir(parents=True)
    write_settings(tmp_path / "out", SETTINGS)
    (tmp_path / "a.jpg").write_text("a")

    def make(**changes):
        return {
            "action": "write",
            "run": "0",
            "version": version("zoo-pretrained"),
            "settings": msgspec.to_builtins(SETTINGS),
            "limits": [1, 1],
            "device": "cpu",
            "trust": False,
            "directory": str(tmp_path),
            "folder": str(tmp_path / "out"),
            "shard": 0,
            "parts": {0: str(tmp_path / "out" / "one" / "part-00000000.parquet")},
            "records": [PROVENANCE.to_json()],
            "files": [[0, "a.jpg"]],
            "witness": "a.jpg",
        } | changes

    return make


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"version": "0.0"}, "The worker tcp://node2:1 has version .* of the zoo, and this is 0.0; install"),
        ({"folder": "/absent/out"}, "The folder /absent/out is not on the worker tcp://node2:1; choose one"),
        ({"parts": {0: "/absent/one/part"}}, "is not on the worker tcp://node2:1; choose one"),
        ({"witness": "b.jpg"}, "b.jpg is not on the worker tcp://node2:1; the files must be"),
        ({"directory": "/absent"}, "a.jpg is not on the worker tcp://node2:1; the files must be"),
    ],
)
def test_what_is_not_on_a_worker_is_a_sentence(request_of, changes, match):
    with pytest.raises(zoo.ClusterError, match=match):
        _answered(request_of(**changes), ADDRESS)


def test_a_worker_that_computes_something_else_is_refused():
    other = msgspec.structs.replace(PROVENANCE, weights="1" * 64)
    with pytest.raises(
        zoo.ClusterError, match=r"node2:1 does not compute what the first .* does: the weights"
    ):
        _require_same(PROVENANCE, other, ADDRESS)
    _require_same(PROVENANCE, msgspec.structs.replace(PROVENANCE, device="another"), ADDRESS)
