"""A project keeps what was brought, under the names of its owner, until it is removed."""

import io
import os
import stat
import sys
import threading
import time
import zipfile

import pytest

from tests.zoo.training.examples import png
from zoo.app.services import project as project_module
from zoo.app.services import project_folder, project_record, uploads
from zoo.app.services.job_queue import JobQueue
from zoo.app.services.jobs import IMPORT, SHORT
from zoo.app.services.project import ZIP, Project
from zoo.app.services.projects import Projects
from zoo.core.errors import InputError

TOKEN = "t" * 43


def files(label: str, number: int = 3) -> list[tuple[str, bytes]]:
    return [(f"{label}{i}.png", png(f"{label} {i}")) for i in range(number)]


@pytest.fixture
def projects(tmp_path):
    (tmp_path / "temporary").mkdir()
    return Projects(tmp_path / "projects", tmp_path / "temporary")


def settle(project: Project) -> Project:
    assert all(reading.wait(60) for reading in project.readings.values())
    return project


@pytest.fixture
def project(projects):
    one = projects.open(TOKEN)
    one.add_files(1, files("cat"))
    one.add_files(2, files("dog", 2))
    return settle(one)


def labels(project: Project) -> dict[str, list[str]]:
    return {one.label: [example.name for example in one.examples] for one in project.record.classes}


def test_a_second_process_finds_what_a_first_one_kept(project, projects):
    again = Projects(projects.folder, projects.temporary).open(TOKEN)
    assert again is not project
    assert labels(again) == {
        "Class 1": ["cat0.png", "cat1.png", "cat2.png"],
        "Class 2": ["dog0.png", "dog1.png"],
    }
    assert [path.read_bytes() for path in again.dataset().inputs[:3]] == [data for _, data in files("cat")]
    assert again.dataset().counts().to_dict() == {"Class 1": 3, "Class 2": 2}
    again.add_files(2, files("cow", 1))
    settle(again)
    assert labels(project)["Class 2"] == ["dog0.png", "dog1.png", "cow0.png"]


