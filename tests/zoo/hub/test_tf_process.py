"""SavedModels that attack: what TensorFlow lets them do, the sandbox does not, and an error says so."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from zoo.core import sandbox
from zoo.core.errors import SandboxError, WeightsError, WorkerError
from zoo.hub import tf_process
from zoo.hub.tf_process import Facts, Graph

ROOT = Path(__file__).parents[3]
PATHS = {"PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))}
WINDOW, SECRET = 15600, 271828


class Place:
    """A secret, a file that must not be written, a port that must not be called, and SavedModels that try."""

    def __init__(self, folder: Path, server: socket.socket):
        self.folder, self._server = folder, server
        (folder / "secrets").mkdir()
        (folder / "secrets" / "secret").write_text(str(SECRET))
        (folder / "map.csv").write_text("mid,display_name\n/m/1,secret\n")
        port = str(server.getsockname()[1])
        command = [sys.executable, "-P", "-m", "tests.audio.hostile", os.fspath(folder), port]
        run = subprocess.run(command, env={**os.environ, **PATHS}, capture_output=True, text=True)
        self.without_sandbox = json.loads(run.stdout.splitlines()[-1])
        self._attacks = self.without_sandbox.pop("attacks")

    def waveform(self, attack: str) -> np.ndarray:
        """A sound that tells `tests.audio.hostile.Hostile` what to do."""
        sound = np.zeros(WINDOW, np.float32)
        sound[0] = self._attacks.index(attack)
        return sound

    def harm(self) -> list[str]:
        """What was written, and whether something connected."""
        try:
            self._server.accept()[0].close()
        except TimeoutError:
            return [file.name for file in self.folder.glob("target*")]
        return ["a connection"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        yield Place(tmp_path_factory.mktemp("place"), server)


@pytest.fixture(scope="module")
def graph(place):
    """One process for all attacks, with less memory than it would have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf_process, "MAX_BYTES", 1_500_000_000)
        yield Graph(place.folder / "hostile")


def test_the_attacks_succeed_where_there_is_no_sandbox(place):
    """Or the other tests would show nothing."""
    assert place.without_sandbox == {
        **{"none": 0, "read": SECRET, "list": 1, "python": SECRET},
        **{"write": 1, "print": 1, "save": 2, "connect": True},
        **{"at_load": "written", "class_map": [["/m/1", "secret"]]},
    }


@pytest.mark.parametrize("attack", ["read", "write", "print", "save", "python"])
def test_an_attack_is_an_error_of_one_sentence(place, graph, attack):
    with pytest.raises(WeightsError, match=r"^TensorFlow cannot run") as caught:
        graph(place.waveform(attack))
    assert str(SECRET) not in str(caught.value)
    assert str(caught.value).isprintable()
    assert place.harm() == []
    np.testing.assert_array_equal(graph(place.waveform("none"))[0], np.zeros((1, 4)))


def test_other_folders_seem_empty(place, graph):
    np.testing.assert_array_equal(graph(place.waveform("list"))[0], np.zeros((1, 4)))


@pytest.mark.parametrize(
    ("attack", "seconds", "words"),
    [("loop", 2, "took more than 2 s"), ("fill", 60, r"took more than 1\.5 GB"), ("connect", 4, "")],
)
def test_a_process_at_its_limit_is_ended_and_the_next_call_starts_another(
    place, graph, monkeypatch, attack, seconds, words
):
    assert graph(place.waveform("none"))[0].shape == (1, 4)
    monkeypatch.setattr(tf_process, "SECONDS", seconds)
    with pytest.raises(WeightsError, match=f"TensorFlow cannot run .*{words}"):
        graph(place.waveform(attack))
    assert place.harm() == []


def test_nothing_is_written_at_load(place):
    with pytest.raises(WeightsError, match=r"TensorFlow cannot run .*at_load.*not permitted\.$"):
        Graph(place.folder / "at_load")
    assert place.harm() == []


def test_a_class_map_is_not_read_from_elsewhere(place):
    with pytest.raises(WeightsError, match="Permission denied"):
        Graph(place.folder / "class_map")


class FakeWorker:
    """Answers as a process that was taken over may."""

    answers = ()

    def __init__(self, *_: str, **__: object):
        self.answers = iter(type(self).answers)

    def call(self, *_: object, **__: object):
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(tf_process, "Worker", FakeWorker)

    def answers(*values: object) -> None:
        monkeypatch.setattr(FakeWorker, "answers", values)

    return answers


FACTS = asdict(Facts("classes", 4, 10, (("/m/1", "Dog"), ("/m/2", "Cat"))))


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "other"},
        {"kind": "embedding"},
        {"width": 0},
        {"width": 1e300},
        {"width": "4"},
        {"parameters": -1},
        {"parameters": None},
        {"labels": []},
        {"labels": [["/m/1"]]},
        {"labels": [["/m/1", None]]},
        {"labels": [["/m/1", "\x1b]0;title\x07"]]},
        {"labels": [["/m/1", "Dog\n"]]},
        {"labels": [["/m/1", "x" * 301]]},
    ],
)
def test_facts_are_not_believed(fake, wrong):
    fake((FACTS | wrong, []))
    with pytest.raises(WeightsError, match="describes itself with invalid values"):
        Graph(Path("folder"))


@pytest.mark.parametrize(
    "outputs",
    [
        [],
        [np.zeros((3, 2), np.float32)],
        [np.zeros((3, 2), np.float32), np.zeros((2, 4), np.float32)],
        [np.zeros((3, 2), np.float32), np.zeros((3, 5), np.float32)],
        [np.zeros((3, 2), np.float64), np.zeros((3, 4), np.float32)],
        [np.zeros((), np.float32), np.zeros((3, 4), np.float32)],
        [np.zeros((3, 2, 1), np.float32), np.zeros((3, 4), np.float32)],
    ],
)
def test_outputs_are_not_believed(fake, outputs):
    fake((FACTS, []), ({}, outputs))
    with pytest.raises(WeightsError, match="outputs of other shapes"):
        Graph(Path("folder"))(np.zeros(WINDOW, np.float32))


def test_words_are_not_believed(fake):
    fake(WorkerError("\n\x1b[31mred" + "x" * 1000 + "\nsecond line"))
    with pytest.raises(WeightsError) as caught:
        Graph(Path("folder"))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_no_process_is_started_without_a_sandbox(monkeypatch):
    def missing() -> None:
        raise SandboxError("There is none.")

    def start(*_: object, **__: object) -> None:
        pytest.fail("a process was started")

    monkeypatch.setattr(sandbox, "require", missing)
    monkeypatch.setattr(tf_process, "Worker", start)
    with pytest.raises(SandboxError):
        Graph(Path("folder"))
