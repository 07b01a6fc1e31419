"""Maps by UMAP beside the pages: the steps, failures, and answers of the process."""

import threading
import time

import numpy as np
import pytest

from zoo.app.services import umap_layout, umap_process
from zoo.app.services.umap_layout import STEPS, UmapLayout
from zoo.core.errors import WorkerTimeoutError
from zoo.results import Embedding, Projection
from zoo.results.projection import FEWEST


def embedding(count: int) -> Embedding:
    values = np.random.default_rng(0).normal(size=(count, 9)).astype("f")
    return Embedding("net", "layer", values, None, tuple(f"{i}.png" for i in range(count)))


class Worker:
    """In place of the process: notes the steps, waits for `go`, and answers with PCA's points or fails."""

    def __init__(self, method: str = "umap", error: Exception | None = None):
        self.steps, self.go, self.method, self.error = [], threading.Event(), method, error

    def call(self, request, *arrays, seconds):
        self.steps.append(request["step"])
        assert self.go.wait(30)
        if self.error:
            raise self.error
        return {"method": self.method}, [array[:, :2] for array in arrays]


def finished(layout: UmapLayout) -> UmapLayout:
    end = time.monotonic() + 30
    while not layout.done:
        assert time.monotonic() < end
        time.sleep(0.01)
    return layout


@pytest.fixture
def use(monkeypatch):
    def replace(worker: Worker) -> Worker:
        monkeypatch.setattr(umap_layout, "_worker", lambda: worker)
        return worker

    return replace


def test_a_layout_says_its_step_until_it_is_done(use):
    worker, vectors = use(Worker()), embedding(5)
    layout = UmapLayout(vectors)
    assert (layout.done, layout.step, layout.fraction, layout.projection) == (False, "load", 0, None)
    worker.go.set()
    projection = finished(layout).projection
    assert worker.steps == list(STEPS)
    assert layout.fraction == 1
    np.testing.assert_array_equal(projection.points, vectors.values[:, :2])
    assert projection.labels == vectors.labels()


def test_too_few_vectors_have_no_layout(use):
    use(Worker(method="pca")).go.set()
    layout = finished(UmapLayout(embedding(3)))
    assert (layout.projection, layout.error) == (None, "")


def test_a_layout_that_failed_says_why_and_can_be_begun_again(use):
    use(Worker(error=WorkerTimeoutError("It took more than 1 s."))).go.set()
    layout = finished(UmapLayout(embedding(5)))
    assert (layout.projection, layout.error) == (None, "It took more than 1 s.")
    use(Worker()).go.set()
    layout.begin()
    assert finished(layout).projection is not None
    assert layout.error == ""


def test_the_process_loads_compiles_and_answers_with_the_map(monkeypatch):
    loaded, laid_out = [], []

    def project(values, labels, method):
        laid_out.append(values)
        return Projection(method, values[:, :2], None, tuple(labels))

    monkeypatch.setattr(umap_process, "load_umap", lambda: loaded.append(True))
    monkeypatch.setattr(umap_process, "project", project)
    vectors = embedding(12).values
    assert umap_process.answer({"step": "load"}) == ({}, [])
    assert loaded == [True]
    assert umap_process.answer({"step": "compile"}) == ({}, [])
    assert len(np.unique(laid_out[0], axis=0)) >= FEWEST  # of fewer the map is by PCA: nothing is compiled
    answer, (points,) = umap_process.answer({"step": "project"}, vectors)
    assert answer == {"method": "umap"}
    np.testing.assert_array_equal(points, vectors[:, :2])
