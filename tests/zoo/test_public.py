"""The public names: what the package loads, what the stub shows to editors, and that both agree."""

import ast
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import zoo


def test_the_stub_names_what_the_package_has():
    tree = ast.parse(Path(zoo.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    stub = {
        alias.asname: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert stub == zoo._PUBLIC
    assert sorted([*stub, "__version__"]) == dir(zoo)


@pytest.mark.parametrize("name", sorted(zoo._PUBLIC))
def test_a_public_name_is_documented(name):
    assert getattr(zoo, name).__doc__


def test_the_version_is_that_of_the_distribution():
    assert zoo.__version__ == version("zoo-pretrained")
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"zoo {zoo.__version__}"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'clasify'"):
        zoo.clasify  # noqa: B018
