"""Which libraries belong to which extra, and the sentence for one that is missing."""

import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import zoo
from zoo.core.extras import EXTRAS, optional_libraries, require

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]


def declared(extra: str) -> set[str]:
    """Distributions that an extra of the metadata names, other extras of this project apart."""
    names = {re.match(r"[\w.-]+", line)[0] for line in PROJECT["optional-dependencies"][extra]}
    return {name.lower() for name in names} - {"zoo-pretrained"}


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_table_has_what_the_metadata_declare(extra):
    of = packages_distributions() | {"pkg_resources": ["setuptools"]}
    assert {of[module][0].lower() for module in EXTRAS[extra]} == declared(extra)


def test_all_is_every_extra():
    (line,) = PROJECT["optional-dependencies"]["all"]
    assert set(re.search(r"\[(.+)\]", line)[1].split(",")) == set(EXTRAS)


def test_a_missing_library_is_named_with_the_command_that_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "librosa", None)
    with (
        pytest.raises(zoo.MissingLibraryError, match=r"^librosa .* pip install 'zoo-pretrained\[hub\]'\.$"),
        optional_libraries(),
    ):
        import librosa.filters  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match="surely_absent"), optional_libraries():
        import surely_absent  # noqa: F401


def test_a_library_is_looked_for_without_importing_it():
    require("umap")
    with pytest.raises(ModuleNotFoundError):
        require("surely_absent")
