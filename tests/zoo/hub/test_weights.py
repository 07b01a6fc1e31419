"""The cache is right or an error is clear, whatever happens on the way."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import zoo
from zoo.core.errors import WeightsError
from zoo.core.hashing import digest
from zoo.core.spec import Source
from zoo.hub import sources, weights

TINY = "crepe.tiny"


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.fixture
def original(tmp_path, monkeypatch):
    """CREPE tiny's source is a local file with our names in it: conversion is tested elsewhere."""
    tensors = load_file(weights.fetch(TINY))
    path = tmp_path / "original.safetensors"
    save_file(tensors, path)
    source = Source(f"file:{path}", "safetensors")
    object_spec = zoo.describe(TINY)
    spec = object_spec.replace(sources=(source,))
    monkeypatch.setattr(weights, "describe", lambda name, **_: spec)
    return path, spec


def test_the_real_thing_from_an_empty_cache(empty_cache):
    path = weights.fetch(TINY)
    assert path == empty_cache / "weights" / "crepe.tiny.safetensors"
    record = json.loads(path.with_suffix(".json").read_text())
    assert record["sha256"] == digest(path)
    checksum = zoo.describe(TINY).sources[0].checksum
    assert record["sources"] == {record["source"]: checksum.removeprefix("sha256:")}
    assert weights.is_cached(zoo.describe(TINY))
    assert not list(path.parent.glob(".*"))
    assert path.stat().st_mode & 0o044 == 0o044 & ~current_umask(), "others cannot read it"


def test_a_second_fetch_needs_no_network(empty_cache, monkeypatch):
    first = weights.fetch(TINY)
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    assert weights.fetch(TINY) == first


def test_offline_with_an_empty_cache_says_so(empty_cache, monkeypatch):
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    with pytest.raises(WeightsError, match="ZOO_OFFLINE"):
        weights.fetch(TINY)


def test_weights_that_are_not_available_name_the_ways_out(empty_cache):
    spec = zoo.describe(TINY).replace(sources=(Source("file:/nowhere.h5", "keras"),))
    with pytest.raises(
        WeightsError, match=r"ZOO_MIRROR.*--weights.*a bundled network: .*crepe\.tiny"
    ) as error:
        weights.ensure(spec)
    assert str(error.value).count(". ") == 0
    weights.path_of(zoo.describe("crepe.large")).write_bytes(b"")
    weights.path_of(zoo.describe("yamnet")).write_bytes(b"")  # which tracks no pitch
    with pytest.raises(WeightsError, match=r"choose a cached network, such as crepe\.large\.$"):
        weights.ensure(spec)


def flip_a_bit(path, *, later):
    """Damage a file, `later` nanoseconds after it was written."""
    content, status = bytearray(path.read_bytes()), path.stat()
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + later))


@pytest.fixture
def hashed(monkeypatch):
    """The files that are hashed."""
    paths = []
    monkeypatch.setattr(weights, "digest", lambda path: paths.append(path) or digest(path))
    return paths