def test_folders_tell_no_tokens_and_no_other_user_may_read_them(project, projects):
    assert TOKEN not in "".join(map(str, projects.folder.rglob("*")))
    for folder in (projects.folder, project.folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not projects.open("u" * 43).record.examples


def test_who_keeps_nothing_takes_no_place(projects):
    projects.open(TOKEN).join("session")
    assert not list(projects.folder.iterdir())


def test_files_are_added_and_never_replaced(project):
    project.add_files(1, [("cat0.png", png("another cat"))])
    assert labels(settle(project))["Class 1"] == ["cat0.png", "cat1.png", "cat2.png", "cat0.png"]
    project.add_files(1, [("again.png", files("cat")[0][1]), ("dog.png", files("dog")[0][1])])
    settle(project)
    assert [reason for _, reason in project.readings[1].problems] == [
        "again.png has the same content as cat0.png.",
        "dog.png has the same content as dog0.png, which is of the class 'Class 2'.",
    ]
    assert len(project.record.examples) == 6


def test_what_cannot_be_used_is_a_sentence_and_the_rest_stays(project):
    project.add_files(1, [("bad.png", b"text")])
    project.add_zip("pets.zip", b"text")
    settle(project)
    assert "bad.png is not a picture" in project.readings[1].error
    assert project.readings[ZIP].error == "pets.zip is not a complete zip file."
    assert len(project.record.examples) == 5


def test_a_removed_example_leaves_no_file_and_no_feature(project, monkeypatch):
    forgotten = []
    monkeypatch.setattr(project_folder, "forget", forgotten.extend)
    content = project.record.classes[0].examples[0].content
    project.thumbnail_of(project.record.classes[0].examples[0])
    project.remove_examples([content])
    assert labels(project)["Class 1"] == ["cat1.png", "cat2.png"]
    assert not [path for path in project.folder.rglob("*") if content in path.name]
    end = time.monotonic() + 60
    while forgotten != [content]:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_an_example_gets_another_class(project):
    content = project.record.classes[0].examples[0].content
    project.move_example(content, 2)
    assert labels(project) == {
        "Class 1": ["cat1.png", "cat2.png"],
        "Class 2": ["dog0.png", "dog1.png", "cat0.png"],
    }
    with pytest.raises(InputError, match="was removed"):
        project.move_example(content, 7)


def test_classes_without_a_name_or_with_the_same_are_refused(project):
    for label, sentence in ((" ", "has no name"), ("Class 2 ", "two classes 'Class 2'")):
        with project.changing() as record:
            record.classes[0].label = label
        with pytest.raises(InputError, match=sentence):
            project.dataset()


NAMES = ["caf\u00e9\u00a01.png", "10.00\u202fAM.png", "\U0001f469\u200d\U0001f680.png"]


def zipped(names: list[str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, png(name))
    return stream.getvalue()


def test_names_of_every_system_are_taken_from_a_zip(projects):
    project = projects.open(TOKEN)
    project.add_zip("x.zip", zipped([f"{label}/{name}" for label in "ab" for name in NAMES]))
    assert settle(project).readings[ZIP].error == ""
    assert labels(project)["a"] == ["10.00AM.png", "caf\u00e91.png", "\U0001f469\U0001f680.png"]


def test_folders_with_the_same_beginning_are_refused_and_not_merged(projects):
    project = projects.open(TOKEN)
    project.add_zip("x.zip", zipped([f"{'n' * 60}{end}/a.png" for end in "ab"]))
    assert "Several folders begin with 'nnn" in settle(project).readings[ZIP].error


def test_a_change_that_fails_leaves_no_files(project, monkeypatch):
    stored, before = [], sorted((project.folder / "examples").iterdir())

    def fail(*arguments):
        stored.append(len(list((project.folder / "examples").iterdir())))
        raise OSError("disk")

    monkeypatch.setattr(project_record, "save", fail)
    project.add_files(1, files("cow"))
    assert "unexpectedly" in settle(project).readings[1].error
    assert stored == [len(before) + 3]
    assert sorted((project.folder / "examples").iterdir()) == before


def test_what_no_record_holds_is_not_saved(project):
    with pytest.raises(InputError, match="cannot hold this"), project.changing() as record:
        record.classes[0].number = 1_000_001
    assert len(project.record.examples) == 5


def test_a_new_class_gets_a_number_that_is_free(project):
    with project.changing() as record:
        record.classes[1].number = 1_000_000
    with project.changing() as record:
        assert record.add_class().number == 2
    assert [one.number for one in project.record.classes] == [1, 1_000_000, 2]


def test_locks_of_deleted_projects_go(project, projects):
    lock = project.folder.with_name(f"{project.folder.name}.lock")
    project.delete()
    assert lock.exists()
    Projects(projects.folder, projects.temporary).open("u" * 43)
    assert not lock.exists()
    project.add_files(1, files("cat"))
    assert len(settle(project).record.examples) == 3


def test_limits_are_a_sentence_and_nothing_is_added(project, monkeypatch):
    monkeypatch.setenv("ZOO_APP_PROJECT_MB", "1")
    noise = os.urandom(1_000_000)
    project.add_files(1, [("big.png", png("big") + noise)])
    assert settle(project).readings[1].error.startswith("A project holds at most 1 MB;")
    monkeypatch.setenv("ZOO_APP_PROJECT_MB", "500")
    monkeypatch.setenv("ZOO_APP_PROJECTS_TOTAL_MB", "1")
    project.add_files(1, [("big.png", png("big") + noise)])
    assert settle(project).readings[1].error.startswith("The server holds as many projects as it can")
    assert len(project.record.examples) == 5


def test_a_project_that_nobody_opens_goes_after_its_time(project, projects, monkeypatch):
    folder = project.folder
    long_ago = time.time() - 31 * 24 * 3600
    os.utime(folder, (long_ago, long_ago))
    project.join("session")  # which is a visit
    Projects(projects.folder, projects.temporary).open("u" * 43)
    assert folder.is_dir()
    os.utime(folder, (long_ago, long_ago))
    Projects(projects.folder, projects.temporary).open("u" * 43)
    assert not folder.exists()


def test_a_deleted_project_is_empty_for_all_who_have_it_open(project):
    project.delete()
    assert not project.folder.exists()
    assert not project.record.examples
    project.add_files(1, files("cat"))
    assert len(settle(project).record.examples) == 3


def replace_by_nothing(project: Project) -> None:
    with project.replacing() as folder:
        project_record.save(folder, project_record.ProjectRecord(name="New"))


@pytest.mark.parametrize("end", [Project.delete, replace_by_nothing])
@pytest.mark.parametrize("kind", ["files", "zip"])
def test_an_upload_that_is_read_when_its_project_ends_is_dropped(project, monkeypatch, end, kind):
    reached, gate = threading.Event(), threading.Event()
    from_files = uploads.from_files

    def slow(*arguments, **options):
        reached.set()
        gate.wait(60)
        folder = arguments[-1]
        return from_files(uploads.store(files("cow"), folder), folder)

    monkeypatch.setattr(uploads, f"from_{kind}", slow)
    if kind == "zip":
        project.add_zip("x.zip", b"")
    else:
        project.add_files(1, files("cow"))
    (reading,) = list(project.readings.values())[-1:]
    assert reached.wait(60)
    end(project)
    gate.set()
    assert reading.wait(60)
    assert reading.error.startswith("The project was deleted or replaced meanwhile")
    assert not project.record.examples
    assert project.folder.exists() == (end is replace_by_nothing)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b'{"layout": 2}',
        b'{"name": ""}',
        b'{"classes": [{"number": 1, "label": "a"}, {"number": 1, "label": "b"}]}',
        b'{"classes": [{"number": 1, "label": "a", "examples": [{"content": "../x", "name": "a.png"}]}]}',
        b'{"classes": [{"number": 1, "label": "a", "examples": [{"content": "%s", "name": "../a"}]}]}'
        % (b"0" * 64),
        b'{"config": {"method": "scratch"}}',
        b'{"config": {"method": "head", "out": "/tmp"}}',
        b'{"other": 1}',
    ],
)
def test_a_record_that_is_damaged_or_forged_is_a_sentence(tmp_path, content):
    (tmp_path / project_record.RECORD).write_bytes(content)
    with pytest.raises(InputError, match=r"^The project is damaged, or of another version of Zoo \(.*\)\.$"):
        project_record.read(tmp_path)


