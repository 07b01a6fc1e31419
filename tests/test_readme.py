"""What README says of the networks is what the records say."""

from pathlib import Path

import pytest

import zoo

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", zoo.networks())
def test_the_table_has_every_network_with_its_size_depth_accuracy_and_license(name):
    default, tag = zoo.describe(zoo.describe(name).arch), name.partition(".")[2]
    row = next(line for line in README.splitlines() if line.startswith(f"| `{default.name}` |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert name == default.name or f"`{tag}`" in cells[1]
    assert cells[2:5] == [default.title, f"{default.parameters / 1e6:.2f} M", str(default.depth)]
    assert cells[6] == default.license
    if default.modality == "image":
        assert cells[5] == f"{default.accuracy.value:g}"


def test_the_python_of_the_readme_is_valid():
    code = README.split("```python\n")[1].split("```")[0]
    compile(code, "README.md", "exec")
    assert len(code.strip().splitlines()) <= 12