@pytest.mark.parametrize(
    "damage", ["flip", "truncate", "lose the record", "break the record", "cut the record"]
)
def test_a_damaged_cache_is_fetched_anew(original, empty_cache, damage, caplog):
    path = weights.fetch(TINY)
    good = path.read_bytes()
    if damage == "flip":
        flip_a_bit(path, later=1)
    elif damage == "truncate":
        path.write_bytes(good[: len(good) // 2])
    elif damage == "lose the record":
        path.with_suffix(".json").unlink()
    elif damage == "cut the record":
        record = path.with_suffix(".json")
        record.write_bytes(record.read_bytes()[:-10])
    else:
        path.with_suffix(".json").write_text('{"layout": 1, "sources": null, "sha256": "0"}')
    assert weights.fetch(TINY).read_bytes() == good
    assert [(record.name, record.levelname) for record in caplog.records] == [("zoo", "WARNING")]
    assert "damaged" in caplog.text


def test_cached_weights_are_hashed_only_after_a_change(original, empty_cache, hashed):
    path = weights.fetch(TINY)
    hashed.clear()
    for _ in range(2):
        assert weights.fetch(TINY) == path
    assert hashed == []
    os.utime(path, ns=(0, 0))  # as a copy of the cache may have it
    for _ in range(2):
        assert weights.fetch(TINY) == path
    assert hashed == [path]


@pytest.mark.parametrize("stamp", [None, [1], "unknown", [0, 0]])
def test_a_record_without_a_size_and_time_that_hold_is_not_trusted(original, empty_cache, hashed, stamp):
    path = weights.fetch(TINY)
    record = weights.read_record(path)
    weights.write_record(path, record | {"stamp": stamp})
    hashed.clear()
    assert weights.fetch(TINY) == path
    assert hashed == [path]
    assert weights.read_record(path) == record


def test_damage_that_keeps_size_and_time_is_found_where_a_hash_is_asked_for(original, empty_cache):
    _, spec = original
    path = weights.fetch(TINY)
    flip_a_bit(path, later=0)
    assert weights.is_cached(spec)
    assert not weights.is_cached(spec, rehash=True)
    weights.ensure(spec, rehash=True)
    assert weights.is_cached(spec, rehash=True)


def test_a_changed_cache_that_can_only_be_read_is_hashed_and_used(original, empty_cache, monkeypatch):
    _, spec = original
    os.utime(weights.fetch(TINY), ns=(0, 0))

    def refuse(*_):
        raise PermissionError("read-only")

    monkeypatch.setattr(weights, "write", refuse)
    assert weights.is_cached(spec)


def test_a_source_that_changes_after_first_use_is_refused(original, empty_cache):
    file, _ = original
    path = weights.fetch(TINY)
    path.unlink()
    save_file({"classifier.bias": np.zeros(360, np.float32)}, file)
    with pytest.raises(WeightsError, match="tampered"):
        weights.fetch(TINY)


def test_sources_are_tried_in_order_and_all_failures_are_told(original, empty_cache, monkeypatch):
    file, spec = original
    broken = Source("file:/nowhere/a.safetensors", "safetensors")
    monkeypatch.setattr(weights, "describe", lambda name, **_: spec.replace(sources=(broken, *spec.sources)))
    assert json.loads(weights.fetch(TINY).with_suffix(".json").read_text())["source"] == f"file:{file}"
    weights.path_of(spec).unlink()
    monkeypatch.setattr(weights, "describe", lambda name, **_: spec.replace(sources=(broken, broken)))
    with pytest.raises(WeightsError, match=r"nowhere.*nowhere"):
        weights.fetch(TINY)


@pytest.mark.parametrize("folder", ["/proc/zoo", "/dev/null/zoo"])
def test_a_cache_that_cannot_be_written_is_said_so(original, monkeypatch, folder):
    monkeypatch.setenv("ZOO_CACHE", folder)
    with pytest.raises(WeightsError, match="ZOO_CACHE"):
        weights.fetch(TINY)


def test_a_cache_that_can_only_be_read_is_enough_once_it_is_filled(original, empty_cache, monkeypatch):
    path = weights.fetch(TINY)

    def no_lock(_):
        raise AssertionError("a filled cache was written to")

    monkeypatch.setattr(weights, "locked", no_lock)
    assert weights.fetch(TINY) == path


def test_a_full_disk_is_said_so_and_leaves_nothing(empty_cache):
    """The system refuses files of more than 1 MB, as a full disk would; the network's are 2 MB."""
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from zoo.hub import sources, weights; from zoo.core.spec import Source\n"
        "import numpy as np, zoo\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6))\n"
        "weights._acquire = lambda *a: ({'x': np.zeros(10**6, np.float32)}, '0' * 64)\n"
        "try: weights.fetch('crepe.tiny')\n"
        "except zoo.ZooError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "the disk is full" in run.stdout, run.stdout + run.stderr
    assert [p.name for p in (empty_cache / "weights").iterdir() if p.suffix != ".lock"] == []


@pytest.mark.parametrize(
    "moment",
    [
        "weights.fetch('crepe.small', progress=lambda done, total: die())",
        "pathlib.Path.replace = lambda *_: die(); weights.fetch('crepe.small')",
    ],
    ids=["download", "rename"],
)
def test_a_killed_fetch_leaves_a_cache_that_the_next_one_completes(empty_cache, moment):
    """Killed while the first bytes arrive, and when all is written but the last step."""
    code = f"import os, pathlib; from zoo.hub import weights; die = lambda: os.kill(os.getpid(), 9); {moment}"
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    assert list((empty_cache / "weights").glob(".*")), "nothing was on its way yet"
    assert not weights.is_cached(zoo.describe("crepe.small"))
    assert weights.fetch("crepe.small").is_file()
    assert weights.is_cached(zoo.describe("crepe.small"))
    assert not list((empty_cache / "weights").glob(".*")), "what the killed one left is still there"


def test_two_processes_fetch_at_once(empty_cache):
    code = "from zoo.hub import weights; print(weights.fetch('crepe.tiny'))"
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    outputs = {process.communicate()[0].strip() for process in processes}
    assert all(process.returncode == 0 for process in processes)
    assert outputs == {str(empty_cache / "weights" / "crepe.tiny.safetensors")}
    assert weights.is_cached(zoo.describe(TINY))


def test_local_weights_in_our_format_and_in_the_original_one(tmp_path, net):
    path = weights.fetch(TINY)
    ours = zoo.load(TINY, weights=path, device="cpu")
    assert ours.module.classifier.weight.equal(net(TINY).module.classifier.weight)
    h5 = sources.get(zoo.describe(TINY).sources[0].url, tmp_path)
    original = zoo.load(TINY, weights=h5, device="cpu")
    assert original.module.classifier.weight.equal(net(TINY).module.classifier.weight)


@pytest.mark.parametrize(
    ("name", "word"),
    [("missing.pth", "does not exist"), ("notes.txt", "unknown format"), ("bad.pth", "tensors")],
)
def test_local_weights_that_cannot_be_used(tmp_path, name, word):
    if name != "missing.pth":
        (tmp_path / name).write_text("hello")
    with pytest.raises(WeightsError, match=word):
        zoo.load(TINY, weights=tmp_path / name)


@pytest.mark.parametrize("weights", ["", 5, b"x"])
def test_weights_that_are_no_path(weights):
    with pytest.raises(WeightsError, match="is not a path"):
        zoo.load(TINY, weights=weights)


def test_weights_of_another_network_are_refused():
    with pytest.raises(WeightsError, match="do not fit"):
        zoo.load("crepe.small", weights=weights.fetch(TINY))
