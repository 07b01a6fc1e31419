"""Which job runs when: lanes, the quiet machine, estimates, and what is refused."""

import sys
import threading
import time
from dataclasses import replace

import psutil
import pytest

from zoo.app.components.job_progress import waiting
from zoo.app.services.job_queue import JobQueue
from zoo.app.services.jobs import INSTANT, LONG, MEASUREMENT, SHORT, Kind
from zoo.core.errors import InputError

ONE = Kind("job", "jobs", "one", at_once=1, seconds=10)


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


class Held:
    """A job that runs until it is released or stopped."""

    def __init__(self, queue, kind):
        self._release = threading.Event()
        self.job = queue.begin(self._work, kind)

    def _work(self, job):
        while not self._release.wait(0.01):
            job.count_or_stop(0, 1)

    def running(self):
        until(lambda: self.job.state == "running")
        return self

    def end(self):
        self._release.set()
        assert self.job.wait(60)


@pytest.fixture
def held():
    """Begin jobs that run until they are ended; those that are left end with the test."""
    begun = []

    def begin(queue, kind):
        begun.append(Held(queue, kind))
        return begun[-1]

    yield begin
    for one in begun:
        one.end()


def test_a_lane_keeps_the_order_in_which_its_jobs_came(held):
    queue = JobQueue()
    jobs = [held(queue, ONE) for _ in range(3)]
    jobs[0].running()
    assert [one.job.place.ahead for one in jobs] == [0, 1, 2]
    assert [one.job.state for one in jobs] == ["running", "waiting", "waiting"]
    jobs[0].end()
    jobs[1].running()
    assert jobs[2].job.state == "waiting"
    assert jobs[2].job.place.ahead == 1


@pytest.mark.parametrize("long", [LONG, MEASUREMENT], ids=["fine-tuning", "measurement"])
@pytest.mark.parametrize("kind", [INSTANT, SHORT], ids=["stored", "short"])
def test_a_short_job_does_not_wait_for_a_long_one_or_a_measurement(held, kind, long):
    queue = JobQueue()
    first, second = held(queue, long).running(), held(queue, long)
    short = queue.begin(lambda job: "done", kind)
    assert short.wait(60)
    assert short.state == "done"
    assert (first.job.state, second.job.state) == ("running", "waiting")


def test_a_stopped_job_leaves_the_queue(held):
    queue = JobQueue()
    first, second, third = (held(queue, ONE) for _ in range(3))
    first.running()
    second.job.stop()
    assert second.job.wait(60)
    assert (second.job.state, second.job.result) == ("stopped", None)
    assert first.job.state == "running"
    assert third.job.place.ahead == 1


def test_too_many_of_a_lane_are_refused(held):
    queue = JobQueue(max_waiting=1)
    held(queue, ONE).running()
    held(queue, ONE)
    with pytest.raises(InputError, match="1 jobs are waiting already"):
        queue.begin(lambda job: None, ONE)
    assert queue.begin(lambda job: "done", SHORT).wait(60)


def test_a_job_that_gets_no_thread_is_refused_and_leaves_its_lane(monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    queue = JobQueue()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(InputError, match="no thread left"):
            queue.begin(lambda job: None, ONE)
    assert queue.begin(lambda job: "done", ONE).wait(60)


def test_a_measurement_waits_for_a_quiet_machine_and_says_for_what(held):
    queue = JobQueue(patience=600)
    tuning, short = held(queue, LONG).running(), held(queue, SHORT).running()
    measurement = held(queue, MEASUREMENT)
    with queue.page_at_work():
        sentence = waiting(measurement.job)
        assert sentence.startswith(
            "Waits for a quiet machine: 1 fine-tuning and 1 short training and 1 page are running. Starts in "
        )
        tuning.end()
        short.end()
        time.sleep(0.1)
        assert measurement.job.state == "waiting"
        assert waiting(measurement.job).startswith("Waits for a quiet machine: 1 page is running. Starts in ")
    measurement.running()
    assert not measurement.job.disturbed


@pytest.mark.parametrize("by", ["job", "page"])
def test_a_measurement_notes_that_other_work_began_beside_it(held, by):
    queue = JobQueue()
    measurement = held(queue, MEASUREMENT).running()
    waits = held(queue, LONG)
    assert not measurement.job.disturbed
    if by == "job":
        assert queue.begin(lambda job: None, SHORT).wait(60)
    else:
        with queue.page_at_work():
            pass
    assert measurement.job.disturbed
    assert waits.job.state == "waiting"


def test_a_measurement_does_not_wait_for_ever_while_short_jobs_come_and_go(held):
    queue = JobQueue(patience=0.3)
    shorts = [held(queue, SHORT).running()]
    measurement = held(queue, MEASUREMENT)
    while measurement.job.state == "waiting":  # the next short one begins before the last one ends
        shorts.append(held(queue, SHORT).running())
        shorts[-2].end()
    measurement.running()
    assert measurement.job.disturbed


def test_a_long_job_that_came_later_waits_for_the_measurement(held):
    queue = JobQueue(patience=600)
    short = held(queue, SHORT).running()
    measurement, tuning = held(queue, MEASUREMENT), held(queue, LONG)
    assert tuning.job.place.ahead == 1
    short.end()
    measurement.running()
    assert tuning.job.state == "waiting"
    measurement.end()
    tuning.running()


def test_a_place_is_worth_what_the_jobs_before_it_take(held):
    queue = JobQueue()
    two = replace(ONE, at_once=2)
    jobs = [held(queue, two) for _ in range(5)]
    for one in jobs[:2]:
        one.running()
    seconds = [one.job.place.seconds for one in jobs]
    assert seconds[:2] == [0, 0]
    assert seconds[2] == pytest.approx(10, abs=1)  # the first that ends
    assert seconds[4] == pytest.approx(20, abs=2)
    assert waiting(jobs[4].job) == f"4 before you: starts in about {seconds[4]:.0f} s."


def test_past_jobs_and_the_pace_of_the_running_one_replace_the_typical_duration(held):
    queue = JobQueue()
    for _ in range(3):
        assert queue.begin(lambda job: time.sleep(0.01), ONE).wait(60)
    begun, release = threading.Event(), threading.Event()

    def work(job):
        job.enter("Training")
        time.sleep(0.05)
        job.count(1, 1001)
        begun.set()
        release.wait(60)

    job = queue.begin(work, ONE)
    assert begun.wait(60)
    later = [held(queue, ONE), held(queue, ONE)]
    wait = [one.job.place.seconds for one in later]
    assert wait[0] >= 50  # 1,000 times what it has taken
    assert wait[1] - wait[0] < 5  # and not 10, since those before took 0.01 s
    release.set()
    assert job.wait(60)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems return freed memory by themselves")
def test_memory_that_a_job_has_freed_returns_to_the_system():
    before = psutil.Process().memory_info().rss

    def work(job):
        blocks = [b"x" * 50_000 for _ in range(6_000)]  # 300 MB in blocks that are not mapped by themselves
        return blocks[::1000]  # some stay in between

    job = JobQueue().begin(work, SHORT)
    assert job.wait(60)
    assert psutil.Process().memory_info().rss - before < 100e6