@pytest.fixture
def training(project):
    """The project with a job that lasts until it is stopped."""
    project.job = JobQueue().begin(
        lambda job: [time.sleep(0.01) for _ in iter(lambda: job.stopping, True)], SHORT
    )
    yield project
    project.job.stop()


class Timers:
    """The timers that were started, with their seconds; a test says when the time is over."""

    def __init__(self):
        self.started = []

    def __call__(self, seconds, function):
        timer = threading.Timer(seconds, function)
        timer.start = lambda: self.started.append(timer)
        return timer

    def pass_time(self):
        for timer in self.started:
            if not timer.finished.is_set():  # canceled
                timer.function()


@pytest.mark.parametrize(("lost", "seconds"), [(False, 20), (True, 300)])
def test_training_ends_when_the_last_session_has_been_gone_for_a_while(training, monkeypatch, lost, seconds):
    timers = Timers()
    monkeypatch.setattr(project_module, "Timer", timers)
    training.join("one")
    training.join("other")
    training.leave("one", lost=lost)
    assert not timers.started
    training.leave("other", lost=lost)
    assert [timer.interval for timer in timers.started] == [seconds]
    assert not training.job.stopping
    timers.pass_time()
    assert training.job.abandoned


def test_import_ends_when_the_last_session_has_been_gone_for_a_while(projects, monkeypatch):
    timers, gate = Timers(), threading.Event()
    monkeypatch.setattr(project_module, "Timer", timers)
    project = projects.open(TOKEN)
    project.importing = JobQueue().begin(lambda _: gate.wait(60), IMPORT)
    project.join("one")
    project.leave("one", lost=False)
    assert not project.importing.stopping
    timers.pass_time()
    gate.set()
    assert project.importing.abandoned


def test_training_goes_on_when_the_browser_comes_back(training, monkeypatch):
    timers = Timers()
    monkeypatch.setattr(project_module, "Timer", timers)
    training.join("one")
    training.leave("one", lost=False)
    training.join("reloaded")
    timers.pass_time()
    assert not training.job.stopping


def test_uploads_that_wait_are_on_the_disk_within_the_limits_and_not_in_memory(projects, monkeypatch):
    project, gate = projects.open(TOKEN), threading.Event()
    read = uploads.from_files

    def late(*arguments, **options):
        gate.wait(60)
        return read(*arguments, **options)

    monkeypatch.setattr(uploads, "from_files", late)
    monkeypatch.setenv("ZOO_APP_PROJECT_MB", "1")
    data = png("large") + os.urandom(700_000)
    holders = sys.getrefcount(data)
    project.add_files(1, [("first.png", data)])
    project.add_files(2, [("second.png", data)])
    assert sys.getrefcount(data) == holders
    assert [path.name for path in projects.temporary.rglob("*.png")] == ["first.png"]
    monkeypatch.setenv("ZOO_APP_PROJECT_MB", "500")
    monkeypatch.setenv("ZOO_APP_PROJECTS_TOTAL_MB", "1")
    other = projects.open("u" * 43)
    other.add_files(1, [("third.png", data)])
    gate.set()
    settle(project), settle(other)
    assert project.readings[2].error.startswith("A project holds at most 1 MB;")
    assert other.readings[1].error.startswith("The server holds as many projects as it can")
    assert labels(project) == {"Class 1": ["first.png"], "Class 2": []}
    assert not list(projects.temporary.iterdir())
    assert project.waiting_bytes == 0


@pytest.mark.parametrize("step", ["before the first move", "between the moves", "before the deletion"])
def test_a_project_whose_replacement_is_interrupted_is_whole_at_the_next_start(project, projects, step):
    """As after a process that was killed: what it had moved by then."""
    folder, before = project.folder, project.folder.with_name(f"{project.folder.name}.before")
    after = project.folder.with_name(f"{project.folder.name}.after")
    after.mkdir()
    project_record.save(after, project_record.ProjectRecord(name="New"))
    if step != "before the first move":
        folder.rename(before)
    if step == "before the deletion":
        after.rename(folder)
    again = Projects(projects.folder, projects.temporary).open(TOKEN)
    assert (again.record.name == "New") == (step == "before the deletion")
    assert len(again.record.examples) == (0 if step == "before the deletion" else 5)
    assert [path.name for path in projects.folder.iterdir() if path.is_dir()] == [folder.name]


def test_a_replacement_that_fails_leaves_the_project(project):
    def replace():
        with project.replacing() as folder:
            (folder / "file").write_text("half")
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        replace()
    assert len(project.record.examples) == 5
    assert not project.folder.with_name(f"{project.folder.name}.after").exists()
