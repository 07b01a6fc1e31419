"""Which files of the hub are asked for; a folder stands for the hub, no network is used."""

import shutil
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub.errors import IncompleteSnapshotError, LocalEntryNotFoundError
from huggingface_hub.utils import httpx

import zoo
from tests.zoo.training.data.test_hf_parquet import folder, pictures, write  # noqa: F401
from zoo.core.errors import InputError


@pytest.fixture
def hub(folder, tmp_path, monkeypatch):  # noqa: F811
    """{(repository, revision): folder}, what is on the hub, and the downloads."""
    there = {("owner/animals", "main"): folder}
    requests = []

    def list_files(self, repository, *, repo_type, revision):
        assert repo_type == "dataset"
        if (repository, revision) not in there:
            raise httpx.ConnectError("no route")
        base = there[repository, revision]
        return [path.relative_to(base).as_posix() for path in base.rglob("*") if path.is_file()]

    def download(repository, file, *, repo_type, revision):
        requests.append(file)
        return str(there[repository, revision] / file)

    monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", list_files)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return there, requests


def test_only_the_split_is_downloaded(hub):
    data = zoo.dataset("hf:owner/animals", split="test")
    assert hub[1] == ["data/test-00000-of-00001.parquet"]
    assert data.name == "hf:owner/animals"
    assert len(data) == 2


def test_what_is_published_otherwise_is_taken_from_the_hubs_own_parquet(hub, tmp_path):
    there, requests = hub
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "images.zip").write_bytes(b"x")
    write(tmp_path / "made" / "big" / "train" / "0000.parquet", pictures("a", "b"), [0, 1])
    write(tmp_path / "made" / "small" / "train" / "0000.parquet", pictures("c", "d"), [0, 1])
    there["owner/bare", "main"] = tmp_path / "bare"
    there["owner/bare", "refs/convert/parquet"] = tmp_path / "made"
    assert len(zoo.dataset("hf:owner/bare/small")) == 2
    assert requests == ["small/train/0000.parquet"]
    with pytest.raises(InputError, match="big, small; say which with hf:owner/bare/CONF"):
        zoo.dataset("hf:owner/bare")


def test_what_cannot_be_reached(hub):
    with pytest.raises(InputError, match=r"hf:owner/absent cannot be fetched: no route\."):
        zoo.dataset("hf:owner/absent")
    with pytest.raises(InputError, match="should be hf:owner/name"):
        zoo.dataset("hf:animals")
    with pytest.raises(InputError, match="does not exist"):
        zoo.dataset("hf:./absent")


def test_offline_takes_what_is_on_this_machine(hub, folder, tmp_path, monkeypatch):  # noqa: F811
    part = tmp_path / "snapshot"
    shutil.copytree(folder, part)
    for path in part.rglob("train*"):
        path.unlink()

    def snapshot(repository, *, repo_type, revision, local_files_only):
        assert local_files_only
        if repository != "owner/animals" or revision != "main":
            raise LocalEntryNotFoundError("absent")
        raise IncompleteSnapshotError("train was never wanted", str(part))

    monkeypatch.setenv("ZOO_OFFLINE", "1")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    assert len(zoo.dataset("hf:owner/animals", split="test")) == 2
    with pytest.raises(InputError, match="no split 'train'; it has test"):
        zoo.dataset("hf:owner/animals", split="train")
    with pytest.raises(InputError, match=r"hf:owner/other is not cached, .*ZOO_OFFLINE=1"):
        zoo.dataset("hf:owner/other")


def test_offline_and_nothing_there(tmp_path, monkeypatch):
    """With huggingface_hub itself, and an empty cache."""
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(InputError, match="is not cached"):
        zoo.dataset("hf:owner/animals")
    assert not Path(tmp_path / "hub").exists()
