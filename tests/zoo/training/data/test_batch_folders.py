"""The files of a batch as labeled examples."""

import pandas as pd
import pytest

import zoo


@pytest.fixture
def plan(tmp_path):
    """Make a batch folder of files, with its manifest only."""

    def make(source):
        zoo.batch(source, task="embed", network="squeezenet", out=tmp_path / "out", plan=True)
        return tmp_path / "out"

    return make


def test_the_class_of_a_file_is_its_folder(pets, plan):
    data = zoo.dataset(plan(pets))
    assert data.classes == ("cat", "dog")
    assert data.modality == "image"
    assert sorted(data.inputs) == sorted(pets.glob("*/*.png"))


def test_columns_of_the_table_tell_labels_and_groups(pets, plan):
    files = sorted(pets.glob("*/*.png"))
    table = pd.DataFrame({"file": files, "label": list("abababb"), "taker": ["x"] * len(files)}).map(str)
    table.to_csv(pets / "table.csv", index=False)
    out = plan(pets / "table.csv")
    assert zoo.dataset(out).counts().to_dict() == {"b": 4, "a": 3}
    assert set(zoo.dataset(out, group="taker").groups) == {"x"}
    with pytest.raises(zoo.InputError, match=r"manifest\.parquet has no column 'species'; it has 'number'"):
        zoo.dataset(out, label="species")
    files[0].unlink()
    with pytest.raises(zoo.InputError, match=r"a file that is not there, .* relative to the current folder"):
        zoo.dataset(out)
