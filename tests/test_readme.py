"""What README and docs/networks.md say is what the records say, and the examples run."""

import glob
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import zoo
from zoo.cli import app

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


def test_the_python_of_the_readme_runs(readme_files):
    (code,) = blocks(README, "python")
    assert len(code.strip().splitlines()) <= 12
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["vectors"].shape == (2, 1280)
    assert "Bicycle bell" in names["events"].table()["label"].tolist()
    assert names["track"].note_names()[30] == "C4"


def test_the_examples_of_docs_python_run(readme_files):
    names = {"zoo": zoo, "microphone": np.zeros((3, 22050), np.float32)}
    for code in blocks((ROOT / "docs" / "python.md").read_text(encoding="utf-8"), "python"):
        exec(compile(code, "docs/python.md", "exec"), names)
    assert names["windows"].values.shape[1] == 1024
    assert [label.label for label in names["student"].labels] == ["ant", "bee"]
    assert (readme_files / "melody.mid").read_bytes()[:4] == b"MThd"
    assert (readme_files / "net.onnx").stat().st_size > 1e6


def test_the_commands_of_the_readme_run(readme_files):
    """All but those of make, which run these tests, and `zoo app`, which tests/test_wheel.py starts."""
    _, code = blocks(README, "sh")
    for shade in (0, 90, 160, 250):  # what is trained on
        folder = readme_files / "ants-bees" / "train" / ("ants" if shade < 100 else "bees")
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(3):
            Image.new("RGB", (48, 48), (shade, shade, number)).save(folder / f"{shade}-{number}.png")
    for line in code.splitlines():
        command, _, output = line.partition("#")[0].partition(">")
        _, *words = [file for word in shlex.split(command) for file in glob.glob(word) or [word]]
        if words[0] != "app":
            done = CliRunner().invoke(app, words)
            assert done.exit_code == 0, f"{line}: {done.output}"
            assert not output or "time" in done.stdout
    for name in ("heat.png", "melody.mid", "again.wav", "vectors.parquet", "insects"):
        assert (readme_files / name).exists()


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", document, re.DOTALL)
