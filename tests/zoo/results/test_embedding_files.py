"""Files of vectors come back as they were, and say what is wrong with them where they do not."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import zoo
from tests.zoo.results.provenances import PROVENANCE
from zoo.core.errors import InputError
from zoo.results import Embedding, to_csv
from zoo.results.embedding_files import provenance_path, read_embedding, read_provenance

NAMES = ('=a, "b".wav', "NA", "'=c.wav")
VECTORS = Embedding(
    network="net",
    layer="layer",
    values=np.array([[1, 0.5], [-2, 0.25], [0, 1e-3]], np.float32),
    times=np.array([[0, 1], [0.5, 1.5], [0, 1]]),
    inputs=NAMES,
    provenance=PROVENANCE,
)
IMAGES = replace(VECTORS, times=None)
SUFFIXES = ("npz", "parquet", "csv")


def write(embedding: Embedding, path: Path) -> Path:
    if path.suffix == ".csv":
        path.write_text(to_csv(embedding.table()), encoding="utf-8")
        if embedding.provenance:
            provenance_path(path).write_bytes(embedding.provenance.to_json())
    else:
        path.write_bytes(embedding.to_npz() if path.suffix == ".npz" else embedding.to_parquet())
    return path


@pytest.mark.parametrize("embedding", [VECTORS, IMAGES, VECTORS[:0]], ids=["audio", "images", "empty"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_vectors_come_back_with_their_provenance(tmp_path, suffix, embedding):
    restored = zoo.read_embedding(write(embedding, tmp_path / f"v.{suffix}"))
    np.testing.assert_array_equal(restored.values, embedding.values)
    assert (restored.values.dtype, restored.inputs) == (np.float32, embedding.inputs)
    assert (restored.network, restored.layer, restored.provenance) == ("net", "layer", PROVENANCE)
    if embedding.times is None:
        assert restored.times is None
    else:
        np.testing.assert_array_equal(restored.times, embedding.times)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_does_not_say_what_made_it_is_refused(tmp_path, suffix):
    path = write(replace(VECTORS, provenance=None), tmp_path / f"v.{suffix}")
    with pytest.raises(InputError, match="does not say which network made its vectors"):
        read_embedding(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_vectors_of_another_width_than_the_canaries_are_refused(tmp_path, suffix):
    wide = replace(VECTORS, values=np.zeros((3, 5), np.float32))
    with pytest.raises(InputError, match="vectors of 5 numbers, and its provenance says 2"):
        read_embedding(write(wide, tmp_path / f"v.{suffix}"))


def test_other_programs_find_the_provenance(tmp_path):
    import pyarrow.parquet as pq

    path = write(VECTORS, tmp_path / "v.parquet")
    assert json.loads(pq.read_schema(path).metadata[b"zoo"])["weights"] == "a" * 64
    assert pd.read_parquet(path).shape == (3, 5)
    assert json.loads(str(np.load(io.BytesIO(VECTORS.to_npz()))["zoo"]))["network"] == "net"


def test_a_parquet_file_with_other_columns_has_a_provenance_but_is_no_embedding(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"path": ["a"], "score": [0.5]}, metadata={b"zoo": PROVENANCE.to_json()})
    pq.write_table(table, tmp_path / "v.parquet")
    assert read_provenance(tmp_path / "v.parquet") == PROVENANCE
    with pytest.raises(InputError, match="other columns than input"):
        read_embedding(tmp_path / "v.parquet")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"PAR1\xff\xff\xff\xffPAR1", b"PK\3\4 no archive"])
def test_garbage_gets_one_sentence(tmp_path, suffix, content):
    path = tmp_path / f"v.{suffix}"
    path.write_bytes(content)
    provenance_path(tmp_path / "v.csv").write_bytes(PROVENANCE.to_json())
    with pytest.raises(InputError) as caught:
        read_embedding(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["npz", "parquet"])
def test_a_file_cut_anywhere_gets_one_sentence(tmp_path, suffix):
    whole = write(VECTORS, tmp_path / f"whole.{suffix}").read_bytes()
    for end in range(0, len(whole) - 1, len(whole) // 25):
        (tmp_path / f"v.{suffix}").write_bytes(whole[:end])
        with pytest.raises(InputError):
            read_embedding(tmp_path / f"v.{suffix}")


def packed(path: Path, **members: bytes | np.ndarray) -> Path:
    """An npz with some members made by hand."""
    arrays = dict(np.load(io.BytesIO(VECTORS.to_npz())))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in {**arrays, **members}.items():
            content = io.BytesIO()
            if isinstance(member, bytes):
                content.write(member)
            else:
                np.save(content, member, allow_pickle=True)
            archive.writestr(f"{name}.npy", content.getvalue())
    return path


def promise(shape: str) -> bytes:
    """The header of an array of that shape, and no array."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()


