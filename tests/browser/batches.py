"""A batch folder that the app offers in these tests: handwritten digits, embedded by a real network."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import zoo
from zoo.hub.samples import digits

NAME = "digits"
EACH = 8  # of every digit


@contextmanager
def digits_batch() -> Iterator[Path]:
    """The folder, as long as the context lasts; its files have the digit first in their names."""
    with tempfile.TemporaryDirectory() as folder:
        photos, out = Path(folder) / "scans", Path(folder) / NAME
        photos.mkdir()
        for name, content in digits(EACH):
            (photos / name).write_bytes(content)
        zoo.batch(str(photos), task="embed", network="squeezenet", out=out, workers=1)
        yield out
