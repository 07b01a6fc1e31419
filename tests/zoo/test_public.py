"""The public names, which the package and editors read from one stub."""

import subprocess
import sys
from importlib.metadata import version

import pytest

import zoo


def test_a_star_import_brings_the_public_names():
    script = "from zoo import *; print(load.__module__, __version__)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["zoo.inference.load", zoo.__version__]


@pytest.mark.parametrize("name", sorted(set(zoo.__all__) - {"__version__"}))
def test_a_public_name_is_documented_and_listed(name):
    assert getattr(zoo, name).__doc__
    assert name in dir(zoo)


def test_the_version_is_that_of_the_distribution():
    assert zoo.__version__ == version("zoo-pretrained")
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"zoo {zoo.__version__}"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="attribute clasify"):
        zoo.clasify  # noqa: B018
