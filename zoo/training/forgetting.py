"""Taking what was computed of somebody's examples out of the cache again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing

from zoo.weights import cache_folder, storing


def forget(contents: Iterable[str]) -> None:
    """Remove the features of examples, by their hashes, of all networks; see `zoo.training.features`.

    No training that uses them may be under way.

    Raises
    ------
    WeightsError
        If the cache cannot be written.
    """
    rows = [(content,) for content in contents]
    for path in sorted((cache_folder() / "features").glob("*.sqlite")):
        with storing(path), closing(sqlite3.connect(path)) as store:
            try:
                with store:  # a transaction
                    store.execute("PRAGMA secure_delete = ON")  # overwritten, and not just marked as free
                    store.executemany("DELETE FROM features WHERE content = ?", rows)
            except sqlite3.DatabaseError:  # damaged: there is nothing to read in it either
                continue
