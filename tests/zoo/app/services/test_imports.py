"""A stranger's network file becomes one of a project, in a process of its own; a bad one leaves nothing."""

import threading
import time
from pathlib import Path

import pytest
import torch

import zoo
from tests.zoo.app.services.test_project_archive import COLORS, color
from tests.zoo.exchange.small_onnx import colors_network
from zoo.app.services import imports, projects
from zoo.app.services.import_process import answer
from zoo.app.services.import_results import read_report
from zoo.app.services.imports import ImportChoice, begin_import, begin_inspection
from zoo.app.services.job_queue import JobQueue
from zoo.app.services.jobs import IMPORT
from zoo.app.services.project import Project
from zoo.app.services.project_archive import open_file, packed_project
from zoo.app.services.project_record import TrainingConfig
from zoo.app.services.project_settings import local, portable
from zoo.app.services.project_training import (
    begin_training,
    folder_of,
    network_of,
    remove_attempt,
)
from zoo.app.services.projects import Projects
from zoo.app.services.training_job import packed
from zoo.core.errors import InputError

TABLE = {"resize": 64, "crop": 64}
CHOICE = ImportChoice("colors", ("red", "blue"), TABLE, None)


def opened(folder: Path) -> Project:
    folder.mkdir()
    return Projects(folder / "projects", folder).open("t" * 43)


@pytest.fixture(scope="module")
def imported(tmp_path_factory) -> Project:
    """A project with one imported network."""
    folder = tmp_path_factory.mktemp("imported")
    project = opened(folder / "here")
    job = begin_import(project, JobQueue(), colors_network(folder / "colors.onnx"), CHOICE)
    assert job.wait(150)
    assert (job.state, job.error) == ("done", "")
    return project


def test_import_of_a_file_is_a_network_of_the_project(imported):
    (attempt,) = imported.record.attempts
    assert (attempt.title, attempt.classes, attempt.imported) == ("colors", ("red", "blue"), True)
    report = read_report(folder_of(imported, attempt))
    assert max(report.differences.values()) < 1e-4
    assert {layer["operator"] for layer in report.layers} >= {"Conv", "Gemm"}
    net = zoo.load(network_of(imported, attempt), device="cpu")
    assert net.classify(zoo.sample("cat.png")).labels[0] in ("red", "blue")
    assert list(imported.temporary.glob("tmp*")) == []
    reopened = Projects(imported.folder.parent, imported.temporary).open("t" * 43)
    assert reopened.record.attempts == [attempt]


def test_import_under_a_name_that_is_taken_is_refused(imported, tmp_path):
    with pytest.raises(InputError, match="You have a network 'colors' already"):
        begin_import(imported, JobQueue(), colors_network(tmp_path / "again.onnx"), CHOICE)


