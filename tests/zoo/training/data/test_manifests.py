"""Tables that name files and their labels."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import zoo
from zoo.core.errors import InputError


@pytest.fixture
def rows(pets):
    return pd.DataFrame(
        {
            "file": [f"{name}/{i}.png" for name in ("cat", "dog") for i in range(3)],
            "label": ["NA", "NA", "NA", "dog, large", "dog, large", "dog, large"],
            "group": ["x", "y", "y", "x", "x", "z"],
            "split": ["train", "train", "test", "train", "test", "test"],
        }
    )


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_manifest(pets, rows, suffix):
    path = pets / f"manifest{suffix}"
    rows.to_csv(path, index=False) if suffix == ".csv" else rows.to_parquet(path)
    data = zoo.dataset(path)
    assert data.classes == ("NA", "dog, large")
    assert data.groups == tuple(rows["group"])
    assert [str(x.relative_to(pets)) for x in data.inputs] == list(rows["file"])
    test = zoo.dataset(path, split="test")
    assert [str(x.relative_to(pets)) for x in test.inputs] == ["cat/2.png", "dog/1.png", "dog/2.png"]
    assert test.groups == ("y", "x", "z")
    with pytest.raises(InputError, match=r"no rows of the split 'val'; it has test, train"):
        zoo.dataset(path, split="val")
    by_group = zoo.dataset(path, label="group", group="split")
    assert by_group.classes == ("x", "y", "z")
    assert set(by_group.groups) == {"train", "test"}


def test_a_manifest_with_numbers_and_gaps(pets, rows):
    table = pa.table({"file": list(rows["file"]), "label": pa.array([7, 7, None, 10, 10, 10])})
    pq.write_table(table, pets / "m.parquet")
    data = zoo.dataset(pets / "m.parquet")
    assert data.counts().to_dict() == {"10": 3, "7": 2}
    assert [problem.reason for problem in data.problems] == [f"{pets / 'cat' / '2.png'} has no label."]
    assert data.groups is None


def test_manifests_with_something_missing(pets, rows):
    path = pets / "m.csv"
    for column in ("file", "label"):
        rows.drop(columns=column).to_csv(path, index=False)
        with pytest.raises(InputError, match=f"has no column '{column}'; it has .*'group', 'split'"):
            zoo.dataset(path)
    rows.drop(columns="split").to_csv(path, index=False)
    with pytest.raises(InputError, match="has no column 'split'"):
        zoo.dataset(path, split="train")
    with pytest.raises(InputError, match="has no column 'speaker'"):
        zoo.dataset(path, group="speaker")
    rows.iloc[:0].to_csv(path, index=False)
    with pytest.raises(InputError, match="has no rows"):
        zoo.dataset(path)
    (pets / "dog" / "0.png").unlink()
    (pets / "dog" / "1.png").unlink()
    rows.to_csv(path, index=False)
    with pytest.raises(InputError, match=r"names 2 files that are not there, such as 'dog/0\.png'"):
        zoo.dataset(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'a,b\n1,2,3\n"'])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_what_is_no_table(tmp_path, content, suffix):
    path = tmp_path / f"m{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"m\.(csv|parquet)"):
        zoo.dataset(path)
    with pytest.raises(InputError, match="does not exist"):
        zoo.dataset(tmp_path / f"absent{suffix}")


def test_what_excel_writes(pets, rows):
    rows.to_csv(pets / "m.csv", index=False, encoding="utf-8-sig")
    assert len(zoo.dataset(pets / "m.csv")) == 6


@pytest.mark.parametrize("name", ["x" * 5000, "a/" * 3000 + "b", "a\0b"])
def test_names_that_no_file_system_takes(pets, rows, name):
    rows["file"] = name
    rows.to_parquet(pets / "m.parquet")
    with pytest.raises(InputError, match="names 6 files that are not there") as caught:
        zoo.dataset(pets / "m.parquet")
    assert len(str(caught.value)) < 500


def test_a_billion_rows_in_a_small_file_are_refused(pets):
    table = pa.table({"file": ["cat/0.png"] * 1_000_001, "label": ["cat"] * 1_000_001})
    pq.write_table(table, pets / "m.parquet")
    assert (pets / "m.parquet").stat().st_size < 10_000
    with pytest.raises(InputError, match="has 1000001 rows, and 1000000 are allowed"):
        zoo.dataset(pets / "m.parquet")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_cells_that_are_far_too_long_are_refused(pets, rows, suffix):
    rows["label"] = "x" * 20_000
    path = pets / f"m.{suffix}"
    rows.to_csv(path, index=False) if suffix == "csv" else rows.to_parquet(path)
    with pytest.raises(InputError, match="10000 characters at most, not 20000"):
        zoo.dataset(path)


def test_a_bomb_is_refused_before_it_is_unpacked(pets, rows):
    rows["label"] = [chr(97 + i) * 20_000_000 for i in range(6)]
    rows.to_parquet(pets / "m.parquet", compression="zstd")
    with pytest.raises(InputError, match="more than 100 times its size"):
        zoo.dataset(pets / "m.parquet")


def test_dates_and_lists_are_text(pets, rows):
    column = pa.array([0, 0, 0, 10**9, 10**9, 10**9], pa.timestamp("s"))
    pq.write_table(pa.table({"file": list(rows["file"]), "label": column}), pets / "m.parquet")
    assert zoo.dataset(pets / "m.parquet").classes == ("1970-01-01 00:00:00", "2001-09-09 01:46:40")
    out_of_range = pa.array([2**62] * 6, pa.timestamp("us"))
    pq.write_table(pa.table({"file": list(rows["file"]), "label": out_of_range}), pets / "m.parquet")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        zoo.dataset(pets / "m.parquet")


@pytest.mark.parametrize(
    ("columns", "says"), [(100_000, "has 100002 columns, and 1000 are allowed"), (10**6, "has a line of")]
)
def test_a_header_of_far_too_many_columns_is_refused_before_it_is_a_table(pets, monkeypatch, columns, says):
    (pets / "m.csv").write_text("x," * columns + "file,label\ncat/0.png,cat\n")
    monkeypatch.setattr(pd, "DataFrame", None)
    with pytest.raises(InputError, match=says):
        zoo.dataset(pets / "m.csv")


def test_a_cell_beyond_the_columns_is_refused_and_empty_ones_are_left_out(pets, rows):
    rows[["file", "label"]].to_csv(pets / "m.csv", index=False)
    text = (pets / "m.csv").read_text()
    (pets / "m.csv").write_text(text.replace("NA\n", "NA,,\n") + "\n,\n")
    assert zoo.dataset(pets / "m.csv").counts().to_dict() == {"NA": 3, "dog, large": 3}
    (pets / "m.csv").write_text(text.replace('"', ""))
    with pytest.raises(InputError, match=r"more cells than columns in line 5; quote text with commas"):
        zoo.dataset(pets / "m.csv")


def test_a_manifest_of_empty_lines_is_refused(pets):
    (pets / "m.csv").write_text("\n \n")
    with pytest.raises(InputError, match=r"m\.csv is empty\."):
        zoo.dataset(pets / "m.csv")
