"""What README and docs/networks.md say is what the records say, and the examples run."""

import shutil
from pathlib import Path

import pytest

import zoo

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NETWORKS = (ROOT / "docs" / "networks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", zoo.networks())
def test_the_table_has_every_network_with_its_size_depth_accuracy_and_licence(name):
    default, tag = zoo.describe(zoo.describe(name).arch), name.partition(".")[2]
    row = next(line for line in NETWORKS.splitlines() if line.startswith(f"| `{default.name}` |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert name == default.name or f"`{tag}`" in cells[1]
    assert cells[2:5] == [default.title, f"{default.parameters / 1e6:.2f} M", str(default.depth)]
    assert cells[6] == default.licence
    if default.modality == "picture":
        assert cells[5] == f"{default.accuracy.value:g}"


@pytest.mark.parametrize("name", ["squeezenet", "efficientnet_lite0", "nasnetlarge"])
def test_the_choice_of_a_network_has_its_accuracy(name):
    row = next(line for line in README.splitlines() if f"| `{name}` |" in line)
    spec = zoo.describe(name)
    assert f"{spec.parameters / 1e6:.2f} M" in row
    assert f"{spec.accuracy.value:g} % top-1" in row


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    for name, sample in (
        ("photo.jpg", "rocket.jpg"),
        ("other.jpg", "rocket.jpg"),
        ("street.wav", "bicycle-bell.wav"),
    ):
        shutil.copy(zoo.sample(sample), tmp_path / name)
    shutil.copy(zoo.sample("melody.wav"), tmp_path)
    monkeypatch.chdir(tmp_path)
    code = README.split("```python\n")[1].split("```")[0]
    assert len(code.strip().splitlines()) <= 12
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["vectors"].shape == (2, 1280)
    assert "Bicycle bell" in names["events"].table()["label"].tolist()
    assert names["track"].note_names()[30] == "C4"
