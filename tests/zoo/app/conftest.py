"""The pages as a server runs them, in which nobody imported Keras."""

import gc
import sys
from collections.abc import Iterator
from functools import cache

import pytest
from streamlit.components.v2 import manifest_scanner

MAIN = sys.modules["__main__"]  # before a fixture of a module runs a page


@pytest.fixture(autouse=True)
def without_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each run of a page Streamlit clears the session of Keras, if other tests have imported it.

    That collects the garbage of all they left, for a second each time.
    """
    monkeypatch.delitem(sys.modules, "keras", raising=False)


@pytest.fixture(scope="session", autouse=True)
def components_of_packages() -> Iterator[None]:
    """Have Streamlit read the metadata of all packages once, and not for each page that a test runs."""
    with pytest.MonkeyPatch.context() as patch:
        scan = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(autouse=True)
def projects_of_this_test(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep projects of tests away from those of the machine."""
    monkeypatch.setenv("ZOO_APP_PROJECTS", str(tmp_path_factory.mktemp("projects")))


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Put back the main module, in whose place Streamlit puts the page: spawned processes would run it."""
    yield
    sys.modules["__main__"] = MAIN


@pytest.fixture(scope="module", autouse=True)
def unfrozen() -> Iterator[None]:
    """Leave to later tests nothing that `zoo.app.services.memory` keeps from being collected."""
    yield
    gc.unfreeze()
