"""A batch folder whose parts are damaged, or are not parts, gives one sentence."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import zoo
from tests.zoo.batches.vector_folder import make_folder
from zoo.batches.folder import BatchFolder
from zoo.batches.parts import part_files

READERS: dict[str, Callable[[BatchFolder], object]] = {
    "table": BatchFolder.table,
    "batches": lambda batch: list(batch.batches(size=10)),
    "vectors": BatchFolder.vectors,
    "failures": lambda batch: batch.failures,
    "search": lambda batch: batch.search(np.ones(8, np.float32), exact=True),
}


@pytest.fixture
def batch(tmp_path: Path) -> BatchFolder:
    vectors = np.random.default_rng(0).standard_normal((70, 8)).astype(np.float32)
    return make_folder(tmp_path / "out", vectors)


def parts(batch: BatchFolder) -> list[Path]:
    return part_files(batch.path / batch.settings.networks[0].folder)


@pytest.mark.parametrize("reader", READERS)
def test_folder_with_a_truncated_part_is_refused(batch: BatchFolder, reader: str):
    READERS[reader](batch)  # which is whole
    for part in parts(batch):
        part.write_bytes(part.read_bytes()[:-40])
    with pytest.raises(zoo.InputError, match=r"parts of .*out cannot be read: .*\.$"):
        READERS[reader](batch)


@pytest.mark.parametrize("reader", READERS)
def test_folder_whose_last_part_has_damaged_pages_is_refused(batch: BatchFolder, reader: str):
    damaged = bytearray((part := parts(batch)[-1]).read_bytes())
    damaged[8 : len(damaged) // 3] = bytes(len(damaged) // 3 - 8)  # the file's footer is as it was
    part.write_bytes(damaged)
    with pytest.raises(zoo.InputError, match=r"parts of .*out cannot be read: .*\.$"):
        READERS[reader](batch)


@pytest.mark.parametrize("reader", READERS)
def test_folder_with_a_table_of_something_else_is_refused(batch: BatchFolder, reader: str):
    for part in parts(batch):
        pq.write_table(pa.table({"number": [0], "price": [2.5]}), part)
    with pytest.raises(zoo.InputError, match=r"parts of .*out cannot be read: .*\.$"):
        READERS[reader](batch)
