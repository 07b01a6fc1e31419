"""Fixtures for all tests: the media and golden numbers beside the checkout, and networks loaded once."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

import zoo
from zoo import Network

SHARED = Path(__file__).resolve().parents[2] / "shared"


def _shared(folder: str) -> Path:
    if not (SHARED / folder).is_dir():
        pytest.skip(f"needs {folder} in a folder 'shared' beside the checkout, which is not there")
    return SHARED / folder


@pytest.fixture(scope="session")
def media() -> Path:
    """Real photos and recordings."""
    return _shared("media")


@pytest.fixture(scope="session")
def golden() -> Path:
    """Outputs of the original implementations."""
    return _shared("golden")


@pytest.fixture(scope="session")
def net() -> Callable[[str], Network]:
    """A pretrained network by name, loaded once."""
    return cache(lambda name: zoo.load(name, device="cpu"))


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own for a test that fetches, and neither mirror nor offline switch."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("ZOO_CACHE", str(folder))
    monkeypatch.delenv("ZOO_MIRROR", raising=False)
    monkeypatch.delenv("ZOO_OFFLINE", raising=False)
    return folder
