"""The folders of batches that the app's owner offers."""

import os
from pathlib import Path

import numpy as np
import pytest

import zoo
from tests.zoo.batches.vector_folder import clustered, make_folder
from zoo.app.services import offered_batches
from zoo.hub.samples import digits


@pytest.fixture
def batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> zoo.BatchFolder:
    """A batch of eight digits, of which the first failed and the last is gone."""
    paths = [tmp_path / "photos" / name for name, _ in digits(1)[:8]]
    for path, (_, data) in zip(paths[:-1], digits(1), strict=False):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    folder = make_folder(tmp_path / "out", clustered(8), failed=[0], paths=list(map(str, paths)))
    folders = os.pathsep.join([str(tmp_path / "absent"), str(folder.path)])
    monkeypatch.setenv(offered_batches.VARIABLE, folders)
    return folder


def test_folders_of_the_owner_are_offered_by_name(batch, caplog):
    assert list(offered_batches.batches("image")) == ["out"]
    assert offered_batches.batches("audio") == {}
    assert "absent, which is not offered" in caplog.text


def test_files_come_with_the_vectors_of_the_batch(batch):
    files, collection = offered_batches.sampled(batch, "net", max_files=100, max_bytes=10**6)
    assert [name for name, _ in files] == [f"photos/{name}" for name, _ in digits(1)[1:7]]
    assert [data for _, data in files] == [data for _, data in digits(1)[1:7]]
    np.testing.assert_array_equal(collection.embedding.values, batch.vectors()[:6])
    assert collection.embedding.inputs == tuple(name for name, _ in files)
    failed, gone = (f"photos/{digits(1)[i][0]}" for i in (0, 7))
    assert collection.problems == ((failed, "It is damaged."), (gone, f"{gone} does not exist."))
    some, _ = offered_batches.sampled(batch, "net", max_files=3, max_bytes=10**6)
    assert len(some) == 1  # the first failed, and the last is gone
    with pytest.raises(zoo.InputError, match="None of the files"):
        offered_batches.sampled(batch, "net", max_files=100, max_bytes=10)


def test_a_batch_that_cannot_be_read_does_not_tell_its_folder(batch):
    for part in (batch.path / "net").iterdir():
        part.unlink()
    with pytest.raises(zoo.InputError, match=r"^The batch out cannot be read now\.$"):
        offered_batches.sampled(batch, "net", max_files=100, max_bytes=10)
