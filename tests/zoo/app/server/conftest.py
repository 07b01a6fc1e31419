"""The app as a process, for the tests of what stands around its pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.serving import served


@pytest.fixture(scope="package")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the served app has its temporary files."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="package")
def app(temporary: Path) -> Iterator[tuple[str, int]]:
    """The app served with small limits and with metrics: its address, and the number of its process."""
    limits = {"ZOO_APP_UPLOADS_MB": "5", "ZOO_APP_UPLOADS_TOTAL_MB": "8", "ZOO_APP_METRICS": "1"}
    with served(**limits, ZOO_LISTENERS="2", TMPDIR=str(temporary)) as (address, process):
        yield address, process


@pytest.fixture
def address(app: tuple[str, int]) -> str:
    """Where the app is served."""
    return app[0]
