"""What README says of the networks is what the records say."""

from pathlib import Path

import pytest

import zoo

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", zoo.networks())
def test_the_table_has_every_network_with_its_size_and_licence(name):
    spec = zoo.describe(name)
    row = next(line for line in README.splitlines() if line.startswith(f"| `{name}` |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1] == spec.title
    assert cells[3] == f"{spec.parameters / 1e6:.2f} M"
    assert cells[5] == spec.licence


def test_the_python_of_the_readme_is_valid():
    code = README.split("```python\n")[1].split("```")[0]
    compile(code, "README.md", "exec")
    assert len(code.strip().splitlines()) <= 12
