"""A project keeps the files of other pages until they are removed, within its limits."""

import pytest

from zoo.app.services import project_inputs, project_record
from zoo.app.services.project import Project
from zoo.app.services.project_inputs import inputs_of, keep_inputs, path_of, stored_file
from zoo.app.services.projects import Projects
from zoo.core.errors import InputError

FILES = {stored_file(name, name.encode()): name.encode() for name in ("a.png", "b.png")}


@pytest.fixture
def project(tmp_path) -> Project:
    (tmp_path / "temporary").mkdir()
    return Projects(tmp_path / "projects", tmp_path / "temporary").open("t" * 43)


def contents(project: Project, uploader: str) -> dict[str, bytes]:
    return {file.name: path_of(project, file).read_bytes() for file in inputs_of(project, uploader)}


def test_files_are_there_for_the_next_process_under_the_names_of_their_owner(project):
    keep_inputs(project, "pictures-upload", FILES, [])
    again = Projects(project.folder.parent, project.temporary).open("t" * 43)
    assert contents(again, "pictures-upload") == {"a.png": b"a.png", "b.png": b"b.png"}
    assert contents(again, "sounds-upload") == {}


def test_a_removed_file_is_deleted_unless_another_page_has_it(project):
    first, second = FILES
    keep_inputs(project, "pictures-upload", FILES, [])
    keep_inputs(project, "embeddings-upload-image", {first: FILES[first]}, [])
    keep_inputs(project, "pictures-upload", {}, [first, second])
    assert contents(project, "pictures-upload") == {}
    assert contents(project, "embeddings-upload-image") == {"a.png": b"a.png"}
    assert not path_of(project, second).parent.exists()


def test_a_file_that_is_given_again_is_there_once(project):
    for _ in range(2):
        keep_inputs(project, "pictures-upload", FILES, [])
    assert len(inputs_of(project, "pictures-upload")) == 2


def test_limits_are_a_sentence_and_nothing_is_added(project, monkeypatch):
    monkeypatch.setattr(project_inputs, "MAX_INPUTS", 1)
    with pytest.raises(InputError, match="keeps at most 1 files"):
        keep_inputs(project, "pictures-upload", FILES, [])
    monkeypatch.setattr(project_inputs, "MAX_INPUTS", 100)
    monkeypatch.setenv("ZOO_APP_PROJECT_MB", "1")
    large = stored_file("large.png", bytes(1_100_000))
    with pytest.raises(InputError, match="at most 1 MB"):
        keep_inputs(project, "pictures-upload", {large: bytes(1_100_000)}, [])
    assert contents(project, "pictures-upload") == {}
    assert not path_of(project, large).exists()


def test_a_deleted_project_keeps_none(project):
    keep_inputs(project, "pictures-upload", FILES, [])
    project.delete()
    assert contents(project, "pictures-upload") == {}
    assert not project.folder.exists()


def test_a_damaged_project_has_none(project):
    keep_inputs(project, "pictures-upload", FILES, [])
    (project.folder / project_record.RECORD).write_text("{")
    assert inputs_of(project, "pictures-upload") == []


@pytest.mark.parametrize("name", ["../x.png", "a\\b.png", ".hidden", "folder/x.png"])
def test_names_of_uploads_are_names_of_files(name):
    assert "/" not in stored_file(name, b"x").name
