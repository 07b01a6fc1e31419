"""Runs of a batch whose worker processes have a stand-in for the networks."""

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from tests.zoo.batches import stand_in
from zoo.batches import workers
from zoo.batches.folder import open_batch

ROOT = Path(__file__).parents[3]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Run a batch on files, by default all below the folder ``files``."""
    monkeypatch.setattr(workers, "MODULE", stand_in.MODULE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))))
    return lambda *arguments, **options: stand_in.run(tmp_path / "files", tmp_path / "out", **options)


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., None]:
    """Write files, each with its own name as content."""

    def write(*names: str, content: str = "") -> None:
        for name in names:
            path = tmp_path / "files" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content or name)

    return write


def rows(out: Path, network: str = "one") -> pa.Table:
    """All rows of a batch folder that count, failures included, by number."""
    return open_batch(out).dataset(network).to_table().replace_schema_metadata(None).sort_by("number")


def names(out: Path) -> list[str]:
    """Names of the files that have a row, in the order of the rows."""
    return [Path(path).name for path in rows(out)["path"].to_pylist()]
