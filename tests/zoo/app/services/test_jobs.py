"""Jobs wait for each other, tell how far they are, and stop when they are asked to."""

import threading
import time

import pytest

from zoo.app.services.jobs import JobQueue
from zoo.core.errors import InputError
from zoo.training.fit.loop import Step


def over(job, seconds=60):
    """The state of a job, once it is over."""
    end = time.monotonic() + seconds
    while not job.over and time.monotonic() < end:
        time.sleep(0.01)
    return job.state


@pytest.fixture
def gate():
    """Jobs that wait for this keep the line closed."""
    gate = threading.Event()
    yield gate
    gate.set()


def test_one_at_a_time_in_the_order_of_coming(gate):
    line, began = JobQueue(), []

    def work(i):
        def run(job):
            began.append(i)
            gate.wait(60)
            return i

        return run

    jobs = [line.begin(work(i)) for i in range(3)]
    while not began:
        time.sleep(0.01)
    assert [job.ahead for job in jobs] == [0, 1, 2]
    assert [job.state for job in jobs] == ["running", "waiting", "waiting"]
    gate.set()
    assert [over(job) for job in jobs] == ["done"] * 3
    assert began == [0, 1, 2] == [job.result for job in jobs]


def test_who_is_stopped_while_waiting_leaves_the_line(gate):
    line = JobQueue()
    first, second, third = (line.begin(lambda job: gate.wait(60)) for _ in range(3))
    second.stop()
    assert over(second) == "stopped"
    assert second.result is None
    assert first.state == "running"
    while third.ahead != 1:
        time.sleep(0.01)


def test_too_many_are_refused_but_for_what_must_be_done(gate):
    line = JobQueue(most=1)
    for _ in range(2):
        line.begin(lambda job: gate.wait(60))
    with pytest.raises(InputError, match="1 others wait"):
        line.begin(lambda job: None)
    needed = line.begin(lambda job: "done", always=True)
    gate.set()
    assert over(needed) == "done"


def test_a_refusal_is_a_sentence_and_the_next_one_runs(caplog):
    line = JobQueue()

    def refuse(job):
        raise InputError("Too little.")

    job = line.begin(refuse)
    assert (over(job), job.error) == ("failed", "Too little.")
    job = line.begin(lambda job: 1 / 0)
    assert over(job) == "failed"
    assert "log" in job.error
    assert "ZeroDivisionError" in caplog.text
    assert over(line.begin(lambda job: None)) == "done"


def test_a_job_tells_how_far_it_is():
    seen = []

    def work(job):
        job.enter("Looks")
        seen.append((job.stage, job.share, job.left))
        time.sleep(0.05)
        job.count_or_stop(1, 2)
        seen.append((job.share, job.left))
        assert job.watch(Step(0.25, 7.0, ())) is False
        seen.append((job.share, job.left))

    assert over(JobQueue().begin(work)) == "done"
    assert seen[0] == ("Looks", 0.0, None)
    assert seen[1][0] == 0.5
    assert seen[1][1] >= 0.05  # the second half takes as long as the first did
    assert seen[2] == (0.25, 7.0)


def test_stopping_ends_training_with_what_it_has_and_abandoning_with_nothing():
    def work(job):
        job.stop()
        job.count(1, 1)
        return job.watch(Step(0.5, 1.0, ()))

    job = JobQueue().begin(work)
    assert (over(job), job.result) == ("done", True)

    def early(job):
        job.stop()
        job.count_or_stop(1, 2)

    assert over(JobQueue().begin(early)) == "stopped"

    def unwanted(job):
        job.abandon()
        job.count(1, 2)

    assert over(JobQueue().begin(unwanted)) == "stopped"
