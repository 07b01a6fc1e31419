"""A job reports its progress, stops when it is asked to, and is dropped when its owner leaves."""

import threading
import time

import pytest

from zoo.app.services.job_queue import JobQueue
from zoo.app.services.jobs import LONG, MEASUREMENT, SHORT
from zoo.core.errors import InputError
from zoo.training.fit.loop import Step


def finished(job, seconds=60):
    """The state of a job whose thread has ended."""
    assert job.wait(seconds)
    return job.state


def test_a_refusal_is_a_sentence_and_the_next_one_runs(caplog):
    queue = JobQueue()

    def refuse(job):
        raise InputError("Too little.")

    job = queue.begin(refuse, SHORT)
    assert (finished(job), job.error) == ("failed", "Too little.")
    job = queue.begin(lambda job: 1 / 0, SHORT)
    assert finished(job) == "failed"
    assert "log" in job.error
    assert "ZeroDivisionError" in caplog.text
    assert finished(queue.begin(lambda job: None, SHORT)) == "done"


def test_a_job_reports_its_progress():
    reports = []

    def work(job):
        job.enter("Reading")
        reports.append((job.stage, job.fraction, job.eta))
        time.sleep(0.05)
        job.count_or_stop(1, 2)
        reports.append((job.fraction, job.eta))
        assert job.on_step(Step(0.25, 7.0, ())) is False
        reports.append((job.fraction, job.eta))

    assert finished(JobQueue().begin(work, SHORT)) == "done"
    assert reports[0] == ("Reading", 0.0, None)
    assert reports[1][0] == 0.5
    assert reports[1][1] >= 0.05  # the second half takes as long as the first did
    assert reports[2] == (0.25, 7.0)


def test_a_stopped_job_ends_with_its_result_so_far():
    def work(job):
        job.stop()
        job.count(1, 1)
        return job.on_step(Step(0.5, 1.0, ()))

    job = JobQueue().begin(work, SHORT)
    assert (finished(job), job.result) == ("done", True)

    def early(job):
        job.stop()
        job.count_or_stop(1, 2)

    assert finished(JobQueue().begin(early, SHORT)) == "stopped"


@pytest.mark.parametrize(
    "report",
    [
        lambda job: job.count(1, 2),
        lambda job: job.count_or_stop(1, 2),
        lambda job: job.on_step(Step(0.5, 1.0, ())),
        lambda job: job.enter("Next"),
    ],
    ids=["count", "count_or_stop", "on_step", "enter"],
)
def test_every_report_ends_an_abandoned_job(report):
    def work(job):
        job.abandon()
        report(job)
        return "unwanted"

    job = JobQueue().begin(work, SHORT)
    assert (finished(job), job.result) == ("stopped", None)


def test_an_abandoned_job_counts_as_stopped_at_once_and_keeps_its_place_until_its_thread_ends(gate):
    queue = JobQueue()
    stuck = [queue.begin(lambda job: gate.wait(60), SHORT) for _ in range(SHORT.at_once)]
    while any(job.state != "running" for job in stuck):
        time.sleep(0.01)
    after, measurement = queue.begin(lambda job: "done", SHORT), queue.begin(lambda job: "done", MEASUREMENT)
    stuck[0].abandon()
    assert (stuck[0].state, stuck[0].finished) == ("stopped", True)
    assert not after.wait(0.2)
    assert after.place.ahead == SHORT.at_once
    assert measurement.place.running == (SHORT,) * SHORT.at_once
    gate.set()
    assert (finished(stuck[0]), stuck[0].result) == ("stopped", None)
    assert finished(after) == "done"
    assert finished(measurement) == "done"


def test_an_abandoned_job_that_waits_leaves_its_place_at_once(gate):
    queue = JobQueue()
    running = queue.begin(lambda job: gate.wait(60), LONG)
    while running.state != "running":
        time.sleep(0.01)
    waiting, after = (queue.begin(lambda job: "done", LONG) for _ in range(2))
    waiting.abandon()
    assert waiting.state == "stopped"
    assert after.place.ahead == 1


@pytest.fixture
def gate():
    """Jobs that wait for this do not end before it is set."""
    gate = threading.Event()
    yield gate
    gate.set()
