"""The fuzzer finds what is planted, keeps what reproduces it, and its own cases are what they should be."""

import json
import os
from functools import cache, partial
from pathlib import Path

import pytest

from benchmarks.fuzz import __main__ as command
from benchmarks.fuzz import workers
from benchmarks.fuzz.cases import FINDINGS, Format, make_case, write_files
from benchmarks.fuzz.formats import FORMATS
from zoo.core.errors import InputError, ZooError

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # of libraries, about hostile files
# TensorFlow needs ten seconds to start; the tests of its readers have what is refused.
QUICK = sorted(name for name in FORMATS if not name.endswith(("checkpoint", "savedmodel", "-network")))
SEED = b"planted" * 10


def seeds():
    return [{"file": SEED}]


def read_planted(path, how):
    """A reader that fails where its file is changed; the worker reads the seed first."""
    if path.read_bytes() == SEED:
        return
    if how == "untyped":
        raise KeyError("planted")
    while how == "hang":
        pass
    if how == "growth":
        bytearray(200 << 20)
    if how == "crash":
        os.abort()
    raise InputError("It is refused.")


def planted(how):
    return Format("planted", seeds, partial(read_planted, how=how), "file")


@cache
def files_of(name):
    return FORMATS[name].seeds()


@pytest.mark.parametrize("how", [*FINDINGS, "refused"])
def test_what_is_planted_is_found(how, monkeypatch, tmp_path):
    monkeypatch.setattr(workers, "MAX_SECONDS", 0.5)
    monkeypatch.setattr(workers, "MAX_GROWTH", 100 << 20)
    outcomes = dict(workers.outcomes(planted(how), 3, iter([0, 1]), tmp_path))
    assert {outcome.kind for outcome in outcomes.values()} == {how}
    if how != "refused":
        assert "read_planted" in outcomes[0].trace[-1]


def test_the_command_prints_a_table_and_keeps_a_reproducer(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(command, "FORMATS", {"planted": planted("untyped")})
    assert command.main(["--seed", "5", "--cases", "4", "--keep", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "seed 5"
    assert lines[1].split()[:7] == ["format", "cases", "accepted", "refused", "untyped", "hang", "growth"]
    assert lines[2].split()[:5] == ["planted", "4", "0", "0", "4"]
    assert "planted:0 (4 times) untyped, KeyError: 'planted' at tests/benchmarks/test_fuzz.py" in lines[-1]
    (reproducer,) = tmp_path.iterdir()  # of four findings with one cause
    record = json.loads((reproducer / "outcome.json").read_text())
    assert (record["seed"], record["case"], record["kind"]) == (5, 0, "untyped")
    with pytest.raises(KeyError, match="planted"):
        read_planted(reproducer / "0" / "file", "untyped")


def test_a_case_is_read_again_by_its_number(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(command, "FORMATS", {"planted": planted("refused")})
    assert command.main(["--seed", "5", "--case", "planted:7", "--keep", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[2].split()[:4] == ["planted", "1", "0", "1"]
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", QUICK)
def test_seeds_are_read(name, monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_MIRROR", "")  # is set by readers of packages
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    for index, files in enumerate(files_of(name)):
        folder = tmp_path / f"seed-{index}"
        write_files(files, folder)
        FORMATS[name].read(folder / FORMATS[name].entry)


@pytest.mark.parametrize("name", QUICK)
def test_cases_are_the_same_each_time_and_not_the_seed(name):
    cases = [make_case(FORMATS[name], files_of(name), 1, case) for case in range(12)]
    assert cases[:3] == [make_case(FORMATS[name], files_of(name), 1, case) for case in range(3)]
    changed = [files for files, _ in cases if files not in files_of(name)]
    assert len(changed) >= 9
    assert sum("structure not written" in " ".join(steps) for _, steps in cases) <= 3


@pytest.mark.parametrize("name", ["png", "flac", "zip", "safetensors", "csv", "pkl"])
def test_mutated_files_are_read_or_refused(name, monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    refused = []
    for case in range(15):
        folder = Path(tmp_path, f"case-{case}")
        write_files(make_case(FORMATS[name], files_of(name), 2, case)[0], folder)
        try:
            FORMATS[name].read(folder / FORMATS[name].entry)
        except ZooError as error:
            refused.append(str(error))
    assert refused
    assert all(message.endswith(".") for message in refused)
