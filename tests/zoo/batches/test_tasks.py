"""Rows of real networks are what the methods of a network give, however the work is cut."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import zoo
from tests.zoo.batches.conftest import rows
from zoo.batches.configuration import make_settings
from zoo.batches.manifest import File
from zoo.batches.tasks import TaskRunner

Make = Callable[..., TaskRunner]


@pytest.fixture
def runner(net: Callable[[str], zoo.Network], monkeypatch: pytest.MonkeyPatch) -> Make:
    """A runner in this process, with networks that are loaded once."""
    monkeypatch.setattr("zoo.batches.tasks.load", lambda name, **_: net(name))

    def make(task: str, *networks: str, **options: object) -> TaskRunner:
        return TaskRunner(make_settings(task, networks, options, engine="auto", trust=False), "cpu", False)

    return make


@pytest.fixture
def photos(tmp_path: Path) -> list[File]:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(zoo.sample("rocket.jpg").read_bytes()[:2000])
    samples = [zoo.sample("cat.png"), bad, zoo.sample("rocket.jpg")]
    return [File(number, str(path)) for number, path in enumerate(samples, 14)]


def sounds(*samples: str) -> list[File]:
    return [File(number, str(zoo.sample(sample))) for number, sample in enumerate(samples)]


def test_classify_gives_the_classes_of_the_method(runner, photos, net):
    good = [photos[0].path, photos[2].path]
    (batch,) = runner("classify", "squeezenet", top=3).rows(photos, [], [0])
    found = batch.to_pylist()
    for row, result in zip(found[::2], net("squeezenet").classify(good, top=3), strict=True):
        assert [one["id"] for one in row["predictions"]] == list(result.ids)
        assert [one["label"] for one in row["predictions"]] == list(result.labels)
        np.testing.assert_array_equal([one["score"] for one in row["predictions"]], result.scores)
    assert found[1]["predictions"] is None
    assert found[1]["error"].startswith(f"{photos[1].path} is a damaged picture")
    assert [len(row["sha256"]) for row in found] == [64] * 3


def test_rows_of_images_do_not_depend_on_their_neighbors(runner, photos):
    make = runner("embed", "squeezenet", "efficientnet_lite0")
    together = make.rows(photos[:2], photos[2:], [0, 1])
    make.rows(photos[2:], [], [0, 1])
    for position, batch in enumerate(together):
        for file, row in zip(photos[:2], batch.to_pylist(), strict=True):
            (alone,) = make.rows([file], [], [position])
            assert alone.to_pylist() == [row]


def test_embed_gives_the_vectors_of_the_method(runner, photos, net):
    (batch,) = runner("embed", "squeezenet").rows(photos[:1], [], [0])
    expected = net("squeezenet").embed(photos[0].path)
    assert batch.schema.field("vector").type.list_size == expected.values.shape[1]
    np.testing.assert_array_equal(batch.to_pylist()[0]["vector"], expected.values[0])


def test_embed_of_recordings_has_a_row_a_window_and_decodes_once_for_two_networks(runner, net, monkeypatch):
    (file,) = sounds("melody.wav")
    networks = ("yamnet", "crepe.tiny")
    make = runner("embed", *networks)
    decoded = []
    monkeypatch.setattr("zoo.audio.decoding.decode", counted(decoded))
    batches = make.rows([file], [], [0, 1])
    assert len(decoded) == 1
    for name, batch in zip(networks, batches, strict=True):
        expected, found = net(name).embed(file.path), batch.to_pylist()
        np.testing.assert_array_equal([row["vector"] for row in found], expected.values)
        np.testing.assert_array_equal([(row["start"], row["end"]) for row in found], expected.times)


def counted(decoded: list[str]) -> Callable[..., object]:
    from zoo.audio.decoding import decode

    def call(stream: object, name: str) -> object:
        decoded.append(name)
        return decode(stream, name)

    return call


def test_events_and_pitch_give_the_results_of_the_methods(runner, net, tmp_path):
    (bell,) = sounds("bicycle-bell.wav")
    (row,) = runner("events", "yamnet", threshold=0.5).rows([bell], [], [0])[0].to_pylist()
    expected = net("yamnet").sound_events(bell.path, threshold=0.5)
    found = [(event["label"], event["start"], event["end"]) for event in row["events"]]
    assert found == [(event.label, event.start, event.end) for event in expected.events]
    assert row["clip"][0]["label"] == expected.clip.labels[0]
    (melody,) = sounds("melody.wav")
    (tmp_path / "short.wav").write_text("this is text")
    short = File(1, str(tmp_path / "short.wav"))
    track, failure = runner("pitch", "crepe.tiny").rows([melody, short], [], [0])[0].to_pylist()
    pitch = net("crepe.tiny").pitch(melody.path)
    np.testing.assert_array_equal(track["frequency"], pitch.frequency)
    np.testing.assert_array_equal(track["voiced"], pitch.voiced)
    assert failure["error"] == f"{short.path} is not a sound file that can be read."


def test_an_option_that_does_not_fit_the_network_is_refused_before_the_work(runner):
    with pytest.raises(zoo.UnknownNameError, match="Unicorn"):
        runner("events", "yamnet", include="Unicorn")


def test_the_rows_of_a_network_do_not_depend_on_another_in_the_same_run(tmp_path):
    files = [zoo.sample("cat.png"), zoo.sample("rocket.jpg")]
    first, second = "squeezenet.caffe", "efficientnet_lite0.tf"
    options = {"task": "classify", "workers": 1, "top": 2}
    both = zoo.batch(files, network=[first, second], out=tmp_path / "both", **options)
    assert (both.files, both.done, both.left, both.failed) == (2, 2, 0, 0)
    zoo.batch(files, network=second, out=tmp_path / "one", **options)
    assert rows(tmp_path / "one", second).equals(rows(tmp_path / "both", second))
    assert len(rows(tmp_path / "both", first)) == 2
    (record,) = zoo.open_batch(tmp_path / "both").provenance(first)
    assert (record.network, record.task, record.options["top"]) == (first, "classify", 2)
