"""What the page Sort works with: answers that a project keeps, and zips of files."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

import zoo
from tests.zoo.batches.vector_folder import make_folder
from zoo.app.services import sorting
from zoo.app.services.project import Project
from zoo.app.services.project_settings import keep_setting


@pytest.fixture
def batch(tmp_path: Path) -> zoo.BatchFolder:
    """A batch of forty files, of which the first ten are alike; the last one is gone."""
    vectors = np.random.default_rng(0).standard_normal((40, 8)).astype(np.float32)
    vectors[:10, 0] += 8
    paths = [tmp_path / "scans" / f"{i}.txt" for i in range(40)]
    paths[0].parent.mkdir()
    for path in paths[:-1]:
        path.write_text(path.name)
    return make_folder(tmp_path / "out", vectors, paths=list(map(str, paths)))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project", tmp_path, lambda folder, size: None)


def test_answers_are_kept_by_a_project_for_the_same_content(project, batch):
    sorter = sorting.restored(project, "out", batch, "net", None)
    for number in (*range(5), *range(20, 25)):
        sorter.answer(number, number < 10)
    sorting.keep_answers(project, "out", sorter)
    again = sorting.restored(project, "out", batch, "net", None)
    assert again.answers == sorter.answers
    assert sorting.restored(project, "other", batch, "net", None).answers == ()
    texts = [
        "3 ffffffffffff yes likely ",
        "nonsense",
        f"4 {4:012x} maybe likely ",
        f"99 {0:012x} yes check 1..2",
    ]
    keep_setting(project, "sort-answers-net-out", texts)
    assert sorting.restored(project, "out", batch, "net", None).answers == ()


def test_a_zip_has_the_files_of_the_list_and_names_those_it_lacks(project, batch, monkeypatch):
    sorter = sorting.restored(project, "out", batch, "net", None)
    for number in (*range(4), 39, *range(20, 25)):
        sorter.answer(number, number < 10 or number == 39)
    line = sorter.threshold(precision=0.5)
    names = [Path(path).name for path in sorter.table(line)["path"]]
    with zipfile.ZipFile(io.BytesIO(sorting.zipped(sorter, line))) as archive:
        files = {f"files/{name}" for name in names if name != "39.txt"}
        assert set(archive.namelist()) == files | {"list.csv", "left-out.csv"}
        assert archive.read("files/0.txt") == b"0.txt"
        assert archive.read("left-out.csv").decode() == "file,why\nscans/39.txt,39.txt does not exist.\n"
        assert "scans/0.txt" in archive.read("list.csv").decode()
        assert str(batch.path.parent) not in archive.read("list.csv").decode()
    monkeypatch.setattr(sorting, "MAX_ZIP_FILES", 2)
    with zipfile.ZipFile(io.BytesIO(sorting.zipped(sorter, line))) as archive:
        assert sum(name.startswith("files/") for name in archive.namelist()) <= 2
        assert "A zip has at most 2 files." in archive.read("left-out.csv").decode()
