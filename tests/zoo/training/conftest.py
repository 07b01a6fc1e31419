"""Class folders for the tests of transfer learning."""

from pathlib import Path

import pytest

from tests.zoo.training.examples import picture


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Class folders of three cats and four dogs."""
    for name, count in (("cat", 3), ("dog", 4)):
        for i in range(count):
            picture(tmp_path / "pets" / name / f"{i}.png")
    return tmp_path / "pets"