def test_import_beyond_the_size_of_a_project_is_refused(imported, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_APP_PROJECT_MB", "1")
    other = ImportChoice("other", None, TABLE, None)
    monkeypatch.setattr(projects, "bytes_of", lambda _: 999_999)
    with pytest.raises(InputError, match="A project holds at most"):
        begin_import(imported, JobQueue(), colors_network(tmp_path / "other.onnx"), other)


def test_portable_name_of_an_imported_network_has_no_path_of_the_server(imported):
    (attempt,) = imported.record.attempts
    name = str(network_of(imported, attempt))
    stored = portable(imported, name)
    assert stored == f"project:attempts/{attempt.number}/network"
    assert local(imported, stored) == name
    assert portable(imported, "squeezenet.caffe") == "squeezenet.caffe"


def test_project_with_an_imported_network_is_opened_elsewhere(imported, tmp_path):
    there = opened(tmp_path / "there")
    open_file(there, "mine.zoo-project.zip", packed_project(imported))
    (attempt,) = there.record.attempts
    assert attempt == imported.record.attempts[0]
    assert read_report(folder_of(there, attempt)).network == "colors"
    remove_attempt(there, attempt.number)
    assert there.record.attempts == []
    assert not folder_of(there, attempt).exists()
    assert network_of(imported, attempt).exists()


def test_zip_of_an_imported_network_is_opened_as_imported(imported, tmp_path):
    there = opened(tmp_path / "there")
    open_file(there, "network.zip", packed(network_of(imported, imported.record.attempts[0])))
    (attempt,) = there.record.attempts
    assert (attempt.title, attempt.imported) == ("colors", True)
    assert read_report(folder_of(there, attempt)) is None


def test_import_that_is_stopped_ends_its_process_and_leaves_nothing(tmp_path):
    project, queue = opened(tmp_path / "here"), JobQueue()
    job = begin_import(project, queue, colors_network(tmp_path / "colors.onnx"), CHOICE)
    with pytest.raises(InputError, match="is importing a network already"):
        begin_import(project, queue, colors_network(tmp_path / "colors.onnx"), CHOICE)
    job.stop()
    assert job.wait(20)
    assert job.state == "stopped"
    assert project.record.attempts == []
    assert list(project.temporary.glob("tmp*")) == []


def test_import_reports_the_stages_of_its_process(tmp_path, monkeypatch):
    class Stages:
        """A process that goes on when the job shows the stage that it has reported."""

        def __init__(self, *_, **__):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def call(self, request, **_):
            for done in (1, 2):
                Path(request["stage"]).write_text(str(done))
                end = time.monotonic() + 60
                while job.fraction != done / 4 and time.monotonic() < end:
                    time.sleep(0.01)
                shown.append((job.stage, job.fraction))
            raise InputError("That is all.")

    shown = []
    monkeypatch.setattr(imports, "Worker", Stages)
    project = opened(tmp_path / "here")
    gate = threading.Event()
    queue = JobQueue()
    queue.begin(lambda _: gate.wait(60), IMPORT)  # until the name `job` is bound
    job = begin_import(project, queue, colors_network(tmp_path / "colors.onnx"), CHOICE)
    gate.set()
    assert job.wait(100)
    assert shown == [("Converting the network", 0.25), ("Comparing it with the original", 0.5)]
    assert list(project.temporary.glob("tmp*")) == []


def test_import_process_writes_how_many_stages_are_done(tmp_path):
    path, stage = colors_network(tmp_path / "colors.onnx"), tmp_path / "colors.stage"
    answer({"path": str(path), "stage": str(stage)})
    assert stage.read_text() == "2"


def test_import_of_torchscript_is_refused_in_words_of_the_page(tmp_path):
    torch.jit.trace(torch.nn.ReLU(), torch.zeros(1)).save(tmp_path / "traced.onnx")
    job = begin_inspection(tmp_path / "traced.onnx", JobQueue())
    assert job.wait(100)
    assert job.error == (
        "traced.onnx is TorchScript, a program, which can read and write files: write .pt2 with "
        "torch.export.save, or ONNX."
    )


@pytest.mark.parametrize(
    "content",
    [b"{", b'{"layers": 3}', b"[" * 100_000],
)
def test_read_report_of_damaged_content_is_one_sentence(tmp_path, content):
    (tmp_path / "import.json").write_bytes(content)
    with pytest.raises(InputError, match="The report of an import is damaged"):
        read_report(tmp_path)


def test_imported_network_is_the_body_of_a_training(imported, tmp_path):
    project = opened(tmp_path / "taught")
    open_file(project, "mine.zoo-project.zip", packed_project(imported))
    for number, label in enumerate(COLORS, 1):
        project.add_files(number, [(f"{label}{i}.png", color(label, i)) for i in range(6)])
    assert all(reading.wait(60) for reading in project.readings.values())
    name = str(network_of(project, project.record.attempts[0]))
    config = TrainingConfig("features", held=0.34, classifier="logistic")
    job = begin_training(project, JobQueue(), zoo.load(name), portable(project, name), config)
    assert job.wait(100)
    assert (job.state, job.error) == ("done", "")
    assert job.result.accuracy == 1
    assert (job.result.imported, local(project, job.result.network)) == (False, name)
