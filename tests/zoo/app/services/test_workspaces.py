"""What visitors leave behind is removed: at their end, at the end of the process, and by the next one."""

import os
import signal
import stat
import subprocess
import sys

import pytest

from zoo.app.services.workspaces import PREFIX, WorkspaceRoot


@pytest.fixture
def house(tmp_path):
    house = WorkspaceRoot(tmp_path)
    yield house
    house.close()


def test_each_session_has_a_folder_that_no_other_user_may_read(house):
    one, other = house.create(), house.create()
    assert one.folder != other.folder
    for folder in (house.folder, one.folder, other.folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_end_of_a_session_removes_what_is_its_own(house):
    one, other = house.create(), house.create()
    (one.folder / "secret.txt").write_text("mine")
    ended = []
    one.at_end(lambda: ended.append(one.folder.exists()))
    one.close()
    assert ended == [True]
    assert (one.closed, one.lost) == (True, False)
    assert not one.folder.exists()
    assert other.folder.exists()


def test_a_house_takes_everything_with_it(tmp_path):
    house = WorkspaceRoot(tmp_path)
    house.create()
    house.close()
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_has_is_not(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from zoo.app.services.workspaces import WorkspaceRoot;"
        "house = WorkspaceRoot(Path(sys.argv[1])); print(house.create().folder, flush=True); time.sleep(60)"
    )
    stranger = tmp_path / f"{PREFIX}stranger"
    stranger.mkdir()
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True) as other:
        left = other.stdout.readline().strip()
        WorkspaceRoot(tmp_path).close()
        assert os.path.isdir(left)
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert os.path.isdir(left)
    WorkspaceRoot(tmp_path).close()
    assert not os.path.exists(left)
    assert list(tmp_path.iterdir()) == [stranger]
