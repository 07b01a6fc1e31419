"""How often, and how long, a worker process tries files that never end."""

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.batches import workers
from zoo.batches.manifest import File
from zoo.batches.settings import BATCH_SIZE, NetworkSettings, Settings
from zoo.batches.workers import BatchWorker, Limits

SECONDS = 10.0  # a first call takes seconds on a busy machine


def worker(modality: str) -> BatchWorker:
    settings = Settings(
        task="classify",
        modality=modality,
        options={"top": 1},
        engine="auto",
        networks=(NetworkSettings("one", "00", {}),),
        shard_files=BATCH_SIZE,
    )
    return BatchWorker(settings, Limits(SECONDS, 1), device="cpu", threads=1, trust=False)


def errors(running: BatchWorker, files: list[File]) -> dict[str, str | None]:
    """Reason why each file has no result, by name."""
    rows = [row for (batch,) in running.rows(files, [0]) for row in batch.to_pylist()]
    return {Path(row["path"]).name: row["error"] for row in rows}


@pytest.fixture
def listed(run: object, files: Callable[..., None], tmp_path: Path) -> Callable[..., list[File]]:
    """Write files, and number them from `first` on."""

    def write(*names: str, first: int = 0) -> list[File]:
        files(*names)
        return [File(first + i, str(tmp_path / "files" / name)) for i, name in enumerate(names)]

    return write


def test_recording_that_hangs_is_tried_once(listed: Callable[..., list[File]], tmp_path: Path):
    with worker("audio") as running:
        running.load()
        reasons = errors(running, listed("a.wav", "hang.wav", "b.wav"))
    assert (reasons["a.wav"], reasons["b.wav"]) == (None, None)
    assert reasons["hang.wav"] == f"{tmp_path / 'files' / 'hang.wav'} took more than {SECONDS:g} s."
    assert (tmp_path / "files" / "hang.wav.tries").read_text() == "x"


def test_image_that_hangs_costs_its_limit_once_and_the_usual_time_of_a_batch(
    listed: Callable[..., list[File]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(workers, "_LEAST_SECONDS", 0.1)
    monkeypatch.setattr(workers, "_SLOWER", 1.0)
    with worker("image") as running:
        running.load()
        assert running._seconds_together() == SECONDS  # nothing is usual yet
        assert errors(running, listed("a.jpg", "b.jpg")) == {"a.jpg": None, "b.jpg": None}
        assert running._seconds_together() < SECONDS
        reasons = errors(running, listed("hang.jpg", "c.jpg", first=BATCH_SIZE))
    assert reasons["c.jpg"] is None
    assert reasons["hang.jpg"] == f"{tmp_path / 'files' / 'hang.jpg'} took more than {SECONDS:g} s."
    assert (tmp_path / "files" / "hang.jpg.tries").read_text() == "xx"  # with the other, then alone


@pytest.mark.parametrize(("bad", "loads", "together"), [("crash", 2, True), ("net-crash", 3, False)])
def test_images_beside_one_that_crashes_are_done_together_if_it_cannot_be_read(
    listed: Callable[..., list[File]], monkeypatch: pytest.MonkeyPatch, bad: str, loads: int, together: bool
):
    names = ["a.jpg", f"{bad}.jpg", "b.jpg", "c.jpg"]
    with worker("image") as running:
        calls, load = [], running.load
        monkeypatch.setattr(running, "load", lambda: calls.append(load()))
        rows = [batch.to_pylist() for (batch,) in running.rows(listed(*names), [0])]
    assert len(calls) == loads
    assert [len(some) for some in rows] == ([4] if together else [1, 1, 1, 1])
    every = [row for some in rows for row in some]
    assert [Path(row["path"]).name for row in every] == names
    assert [row["error"] is None for row in every] == [True, False, True, True]
    assert every[1]["error"].endswith(f"{bad}.jpg ended the process (SIGSEGV, signal 11).")


def test_images_together_have_at_most_the_limit_of_one(run: object):
    with worker("image") as running:
        running._slowest = 100 * SECONDS
        assert running._seconds_together() == SECONDS
