"""Batches of what object stores hold: Amazon's protocol by moto's server, the hub's by one like it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
import s3fs
from huggingface_hub import HfFileSystem
from moto.server import ThreadedMotoServer

import zoo
from tests.zoo.batches import stand_in
from tests.zoo.batches.conftest import rows
from tests.zoo.batches.hub_server import REPOSITORY, hub
from zoo.batches.contents import open_content
from zoo.batches.folder import open_batch
from zoo.batches.manifest import File
from zoo.batches.pictures import read_picture
from zoo.batches.sources import list_files
from zoo.vision.decoding import decode

SUFFIXES = {".jpg"}
NAMES = [f"{letter}{i}.jpg" for letter in "ab" for i in range(9)]  # two shards
ODD = "c d#+%20ü.jpg"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


@pytest.fixture
def store(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[s3fs.S3FileSystem]:
    """A store of this machine with the empty bucket ``photos``, for this process and those that it starts."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    s3fs.S3FileSystem.clear_instance_cache()
    system = s3fs.S3FileSystem()
    system.mkdir("photos")
    yield system
    system.rm("photos", recursive=True)
    s3fs.S3FileSystem.clear_instance_cache()


def hashes(out: Path) -> dict[str, str]:
    """Hashes of the contents by path, in a batch folder."""
    table = rows(out)
    return dict(zip(table["path"].to_pylist(), table["sha256"].to_pylist(), strict=True))


def test_a_bucket_is_listed_read_and_gone_on_with(run, store, tmp_path):
    contents = {f"s3://photos/x/{name}": name.encode() for name in [*NAMES, ODD]}
    store.pipe(contents | {"s3://photos/notes.txt": b"notes"})

    def expected() -> dict[str, str]:
        return {url: hashlib.sha256(content).hexdigest() for url, content in contents.items()}

    stand_in.run("s3://photos", tmp_path / "out", workers=1)
    assert hashes(tmp_path / "out") == expected()
    first, second = sorted(tmp_path.glob("out/one/part-*"))
    second.unlink()
    before = first.stat().st_mtime_ns
    changes = {"s3://photos/x/a1.jpg": b"changed", "s3://photos/y.jpg": b"new"}
    contents |= changes
    store.pipe(changes)
    store.rm("photos/x/b1.jpg")
    del contents["s3://photos/x/b1.jpg"]
    stand_in.run("s3://photos", tmp_path / "out", workers=1)
    assert hashes(tmp_path / "out") == expected()
    assert first.stat().st_mtime_ns == before


def test_an_image_in_a_bucket_is_the_one_on_the_disk(store):
    photo = zoo.sample("rocket.jpg")
    store.put(str(photo), "photos/rocket.jpg")
    picture = read_picture(File(0, "s3://photos/rocket.jpg"))
    assert picture.image is not None
    np.testing.assert_array_equal(picture.image, decode(photo))


def test_a_key_that_is_missing_is_named_and_the_rest_is_done(run, store, tmp_path):
    store.pipe({"s3://photos/a.jpg": b"a"})
    table = tmp_path / "list.csv"
    table.write_text("file\ns3://photos/absent.jpg\ns3://photos/a.jpg\ns3://nowhere/a.jpg\n")
    stand_in.run(table, tmp_path / "out", workers=1)
    assert open_batch(tmp_path / "out").failures["error"].to_pylist() == [
        "s3://photos/absent.jpg does not exist.",
        "s3://nowhere/a.jpg does not exist.",
    ]
    assert open_batch(tmp_path / "out").table()["path"].to_pylist() == ["s3://photos/a.jpg"]


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("s3://nowhere/a", "s3://nowhere/a does not exist"),
        ("s3://photos/absent/", "s3://photos/absent/ does not exist"),
        ("s3://photos/a/*.png", "Found no files of the right kind in s3://photos/a/"),
        ("s3://not_a_bucket!/a", "s3://not_a_bucket!/a cannot be read: Parameter validation failed"),
    ],
)
def test_a_bucket_or_folder_that_is_not_there_is_one_sentence(store, url, match):
    store.pipe({"s3://photos/a/1.jpg": b"1"})
    with pytest.raises(zoo.InputError, match=match) as caught:
        list_files(url, SUFFIXES)
    assert "\n" not in str(caught.value)


def test_without_keys_a_bucket_is_refused_in_one_sentence(store, tmp_path, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "absent"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "absent"))
    with pytest.raises(zoo.InputError, match="s3://photos cannot be read: Unable to locate credentials"):
        list_files("s3://photos", SUFFIXES)


def test_a_data_set_of_the_hub_is_listed_and_read_again_when_its_content_changes(run, tmp_path, monkeypatch):
    files = {"x/a.jpg": b"one", "x/y/b c.jpg": b"two", "README.md": b"text"}
    url = f"hf://datasets/{REPOSITORY}"
    with hub(files) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)  # for workers; this process has read it already
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
        HfFileSystem.clear_instance_cache()
        try:
            stand_in.run(f"{url}/x", tmp_path / "out", workers=1)
            first = hashes(tmp_path / "out")
            assert first == {
                f"{url}/x/{name}": hashlib.sha256(content).hexdigest()
                for name, content in (("a.jpg", b"one"), ("y/b c.jpg", b"two"))
            }
            files["x/a.jpg"] = b"won"  # of the same size, and the hub gives no time
            stand_in.run(f"{url}/x", tmp_path / "out", workers=1)
            assert hashes(tmp_path / "out") == first | {f"{url}/x/a.jpg": hashlib.sha256(b"won").hexdigest()}
            with pytest.raises(zoo.InputError, match=f"{url}/absent does not exist"):
                list_files(f"{url}/absent", SUFFIXES)
            with pytest.raises(zoo.InputError, match="hf://datasets/owner/absent/x does not exist"):
                list_files("hf://datasets/owner/absent/x", SUFFIXES)
            with pytest.raises(zoo.InputError, match=f"{url}/x/absent.jpg does not exist"):
                open_content(f"{url}/x/absent.jpg")
        finally:
            HfFileSystem.clear_instance_cache()
