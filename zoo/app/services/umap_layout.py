"""Maps by UMAP, which are computed beside the pages."""

from __future__ import annotations

import os
import threading
import time

import numpy as np
from cachetools import cached

from zoo.core.errors import ZooError
from zoo.core.isolated import Worker
from zoo.hub.weights import cache_folder
from zoo.results import Embedding, Projection

STEPS = {"load": "loading", "compile": "compiling", "project": "laying out the map"}
_SECONDS = 600  # of a step; on a busy machine the first map compiles for minutes
_MAX_BYTES = 3_000_000_000  # it takes 0.6 GB for 2000 vectors of 5000 numbers


class UmapLayout:
    """A map of vectors that another process computes, for all sessions one after another.

    Attributes
    ----------
    step : str
        What is being done: a key of `STEPS`.
    projection : Projection or None
        The map, once it is done; None also where too few vectors differ for one.
    error : str
        Why it failed, in one sentence.
    done : bool
    """

    def __init__(self, embedding: Embedding):
        self._embedding = embedding
        self.begin()

    def begin(self) -> None:
        """Compute the map, also once more after it failed."""
        self._start = time.monotonic()
        self.step, self.error, self.done = "load", "", False
        self.projection: Projection | None = None
        threading.Thread(target=self._compute, daemon=True).start()

    @property
    def fraction(self) -> float:
        """How many of the steps are done, from 0 to 1."""
        return 1.0 if self.done else list(STEPS).index(self.step) / len(STEPS)

    @property
    def seconds(self) -> float:
        """Time since it began."""
        return time.monotonic() - self._start

    def _compute(self) -> None:
        try:
            for self.step in ("load", "compile"):
                _worker().call({"step": self.step}, seconds=_SECONDS)
            self.step = "project"
            answer, (points,) = _worker().call({"step": self.step}, self._embedding.values, seconds=_SECONDS)
            if answer["method"] == "umap":
                self.projection = Projection(
                    "umap", points.astype(np.float64), None, self._embedding.labels()
                )
        except ZooError as error:
            self.error = str(error)
        finally:
            self.done = True


@cached({}, condition=threading.Condition())
def _worker() -> Worker:
    """Start the process, which keeps its compiled code in the cache folder for the next one."""
    folder = os.environ.get("NUMBA_CACHE_DIR") or str(cache_folder() / "numba")
    return Worker("zoo.app.services.umap_process", max_bytes=_MAX_BYTES, env={"NUMBA_CACHE_DIR": folder})
