"""A project keeps what was chosen on other pages, and no paths of the server."""

import pytest

from zoo.app.services import project_record
from zoo.app.services.project import Project
from zoo.app.services.project_record import MAX_SETTINGS
from zoo.app.services.project_settings import keep_setting, setting_of
from zoo.app.services.projects import Projects


@pytest.fixture
def project(tmp_path) -> Project:
    return Projects(tmp_path / "projects", tmp_path).open("t" * 43)


@pytest.mark.parametrize("value", [True, 5, 0.5, "yamnet", ["a", "b"], []])
def test_a_choice_is_the_same_for_the_next_process(project, value):
    assert setting_of(project, "sounds-widget") is None
    keep_setting(project, "sounds-widget", value)
    again = setting_of(Projects(project.folder.parent, project.temporary).open("t" * 43), "sounds-widget")
    assert (again, type(again)) == (value, type(value))


def test_a_network_of_the_project_is_found_in_another_folder(project, tmp_path):
    name = f"{project.folder}/attempts/0/network"
    keep_setting(project, "pictures-networks", [name, "yamnet"])
    keep_setting(project, f"embeddings-layer-{name}", "features")
    record = (project.folder / project_record.RECORD).read_bytes()
    assert str(tmp_path).encode() not in record
    other = Projects(tmp_path / "elsewhere", tmp_path).open("u" * 43)
    other.folder.mkdir()
    (other.folder / project_record.RECORD).write_bytes(record)
    assert setting_of(other, "pictures-networks") == [f"{other.folder}/attempts/0/network", "yamnet"]
    assert setting_of(other, f"embeddings-layer-{other.folder}/attempts/0/network") == "features"


def test_what_no_record_holds_is_not_kept(project):
    for value in ({"a": 1}, "x" * 1000, ["x"] * 2000, None):
        keep_setting(project, "sounds-widget", value)
    keep_setting(project, "x" * 1000, 1)
    assert project.record.settings == {}


def test_the_oldest_choice_goes_first(project):
    for number in range(MAX_SETTINGS):
        keep_setting(project, f"sounds-{number}", number)
    keep_setting(project, "sounds-0", 7)
    keep_setting(project, "sounds-new", 1)
    assert setting_of(project, "sounds-0") == 7
    assert setting_of(project, "sounds-1") is None
    assert len(project.record.settings) == MAX_SETTINGS
