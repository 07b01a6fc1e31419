"""The folder in which all projects are."""

import os
from pathlib import Path

import pytest

from zoo.app.services.projects import Projects, bytes_of


def test_sizes_are_summed_while_folders_are_removed(tmp_path, monkeypatch):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(b"1234")
    scandir = os.scandir

    def remove_first(path):
        if str(path).endswith("/a"):
            (tmp_path / "a" / "file").unlink()
            (tmp_path / "a").rmdir()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", remove_first)
    assert bytes_of(tmp_path) == 4


def test_a_folder_that_cannot_be_written_is_refused_at_the_start(tmp_path):
    with pytest.raises(OSError):  # noqa: PT011 - which one, the system decides
        Projects(Path("/proc/self"), tmp_path)  # not even by root