@pytest.mark.parametrize(
    "members",
    [
        {"values": promise("(1000000000000, 2)")},
        {"values": promise("(-1, 2)")},
        {"zoo": promise("(1000000000000,)")},
        {"zoo": np.array([1.0])},
        {"zoo": np.array("{}")},
        {"values": np.zeros((3, 2))},
        {"values": np.zeros(3, np.float32)},
        {"inputs": np.array([1, 2, 3])},
        {"inputs": np.array(["a"])},
        {"inputs": np.array([{}, [], None], object)},
        {"times": np.zeros((1, 2))},
    ],
    ids=lambda members: next(iter(members)),
)
def test_a_hostile_archive_gets_one_sentence(tmp_path, members):
    with pytest.raises(InputError):
        read_embedding(packed(tmp_path / "v.npz", **members))


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.results.embedding_files._SMALL", 1 << 20)
    many = replace(
        VECTORS,
        values=np.zeros((500_000, 2), np.float32),
        times=np.zeros((500_000, 2)),
        inputs=("a" * 50,) * 500_000,
    )
    for suffix in ("npz", "parquet"):
        with pytest.raises(InputError, match="would unpack to more than 100 times its size"):
            read_embedding(write(many, tmp_path / f"v.{suffix}"))


@pytest.mark.parametrize(
    "table", [{"0": ["a"], "1": [2.0]}, {"0": [1.0], "2": [2.0]}, {"0": [None], "1": [[1]]}]
)
def test_a_parquet_file_of_other_types_gets_one_sentence(tmp_path, table):
    import pyarrow as pa
    import pyarrow.parquet as pq

    metadata = {b"zoo": PROVENANCE.to_json()}
    pq.write_table(pa.table({"input": ["x"], **table}, metadata=metadata), tmp_path / "v.parquet")
    with pytest.raises(InputError):
        read_embedding(tmp_path / "v.parquet")


@pytest.mark.parametrize("inputs", [[1], [None]])
def test_inputs_must_be_texts(tmp_path, inputs):
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"input": inputs, "0": [1.0], "1": [2.0]}, metadata={b"zoo": PROVENANCE.to_json()})
    pq.write_table(table, tmp_path / "v.parquet")
    with pytest.raises(InputError, match="the column of inputs"):
        read_embedding(tmp_path / "v.parquet")


@pytest.mark.parametrize(
    "text", ["input,0,1\na,1\nb,1,2,3\n", "input,0,1\na,x,2\n", "input,0,1", "0,1\n1,2\n"]
)
def test_a_csv_that_is_no_embedding_gets_one_sentence_or_no_rows(tmp_path, text):
    provenance_path(tmp_path / "v.csv").write_bytes(PROVENANCE.to_json())
    (tmp_path / "v.csv").write_text(text)
    if text == "input,0,1":
        assert len(read_embedding(tmp_path / "v.csv")) == 0
    else:
        with pytest.raises(InputError):
            read_embedding(tmp_path / "v.csv")


def test_only_files_of_vectors_are_read(tmp_path):
    with pytest.raises(InputError, match=r"ends with \.parquet, \.npz, \.csv"):
        read_embedding(tmp_path / "v.txt")
    with pytest.raises(InputError, match="does not exist"):
        read_embedding(tmp_path / "v.npz")
