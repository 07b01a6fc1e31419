"""What README and docs/networks.md say is what the records say, and the examples run."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import zoo

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NETWORKS = (ROOT / "docs" / "networks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", zoo.networks())
def test_the_table_has_every_network_with_its_size_depth_accuracy_and_license(name):
    default, tag = zoo.describe(zoo.describe(name).arch), name.partition(".")[2]
    row = next(line for line in NETWORKS.splitlines() if line.startswith(f"| `{default.name}` |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert name == default.name or f"`{tag}`" in cells[1]
    assert cells[2:5] == [default.title, f"{default.parameters / 1e6:.2f} M", str(default.depth)]
    assert cells[6] == default.license
    if default.modality == "image":
        assert cells[5] == f"{default.accuracy.value:g}"


@pytest.mark.parametrize("name", ["squeezenet", "efficientnet_lite0", "nasnetlarge"])
def test_the_choice_of_a_network_has_its_accuracy(name):
    row = next(line for line in README.splitlines() if f"| `{name}` |" in line)
    spec = zoo.describe(name)
    assert f"{spec.parameters / 1e6:.2f} M" in row
    assert f"{spec.accuracy.value:g} % top-1" in row


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The files that the examples name, in the current folder."""
    samples = {
        "photo.jpg": "rocket.jpg",
        "other.jpg": "rocket.jpg",
        "street.wav": "bicycle-bell.wav",
        "melody.wav": "melody.wav",
    }
    for name, sample in samples.items():
        shutil.copy(zoo.sample(sample), tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_python_of_the_readme_runs(files):
    (code,) = blocks(README)
    assert len(code.strip().splitlines()) <= 12
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["vectors"].shape == (2, 1280)
    assert "Bicycle bell" in names["events"].table()["label"].tolist()
    assert names["track"].note_names()[30] == "C4"


def test_the_examples_of_docs_python_run(files):
    names = {"zoo": zoo, "microphone": np.zeros((3, 22050), np.float32)}
    for code in blocks((ROOT / "docs" / "python.md").read_text(encoding="utf-8")):
        exec(compile(code, "docs/python.md", "exec"), names)
    assert names["windows"].values.shape[1] == 1024
    assert [label.label for label in names["student"].labels] == ["ant", "bee"]
    assert (files / "melody.mid").read_bytes()[:4] == b"MThd"
    assert (files / "net.onnx").stat().st_size > 1e6


def blocks(document: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", document, re.DOTALL)
