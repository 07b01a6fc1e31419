"""Hugging Face's layout: Parquet files of {bytes, path}, and which of them are meant."""

import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import zoo
from tests.zoo.training.examples import png, sound, tree
from zoo.core.errors import InputError
from zoo.training.data.hf_parquet import shards

NAMES = ["zebra", "ant", "unseen"]


def write(path, cells, labels, *, media="image", names=NAMES, more=(), features=True):
    """A file as the package datasets writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {
        media: pa.array(cells, pa.struct({"bytes": pa.binary(), "path": pa.string()})),
        "label": pa.array(labels),
        **dict(more),
    }
    kinds = {media: {"_type": media.title()}}
    if names:
        kinds["label"] = {"names": names, "_type": "ClassLabel"}
    table = pa.table(columns)
    if features:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": kinds}})})
    pq.write_table(table, path)
    return path


def pictures(*contents):
    return [{"bytes": png(content), "path": f"{content}.png"} for content in contents]


@pytest.fixture
def folder(tmp_path, empty_cache):
    data = tmp_path / "animals" / "data"
    write(data / "train-00000-of-00002.parquet", pictures("a", "b", "c"), [0, 1, 0])
    write(data / "train-00001-of-00002.parquet", pictures("d", "e"), [1, 1])
    write(data / "test-00000-of-00001.parquet", pictures("f", "g"), [1, 0])
    return tmp_path / "animals"


def test_a_local_folder(folder, empty_cache):
    data = zoo.dataset(f"hf:{folder}")
    assert data.modality == "image"
    assert data.classes == ("zebra", "ant")  # in the publisher's order
    np.testing.assert_array_equal(data.targets, [0, 1, 0, 1, 1])
    assert [path.read_bytes() for path in data.inputs] == [png(x) for x in "abcde"]
    assert all(path.suffix == ".png" and empty_cache in path.parents for path in data.inputs)
    assert [problem.reason for problem in data.problems] == [
        "The class 'unseen' has no example that can be used."
    ]
    test = zoo.dataset(f"hf:{folder}", split="test", classes=data.classes)
    np.testing.assert_array_equal(test.targets, [1, 0])
    with pytest.raises(InputError, match=r"no split 'validation'; it has test, train"):
        zoo.dataset(f"hf:{folder}", split="validation")


def test_examples_are_taken_out_once(folder, monkeypatch):
    first = zoo.dataset(f"hf:{folder}")
    monkeypatch.setattr("zoo.training.data.hf_parquet._take_out", lambda *_: pytest.fail("taken out again"))
    assert list(zoo.dataset(f"hf:{folder}").inputs) == list(first.inputs)


def test_sounds_with_names_for_labels_and_groups(tmp_path, empty_cache):
    content = [sound(tmp_path / f"{i}.wav").read_bytes() for i in range(4)]
    cells = [{"bytes": content[i], "path": "../../x/évil.wav" if i else None} for i in range(4)]
    more = {"speaker": ["x", "y", "x", "y"], "word": ["no", "yes", "yes", "no"]}
    write(tmp_path / "d" / "train.parquet", cells, ["b", "a", "b", "a"], media="audio", names=None, more=more)
    data = zoo.dataset(f"hf:{tmp_path / 'd'}", group="speaker")
    assert data.modality == "audio"
    assert data.classes == ("a", "b")
    assert data.groups == ("x", "y", "x", "y")
    assert [path.suffix for path in data.inputs] == ["", ".wav", ".wav", ".wav"]
    assert zoo.dataset(f"hf:{tmp_path / 'd'}", label="word").classes == ("no", "yes")
    with pytest.raises(InputError, match=r"no column 'who'; it has audio, label, speaker, word"):
        zoo.dataset(f"hf:{tmp_path / 'd'}", group="who")


def test_rows_that_lack_something(tmp_path, empty_cache):
    cells = [
        *pictures("a", "b", "c", "d"),
        {"bytes": None, "path": "x.png"},
        None,
        {"bytes": b"x", "path": ""},
    ]
    write(tmp_path / "d" / "train.parquet", cells, [0, 1, -1, None, 0, 1, 0], features=True)
    data = zoo.dataset(f"hf:{tmp_path / 'd'}")
    assert len(data) == 2
    reasons = [problem.reason for problem in data.problems]
    assert [reason.partition(" of ")[0] for reason in reasons[:4]] == ["Row 3", "Row 4", "Row 5", "Row 6"]
    assert reasons[0].endswith("has no label.")
    assert reasons[2].endswith("has no bytes in 'image'.")
    assert "is not a picture" in reasons[4]


def test_columns_without_a_word_of_what_they_are(tmp_path, empty_cache):
    write(tmp_path / "d" / "train.parquet", pictures("a", "b"), [3, 12], features=False)
    assert zoo.dataset(f"hf:{tmp_path / 'd'}").classes == ("12", "3")


def test_several_labels_need_a_word(tmp_path, empty_cache):
    path = tmp_path / "d" / "train.parquet"
    write(path, pictures("a", "b"), [0, 1], more={"coarse": [1, 0]})
    table = pq.read_table(path).rename_columns(["image", "fine", "coarse"])
    kinds = {
        name: {"_type": "ClassLabel", "names": [f"{name} 0", f"{name} 1"]} for name in ("fine", "coarse")
    }
    metadata = {"huggingface": json.dumps({"info": {"features": kinds}})}
    pq.write_table(table.replace_schema_metadata(metadata), path)
    with pytest.raises(InputError, match=r"labels fine, coarse; say which with label="):
        zoo.dataset(f"hf:{tmp_path / 'd'}")
    assert zoo.dataset(f"hf:{tmp_path / 'd'}", label="coarse").classes == ("coarse 0", "coarse 1")


def test_files_that_are_damaged_or_hold_something_else(tmp_path, folder, empty_cache):
    (tmp_path / "text").mkdir()
    pq.write_table(pa.table({"text": ["a"], "label": [0]}), tmp_path / "text" / "train.parquet")
    with pytest.raises(InputError, match=r"no column of pictures or sounds \(text, label\)"):
        zoo.dataset(f"hf:{tmp_path / 'text'}")
    path = folder / "data" / "train-00001-of-00002.parquet"
    content = bytearray(path.read_bytes())
    content[20:60] = bytes(40)
    path.write_bytes(content)
    before = tree(tmp_path / "animals")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        zoo.dataset(f"hf:{folder}")
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        zoo.dataset(f"hf:{folder}")
    assert tree(tmp_path / "animals").keys() == before.keys()
    assert not [name for name in tree(empty_cache / "datasets") if not name.endswith(".lock")]


@pytest.mark.parametrize(
    ("paths", "config", "split", "expected"),
    [
        (["data/train-00000-of-00001-a1b2c3.parquet"], None, None, [0]),
        (["plain/train-00000-of-00001.parquet", "plain/test-00000-of-00001.parquet"], None, None, [0]),
        (["x/train/0000.parquet", "x/train/0001.parquet", "x/test/0000.parquet"], None, "train", [0, 1]),
        (["x/train/0000.parquet", "y/train/0000.parquet"], "y", None, [1]),
        (["default/train/0000.parquet", "y/train/0000.parquet"], None, None, [0]),
        (["data/train/0000.parquet", "README.md"], None, None, [0]),
        (["validation.parquet"], None, None, [0]),
        (["train.parquet", "test.parquet"], "default", "test", [1]),
    ],
)
def test_which_files(paths, config, split, expected):
    assert shards(paths, "hf:a/b", config, split) == [paths[i] for i in expected]


@pytest.mark.parametrize(
    ("paths", "config", "split", "match"),
    [
        (["README.md"], None, None, "has no Parquet files"),
        (
            ["x/train/0.parquet", "y/train/0.parquet"],
            None,
            None,
            r"configurations x, y; say which with hf:a/b/CONF",
        ),
        (["x/train/0.parquet"], "z", None, "no configuration 'z'; it has x"),
        (["a.parquet", "b.parquet"], None, None, "splits a, b; say which with split="),
        (["train-00000-of-00003.parquet"], None, None, "has 1 of the 3 files of 'train'"),
    ],
)
def test_which_files_is_not_clear(paths, config, split, match):
    with pytest.raises(InputError, match=match):
        shards(paths, "hf:a/b", config, split)


def test_one_long_value_in_many_rows_is_refused(tmp_path, monkeypatch, empty_cache):
    monkeypatch.setenv("ZOO_MAX_UNPACKED", "1000000")
    cells = [{"bytes": bytes(100_000), "path": "a.png"}] * 60
    write(tmp_path / "set" / "train.parquet", cells, [0, 1] * 30)
    with pytest.raises(InputError, match="more than 1 MB; ZOO_MAX_UNPACKED"):
        zoo.dataset(f"hf:{tmp_path / 'set'}")
    assert not any(path.suffix == ".png" for path in empty_cache.rglob("*"))


def test_labels_that_are_far_too_long_are_refused(tmp_path, empty_cache):
    labels = ["x" * 20_000, "b"]
    write(tmp_path / "set" / "train.parquet", pictures("a", "b"), labels, names=None)
    with pytest.raises(InputError, match="more than 10000 characters"):
        zoo.dataset(f"hf:{tmp_path / 'set'}")


DAMAGE = """
import sys
from pathlib import Path
import pyarrow as pa, pyarrow.parquet as pq
from zoo.core.errors import InputError
from zoo.training.data.columns import rows
path = Path(sys.argv[1])
pq.write_table(pa.table({"label": ["a", None, "b"]}), path)
whole = path.read_bytes()
for place in range(len(whole) - 8 - int.from_bytes(whole[-8:-4], "little"), len(whole)):
    for bit in (1, 2, 4):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        try:
            list(rows(path, ["label"], "it"))
        except InputError:
            pass
"""


def test_damaged_metadata_does_not_end_the_process(tmp_path):
    """As pyarrow does where the record of a column contradicts itself, if that is asked for."""
    run = subprocess.run(
        [sys.executable, "-c", DAMAGE, tmp_path / "x.parquet"], capture_output=True, text=True
    )
    assert (run.returncode, run.stderr) == (0, "")
