"""A project is saved as one file and opened elsewhere; a file that lies is refused, and nothing is lost."""

import io
import json
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.app.services import project_archive, project_training, uploads
from zoo.app.services.attempt_results import EVALUATION, read_evaluation, restored
from zoo.app.services.job_queue import JobQueue
from zoo.app.services.jobs import SHORT, Stopped
from zoo.app.services.project import Project
from zoo.app.services.project_archive import MAX_ENTRIES, file_name, open_file, packed_project
from zoo.app.services.project_folder import ATTEMPTS
from zoo.app.services.project_inputs import inputs_of, keep_inputs, path_of, stored_file
from zoo.app.services.project_record import RECORD, TrainingConfig, UnfinishedTraining
from zoo.app.services.project_settings import keep_setting, setting_of
from zoo.app.services.project_training import (
    begin_training,
    folder_of,
    forget_unfinished,
    interrupted_training,
    network_of,
    remove_attempt,
)
from zoo.app.services.projects import Projects
from zoo.app.services.training_job import packed
from zoo.core.errors import InputError, ZooError
from zoo.training.fit.features import count_missing

NETWORK = "squeezenet.caffe"
COLORS = {"red": (200, 40, 40), "blue": (40, 40, 200)}


def color(label: str, seed: int) -> bytes:
    noise = np.random.default_rng(seed).normal(COLORS[label], 30, (64, 64, 3)).clip(0, 255)
    stream = io.BytesIO()
    Image.fromarray(noise.astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def opened(folder: Path) -> Project:
    folder.mkdir()
    return Projects(folder / "projects", folder).open("t" * 43)


def train(project: Project, net: zoo.Network) -> None:
    config = TrainingConfig("features", held=0.34, classifier="logistic")
    job = begin_training(project, JobQueue(), net, NETWORK, config)
    assert job.wait(100)
    assert (job.state, job.error) == ("done", "")


@pytest.fixture(scope="module")
def trained(net, tmp_path_factory) -> Project:
    """A project of two classes and one attempt."""
    project = opened(tmp_path_factory.mktemp("trained") / "here")
    for number, label in enumerate(COLORS, 1):
        with project.changing() as record:
            record.class_of(number).label = label
        project.add_files(number, [(f"{label}{i}.png", color(label, i)) for i in range(6)])
    assert all(reading.wait(60) for reading in project.readings.values())
    with project.changing() as record:
        record.name = "Two colors"
    train(project, net(NETWORK))
    return project


@pytest.fixture
def elsewhere(tmp_path) -> Project:
    return opened(tmp_path / "elsewhere")


def changed(data: bytes, change) -> bytes:
    """A saved project after ``change(name, content)`` of each of its files; None leaves one out."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(stream, "w") as target:
        for name in source.namelist():
            if (content := change(name, source.read(name))) is not None:
                target.writestr(name, content)
    return stream.getvalue()


def test_an_attempt_says_how_it_came_about_and_how_good_it_is(trained):
    (attempt,) = trained.record.attempts
    assert (attempt.network, attempt.config.method, attempt.classes) == (NETWORK, "features", ("red", "blue"))
    assert (attempt.accuracy, attempt.low, attempt.high, attempt.tested) == (1.0, 0.25, 1.0, 4)
    assert (attempt.epochs, attempt.stopped) == (None, False)
    evaluation = restored(read_evaluation(folder_of(trained, attempt)), "net", "data")
    assert evaluation.accuracy == 1
    assert sorted(evaluation.inputs)[0].startswith("blue")  # a name without folders
    assert len(evaluation.mistakes()) == 0
    assert zoo.load(network_of(trained, attempt)).classify(color("red", 99)).labels[0] == "red"


def test_a_saved_project_is_the_same_elsewhere(trained, elsewhere):
    assert file_name(trained.record) == "Two-colors.zoo-project.zip"
    open_file(elsewhere, "mine.zip", packed_project(trained))
    assert elsewhere.record == trained.record
    assert elsewhere.dataset().fingerprint == trained.dataset().fingerprint
    (attempt,) = elsewhere.record.attempts
    assert zoo.load(network_of(elsewhere, attempt)).classify(color("blue", 99)).labels[0] == "blue"
    assert packed_project(elsewhere)[:4] == b"PK\3\4"


def test_a_project_in_a_file_replaces_the_one_before(trained, elsewhere):
    elsewhere.add_files(1, [("green.png", color("red", 77))])
    assert elsewhere.readings[1].wait(60)
    open_file(elsewhere, "mine.zip", packed_project(trained))
    assert len(elsewhere.record.examples) == 12
    assert len(list((elsewhere.folder / "examples").iterdir())) == 12


def test_a_network_goes_back_in_and_can_be_removed(trained, elsewhere):
    (attempt,) = trained.record.attempts
    data = packed(network_of(trained, attempt))
    open_file(elsewhere, "network.zip", data)
    (added,) = elsewhere.record.attempts
    assert (added.title, added.classes, added.accuracy) == (attempt.title, attempt.classes, None)
    assert read_evaluation(folder_of(elsewhere, added)) is None
    assert zoo.load(network_of(elsewhere, added)).classify(color("blue", 99)).labels[0] == "blue"
    remove_attempt(elsewhere, added.number)
    assert not list((elsewhere.folder / ATTEMPTS).iterdir())


def other_example(name: str, content: bytes) -> bytes:
    return color("red", 1234) if name.endswith("red0.png") else content


def no_example(name: str, content: bytes) -> bytes | None:
    return None if name.endswith("red0.png") else content


def other_weights(name: str, content: bytes) -> bytes:
    return content[:-1] + b"x" if name.endswith(".safetensors") else content


def parent_elsewhere(name: str, content: bytes) -> bytes:
    if not name.endswith("network.json"):
        return content
    record = json.loads(content)
    record["parent"]["name"] = "hf:owner/repository"
    return json.dumps(record).encode()


def forged_scores(name: str, content: bytes) -> bytes:
    if not name.endswith(EVALUATION):
        return content
    record = json.loads(content)
    record["targets"][0] = 7
    return json.dumps(record).encode()


def changed_json(file: str, change):
    """A change of one JSON file of a saved project."""

    def apply(name: str, content: bytes) -> bytes:
        if not name.endswith(file):
            return content
        record = json.loads(content)
        change(record)
        return json.dumps(record).encode()

    return apply


def other_classes(evaluation: dict) -> None:
    evaluation["classes"] = ["red", "green"]


def many_classes(evaluation: dict) -> None:
    evaluation["classes"] = [str(number) for number in range(20_000)]
    evaluation["scores"] = [[0] * 20_000 for _ in evaluation["scores"]]


def same_example_twice(evaluation: dict) -> None:
    evaluation["contents"] = evaluation["contents"][:1] * len(evaluation["contents"])


def forged_name(name: str, content: bytes) -> bytes:
    return content.replace(b"red0.png", b"../../x.png") if name == RECORD else content


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (other_example, "an example has another content"),
        (no_example, "lacks the example red0.png"),
        (other_weights, "missing or damaged"),
        (parent_elsewhere, "'hf:owner/repository', which is not offered here"),
        (forged_scores, "its examples are of other classes"),
        (forged_name, "is not the name of a file"),
        (changed_json(EVALUATION, other_classes), "an evaluation is of other classes"),
        (changed_json(EVALUATION, many_classes), "20000 classes are more than 200"),
        (changed_json(EVALUATION, same_example_twice), "an example is in it twice"),
        (
            changed_json(RECORD, lambda record: record["attempts"][0].update(classes=["red", "green"])),
            "a network has other classes than it states",
        ),
        (
            changed_json(RECORD, lambda record: record["attempts"][0].pop("network")),
            "a network without a configuration, or the reverse",
        ),
        (lambda name, content: None if name == RECORD else content, "neither a project nor a network"),
    ],
)
def test_a_file_that_lies_is_refused_and_the_project_stays(trained, elsewhere, change, sentence):
    elsewhere.add_files(1, [("mine.png", color("red", 77))])
    assert elsewhere.readings[1].wait(60)
    with pytest.raises(ZooError, match=sentence) as caught:
        open_file(elsewhere, "mine.zip", changed(packed_project(trained), change))
    assert [example.name for example in elsewhere.record.examples] == ["mine.png"]
    assert not [path for path in elsewhere.temporary.iterdir() if path.name != "projects"]
    assert str(elsewhere.temporary) not in str(caught.value)


def test_what_is_too_large_or_no_zip_is_a_sentence(trained, elsewhere, monkeypatch):
    with pytest.raises(InputError, match=r"^x.zip is not a complete zip file\.$"):
        open_file(elsewhere, "x.zip", b"text")
    monkeypatch.setenv("ZOO_APP_PROJECT_MB", "1")
    with pytest.raises(InputError, match=r"^mine.zip holds \d+ MB, and a project has at most 1 here\.$"):
        open_file(elsewhere, "mine.zip", packed_project(trained))


def test_a_file_of_too_many_or_too_deep_entries_is_refused_before_it_is_unpacked(elsewhere):
    many = {str(number): b"" for number in range(MAX_ENTRIES + 1)}
    for files, sentence in (
        (many, "6082 files, and a project has at most 6081"),
        ({"a/b/c/d/e": b""}, "folders"),
    ):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as target:
            for name, content in files.items():
                target.writestr(name, content)
        with pytest.raises(InputError, match=sentence):
            open_file(elsewhere, "x.zip", stream.getvalue())


def test_a_file_that_takes_too_long_is_refused(trained, elsewhere, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_SECONDS", -1)
    with pytest.raises(InputError, match=r"^The file took more than"):
        open_file(elsewhere, "mine.zip", packed_project(trained))
    assert not elsewhere.folder.exists()


def test_one_file_is_opened_at_a_time(trained, elsewhere):
    opening = threading.Thread(target=open_file, args=(elsewhere, "mine.zip", packed_project(trained)))
    with project_archive._turns.take():
        opening.start()
        opening.join(0.2)
        assert not elsewhere.folder.exists()
    opening.join(60)
    assert elsewhere.record == trained.record


def test_the_end_of_an_abandoned_training_leaves_the_files_of_a_newer_one(
    trained, elsewhere, net, monkeypatch
):
    open_file(elsewhere, "mine.zip", packed_project(trained))
    train_network = project_training.train_network

    def while_another_ends(*arguments):
        result = train_network(*arguments)
        elsewhere.remove_leftovers()  # as the thread of a training does that was abandoned
        return result

    monkeypatch.setattr(project_training, "train_network", while_another_ends)
    train(elsewhere, net(NETWORK))
    assert zoo.load(network_of(elsewhere, elsewhere.record.attempts[-1]))
    assert not elsewhere.trainings


def test_only_one_training_at_a_time_and_enough_examples(trained, elsewhere, net):
    elsewhere.add_files(1, [("mine.png", color("red", 77))])
    elsewhere.add_files(2, [("yours.png", color("blue", 77))])
    assert all(reading.wait(60) for reading in elsewhere.readings.values())
    with pytest.raises(InputError, match="at least 3"):
        begin_training(elsewhere, JobQueue(), net(NETWORK), NETWORK, TrainingConfig("features"))
    elsewhere.job = JobQueue().begin(
        lambda job: [time.sleep(0.01) for _ in iter(lambda: job.stopping, True)], SHORT
    )
    try:
        with pytest.raises(InputError, match="training already"):
            begin_training(elsewhere, JobQueue(), net(NETWORK), NETWORK, TrainingConfig("features"))
        with pytest.raises(InputError, match="is training"):
            open_file(elsewhere, "mine.zip", packed_project(trained))
    finally:
        elsewhere.job.stop()


def test_a_training_of_a_project_that_was_deleted_meanwhile_leaves_nothing(
    trained, elsewhere, net, monkeypatch, tmp_path
):
    open_file(elsewhere, "mine.zip", packed_project(trained))
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    data = elsewhere.dataset()
    train_network = project_training.train_network

    def train_and_delete(*arguments):
        result = train_network(*arguments)
        elsewhere.delete()
        return result

    monkeypatch.setattr(project_training, "train_network", train_and_delete)
    config = TrainingConfig("features", classifier="logistic")
    job = begin_training(elsewhere, JobQueue(), net(NETWORK), NETWORK, config)
    assert job.wait(100)
    assert job.state == "stopped"
    assert not elsewhere.folder.exists()
    assert count_missing(net(NETWORK), data) == len(data)


def test_files_and_settings_of_other_pages_are_in_the_file(trained, elsewhere):
    file = stored_file("cat.png", b"cat")
    keep_inputs(trained, "pictures-upload", {file: b"cat"}, [])
    keep_setting(trained, "pictures-top", 3)
    data = packed_project(trained)
    keep_inputs(trained, "pictures-upload", {}, [file])
    with pytest.raises(InputError, match=r"cat.png has another content\.$"):
        open_file(
            elsewhere,
            "mine.zip",
            changed(
                data,
                lambda name, content: (
                    content.replace(b"cat", b"dog") if name.endswith("cat.png") else content
                ),
            ),
        )
    open_file(elsewhere, "mine.zip", data)
    assert inputs_of(elsewhere, "pictures-upload") == [file]
    assert path_of(elsewhere, file).read_bytes() == b"cat"
    assert setting_of(elsewhere, "pictures-top") == 3


def test_a_training_is_unfinished_until_it_ends_and_if_it_is_abandoned(trained, elsewhere, net, monkeypatch):
    open_file(elsewhere, "mine.zip", packed_project(trained))
    config, unfinished = TrainingConfig("features", classifier="logistic"), []
    train_network = project_training.train_network

    def record_and_train(*arguments):
        unfinished.append(elsewhere.record.unfinished)
        return train_network(*arguments)

    monkeypatch.setattr(project_training, "train_network", record_and_train)
    assert begin_training(elsewhere, JobQueue(), net(NETWORK), NETWORK, config).wait(100)
    assert unfinished == [UnfinishedTraining(NETWORK, config)]
    assert elsewhere.record.unfinished is None

    def abandon(*arguments):
        arguments[-1].abandon()
        raise Stopped

    monkeypatch.setattr(project_training, "train_network", abandon)
    assert begin_training(elsewhere, JobQueue(), net(NETWORK), NETWORK, config).wait(100)
    assert interrupted_training(elsewhere) == UnfinishedTraining(NETWORK, config)
    forget_unfinished(elsewhere)
    assert interrupted_training(elsewhere) is None
